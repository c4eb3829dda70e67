import re
from pathlib import Path

import pytest

from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.discovery import metadata
from spa_auth.protocol.http import Request, Response

PAGE = Path(__file__).resolve().parents[1] / "web" / "docs" / "conformance.md"
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| \[[^\]]+\]\(([^)#]+)#(\w+)\) \|$", PAGE.read_text(), re.MULTILINE)
SPECIFICATIONS = re.findall(r"^## (RFC \d+|OpenID Connect [^\d]+|OAuth 2.0 [^\d]+)", PAGE.read_text(), re.MULTILINE)

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


@pytest.mark.parametrize(("section", "demand", "path", "name"), ROWS)
def test_each_demand_is_held_by_a_test_that_exists(section: str, demand: str, path: str, name: str) -> None:
    assert section
    assert demand
    assert re.search(rf"^def {name}\(", (PAGE.parent / path).read_text(), re.MULTILINE)


def test_every_row_of_the_table_is_one_that_is_checked() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "| section |" not in line]
    assert len(rows) == len(ROWS) > 100


async def way_out(_request: Request) -> Response:
    return Response(200)


def test_every_endpoint_in_the_metadata_has_its_specification_here() -> None:
    provider = DevProvider(Options(registration="open"), send=way_out)
    members = metadata(provider._service)
    assert set(PROMISES) <= set(members)
    assert {name for name in members if name.endswith("_endpoint")} <= {*PROMISES, "authorization_endpoint"}
    assert not [promise for promise in PROMISES.values() if promise not in SPECIFICATIONS]
