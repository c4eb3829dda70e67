"""The rings: imports point inwards, and only the outermost folder touches the world."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "spa_auth"

RING_0 = {"errors", "events", "protocol"}
RING_1 = RING_0 | {"client"}
RINGS = RING_1 | {"browser", "server", "dev_provider", "testing", "cli"}

# What each part may import of the others, itself included. "" is spa_auth/__init__.py.
MAY_IMPORT = {
    "": {"errors"},
    "errors": {"errors"},
    "events": {"errors", "events"},
    "protocol": RING_0,
    "client": RING_1,
    "browser": RING_1 | {"browser"},
    "server": RING_0 | {"server"},
    "dev_provider": RING_0 | {"dev_provider"},
    "testing": RINGS - {"cli"},
    "cli": RINGS,
}

# What is loaded at the start of every page anyway, or costs next to nothing there.
LIGHT = {
    "base64",
    "binascii",
    "collections.abc",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "json",
    "re",
    "typing",
}
LIGHT_ASYNC = LIGHT | {"asyncio", "contextlib", "secrets", "time", "warnings"}
STANDARD_LIBRARY_OF = {
    "": LIGHT,
    "errors": LIGHT | {"contextlib"},
    "events": LIGHT,
    "protocol": LIGHT,
    "client": LIGHT_ASYNC,
}

BROWSER_ONLY = {"js", "pyodide", "pyodide_js", "pyscript"}


@dataclass(frozen=True)
class Import:
    """One imported name, and where it stands."""

    path: Path
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.name}"

    @property
    def importer(self) -> str:
        """The part of spa_auth that the file belongs to."""
        return part_of(self.path.relative_to(PACKAGE).with_suffix("").parts)

    @property
    def imported_part(self) -> str | None:
        """The part of spa_auth that is imported; None for everybody else's modules."""
        top, *inner = self.name.split(".")
        return part_of(tuple(inner)) if top == "spa_auth" else None


def part_of(parts: tuple[str, ...]) -> str:
    return parts[0] if parts and parts[0] in RINGS else ""


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports_of(path: Path) -> Iterator[Import]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(path, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(path, node.lineno, name) for name in names_of(node))


def names_of(node: ast.ImportFrom) -> list[str]:
    """`from spa_auth import errors` imports a part; from elsewhere the module is what counts."""
    module = node.module or ""
    return [f"{module}.{alias.name}" for alias in node.names] if module == "spa_auth" else [module]


def all_imports() -> list[Import]:
    return [found for path in sources() for found in imports_of(path)]


def offenders(found: list[Import]) -> str:
    return "\n".join(map(str, found))


def test_there_is_something_to_look_at() -> None:
    assert len(sources()) > 10
    assert any(found.imported_part == "errors" for found in all_imports())


def test_every_part_imports_inwards_only() -> None:
    wrong = [
        found
        for found in all_imports()
        if found.imported_part is not None and found.imported_part not in MAY_IMPORT[found.importer] | {""}
    ]
    assert not wrong, offenders(wrong)


def test_the_inner_rings_import_only_what_starts_fast() -> None:
    wrong = [
        found
        for found in all_imports()
        if found.importer in STANDARD_LIBRARY_OF
        and found.imported_part is None
        and found.name not in STANDARD_LIBRARY_OF[found.importer]
    ]
    assert not wrong, offenders(wrong)


def test_only_the_browser_folder_imports_the_browser() -> None:
    wrong = [
        found
        for found in all_imports()
        if found.name.split(".")[0] in BROWSER_ONLY and not found.path.is_relative_to(PACKAGE / "browser")
    ]
    assert not wrong, offenders(wrong)


def test_at_most_one_module_imports_pyscript() -> None:
    modules = {found.path for found in all_imports() if found.name.split(".")[0] == "pyscript"}
    assert len(modules) <= 1, modules


def test_nothing_imports_the_random_module() -> None:
    """A snapshot of Pyodide gives every visitor the same "random" numbers; secrets stay secret."""
    wrong = [found for found in all_imports() if found.name.split(".")[0] == "random"]
    assert not wrong, offenders(wrong)


def test_relative_imports_are_not_used() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not wrong


def test_no_text_is_ever_run_as_code() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} calls {node.func.id}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}
    ]
    assert not wrong


@pytest.mark.parametrize("danger", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("])
def test_no_text_is_ever_put_into_a_page_as_markup(danger: str) -> None:
    pages = [path for path in (ROOT / "web").rglob("*") if path.suffix in {".html", ".js", ".py"} and is_ours(path)]
    wrong = [str(path.relative_to(ROOT)) for path in [*sources(), *pages] if danger in path.read_text(encoding="utf-8")]
    assert not wrong


def is_ours(path: Path) -> bool:
    return not {"node_modules", "dist"} & set(path.relative_to(ROOT).parts)
