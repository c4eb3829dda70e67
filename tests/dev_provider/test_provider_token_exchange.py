import json
from dataclasses import replace
from typing import Any

import pytest
from dev_provider.harness import CALLBACK, FORM, World, answered, error_of, members
from dev_provider.prover import Prover

from spa_auth.dev_provider import ALICE, BOB, DEMO, Api, Client, Options, Organization
from spa_auth.dev_provider.clients import GRANT_TYPES, TOKEN_EXCHANGE
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

API = "https://api.example"
OTHER = "https://other.example"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
CUSTOM = "https://legacy.example/session"
SERVICE = Client(client_id="api", client_secret="s3cret", grant_types=GRANT_TYPES)
PAGE = Client(client_id="page", redirect_uris=(CALLBACK,), grant_types=("authorization_code", TOKEN_EXCHANGE))
ACME = Organization(org_id="org_1", name="acme", members=("alice",))
OPTIONS = Options(clients=(DEMO, SERVICE, PAGE), organizations=(ACME,))


def ask(world: World, token: str, *headers: tuple[str, str], **params: str) -> Response:
    fields = {
        "grant_type": TOKEN_EXCHANGE,
        "client_id": "demo",
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        **params,
    }
    return world.send("POST", "/oauth/token", *FORM, *headers, body=form.encode(fields))


def by_api(world: World, token: str, **params: str) -> Response:
    return ask(world, token, client_id="api", client_secret="s3cret", **params)


def login(world: World, token: str = "alice", *headers: tuple[str, str], **params: str) -> Response:
    """A custom token exchange."""
    return ask(world, token, *headers, **{"subject_token_type": CUSTOM, **params})


def claims(world: World, answer: dict[str, Any], name: str = "access_token") -> dict[str, Any]:
    return world.verified(answer[name]).claims


def test_an_api_exchanges_the_token_that_it_was_given_for_one_of_the_next_api() -> None:
    world = World(OPTIONS)
    token = world.tokens(resource=API, scope="openid read:notes")["access_token"]
    world.events.clear()
    answer = members(by_api(world, token, audience=OTHER, scope="write:log"))
    assert world.trace == ["access_token.issued", "grant.success"]
    assert {name: answer[name] for name in answer if name != "access_token"} == {
        "token_type": "Bearer",
        "issued_token_type": ACCESS_TOKEN,
        "expires_in": 600,
        "scope": "write:log",
    }
    told = claims(world, answer)
    assert (told["sub"], told["aud"], told["client_id"]) == ("alice", OTHER, "api")
    assert "act" not in told


def test_a_page_exchanges_its_own_token_only() -> None:
    world = World(OPTIONS)
    token = world.tokens(resource=API)["access_token"]
    assert claims(world, members(ask(world, token, audience=OTHER)))["aud"] == OTHER
    assert error_of(ask(world, token, client_id="page", audience=OTHER)) == "invalid_request"


def test_an_id_token_is_exchanged_by_whom_it_was_given_to() -> None:
    world = World(OPTIONS)
    token = world.tokens(scope="openid profile")["id_token"]
    answer = members(ask(world, token, subject_token_type=ID_TOKEN, audience=API))
    assert claims(world, answer)["sub"] == "alice"
    assert not {"id_token", "refresh_token"} & set(answer)
    assert error_of(by_api(world, token, subject_token_type=ID_TOKEN, audience=API)) == "invalid_request"


def test_an_exchange_is_no_way_to_more_scope_for_the_same_api() -> None:
    world = World(OPTIONS)
    token = world.tokens(audience=API, scope="openid read:notes")["access_token"]
    answer = members(ask(world, token, audience=API, scope="openid email read:notes write:notes"))
    assert answer["scope"] == "openid read:notes"
    elsewhere = members(ask(world, token, audience=OTHER, scope="openid email read:notes write:notes"))
    assert elsewhere["scope"] == "openid read:notes write:notes"


