"""The device flow (RFC 8628): what the device asks, what its user sees, and what attackers would try."""

import hashlib
import re
from dataclasses import replace
from typing import Any, cast

import pytest
from dev_provider.harness import CALLBACK, FORM, World, error_of, hidden_fields, members

from spa_auth.dev_provider import DEMO, Api, Client, Options, Organization
from spa_auth.dev_provider.events import AuthorizationSuccess, ErrorEvent, InteractionStarted, TokenEvent
from spa_auth.dev_provider.records import Session
from spa_auth.protocol import base64url, form
from spa_auth.protocol.http import Response

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
HOSTILE = "\"'><script>alert(1)</script>{0}{csrf}&amp;"
TV = Client(client_id="tv", name="Television", grant_types=(DEVICE_CODE, "refresh_token"))
TWO = Options(clients=(DEMO, TV))
ACME = Options(organizations=(Organization(org_id="org_1", name="acme", members=("alice",)),))


def post(world: World, path: str, **params: str) -> Response:
    return world.send("POST", path, *FORM, body=form.encode(params))


def ask(world: World, **params: str) -> dict[str, Any]:
    """What the device is answered that begins the flow."""
    return members(post(world, "/oauth/device/code", **{"client_id": "demo", "scope": "openid", **params}))


def poll(world: World, device: dict[str, Any], **params: str) -> Response:
    given = {"grant_type": DEVICE_CODE, "client_id": "demo", "device_code": device["device_code"], **params}
    return post(world, "/oauth/token", **given)


def enter(world: World, user_code: str, **changed: str) -> Response:
    """Type a code on the page of codes."""
    fields = hidden_fields(world.visit("GET", "/activate"))
    return world.visit("POST", "/activate", {**fields, "user_code": user_code, **changed})


def approval(world: World, device: dict[str, Any]) -> Response:
    """The page that asks, for whoever is logged in."""
    return world.visit("GET", enter(world, device["user_code"]).header("location") or "")


def answer(world: World, page: Response, **fields: str) -> Response:
    return world.visit("POST", "/activate/confirm", {**hidden_fields(page), **fields})


def sid_of(page: Response) -> str:
    match = re.search(r'name="approve" value="([^"]*)"', page.body.decode())
    assert match, page.body
    return match[1]


def approve(world: World, device: dict[str, Any], user: str = "alice") -> Response:
    """Log in, look at the page, and approve."""
    location = enter(world, device["user_code"]).header("location") or ""
    logged_in = answer(world, world.visit("GET", location), user=user)
    page = world.visit("GET", logged_in.header("location") or "")
    return answer(world, page, approve=sid_of(page))


def test_discovery_tells_of_the_device_flow() -> None:
    metadata = members(World().send("GET", "/.well-known/openid-configuration"))
    assert metadata["device_authorization_endpoint"] == "http://127.0.0.1:9400/oauth/device/code"
    assert DEVICE_CODE in metadata["grant_types_supported"]


def test_a_device_is_told_what_to_show_and_how_often_to_ask() -> None:
    device = ask(World(Options(device_code_lifetime=300, device_poll_interval=7)))
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", device["user_code"])
    assert device["verification_uri"] == "http://127.0.0.1:9400/activate"
    assert device["verification_uri_complete"] == f"http://127.0.0.1:9400/activate?user_code={device['user_code']}"
    assert (device["expires_in"], device["interval"]) == (300, 7)
    assert len(device["device_code"]) == 43


def test_codes_are_never_the_same() -> None:
    world = World()
    assert len({ask(world)["user_code"] for _ in range(50)}) == 50


def test_a_device_logs_its_user_in() -> None:
    world = World()
    device = ask(world, scope="openid email offline_access", audience="https://api.example")
    assert error_of(poll(world, device)) == "authorization_pending"
    assert approve(world, device).status == 200
    world.clock.now += 5
    tokens = members(poll(world, device))
    claims = world.verified(tokens["id_token"]).claims
    assert (claims["sub"], claims["aud"], claims["email"]) == ("alice", "demo", "alice@example.com")
    assert "nonce" not in claims
    assert "https://api.example" in world.verified(tokens["access_token"]).claims["aud"]
    assert world.userinfo(tokens["access_token"]).status == 200
    assert members(world.refresh(tokens["refresh_token"]))["access_token"]


