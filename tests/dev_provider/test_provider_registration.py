"""Dynamic registration (RFC 7591) and its management (RFC 7592), with what attackers would send."""

import base64
import json
from typing import Any, cast

import pytest
from dev_provider.harness import (
    CALLBACK,
    FORM,
    VERIFIER,
    World,
    answered,
    authorize_params,
    error_of,
    hidden_fields,
    members,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from spa_auth.dev_provider import Options
from spa_auth.dev_provider.events import ClientEvent, ErrorEvent, GrantRevoked, TokenEvent
from spa_auth.dev_provider.registration import destroy_initial_access_token, make_initial_access_token
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

JSON = (("Content-Type", "application/json"),)
OPEN = Options(registration="open")
PUBLIC: dict[str, object] = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
MEMBERS = (
    "redirect_uris", "post_logout_redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method",
    "client_name", "backchannel_logout_uri", "scope", "dpop_bound_access_tokens",
    "require_pushed_authorization_requests",
)  # fmt: skip
HOSTILE = "\"'><script>alert(1)</script>{0}&amp;"


def register(world: World, metadata: dict[str, object], *headers: tuple[str, str]) -> Response:
    return world.send("POST", "/register", *JSON, *headers, body=json.dumps(metadata))


def registered(world: World, **metadata: object) -> dict[str, Any]:
    return members(register(world, {**PUBLIC, **metadata}), 201)


def manage(world: World, client: dict[str, Any], method: str, body: dict[str, object] | None = None) -> Response:
    bearer = ("Authorization", f"Bearer {client['registration_access_token']}")
    text = "" if body is None else json.dumps(body)
    return world.send(method, client["registration_client_uri"], bearer, *JSON, body=text)


def put(world: World, client: dict[str, Any], **metadata: object) -> Response:
    return manage(world, client, "PUT", {**PUBLIC, "client_id": client["client_id"], **metadata})


def login(world: World, client: dict[str, Any], **params: str) -> dict[str, Any]:
    page = world.authorize(client_id=client["client_id"], prompt="login", **params)
    code = answered(world.answer(page, user="alice"))["code"]
    return members(world.exchange(code, client_id=client["client_id"]))


@pytest.mark.parametrize(("method", "path"), [("POST", "/register"), ("GET", "/register/x"), ("DELETE", "/register/x")])
def test_registration_does_not_exist_unless_it_is_switched_on(method: str, path: str) -> None:
    world = World()
    assert world.send(method, path, *JSON, body="{}").status == 404
    assert "registration_endpoint" not in members(world.send("GET", "/.well-known/openid-configuration"))
    assert world.trace == ["discovery.success"]


def test_discovery_tells_where_to_register_when_it_is_on() -> None:
    for options in (OPEN, Options(registration="protected")):
        metadata = members(World(options).send("GET", "/.well-known/openid-configuration"))
        assert metadata["registration_endpoint"] == "http://127.0.0.1:9400/register"


def test_an_application_registers_and_logs_in() -> None:
    world = World(OPEN)
    client = registered(world, client_name="Notes", scope="openid email")
    tokens = login(world, client, scope="openid profile email")
    assert tokens["scope"] == "openid email"
    assert world.verified(tokens["id_token"]).claims["aud"] == client["client_id"]


def test_the_answer_tells_all_that_was_registered_and_the_defaults() -> None:
    world = World(OPEN)
    client = members(register(world, {"redirect_uris": [CALLBACK], "grant_types": None, "tos_uri": 7}), 201)
    secrets = {"client_id", "client_secret", "registration_access_token", "registration_client_uri"}
    assert {name: value for name, value in client.items() if name not in secrets} == {
        "client_id_issued_at": int(world.clock.now),
        "client_secret_expires_at": 0,
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "dpop_bound_access_tokens": False,
        "require_pushed_authorization_requests": False,
    }
    assert client["registration_client_uri"] == f"http://127.0.0.1:9400/register/{client['client_id']}"
    assert len({client[name] for name in secrets}) == 4


def test_everything_that_is_given_is_told_back() -> None:
    given: dict[str, object] = {
        **PUBLIC,
        "client_name": "Notes",
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "backchannel_logout_uri": "https://app.example/logout",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "dpop_bound_access_tokens": True,
        "require_pushed_authorization_requests": True,
        "scope": "openid email",
    }
    answer = members(register(World(OPEN), given), 201)
    assert {name: answer[name] for name in given} == given
    assert "client_secret" not in answer


def test_an_answer_with_secrets_is_not_stored_anywhere() -> None:
    answer = register(World(OPEN), PUBLIC)
    assert answer.header("cache-control") == "no-store"


@pytest.mark.parametrize("used", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_authenticates_in_the_way_that_it_registered_only(method: str, used: str) -> None:
    world = World(OPEN)
    client = registered(world, token_endpoint_auth_method=method)
    code = answered(world.answer(world.authorize(client_id=client["client_id"]), user="alice"))["code"]
    basic = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    names = ("client_id", "client_secret") if used == "client_secret_post" else ()
    headers = () if names else (("Authorization", f"Basic {basic}"),)
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    body = form.encode({**given, **{name: client[name] for name in names}})
    answer = world.send("POST", "/oauth/token", *FORM, *headers, body=body)
    assert answer.status == (200 if used == method else 401)


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://app.example/cb",
        "http://127.0.0.1.evil.test/cb",
        "https://app.example/cb#fragment",
        "https://app.example/cb#",
        "https://user@app.example/",
        "https:app.example",
        "com.example.app:/cb",
        "//app.example/cb",
        "/cb",
        "",
        "https://app.example/\ncb",
        "https://*.example/cb\\",
    ],
)
def test_a_redirect_uri_that_is_not_a_safe_plain_url_is_refused_o04(uri: str) -> None:
    world = World(OPEN)
    assert error_of(register(world, {**PUBLIC, "redirect_uris": [CALLBACK, uri]})) == "invalid_redirect_uri"
    for name, value in (("post_logout_redirect_uris", [uri]), ("backchannel_logout_uri", uri)):
        assert error_of(register(world, {**PUBLIC, name: value})) == "invalid_client_metadata"
    assert set(world.trace) == {"registration_create.error"}