@pytest.mark.parametrize("detour", ["read:notes", "read:notes write:notes"])
def test_the_way_to_another_api_and_back_is_none_to_more_scope(detour: str) -> None:
    world = World(OPTIONS)
    token = world.tokens(audience=API, scope="openid read:notes")["access_token"]
    elsewhere = members(ask(world, token, audience=OTHER, scope=detour))
    assert elsewhere["scope"] == detour
    back = members(ask(world, elsewhere["access_token"], audience=API, scope="openid read:notes write:notes"))
    assert back["scope"] == "read:notes"
    stayed = members(ask(world, elsewhere["access_token"], scope="write:notes"))
    assert stayed["scope"] == ("write:notes" if "write" in detour else "")


def test_the_scope_of_known_apis_is_the_most_that_is_granted() -> None:
    apis = (Api(audience=API, scopes=("read:notes",)), Api(audience=OTHER, scopes=("write:log",)))
    world = World(Options(clients=(DEMO,), apis=apis))
    token = world.tokens(resource=API, scope="read:notes")["access_token"]
    assert members(ask(world, token, audience=OTHER, scope="write:log read:notes"))["scope"] == "write:log"


def test_without_an_audience_the_apis_stay_and_the_scope_can_shrink() -> None:
    world = World(OPTIONS)
    token = world.tokens(audience=API, scope="openid read:notes write:notes")["access_token"]
    answer = members(ask(world, token, scope="read:notes", requested_token_type=JWT))
    assert (answer["scope"], claims(world, answer)["aud"], answer["issued_token_type"]) == ("read:notes", API, JWT)


def test_what_was_exchanged_does_not_outlive_the_subject_token_or_its_login() -> None:
    world = World(OPTIONS)
    login_token = world.tokens(scope="openid offline_access")
    world.clock.now += 500
    first = members(ask(world, login_token["access_token"], audience=API))
    assert first["expires_in"] == 100
    second = members(ask(world, first["access_token"], audience=OTHER))
    assert second["expires_in"] == 100
    fields = {"client_id": "demo", "token": login_token["refresh_token"]}
    world.send("POST", "/oauth/revoke", *FORM, body=form.encode(fields))
    assert error_of(ask(world, second["access_token"], audience=API)) == "invalid_request"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token": "unknown"}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"subject_token_type": "URN:IETF:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"subject_token_type": "no uri"}, "invalid_request"),
        ({"subject_token_type": ID_TOKEN}, "invalid_request"),
        ({"requested_token_type": ID_TOKEN}, "invalid_request"),
        ({"requested_token_type": JWT}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"organization": "acme"}, "invalid_request"),
        ({"audience": "with space"}, "invalid_target"),
        ({"resource": "relative"}, "invalid_target"),
        ({"scope": 'a"b'}, "invalid_scope"),
    ],
)
def test_a_wrong_exchange_has_the_error_of_its_specification(params: dict[str, str], error: str) -> None:
    world = World(OPTIONS)
    token = world.tokens()["access_token"]
    world.events.clear()
    fields = {"subject_token": token, **params}
    assert error_of(ask(world, fields.pop("subject_token"), **fields)) == error
    assert world.trace == ["grant.error"]


def test_tokens_that_ended_are_not_accepted() -> None:
    world = World(OPTIONS)
    tokens = world.tokens()
    for grant in world.provider._service.grants:
        world.provider._service.grants.remove(grant.key)
    assert error_of(ask(world, tokens["access_token"], audience=API)) == "invalid_request"
    assert error_of(ask(world, tokens["id_token"], subject_token_type=ID_TOKEN, audience=API)) == "invalid_request"
    tokens = world.tokens()
    world.clock.now += 3_600
    assert error_of(ask(world, tokens["access_token"], audience=API)) == "invalid_request"
    assert error_of(ask(world, tokens["id_token"], subject_token_type=ID_TOKEN, audience=API)) == "invalid_request"