def test_without_offline_access_there_is_no_refresh_token() -> None:
    world = World()
    device = ask(world)
    approve(world, device)
    assert "refresh_token" not in members(poll(world, device))


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"scope": 'openid "'}, "invalid_scope"),
        ({"resource": "not a uri"}, "invalid_target"),
        ({"audience": "https://unknown.example"}, "invalid_target"),
        ({"audience": "https://api.example", "resource": "https://api.example"}, "invalid_target"),
    ],
)
def test_scope_and_apis_are_judged_as_at_the_authorization_endpoint(params: dict[str, str], error: str) -> None:
    world = World(Options(apis=(Api(audience="https://api.example", scopes=("read",)),)))
    refused = post(world, "/oauth/device/code", **{"client_id": "demo", **params})
    assert error_of(refused) == error
    assert world.trace == ["device_authorization.error"]


def test_a_scope_that_nobody_knows_is_left_out_and_the_token_request_may_narrow_the_apis() -> None:
    apis = tuple(Api(audience=f"https://{name}.example", scopes=("read",)) for name in ("one", "two"))
    world = World(Options(apis=apis))
    resources = [("resource", api.audience) for api in apis]
    body = form.encode([("client_id", "demo"), ("scope", "openid read unknown"), *resources])
    device = members(world.send("POST", "/oauth/device/code", *FORM, body=body))
    approve(world, device)
    assert error_of(poll(world, device, resource="https://three.example")) == "invalid_target"
    tokens = members(poll(world, device, resource="https://two.example"))
    assert tokens["scope"] == "openid read"
    assert world.verified(tokens["access_token"]).claims["aud"] == "https://two.example"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": "spa"}, "unauthorized_client"),
    ],
)
def test_only_a_client_that_is_registered_for_the_flow_may_begin_it(params: dict[str, str], error: str) -> None:
    world = World(Options(clients=(DEMO, Client(client_id="spa", redirect_uris=(CALLBACK,)))))
    assert error_of(post(world, "/oauth/device/code", **params)) == error
    assert world.trace == ["device_authorization.error"]


def test_a_confidential_device_has_to_authenticate_in_both_steps() -> None:
    world = World(Options(clients=(replace(TV, client_secret="s3cret"),)))
    assert error_of(post(world, "/oauth/device/code", client_id="tv")) == "invalid_client"
    device = ask(world, client_id="tv", client_secret="s3cret")
    approve(world, device)
    assert error_of(poll(world, device, client_id="tv")) == "invalid_client"
    assert poll(world, device, client_id="tv", client_secret="s3cret").status == 200


def test_a_device_that_asks_too_often_is_slowed_down_each_time() -> None:
    world = World()
    device = ask(world)
    assert error_of(poll(world, device)) == "authorization_pending"
    for wait, error in ((4, "slow_down"), (9, "slow_down"), (14, "slow_down"), (20, "authorization_pending")):
        world.clock.now += wait
        assert error_of(poll(world, device)) == error


def test_the_interval_is_met_by_waiting_exactly_that_long() -> None:
    world = World()
    device = ask(world)
    for _ in range(3):
        assert error_of(poll(world, device)) == "authorization_pending"
        world.clock.now += 5


def test_an_expired_code_is_said_to_be_expired_for_a_while_and_then_forgotten() -> None:
    world = World()
    device = ask(world)
    world.clock.now += 600
    assert error_of(poll(world, device)) == "expired_token"
    assert enter(world, device["user_code"]).status == 400
    world.clock.now += 600
    assert error_of(poll(world, device)) == "invalid_grant"
    assert "device_code.destroyed" in world.trace