@pytest.mark.parametrize("uris", [None, [], "https://app.example/", [1], {}])
def test_a_client_that_redirects_needs_redirect_uris(uris: object) -> None:
    assert error_of(register(World(OPEN), {**PUBLIC, "redirect_uris": uris})) == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "wrong",
    [
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": 1},
        {"token_endpoint_auth_method": ""},
        {"grant_types": ["implicit"]},
        {"grant_types": []},
        {"grant_types": "authorization_code"},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["refresh_token"], "response_types": ["code"]},
        {"response_types": []},
        {"response_types": ["token"]},
        {"response_types": ["code", "code id_token"]},
        {"response_types": [["code"]]},
        {"client_name": ["Notes"]},
        {"client_name": "x" * 201},
        {"client_name": "a\u202eb"},
        {"client_name": "a\nb"},
        {"scope": 'openid "x"'},
        {"scope": ["openid"]},
        {"dpop_bound_access_tokens": "true"},
        {"require_pushed_authorization_requests": 1},
        {"backchannel_logout_uri": 5},
        {"post_logout_redirect_uris": {}},
    ],
)
def test_metadata_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    assert error_of(register(World(OPEN), {**PUBLIC, **wrong})) == "invalid_client_metadata"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}', "application/json"),
        ('{"redirect_uris":["https://a.example/"]}', "text/plain"),
        ('{"redirect_uris":["https://a.example/"]}', "application/x-www-form-urlencoded"),
        ("[]", "application/json"),
        ("", "application/json"),
        ('{"client_name":NaN}', "application/json"),
        ('{"client_name":"\\ud800"}', "application/json"),
        ('{"jwks":' + "[" * 200 + "]" * 200 + "}", "application/json"),
        (json.dumps({**PUBLIC, "x": "x" * 20_000}), "application/json"),
    ],
)
def test_a_document_that_two_parsers_could_read_differently_is_refused(body: str, content_type: str) -> None:
    answer = World(OPEN).send("POST", "/register", ("Content-Type", content_type), body=body)
    assert answer.status == 400
    assert error_of(answer) == "invalid_client_metadata"


