from typing import Any

import pytest
from dev_provider.harness import CALLBACK, FORM, ISSUER, World, error_of, members
from dev_provider.prover import Prover

from spa_auth.dev_provider import ALICE, DEMO, Client, Options, User
from spa_auth.protocol import form
from spa_auth.protocol.http import Response
from spa_auth.protocol.strict_json import dumps

API = "https://api.example"
OFFLINE = "openid offline_access"
ASKER = Client(client_id="api", client_secret="s3cret", grant_types=("client_credentials",))
WEB = Client(client_id="web", client_secret="other", redirect_uris=(CALLBACK,))
OPTIONS = Options(clients=(DEMO, ASKER, WEB))
INACTIVE = {"active": False}
POST = "client_secret_post"


def ask(world: World, token: str, **params: str) -> Response:
    fields = {"token": token, "client_id": "api", "client_secret": "s3cret", **params}
    return world.send("POST", "/oauth/introspect", *FORM, body=form.encode(fields))


def told(world: World, token: str, **params: str) -> dict[str, Any]:
    return members(ask(world, token, **params))


def test_an_opaque_access_token_is_told() -> None:
    world = World(OPTIONS)
    token = world.tokens()["access_token"]
    answer = told(world, token)
    assert answer.pop("jti") not in ("", token)
    now = world.clock()
    assert answer == {
        "active": True,
        "iss": ISSUER,
        "sub": "alice",
        "username": "Alice Archer",
        "client_id": "demo",
        "token_type": "Bearer",
        "scope": "openid profile email",
        "iat": now,
        "exp": now + 600,
        "auth_time": now,
    }
    assert world.trace[-1] == "introspection.success"


def test_a_jwt_is_told_as_it_tells_itself() -> None:
    ann = User("ann", {**ALICE.claims, "groups": ["staff"], "roles": ["editor"]})
    world = World(Options(clients=(DEMO, ASKER), users=(ann,)))
    token = world.tokens("ann", audience=API)["access_token"]
    claims = world.verified(token).claims
    assert told(world, token) == {**claims, "active": True, "username": "Alice Archer", "token_type": "Bearer"}
    assert claims["groups"] == ["staff"]


def test_a_bound_token_is_told_with_its_key() -> None:
    world = World(OPTIONS)
    prover = Prover(world)
    answer = told(world, members(prover.exchange(world.login()["code"]))["access_token"])
    assert (answer["token_type"], answer["cnf"]) == ("DPoP", {"jkt": prover.jkt})


def test_a_token_of_an_application_itself_is_told() -> None:
    world = World(OPTIONS)
    body = form.encode({"grant_type": "client_credentials", "client_id": "api", "client_secret": "s3cret"})
    token = members(world.send("POST", "/oauth/token", *FORM, body=body))["access_token"]
    answer = told(world, token)
    assert (answer["active"], answer["sub"], answer["client_id"]) == (True, "api", "api")
    assert "username" not in answer


def test_a_refresh_token_is_told_to_its_own_client_only() -> None:
    world = World(OPTIONS)
    code = world.login(client_id="web", scope=OFFLINE)["code"]
    token = members(world.exchange(code, client_id="web", client_secret="other"))["refresh_token"]
    own = told(world, token, client_id="web", client_secret="other", token_type_hint="refresh_token")
    now = world.clock()
    assert own == {
        "active": True,
        "iss": ISSUER,
        "sub": "alice",
        "username": "Alice Archer",
        "client_id": "web",
        "scope": OFFLINE,
        "iat": now,
        "exp": now + 14 * 86_400,
    }
    assert told(world, token) == INACTIVE
    world.refresh(token, client_id="web", client_secret="other")
    assert told(world, token, client_id="web", client_secret="other") == INACTIVE


def test_a_token_that_is_good_nowhere_is_only_inactive_and_nobody_learns_why() -> None:
    world = World(OPTIONS)
    expired = world.tokens()["access_token"]
    world.clock.now += 600
    code = world.login(audience=API)["code"]
    replayed = world.tokens_of(code)
    world.exchange(code)
    alive = world.tokens(scope=OFFLINE)
    unused = world.login()["code"]
    dead = (expired, replayed["access_token"], replayed["id_token"], unused, alive["refresh_token"], "x", "é" * 9_000)
    for token in dead:
        assert told(world, token) == INACTIVE


def test_a_token_of_a_forgotten_login_is_inactive() -> None:
    world = World(OPTIONS)
    code = world.login(client_id="web", scope=OFFLINE)["code"]
    tokens = members(world.exchange(code, client_id="web", client_secret="other"))
    for grant in world.provider._service.grants:
        world.provider._service.grants.remove(grant.key)
    for name in ("access_token", "refresh_token"):
        assert told(world, tokens[name], client_id="web", client_secret="other") == INACTIVE


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "unknown"])
def test_a_hint_is_no_more_than_that(hint: str) -> None:
    world = World(OPTIONS)
    assert told(world, world.tokens()["access_token"], token_type_hint=hint)["active"] is True


@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"client_id": "demo", "client_secret": ""}, 401, "invalid_client"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"token": ""}, 400, "invalid_request"),
    ],
)
def test_only_a_client_with_a_secret_may_ask(params: dict[str, str], status: int, error: str) -> None:
    world = World(OPTIONS)
    token = world.tokens()["access_token"]
    response = ask(world, **{"token": token, **params})
    assert (response.status, error_of(response)) == (status, error)
    assert world.trace[-1] == "introspection.error"


def test_no_page_of_another_origin_reads_it() -> None:
    world = World(OPTIONS)
    assert ask(world, "x").header("access-control-allow-origin") is None
    assert ask(world, "x").header("cache-control") == "no-store"


def test_who_registers_itself_asks_about_its_own_tokens_only() -> None:
    world = World(Options(registration="open"))
    metadata = dumps({"grant_types": ["client_credentials"], "response_types": [], "token_endpoint_auth_method": POST})
    json = ("Content-Type", "application/json")
    registered = members(world.send("POST", "/register", json, body=metadata.decode()), 201)
    newcomer = {name: registered[name] for name in ("client_id", "client_secret")}
    assert told(world, world.tokens(resource=API)["access_token"], **newcomer) == INACTIVE
    own = members(world.token(grant_type="client_credentials", **newcomer))["access_token"]
    assert told(world, own, **newcomer)["active"] is True