def test_a_code_that_expires_under_the_page_cannot_be_approved() -> None:
    world = World()
    world.login()
    device = ask(world)
    page = approval(world, device)
    world.clock.now += 600
    assert answer(world, page, approve=sid_of(page)).status == 400
    assert error_of(poll(world, device)) == "expired_token"


def test_an_approval_that_is_fetched_too_late_is_worth_nothing() -> None:
    world = World()
    device = ask(world)
    approve(world, device)
    world.clock.now += 600
    assert error_of(poll(world, device)) == "expired_token"


def test_a_refusal_reaches_the_device() -> None:
    world = World()
    device = ask(world)
    page = approval(world, device)
    world.events.clear()
    assert answer(world, page, deny="1").status == 200
    assert world.trace == ["device_code.saved", "interaction.destroyed", "interaction.ended", "authorization.error"]
    assert cast("ErrorEvent", world.events[-1][1]).error.args
    for _ in range(2):
        assert error_of(poll(world, device)) == "access_denied"
    assert enter(world, device["user_code"]).status == 400


def test_a_device_code_is_good_once() -> None:
    world = World()
    device = ask(world)
    approve(world, device)
    assert poll(world, device).status == 200
    assert error_of(poll(world, device)) == "invalid_grant"


@pytest.mark.parametrize("device_code", ["guess", "x" * 5000])
def test_a_guessed_device_code_is_refused(device_code: str) -> None:
    assert error_of(poll(World(), {"device_code": device_code})) == "invalid_grant"


def test_a_device_code_has_to_be_given() -> None:
    assert error_of(post(World(), "/oauth/token", grant_type=DEVICE_CODE, client_id="demo")) == "invalid_request"


def test_the_device_code_of_another_client_is_refused() -> None:
    world = World(TWO)
    device = ask(world)
    approve(world, device)
    assert error_of(poll(world, device, client_id="tv")) == "invalid_grant"
    assert poll(world, device).status == 200


def test_the_user_code_is_no_device_code() -> None:
    world = World()
    device = ask(world)
    approve(world, device)
    assert error_of(poll(world, {"device_code": device["user_code"]})) == "invalid_grant"


def test_the_device_takes_part_in_the_session_so_that_a_logout_tells_it() -> None:
    world = World(TWO)
    approve(world, ask(world, client_id="tv"))
    sessions = [
        cast("Session", event.token)
        for name, event in world.events
        if isinstance(event, TokenEvent) and name == "session.saved"
    ]
    assert sessions[-1].client_ids == ("tv",)


def test_a_login_that_was_ended_before_the_device_asked_gives_nothing() -> None:
    world = World()
    device = ask(world)
    approve(world, device)
    world.answer(world.visit("GET", "/oidc/logout"), logout="1")
    assert error_of(poll(world, device)) == "invalid_grant"


def test_case_and_punctuation_of_a_code_do_not_matter() -> None:
    world = World()
    code = str(ask(world)["user_code"])
    for typed in (code, code.lower(), code.replace("-", ""), ".".join(code), f"  {code}-"):
        assert enter(world, typed).status == 303


@pytest.mark.parametrize("typed", ["BBBB-BBBB", "", "\u0131", "%00", HOSTILE, "\ud7ff" * 100])
def test_a_wrong_code_is_asked_for_again(typed: str) -> None:
    world = World()
    page = enter(world, typed)
    assert page.status == 400
    assert b'role="alert"' in page.body
    assert b"<script" not in page.body
    assert world.trace == ["code_verification.error"]


def test_an_answered_code_is_as_good_as_a_wrong_one() -> None:
    world = World()
    device = ask(world)
    approve(world, device)
    assert enter(world, device["user_code"]).status == 400


def test_ten_wrong_codes_in_a_minute_stop_everybody_who_guesses() -> None:
    world, other = World(), World()
    other.provider = world.provider
    device = ask(world)
    for _ in range(9):
        assert enter(world, "BBBB-BBBB").status == 400
    assert enter(other, "BBBB-BBBB").status == 400
    for browser in (world, other):
        assert enter(browser, device["user_code"]).status == 429
    world.clock.now += 60
    assert enter(world, device["user_code"]).status == 303