def test_an_oversize_body_is_refused_before_it_is_read() -> None:
    assert World(OPEN).send("POST", "/register", *JSON, body="x" * 70_000).status == 413


def test_nobody_chooses_a_client_id_or_a_secret_and_names_are_escaped_o09() -> None:
    world = World(OPEN)
    client = registered(
        world,
        client_id="demo",
        client_secret="mine",
        client_name=HOSTILE,
        token_endpoint_auth_method="client_secret_post",
    )
    assert client["client_id"] != "demo"
    assert client["client_secret"] != "mine"
    pages = [
        world.visit("GET", world.authorize(client_id=client["client_id"]).header("location") or ""),
        world.authorize(client_id=client["client_id"], redirect_uri="https://evil.test/"),
    ]
    assert b"&lt;script&gt;" in pages[0].body
    assert not any(b"<script" in page.body for page in pages)


def test_only_a_token_that_was_given_out_opens_protected_registration() -> None:
    world = World(Options(registration="protected", initial_access_tokens=("first-token",)))
    service = world.provider._service
    made = make_initial_access_token(service)
    for token, status in (("first-token", 201), (made, 201), ("first", 401), ("", 400)):
        assert register(world, PUBLIC, ("Authorization", f"Bearer {token}")).status == status
    without = register(world, PUBLIC)
    assert without.status == 401
    assert without.header("www-authenticate") == "Bearer"
    destroy_initial_access_token(service, made)
    destroy_initial_access_token(service, made)
    refused = register(world, PUBLIC, ("Authorization", f"Bearer {made}"))
    assert error_of(refused) == "invalid_token"
    assert 'error="invalid_token"' in (refused.header("www-authenticate") or "")
    assert [name for name in world.trace if name.startswith("initial")] == [
        "initial_access_token.saved",
        "initial_access_token.destroyed",
    ]


def test_an_application_reads_itself() -> None:
    world = World(OPEN)
    client = registered(world, client_name="Notes", token_endpoint_auth_method="client_secret_basic")
    assert members(manage(world, client, "GET")) == client


def test_an_update_replaces_everything_and_changes_the_token() -> None:
    world = World(OPEN)
    client = registered(world, client_name="Notes", token_endpoint_auth_method="client_secret_basic")
    changed = members(
        put(world, client, client_secret=client["client_secret"], token_endpoint_auth_method="client_secret_post")
    )
    assert "client_name" not in changed
    assert changed["client_secret"] == client["client_secret"]
    assert changed["client_id_issued_at"] == client["client_id_issued_at"]
    assert changed["registration_access_token"] != client["registration_access_token"]
    assert manage(world, client, "GET").status == 401
    assert members(manage(world, changed, "GET")) == changed


def test_a_public_client_that_wants_a_secret_gets_one_and_loses_it_again() -> None:
    world = World(OPEN)
    client = members(put(world, registered(world), token_endpoint_auth_method="client_secret_basic"))
    assert client["client_secret"]
    assert "client_secret" not in members(put(world, client))


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "demo"},
        {"client_id": None},
        {"client_secret": "mine"},
        {"registration_access_token": "x"},
        {"registration_client_uri": "https://evil.test/"},
        {"client_secret_expires_at": 0},
        {"client_id_issued_at": 1},
        {"grant_types": ["implicit"]},
    ],
)
def test_an_update_cannot_take_over_what_the_provider_chose(wrong: dict[str, object]) -> None:
    world = World(OPEN)
    client, other = registered(world), registered(world)
    assert error_of(put(world, client, **wrong)) == "invalid_client_metadata"
    assert error_of(put(world, client, client_id=other["client_id"])) == "invalid_client_metadata"
    assert members(manage(world, client, "GET")) == client
    assert members(manage(world, other, "GET")) == other


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("target", ["other", "demo", "", "../register", "unknown%00"])
def test_a_token_used_for_another_client_is_destroyed(method: str, target: str) -> None:
    world = World(OPEN)
    client, other = registered(world), registered(world)
    path = f"http://127.0.0.1:9400/register/{other['client_id'] if target == 'other' else target}"
    world.events.clear()
    refused = manage(world, {**client, "registration_client_uri": path}, method, {**PUBLIC, "client_id": "demo"})
    assert refused.status == 401
    kind = {"GET": "read", "PUT": "update", "DELETE": "delete"}[method]
    assert world.trace == ["registration_access_token.destroyed", f"registration_{kind}.error"]
    assert manage(world, client, method).status == 401
    assert manage(world, other, "GET").status == 200