def test_a_bound_token_is_exchanged_by_a_page_with_its_key_only() -> None:
    world = World(OPTIONS)
    prover, thief = Prover(world), Prover(world, "k2")
    token = members(prover.exchange(world.login(resource=API)["code"]))["access_token"]
    params = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
    assert error_of(ask(world, token, audience=OTHER)) == "invalid_request"
    assert error_of(thief.token(**params, audience=OTHER)) == "invalid_request"
    answer = members(prover.token(**params, audience=OTHER))
    assert (answer["token_type"], claims(world, answer)["cnf"]) == ("DPoP", {"jkt": prover.jkt})
    assert members(by_api(world, token, audience=OTHER))["token_type"] == "Bearer"


def test_the_id_token_of_a_bound_login_is_exchanged_with_its_key_only_o12() -> None:
    world = World(OPTIONS)
    prover, thief = Prover(world), Prover(world, "k2")
    token = members(prover.exchange(world.login()["code"]))["id_token"]
    params = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ID_TOKEN, "audience": API}
    assert error_of(world.token(**params)) == "invalid_request"
    assert error_of(thief.token(**params)) == "invalid_request"
    assert members(prover.token(**params))["token_type"] == "DPoP"


def test_the_organization_of_a_login_goes_along_and_another_is_refused() -> None:
    world = World(OPTIONS)
    token = world.tokens(organization="acme", resource=API)["access_token"]
    for organization in ("", "acme", "org_1"):
        answer = members(ask(world, token, audience=OTHER, organization=organization))
        assert (claims(world, answer)["org_id"], claims(world, answer)["org_name"]) == ("org_1", "acme")
    assert error_of(ask(world, token, audience=OTHER, organization="unknown")) == "invalid_request"


@pytest.mark.parametrize("name", ["alice", "Alice Archer", "ALICE@example.com"])
def test_a_custom_exchange_is_a_login_without_a_page(name: str) -> None:
    world = World(OPTIONS)
    answer = members(login(world, name, scope="openid profile offline_access", audience=API))
    assert world.trace == ["access_token.issued", "refresh_token.saved", "grant.success"]
    assert answer["issued_token_type"] == ACCESS_TOKEN
    told = claims(world, answer, "id_token")
    assert (told["sub"], told["name"], told["aud"], told["auth_time"]) == (
        "alice",
        "Alice Archer",
        "demo",
        world.clock(),
    )
    assert "nonce" not in told
    assert members(world.userinfo(answer["access_token"]))["sub"] == "alice"
    assert members(world.refresh(answer["refresh_token"]))["id_token"]


def test_a_custom_exchange_gives_what_the_scope_asks_and_openid_where_none_is() -> None:
    world = World(OPTIONS)
    assert members(login(world))["scope"] == "openid"
    answer = members(login(world, scope="read:notes", resource=API))
    assert not {"id_token", "refresh_token"} & set(answer)
    assert claims(world, answer)["aud"] == API


def test_a_custom_exchange_knows_the_configured_users_only() -> None:
    world = World(OPTIONS)
    for name in ("carol", "ali", " "):
        assert error_of(login(world, name)) == "invalid_request"


def test_a_custom_exchange_can_be_for_an_organization() -> None:
    world = World(OPTIONS)
    answer = members(login(world, organization="acme", audience=API))
    for name in ("id_token", "access_token"):
        assert claims(world, answer, name)["org_id"] == "org_1"
    assert error_of(login(world, BOB.sub, organization="acme")) == "invalid_request"
    assert error_of(login(world, ALICE.sub, organization="unknown")) == "invalid_request"


def test_a_custom_exchange_is_refused_to_pages_that_the_client_does_not_know() -> None:
    world = World(OPTIONS)
    for origin, client_id, good in (
        ("http://127.0.0.1:9401", "demo", True),
        ("http://localhost:8000", "demo", True),
        ("https://evil.example", "demo", False),
        ("http://127.0.0.1.evil.example", "demo", False),
        ("null", "demo", False),
        ("http://127.0.0.1:9401", "page", True),
        ("http://localhost:8000", "page", False),
    ):
        response = login(world, "alice", ("Origin", origin), client_id=client_id)
        assert (origin, response.status) == (origin, 200 if good else 400)