def test_a_code_in_the_address_is_typed_already_and_approves_nothing() -> None:
    world = World()
    world.login()
    device = ask(world)
    page = world.visit("GET", device["verification_uri_complete"])
    assert f'value="{device["user_code"]}"'.encode() in page.body
    assert b"approve" not in page.body
    assert error_of(poll(world, device)) == "authorization_pending"


def test_the_page_shows_the_code_the_application_and_what_it_wants_before_anybody_agrees() -> None:
    world = World(TWO)
    world.login()
    device = ask(world, client_id="tv", scope="openid email")
    text = approval(world, device).body.decode()
    for expected in (device["user_code"], "Television", "Alice Archer", "See your e-mail address"):
        assert expected in text


def test_a_login_alone_approves_nothing() -> None:
    world = World()
    device = ask(world)
    logged_in = answer(world, approval(world, device), name="Carol")
    assert logged_in.status == 303
    assert "session.saved" in world.trace
    assert error_of(poll(world, device)) == "authorization_pending"
    page = world.visit("GET", logged_in.header("location") or "")
    assert b"Carol" in page.body


@pytest.mark.parametrize("fields", [{"name": " "}, {"user": "mallory"}, {"other": "1"}])
def test_a_name_that_is_nobody_is_asked_for_again(fields: dict[str, str]) -> None:
    world = World()
    page = answer(world, approval(world, ask(world)), **fields)
    assert page.status == 400
    assert b'role="alert"' in page.body
    assert not any("session" in name for name in world.cookies)


def test_another_account_can_be_chosen() -> None:
    world = World()
    world.login("alice")
    device = ask(world)
    page = answer(world, approval(world, device), switch="1")
    location = answer(world, page, user="bob").header("location") or ""
    page = world.visit("GET", location)
    answer(world, page, approve=sid_of(page))
    assert world.verified(members(poll(world, device))["id_token"]).claims["sub"] == "bob"


def test_nobody_approves_for_somebody_else_who_has_signed_in_meanwhile() -> None:
    world = World()
    world.login("alice")
    device = ask(world)
    page = approval(world, device)
    world.login("bob")
    for sid in (sid_of(page), "", "guess"):
        again = answer(world, page, approve=sid or "1")
        assert b"Bob Baker" in again.body
    assert error_of(poll(world, device)) == "authorization_pending"


def test_nobody_approves_who_has_signed_out_meanwhile() -> None:
    world = World()
    world.login()
    device = ask(world)
    page = approval(world, device)
    world.cookies = {name: value for name, value in world.cookies.items() if "session" not in name}
    assert b"Another name" in answer(world, page, approve=sid_of(page)).body
    assert error_of(poll(world, device)) == "authorization_pending"


@pytest.mark.parametrize("changed", [{"csrf": ""}, {"csrf": "guess"}, {"interaction": ""}, {"interaction": "guess"}])
def test_an_approval_that_our_page_did_not_send_is_refused_o09(changed: dict[str, str]) -> None:
    world = World()
    world.login()
    device = ask(world)
    page = approval(world, device)
    assert answer(world, page, approve=sid_of(page), **changed).status == 400
    assert error_of(poll(world, device)) == "authorization_pending"


def test_the_page_is_good_in_one_browser_only_and_once_o09() -> None:
    world, other = World(), World()
    other.provider = world.provider
    world.login()
    other.login()
    device = ask(world)
    location = enter(world, device["user_code"]).header("location") or ""
    page = world.visit("GET", location)
    assert other.visit("GET", location).status == 400
    assert answer(other, page, approve=sid_of(page)).status == 400
    assert answer(world, page, approve=sid_of(page)).status == 200
    assert answer(world, page, approve=sid_of(page)).status == 400
    assert world.visit("GET", location).status == 400


