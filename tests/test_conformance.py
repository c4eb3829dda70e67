"""The pages in web/docs/ that promise something line by line: each line is held by a test that exists."""

import inspect
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from spa_auth import errors
from spa_auth.client.auth_client import AuthClient
from spa_auth.client.config import ClientConfig
from spa_auth.client.events import EVENT_NAMES
from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.discovery import metadata
from spa_auth.errors import RequestError, SpaAuthError
from spa_auth.protocol.http import Request, Response

DOCS = Path(__file__).resolve().parents[1] / "web" / "docs"
CONFORMANCE, MIGRATING, PAGES = DOCS / "conformance.md", DOCS / "migrating.md", DOCS / "pages.md"
LAST_CELL = re.compile(r"^\| (.+) \| \[[^\]]+\]\(([^)#]+)#(\w+)\) \|$")
HEADER = re.compile(r"^\|(?:.*\| test|---.*|(?: there \| here)) *\|$")
SPECIFICATIONS = re.findall(
    r"^## (RFC \d+|OpenID Connect [^\d]+|OAuth 2.0 [^\d]+)", CONFORMANCE.read_text(), re.MULTILINE
)
# What an API raises, and no page.
OF_SERVERS = {
    "RequestError", "InvalidRequestError", "InvalidTokenError", "InvalidDPoPProofError", "UseDPoPNonceError",
    "UpstreamError",
}  # fmt: skip

# What a member of the metadata, or a grant type in it, promises to follow.
PROMISES = {
    "token_endpoint": "RFC 6749",
    "userinfo_endpoint": "RFC 6750",
    "revocation_endpoint": "RFC 7009",
    "registration_endpoint": "RFC 7591",
    "code_challenge_methods_supported": "RFC 7636",
    "introspection_endpoint": "RFC 7662",
    "device_authorization_endpoint": "RFC 8628",
    "pushed_authorization_request_endpoint": "RFC 9126",
    "authorization_response_iss_parameter_supported": "RFC 9207",
    "dpop_signing_alg_values_supported": "RFC 9449",
    "id_token_signing_alg_values_supported": "OpenID Connect Core ",
    "end_session_endpoint": "OpenID Connect RP-Initiated Logout ",
    "backchannel_logout_supported": "OpenID Connect Back-Channel Logout ",
}


class Row(NamedTuple):
    """One line of a table: its cells before the last, and the test in that one."""

    cells: str
    path: str
    test: str


def promises(page: Path) -> str:
    """What a page says is there now."""
    return page.read_text().partition("\n## Not yet\n")[0]


def lines(page: Path) -> list[str]:
    """Every line of the tables of a page that promises something."""
    return [line for line in promises(page).splitlines() if line.startswith("|") and not HEADER.match(line)]


def rows(page: Path) -> list[Row]:
    """Every line of the tables of a page that ends with a test."""
    return [Row(*match.groups()) for line in lines(page) if (match := LAST_CELL.match(line))]


def words(page: Path) -> set[str]:
    """Every name that a page shows as code."""
    code = re.findall(r"```\w+\n(.*?)```|`([^`\n]+)`", promises(page), re.DOTALL)
    text = " ".join(" ".join(found) for found in code)
    return {*re.findall(r"\w+", text), *re.findall(r"[a-z]+\.[a-z]+", text)}


@pytest.mark.parametrize(
    ("where", "row"),
    [(where, row) for where in (CONFORMANCE, MIGRATING) for row in rows(where)],
    ids=lambda value: value.test if isinstance(value, Row) else value.stem,
)
def test_each_line_is_held_by_a_test_that_exists(where: Path, row: Row) -> None:
    assert all(cell.strip() for cell in row.cells.split("|"))
    assert re.search(rf"^(async )?def {row.test}\(", (where.parent / row.path).read_text(), re.MULTILINE)


@pytest.mark.parametrize("where", [CONFORMANCE, MIGRATING])
def test_every_line_of_the_tables_is_one_that_is_checked(where: Path) -> None:
    assert [line for line in lines(where) if not LAST_CELL.match(line)] == []
    assert len(rows(where)) > 100


async def way_out(_request: Request) -> Response:
    return Response(200)


def test_every_endpoint_in_the_metadata_has_its_specification_here() -> None:
    provider = DevProvider(Options(registration="open"), send=way_out)
    members = metadata(provider._service)
    assert set(PROMISES) <= set(members)
    assert {name for name in members if name.endswith("_endpoint")} <= {*PROMISES, "authorization_endpoint"}
    assert not [promise for promise in PROMISES.values() if promise not in SPECIFICATIONS]


VERBS = {name for name in dir(AuthClient) if not name.startswith("_")}
ERRORS = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SpaAuthError)}


@pytest.mark.parametrize("where", [MIGRATING, PAGES])
@pytest.mark.parametrize(
    "names",
    [set(ClientConfig._fields), VERBS, set(EVENT_NAMES), ERRORS - OF_SERVERS],
    ids=["options", "verbs", "events", "errors"],
)
def test_users_find_every_name_that_they_may_meet(where: Path, names: set[str]) -> None:
    assert names - words(where) == set()


def test_the_errors_of_servers_are_those_that_no_page_raises() -> None:
    assert {name for name in OF_SERVERS if not issubclass(getattr(errors, name), RequestError)} == set()
    client = Path(inspect.getfile(AuthClient)).parents[1]
    sources = [path.read_text() for ring in ("client", "browser") for path in (client / ring).glob("*.py")]
    assert {name for name in OF_SERVERS if any(re.search(rf"\b{name}\b", source) for source in sources)} == set()