@pytest.mark.parametrize("authorization", [(), ("Basic eDp5",), ("Bearer x",), ("Bearer x", "Bearer y"), ("Bearer",)])
def test_nobody_manages_a_client_without_its_token(authorization: tuple[str, ...]) -> None:
    world = World(OPEN)
    client = registered(world)
    headers = [("Authorization", line) for line in authorization]
    refused = world.send("DELETE", client["registration_client_uri"], *headers)
    assert refused.status in {400, 401}
    assert refused.header("www-authenticate")
    assert manage(world, client, "GET").status == 200


def test_two_authorization_headers_are_none_even_if_both_are_good() -> None:
    world = World(OPEN)
    client = registered(world)
    bearer = ("Authorization", f"Bearer {client['registration_access_token']}")
    assert error_of(world.send("DELETE", client["registration_client_uri"], bearer, bearer)) == "invalid_request"


def test_a_removed_client_is_gone_with_all_that_it_was_given() -> None:
    world = World(OPEN)
    client = registered(world, grant_types=["authorization_code", "refresh_token"])
    tokens, others = login(world, client, scope="openid offline_access"), world.tokens()
    world.events.clear()
    assert manage(world, client, "DELETE").status == 204
    assert world.trace[-1] == "registration_delete.success"
    revoked = cast("GrantRevoked", dict(world.events)["grant.revoked"])
    assert revoked.reason == "deregistration"
    assert world.userinfo(tokens["access_token"]).status == 401
    assert world.userinfo(others["access_token"]).status == 200
    assert error_of(world.refresh(tokens["refresh_token"], client_id=client["client_id"])) == "invalid_client"
    assert world.authorize(client_id=client["client_id"]).status == 400
    assert manage(world, client, "GET").status == 401


def test_a_removed_client_leaves_no_token_of_its_own_and_no_pushed_request() -> None:
    world = World(OPEN)
    client = registered(
        world,
        grant_types=["authorization_code", "client_credentials"],
        token_endpoint_auth_method="client_secret_post",
    )
    other = registered(
        world, grant_types=["authorization_code", "client_credentials"], token_endpoint_auth_method="client_secret_post"
    )
    for one in (client, other):
        secret = {name: str(one[name]) for name in ("client_id", "client_secret")}
        assert world.token(grant_type="client_credentials", **secret).status == 200
        pushed = world.send("POST", "/oauth/par", *FORM, body=form.encode(authorize_params(**secret)))
        assert pushed.status == 201
    world.events.clear()
    manage(world, client, "DELETE")
    assert world.trace == [
        "registration_access_token.destroyed",
        "client_credentials.destroyed",
        "pushed_authorization_request.destroyed",
        "registration_delete.success",
    ]


@pytest.mark.parametrize("prompt", ["login", "consent"])
@pytest.mark.parametrize("change", ["removed", "other redirect_uri"])
def test_a_page_that_waits_leads_nowhere_once_its_application_has_changed_o04(change: str, prompt: str) -> None:
    world = World(OPEN)
    world.login()
    client = registered(world)
    address = world.authorize(client_id=client["client_id"], prompt=prompt).header("location") or ""
    fields = {**hidden_fields(world.visit("GET", address)), "user": "alice", "allow": "1"}
    if change == "removed":
        manage(world, client, "DELETE")
    else:
        members(put(world, client, redirect_uris=["https://other.example/callback"]))
    response = world.visit("POST", address.partition("?")[0], fields)
    assert (response.status, response.header("location")) == (400, None)


def test_a_removed_application_is_no_goal_of_a_logout_that_waits_o11() -> None:
    world = World(OPEN)
    world.login()
    client = registered(world, post_logout_redirect_uris=[CALLBACK])
    params = {"client_id": client["client_id"], "post_logout_redirect_uri": CALLBACK}
    address = world.visit("GET", "/oidc/logout?" + form.encode(params)).header("location") or ""
    fields = {**hidden_fields(world.visit("GET", address)), "logout": "1"}
    manage(world, client, "DELETE")
    response = world.visit("POST", address.partition("?")[0], fields)
    assert (response.status, response.header("location")) == (400, None)