def test_a_device_that_was_answered_in_one_browser_is_answered_in_all() -> None:
    world, other = World(), World()
    other.provider = world.provider
    world.login("alice")
    other.login("bob")
    device = ask(world)
    first, second = approval(world, device), approval(other, device)
    answer(world, first, deny="1")
    assert answer(other, second, approve=sid_of(second)).status == 400
    assert error_of(poll(world, device)) == "access_denied"


@pytest.mark.parametrize("changed", [{"csrf": ""}, {"csrf": "guess"}])
def test_a_code_that_our_page_did_not_send_is_not_even_looked_at_o09(changed: dict[str, str]) -> None:
    world = World()
    device = ask(world)
    world.events.clear()
    assert enter(world, device["user_code"], **changed).status == 400
    assert world.trace == ["code_verification.error"]
    without_cookie = form.encode({**hidden_fields(world.visit("GET", "/activate")), "user_code": device["user_code"]})
    assert world.send("POST", "/activate", *FORM, body=without_cookie).status == 400
    assert world.send("POST", "/activate", body="{}").status == 400
    # What the hidden field would be for a browser without a cookie, which anybody can compute.
    nobody = base64url.encode(hashlib.sha256(b"/activate ").digest())
    forged = form.encode({"csrf": nobody, "user_code": device["user_code"]})
    assert world.send("POST", "/activate", *FORM, body=forged).status == 400


def test_a_page_for_something_else_is_none_for_a_device_and_the_other_way_round() -> None:
    world = World()
    login = (world.authorize().header("location") or "").partition("interaction=")[2]
    device = (enter(world, ask(world)["user_code"]).header("location") or "").partition("interaction=")[2]
    assert world.visit("GET", f"/activate/confirm?interaction={login}").status == 400
    for path in ("/login", "/consent", "/oidc/logout/confirm"):
        assert world.visit("GET", f"{path}?interaction={device}").status == 400


def test_hostile_names_are_escaped_on_every_page_of_the_flow_o09() -> None:
    evil = replace(TV, client_id=HOSTILE, name=HOSTILE)
    world = World(Options(clients=(evil,)))
    device, other = (ask(world, client_id=HOSTILE, scope=f"openid {'<b>'}", audience="'\"><b>") for _ in range(2))
    login = approval(world, device)
    location = answer(world, login, name=HOSTILE[:40]).header("location") or ""
    asked = world.visit("GET", location)
    pages = [
        login,
        asked,
        answer(world, asked, approve=sid_of(asked)),
        answer(world, approval(world, other), deny="1"),
        world.visit("GET", f"/activate?{form.encode({'user_code': HOSTILE})}"),
    ]
    for page in pages:
        assert page.status == 200
        assert b"<script" not in page.body
        assert b"<b>" not in page.body
        assert "script" not in (page.header("content-security-policy") or "")
        assert page.header("x-frame-options") == "DENY"
        assert page.header("access-control-allow-origin") is None


def test_a_client_that_removed_itself_leaves_no_device_behind() -> None:
    world = World(Options(registration="open"))
    metadata = '{"grant_types":["urn:ietf:params:oauth:grant-type:device_code"],"token_endpoint_auth_method":"none"}'
    client = members(world.send("POST", "/register", ("Content-Type", "application/json"), body=metadata), 201)
    device, other = ask(world, client_id=client["client_id"]), ask(world)
    page = approval(world, device)
    bearer = ("Authorization", f"Bearer {client['registration_access_token']}")
    assert world.send("DELETE", client["registration_client_uri"], bearer).status == 204
    assert "device_code.destroyed" in world.trace
    assert answer(world, page, deny="1").status == 400
    assert error_of(poll(world, device, client_id=client["client_id"])) == "invalid_client"
    assert error_of(poll(world, other)) == "authorization_pending"


def test_a_client_that_is_not_known_any_more_gets_nobody_to_agree() -> None:
    world = World(Options(registration="open"))
    metadata = '{"grant_types":["urn:ietf:params:oauth:grant-type:device_code"],"token_endpoint_auth_method":"none"}'
    client = members(world.send("POST", "/register", ("Content-Type", "application/json"), body=metadata), 201)
    device = ask(world, client_id=client["client_id"])
    # As it happens where so many others have registered that there is no more room.
    world.provider._service.registrations.remove(client["client_id"])
    assert enter(world, device["user_code"]).status == 400
    assert world.trace[-1] == "code_verification.error"


