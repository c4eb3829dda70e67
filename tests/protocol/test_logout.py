from urllib.parse import parse_qs, urlsplit

import pytest
from protocol_values import SERVER
from token_factory import ISSUER

from spa_auth.protocol.logout import logout_url, v2_logout_url
from spa_auth.protocol.metadata import ServerMetadata


def test_a_logout_names_what_it_was_given() -> None:
    url = logout_url(
        SERVER,
        client_id="notes-page",
        post_logout_redirect_uri="https://app.example/?a=1&b=2",
        id_token_hint="a.b.c",
        state="x&y",
    )
    assert url is not None
    assert url.startswith("https://id.example/oidc/logout?")
    assert parse_qs(urlsplit(url).query) == {
        "client_id": ["notes-page"],
        "post_logout_redirect_uri": ["https://app.example/?a=1&b=2"],
        "id_token_hint": ["a.b.c"],
        "state": ["x&y"],
    }


def test_l07_without_a_hint_only_the_client_is_named() -> None:
    assert logout_url(SERVER, client_id="c") == "https://id.example/oidc/logout?client_id=c"


def test_a_provider_may_have_no_place_to_log_out() -> None:
    assert logout_url(ServerMetadata(ISSUER), client_id="c") is None


def test_the_older_form_names_the_client_and_where_to_come_back() -> None:
    url = v2_logout_url(SERVER, client_id="notes-page", return_to="https://app.example/?a=1&b=2")
    assert url.startswith("https://id.example/v2/logout?")
    assert parse_qs(urlsplit(url).query) == {"client_id": ["notes-page"], "returnTo": ["https://app.example/?a=1&b=2"]}


@pytest.mark.parametrize(
    ("client_id", "federated", "query"),
    [("c", True, "?client_id=c&federated"), (None, True, "?federated"), (None, False, "")],
)
def test_the_older_form_can_name_any_client_and_the_provider_behind(
    client_id: str | None, federated: bool, query: str
) -> None:
    server = ServerMetadata(ISSUER.removesuffix("/"))
    assert v2_logout_url(server, client_id=client_id, federated=federated) == f"https://id.example/v2/logout{query}"
