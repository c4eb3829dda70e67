import math
from dataclasses import replace

import pytest
from dev_provider.harness import FORM, ISSUER, World, error_of, members
from dev_provider.prover import Prover

from spa_auth.dev_provider import DEMO, Api, Client, Options
from spa_auth.dev_provider.records import Registration
from spa_auth.protocol import form
from spa_auth.protocol.http import Response
from spa_auth.protocol.scope import Scope

API = "https://api.example"
WHO = {"client_id": "worker", "client_secret": "s3cret"}
WORKER = Client(client_id="worker", client_secret="s3cret", grant_types=("client_credentials",))
OPTIONS = Options(clients=(DEMO, WORKER))


def ask(world: World, **params: str) -> Response:
    body = form.encode({"grant_type": "client_credentials", **WHO, **params})
    return world.send("POST", "/oauth/token", *FORM, body=body)


def test_an_application_gets_a_token_of_its_own_for_an_api() -> None:
    world = World(OPTIONS)
    answer = members(ask(world, audience=API, scope="write:notes"))
    assert world.trace == ["client_credentials.issued", "grant.success"]
    token = world.verified(answer["access_token"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims.pop("jti")
    now = world.clock()
    assert token.claims == {
        "iss": ISSUER,
        "sub": "worker",
        "client_id": "worker",
        "aud": API,
        "iat": now,
        "exp": now + 600,
        "scope": "write:notes",
    }
    assert {name: answer[name] for name in answer if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "write:notes",
    }


def test_without_an_api_the_token_is_opaque() -> None:
    world = World(OPTIONS)
    answer = members(ask(world))
    assert "." not in answer["access_token"]
    assert world.trace == ["client_credentials.saved", "grant.success"]


def test_there_is_no_user_in_it_whatever_scope_is_asked() -> None:
    world = World(OPTIONS)
    answer = members(ask(world, scope="openid profile offline_access write:notes", resource=API))
    assert answer["scope"] == "write:notes"
    assert not {"id_token", "refresh_token"} & set(answer)
    assert world.userinfo(answer["access_token"]).status == 401


def test_known_apis_decide_which_scope_is_granted() -> None:
    world = World(Options(clients=(WORKER,), apis=(Api(audience=API, scopes=("read:notes",)),)))
    assert members(ask(world, audience=API, scope="read:notes write:notes"))["scope"] == "read:notes"
    assert error_of(ask(world, audience="https://other.example")) == "invalid_target"


def test_the_scope_that_the_client_registered_is_the_most_that_it_gets() -> None:
    limited = replace(WORKER, scope=Scope("read:notes"))
    world = World(Options(clients=(limited,)))
    assert members(ask(world, audience=API, scope="read:notes write:notes"))["scope"] == "read:notes"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"scope": 'a"b'}, "invalid_scope"),
        ({"resource": "not a uri"}, "invalid_target"),
        ({"resource": API, "audience": API}, "invalid_target"),
        ({"audience": "with space"}, "invalid_target"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"client_id": "demo", "client_secret": ""}, "unauthorized_client"),
    ],
)
def test_a_wrong_request_has_the_error_of_its_specification(params: dict[str, str], error: str) -> None:
    world = World(OPTIONS)
    assert error_of(ask(world, **params)) == error
    assert world.trace == ["grant.error"]


def test_a_public_client_gets_none_even_where_it_registered_the_grant_type() -> None:
    world = World(OPTIONS)
    public = Client(client_id="page", grant_types=("client_credentials",))
    world.provider._service.registrations.put(Registration(client=public, issued_at=0), math.inf)
    assert error_of(ask(world, client_id="page", client_secret="")) == "unauthorized_client"


def test_where_only_resource_is_read_an_audience_is_as_good_as_none() -> None:
    world = World(Options(clients=(WORKER,), resource_only=True))
    assert "." not in members(ask(world, audience=API))["access_token"]
    assert world.verified(members(ask(world, resource=API))["access_token"]).claims["aud"] == API


def test_it_is_bound_to_a_dpop_key_as_any_access_token() -> None:
    world = World(OPTIONS)
    prover = Prover(world, client_id="worker")
    answer = members(prover.token(grant_type="client_credentials", client_secret="s3cret", audience=API))
    assert answer["token_type"] == "DPoP"
    assert world.verified(answer["access_token"]).claims["cnf"] == {"jkt": prover.jkt}


def test_its_end_is_told() -> None:
    world = World(OPTIONS)
    ask(world)
    world.clock.now += 600
    world.send("GET", "/")
    assert world.trace[-1] == "client_credentials.destroyed"