def test_the_events_of_a_whole_flow_come_in_order() -> None:
    world = World()
    world.login()
    world.events.clear()
    device = ask(world)
    page = approval(world, device)
    answer(world, page, approve=sid_of(page))
    poll(world, device)
    assert world.trace == [
        "device_code.saved",
        "device_authorization.success",
        "interaction.saved",
        "interaction.started",
        "code_verification.success",
        "authorization.accepted",
        "device_code.saved",
        "interaction.destroyed",
        "interaction.ended",
        "authorization.success",
        "device_code.consumed",
        "access_token.saved",
        "grant.success",
    ]
    events = dict(world.events)
    assert cast("InteractionStarted", events["interaction.started"]).prompt.name == "device"
    context, parameters = cast("AuthorizationSuccess", events["authorization.success"])
    assert context.session is not None
    assert context.session.user.sub == "alice"
    assert parameters == {}
    code = cast("TokenEvent", events["device_code.consumed"]).token
    assert device["device_code"] not in repr(code)
    assert device["user_code"].replace("-", "") not in repr(code)


def test_a_fault_that_a_test_wants_at_the_page_is_told_by_its_own_event() -> None:
    world = World()
    for method in ("GET", "POST"):
        world.provider.controls.next("/activate", error="temporarily_unavailable", status=503)
        assert world.visit(method, "/activate").status == 503
    assert world.trace == ["code_verification.error"] * 2


@pytest.mark.parametrize("word", ["org_1", "acme"])
def test_a_member_connects_a_device_for_an_organization(word: str) -> None:
    world = World(ACME)
    device = ask(world, organization=word, audience="https://api.example")
    assert approve(world, device).status == 200
    tokens = members(poll(world, device))
    for name in ("id_token", "access_token"):
        assert world.verified(tokens[name]).claims["org_id"] == "org_1"


def test_a_device_without_an_organization_is_connected_for_none() -> None:
    world = World(ACME)
    device = ask(world)
    approve(world, device, user="bob")
    assert "org_id" not in world.verified(members(poll(world, device))["id_token"]).claims


@pytest.mark.parametrize("options", [ACME, Options()])
def test_a_device_for_an_unknown_organization_is_refused(options: Options) -> None:
    world = World(options)
    refused = post(world, "/oauth/device/code", client_id="demo", organization="nobody")
    assert error_of(refused) == "invalid_request"
    assert world.trace == ["device_authorization.error"]


def test_the_page_of_a_device_names_the_organization_and_shows_its_members_only() -> None:
    page = approval(world := World(ACME), ask(world, organization="acme")).body
    assert b"for <strong>acme</strong>" in page
    assert b"alice@example.com" in page
    assert b"bob@example.com" not in page


@pytest.mark.parametrize("fields", [{"user": "bob"}, {"name": "Mallory"}])
def test_who_is_no_member_connects_no_device(fields: dict[str, str]) -> None:
    world = World(ACME)
    device = ask(world, organization="acme")
    page = answer(world, approval(world, device), **fields)
    assert b"The device was refused" in page.body
    assert error_of(poll(world, device)) == "access_denied"
    assert world.trace.count("authorization.error") == 1
    assert not list(world.provider._service.grants)


def test_a_session_of_who_is_no_member_is_asked_for_another_login_and_cannot_approve() -> None:
    world = World(ACME)
    world.login("bob")
    [session] = world.provider._service.sessions
    device = ask(world, organization="acme")
    page = approval(world, device)
    assert b"alice@example.com" in page.body
    assert b'name="approve"' not in page.body
    assert b"The device was refused" in answer(world, page, approve=session.sid).body
    assert error_of(poll(world, device)) == "access_denied"
    assert approve(world, second := ask(world, organization="acme")).status == 200
    assert "access_token" in members(poll(world, second))