def test_events_tell_who_was_registered_changed_and_removed_without_a_secret() -> None:
    world = World(OPEN)
    client = registered(world, token_endpoint_auth_method="client_secret_basic")
    manage(world, client, "GET")
    changed = members(put(world, client))
    manage(world, changed, "DELETE")
    assert world.trace == [
        "registration_access_token.saved",
        "registration_create.success",
        "registration_read.success",
        "registration_access_token.destroyed",
        "registration_access_token.saved",
        "registration_update.success",
        "registration_access_token.destroyed",
        "registration_delete.success",
    ]
    for name, event in world.events:
        if name.endswith("success"):
            seen = cast("ClientEvent", event).client
            assert seen is not None
            assert seen.client_id == client["client_id"]
        else:
            assert client["registration_access_token"] not in repr(cast("TokenEvent", event).token)
        assert client["client_secret"] not in repr(event)


def test_a_refusal_tells_which_client_it_was_about() -> None:
    world = World(OPEN)
    client = registered(world)
    put(world, client, client_id="demo")
    context, error = cast("ErrorEvent", dict(world.events)["registration_update.error"])
    assert context.client is not None
    assert context.client.client_id == client["client_id"]
    assert getattr(error, "error", "") == "invalid_client_metadata"


def test_a_registered_client_stays_until_the_provider_stops() -> None:
    world = World(OPEN)
    client = registered(world)
    world.clock.now += 10 * 365 * 86_400
    assert members(manage(world, client, "GET")) == client


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([CALLBACK, "code", "none"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
METADATA = st.dictionaries(
    st.sampled_from([*MEMBERS, "client_id", "client_secret", "jwks", "application_type"]), VALUES, max_size=6
)


@settings(max_examples=200, deadline=None)
@given(changed=METADATA, good=st.booleans())
def test_every_document_is_either_registered_or_refused_with_a_code_of_rfc_7591(
    *, changed: dict[str, object], good: bool
) -> None:
    world = World(OPEN)
    answer = register(world, {**(PUBLIC if good else {}), **changed})
    if answer.status == 201:
        client = members(answer, 201)
        assert all(uri == CALLBACK for uri in client["redirect_uris"])
        assert members(manage(world, client, "GET")) == client
    else:
        assert answer.status == 400
        assert error_of(answer) in {"invalid_redirect_uri", "invalid_client_metadata"}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://localhost.evil.example", "file://"])
def test_where_anybody_can_register_no_page_of_another_machine_can_o01(origin: str) -> None:
    world = World(OPEN)
    refused = register(world, PUBLIC, ("Origin", origin))
    assert (refused.status, error_of(refused)) == (403, "invalid_request")
    assert refused.header("access-control-allow-origin") is None
    assert world.trace == ["registration_create.error"]
    preflight = world.send("OPTIONS", "/register", ("Origin", origin))
    assert (preflight.status, preflight.header("access-control-allow-origin")) == (403, None)
    assert not list(world.provider._service.registrations)


def test_a_second_origin_does_not_hide_the_first_o01() -> None:
    local, foreign = ("Origin", "http://localhost:3000"), ("Origin", "https://evil.example")
    assert register(World(OPEN), PUBLIC, local, foreign).status == 403
    assert register(World(OPEN), PUBLIC, foreign, local).status == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:9401", "http://[::1]:5173"])
def test_pages_of_this_machine_register(origin: str) -> None:
    answer = register(World(OPEN), PUBLIC, ("Origin", origin))
    assert (answer.status, answer.header("access-control-allow-origin")) == (201, "*")


def test_with_an_initial_access_token_any_page_registers() -> None:
    world = World(Options(registration="protected", initial_access_tokens=("i" * 32,)))
    foreign = ("Origin", "https://app.example")
    assert world.send("OPTIONS", "/register", foreign).status == 204
    answer = register(world, PUBLIC, foreign, ("Authorization", f"Bearer {'i' * 32}"))
    assert (answer.status, answer.header("access-control-allow-origin")) == (201, "*")
