"""What gate.js gets to begin a login with; tests/web/test_gate.py runs the gate on it."""

import json
from typing import Any

import pytest
from protocol_values import SERVER, TRANSACTION

from spa_auth.protocol import form
from spa_auth.protocol.authorization import AuthorizationRequest, authorization_request
from spa_auth.protocol.flows import LoginRequest
from spa_auth.protocol.recipe import dump_recipe
from spa_auth.protocol.transaction import parse_transaction

LOGIN = LoginRequest(TRANSACTION, authorization_request(SERVER, TRANSACTION, {"ui_locales": "de"}))
SILENT = LoginRequest(TRANSACTION, authorization_request(SERVER, TRANSACTION, {"prompt": "none"}))


def recipe(login: LoginRequest = LOGIN, silent: LoginRequest | None = None) -> Any:  # noqa: ANN401  JSON
    text = dump_recipe(until=7, login=login, silent=silent)
    return None if text is None else json.loads(text)


def test_a_recipe_holds_all_that_is_not_random() -> None:
    written = recipe()
    assert (written["v"], written["until"]) == (1, 7)
    asked = dict(form.parse(LOGIN.request.url.partition("?")[2]))
    left = dict(form.parse(written["login"]["url"].partition("?")[2]))
    assert asked.keys() - left.keys() == {"state", "nonce", "code_challenge"}
    assert left.items() <= asked.items()
    assert written["login"]["url"].startswith("https://id.example/authorize?")


def test_a_recipe_holds_no_secret() -> None:
    text = json.dumps(recipe())
    for secret in (TRANSACTION.state, TRANSACTION.nonce, TRANSACTION.code_verifier):
        assert secret not in text


def test_a_record_becomes_whole_with_what_the_gate_adds() -> None:
    record = recipe()["login"]["record"]
    added = {
        "state": TRANSACTION.state,
        "nonce": TRANSACTION.nonce,
        "code_verifier": TRANSACTION.code_verifier,
        "return_to": TRANSACTION.return_to,
        "created_at": TRANSACTION.created_at,
    }
    assert all(not record[name] or record[name] == "/" for name in added)
    assert parse_transaction(json.dumps({**record, **added}), TRANSACTION.state) == TRANSACTION


def test_a_silent_login_is_there_only_if_it_may_be_tried() -> None:
    assert "silent" not in recipe()
    assert ("prompt", "none") in form.parse(recipe(silent=SILENT)["silent"]["url"].partition("?")[2])


def test_the_address_keeps_its_own_query_and_loses_its_fragment() -> None:
    server = SERVER._replace(authorization_endpoint="https://id.example/authorize?p=1#top")
    written = recipe(LoginRequest(TRANSACTION, authorization_request(server, TRANSACTION)))
    assert written["login"]["url"].startswith("https://id.example/authorize?p=1&client_id=")
    assert "#" not in written["login"]["url"]


@pytest.mark.parametrize("name", ["dpop_jkt", "request", "request_uri"])
def test_a_login_that_only_python_can_begin_gives_no_recipe(name: str) -> None:
    """PAR and a DPoP key."""
    url = f"https://id.example/authorize?client_id=c&{name}=x"
    assert recipe(LoginRequest(TRANSACTION, AuthorizationRequest(url))) is None
    assert recipe(LOGIN, LoginRequest(TRANSACTION, AuthorizationRequest(url))) is None
