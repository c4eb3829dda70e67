from typing import cast

import pytest
from dev_provider.harness import CALLBACK, FORM, World, error_of, members

from spa_auth.dev_provider import DEMO, Client, Options
from spa_auth.dev_provider.events import GrantRevoked
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

API = "https://api.example"
OFFLINE = "openid offline_access"
WEB = Client(
    client_id="web",
    client_secret="s3cret",
    redirect_uris=(CALLBACK,),
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
)
OPTIONS = Options(clients=(DEMO, WEB))
SECRET = {"client_id": "web", "client_secret": "s3cret"}


def revoke(world: World, token: str, **params: str) -> Response:
    world.events.clear()
    fields = {"client_id": "demo", "token": token, **params}
    return world.send("POST", "/oauth/revoke", *FORM, body=form.encode(fields))


def active(world: World, token: str) -> bool:
    body = form.encode({**SECRET, "token": token})
    return bool(members(world.send("POST", "/oauth/introspect", *FORM, body=body))["active"])


def test_a_refresh_token_takes_its_whole_login_along() -> None:
    world = World(OPTIONS)
    tokens = world.tokens(scope=OFFLINE, audience=API)
    tokens = {**tokens, **members(world.refresh(tokens["refresh_token"]))}
    response = revoke(world, tokens["refresh_token"])
    assert (response.status, response.body) == (200, b"")
    assert world.trace == [
        "authorization_code.destroyed",
        *["access_token.destroyed"] * 2,
        *["refresh_token.destroyed"] * 2,
        "grant.revoked",
        "revocation.success",
    ]
    event = cast("GrantRevoked", dict(world.events)["grant.revoked"])
    assert (event.reason, event.context.client if event.context else None) == ("revocation", DEMO)
    assert error_of(world.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert world.userinfo(tokens["access_token"]).status == 401
    assert not active(world, tokens["access_token"])


def test_a_spent_refresh_token_does_so_too() -> None:
    world = World(OPTIONS)
    spent = world.tokens(scope=OFFLINE)["refresh_token"]
    good = members(world.refresh(spent))["refresh_token"]
    assert revoke(world, spent).status == 200
    assert error_of(world.refresh(good)) == "invalid_grant"


@pytest.mark.parametrize("audience", ["", API])
def test_an_access_token_goes_alone(audience: str) -> None:
    world = World(OPTIONS)
    tokens = world.tokens(scope=OFFLINE, audience=audience)
    assert active(world, tokens["access_token"])
    assert revoke(world, tokens["access_token"]).status == 200
    assert world.trace == ["access_token.destroyed", "revocation.success"]
    assert world.userinfo(tokens["access_token"]).status == 401
    assert not active(world, tokens["access_token"])
    assert world.refresh(tokens["refresh_token"]).status == 200


def test_a_token_of_an_application_itself_can_be_revoked() -> None:
    world = World(OPTIONS)
    body = form.encode({**SECRET, "grant_type": "client_credentials"})
    token = members(world.send("POST", "/oauth/token", *FORM, body=body))["access_token"]
    assert revoke(world, token, **SECRET).status == 200
    assert world.trace == ["client_credentials.destroyed", "revocation.success"]
    assert not active(world, token)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "unknown"])
def test_a_hint_is_no_more_than_that(hint: str) -> None:
    world = World(OPTIONS)
    token = world.tokens()["access_token"]
    assert revoke(world, token, token_type_hint=hint).status == 200
    assert world.userinfo(token).status == 401


def test_an_unknown_token_is_no_error_and_no_token_is_revoked_twice() -> None:
    world = World(OPTIONS)
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    for text in ("unknown", "a.b.c", "é" * 9_000, token, token):
        assert revoke(world, text).status == 200
    assert world.trace == ["revocation.success"]


def test_the_token_of_another_client_is_refused_and_stays_good() -> None:
    world = World(OPTIONS)
    tokens = world.tokens(scope=OFFLINE)
    for name in ("refresh_token", "access_token"):
        assert error_of(revoke(world, tokens[name], **SECRET)) == "invalid_grant"
        assert world.trace == ["revocation.error"]
    assert world.userinfo(tokens["access_token"]).status == 200
    assert world.refresh(tokens["refresh_token"]).status == 200


def test_an_id_token_is_of_a_type_that_cannot_be_revoked() -> None:
    world = World(OPTIONS)
    assert error_of(revoke(world, world.tokens()["id_token"])) == "unsupported_token_type"


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"token": ""}, 400, "invalid_request"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"client_id": "web"}, 401, "invalid_client"),
        ({"client_id": "web", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": "x"}, 401, "invalid_client"),
    ],
)
def test_a_wrong_request_has_the_error_of_its_specification(params: dict[str, str], status: int, error: str) -> None:
    world = World(OPTIONS)
    token = world.tokens()["access_token"]
    response = revoke(world, **{"token": token, **params})
    assert (response.status, error_of(response)) == (status, error)
    assert world.trace == ["revocation.error"]
    assert world.userinfo(token).status == 200


def test_pages_of_other_origins_may_revoke_and_read_the_answer() -> None:
    world = World(OPTIONS)
    assert revoke(world, "x").header("access-control-allow-origin") == "*"
    assert world.send("OPTIONS", "/oauth/revoke").status == 204