def newcomer(world: World, method: str) -> dict[str, str]:
    """An application that any site could register, and what it authenticates with."""
    metadata = {
        "redirect_uris": ["https://evil.example/callback"],
        "grant_types": ["authorization_code", TOKEN_EXCHANGE],
        "token_endpoint_auth_method": method,
    }
    json_type = ("Content-Type", "application/json")
    answer = members(world.send("POST", "/register", json_type, body=json.dumps(metadata)), 201)
    return {name: answer[name] for name in ("client_id", "client_secret") if name in answer}


@pytest.mark.parametrize("method", ["none", "client_secret_post"])
def test_who_registers_itself_logs_nobody_in_without_a_page(method: str) -> None:
    world = World(Options(registration="open"))
    origin = ("Origin", "https://evil.example")
    assert error_of(login(world, "alice", origin, **newcomer(world, method))) == "unauthorized_client"


def test_who_registers_itself_is_no_api_that_exchanges_the_tokens_of_others_o12() -> None:
    world = World(Options(registration="open"))
    bound = members(Prover(world).exchange(world.login(resource=API)["code"]))["access_token"]
    thief = newcomer(world, "client_secret_post")
    for token in (bound, world.tokens(resource=API)["access_token"]):
        assert error_of(ask(world, token, **thief)) == "invalid_request"


def test_a_client_that_did_not_register_the_grant_type_exchanges_nothing() -> None:
    world = World(Options(clients=(Client(client_id="demo"),)))
    assert error_of(login(world)) == "unauthorized_client"


def consented(world: World, **params: str) -> dict[str, Any]:
    """Log in, agree, and exchange the code."""
    page = world.answer(world.authorize(prompt="login", **params), user="alice")
    return world.tokens_of(answered(world.answer(page, allow="1"))["code"])


def test_a_page_exchanges_for_no_api_that_the_user_has_not_agreed_to() -> None:
    world = World(replace(OPTIONS, consent=True))
    tokens = consented(world, resource=API, scope="openid read:notes")
    world.events.clear()
    assert error_of(ask(world, tokens["access_token"], audience=OTHER)) == "invalid_target"
    assert error_of(ask(world, tokens["id_token"], subject_token_type=ID_TOKEN, audience=OTHER)) == "invalid_target"
    assert world.trace == ["grant.error"] * 2
    assert members(ask(world, tokens["access_token"], audience=API))["scope"] == "openid read:notes"


def test_what_was_agreed_to_for_an_api_is_the_most_that_an_exchange_gives_there() -> None:
    world = World(replace(OPTIONS, consent=True))
    consented(world, resource=OTHER, scope="openid write:log")
    token = consented(world, resource=API, scope="openid read:notes")["access_token"]
    answer = members(ask(world, token, audience=OTHER, scope="openid write:log delete:log"))
    assert (answer["scope"], claims(world, answer)["aud"]) == ("openid write:log", OTHER)


def test_what_another_user_or_to_another_application_agreed_is_no_consent() -> None:
    world = World(replace(OPTIONS, consent=True))
    consented(world, resource=OTHER)
    page = world.answer(world.authorize(prompt="login", resource=API), user="bob")
    bobs = world.tokens_of(answered(world.answer(page, allow="1"))["code"])["access_token"]
    assert error_of(ask(world, bobs, audience=OTHER)) == "invalid_target"
    assert error_of(login(world, "alice", client_id="page", audience=OTHER)) == "invalid_target"


def test_an_api_exchanges_for_users_whom_it_cannot_ask() -> None:
    world = World(replace(OPTIONS, consent=True))
    token = consented(world, resource=API)["access_token"]
    assert claims(world, members(by_api(world, token, audience=OTHER)))["aud"] == OTHER


def test_a_custom_exchange_is_for_apis_that_the_user_has_agreed_to_only() -> None:
    world = World(replace(OPTIONS, consent=True))
    assert error_of(login(world, audience=API)) == "invalid_target"
    assert members(login(world))["scope"] == "openid"
    consented(world, resource=API, scope="openid read:notes")
    assert members(login(world, audience=API, scope="read:notes write:notes"))["scope"] == "read:notes"
