"""Which threats of tests/vectors/threats.json have a test that names them, and why the others have none.

.venv/bin/python tests/coverage_of_threats.py
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

from vector_files import vectors

TESTS = Path(__file__).parent
# In words an id has a large letter, in the name of a test a small one. "\x06" is none.
_ID = re.compile(r"(?<![A-Za-z0-9\\])([A-Z]\d\d)(?![A-Za-z0-9])")
_ABOUT_IDS = {Path(__file__).name, "test_threats.py"}
_TEST_NAME = re.compile(r"def test_(\w+)")
GROUPS = {
    "A": "authorization request, callback, transaction",
    "W": "windows, frames, messages",
    "K": "token endpoint",
    "I": "ID token and userinfo",
    "R": "refresh, cache and tabs",
    "D": "DPoP in the client",
    "F": "requests to APIs",
    "S": "storage, scripts, the Pyodide boundary",
    "L": "logout and revocation",
    "M": "discovery and keys",
    "J": "JOSE and JSON",
    "V": "access token validator",
    "P": "DPoP proof validator",
    "N": "introspection, caches, groups",
    "H": "HTTP surface of the validator",
    "C": "session on the server",
    "B": "back-channel logout",
    "O": "development provider",
    "X": "supply chain and process",
}
# Why a row has no test yet; by id, or by group.
REASONS = {
    "D": "DPoP in the page is not built yet",
    "P": "the API validator does not take DPoP proofs yet",
    "V": "the API validator is not complete yet",
    "N": "introspection is not built yet",
    "H": "the API validator is not complete yet",
    "C": "sessions on the server are not built yet",
    "B": "sessions on the server are not built yet",
    "X": "needs services beyond the tests, or comes with the release",
    "K11": "DPoP in the page is not built yet",
    "K22": "DPoP in the page is not built yet",
    "K28": "DPoP in the page is not built yet",
    "M21": "keys and metadata stay in the memory of one client or validator; no cache is shared",
    "S12": "out of scope, as SECURITY.md says: a script that runs before can do whatever the page can",
    "S16": "the demo serves all it loads itself; no hash of ours guards Python that a page loads from elsewhere",
    "S17": "out of scope, as SECURITY.md says: Python packages in the page can read its memory",
    "W18": "the client uses no check_session_iframe",
    "W22": "a login by redirect says that its page is shown again; other waits end at their own time, not at once",
}


class Row(NamedTuple):
    """One threat: how it is called, how urgent it is, and the tests that name it."""

    name: str
    attack: str
    priority: int
    tests: tuple[str, ...]

    @property
    def reason(self) -> str | None:
        """Why no test names it; None where nobody has said."""
        return REASONS.get(self.name) or REASONS.get(self.name[0])


def rows() -> list[Row]:
    """Every threat of the catalogue, in its order."""
    tests = named()
    return [
        Row(name, row["attack"], row["priority"], tuple(sorted(tests.get(name, ()))))
        for name, row in vectors("threats").items()
    ]


def named() -> dict[str, set[str]]:
    """The modules of tests that name an id, by id."""
    found_in: dict[str, set[str]] = {}
    for path in TESTS.rglob("*.py"):
        if "node_modules" in path.parts or path.name in _ABOUT_IDS:
            continue
        for found in ids_in(path.read_text(encoding="utf-8")):
            found_in.setdefault(found, set()).add(str(path.relative_to(TESTS)))
    return found_in


def ids_in(text: str) -> set[str]:
    """Every id that a module of tests names."""
    names = " ".join(_TEST_NAME.findall(text)).replace("_", " ").upper()
    return {*_ID.findall(text.replace("_", " ")), *_ID.findall(names)}


def main() -> int:
    """Print the table; the exit status is 1 where a row of priority 0 or 1 has neither test nor reason."""
    open_rows = 0
    for letter, title in GROUPS.items():
        group = [row for row in rows() if row.name[0] == letter]
        covered = [row for row in group if row.tests]
        print(f"{letter}  {title}: {len(covered)} of {len(group)}")  # noqa: T201  this is what it is for
        for row in group:
            if not row.tests:
                open_rows += row.priority < 2 and row.reason is None
                print(f"     {row.name} (priority {row.priority}) {row.attack}: {row.reason or 'NO TEST'}")  # noqa: T201
    return 1 if open_rows else 0


if __name__ == "__main__":
    sys.exit(main())
