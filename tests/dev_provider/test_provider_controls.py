import asyncio
import json
import re
from typing import Any, cast

import pytest
from dev_provider.harness import KEYS, World, answered, error_of, members

from spa_auth.dev_provider import DEMO, Controls, DevProvider, Options
from spa_auth.dev_provider.clients import CLIENT_CREDENTIALS, Client
from spa_auth.dev_provider.control import Kind
from spa_auth.dev_provider.control_surface import VERBS
from spa_auth.dev_provider.events import GrantRevoked
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.dev_provider.malformed import HUGE, MALFORMATIONS, malform
from spa_auth.dev_provider.options import ISSUER
from spa_auth.dev_provider.provider import ROUTES
from spa_auth.errors import ConfigurationError, JWTError
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.jwt import parse_jwt
from spa_auth.protocol.strict_json import StrictJSONError, loads_object

OFFLINE = "openid offline_access"
DISCOVERY = "/.well-known/openid-configuration"
TOKEN = "k" * 32
BEARER = ("Authorization", f"Bearer {TOKEN}")
JSON = ("Content-Type", "application/json")


def reasons(world: World) -> list[str]:
    return [cast("GrantRevoked", event).reason for name, event in world.events if name == "grant.revoked"]


def logged_in(world: World) -> bool:
    return "code" in answered(world.authorize(prompt="none"))


def test_time_passes_and_what_expires_in_it_is_told_of() -> None:
    world = World()
    tokens = world.tokens(scope=OFFLINE)
    world.events.clear()
    world.provider.controls.advance(600)
    assert world.trace == ["access_token.destroyed"]
    assert world.userinfo(tokens["access_token"]).status == 401
    assert world.provider.controls.clock_offset == 600
    renewed = members(world.refresh(tokens["refresh_token"]))
    assert world.verified(renewed["id_token"]).claims["iat"] == world.clock.now + 600


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12])
def test_time_never_goes_back_and_never_too_far(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="seconds"):
        World().provider.controls.advance(seconds)


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("access_token", "access_token.destroyed"),
        ("authorization_code", "authorization_code.destroyed"),
        ("refresh_token", "refresh_token.destroyed"),
        ("session", "session.destroyed"),
    ],
)
def test_what_expires_is_gone_and_told_of(kind: Kind, event: str) -> None:
    world = World()
    world.tokens("alice", scope=OFFLINE)
    world.events.clear()
    assert world.provider.controls.expire(kind, sub="bob") == 0
    assert world.provider.controls.expire(kind, client_id="other") == 0
    assert world.trace == []
    assert world.provider.controls.expire(kind, sub="alice", client_id="demo") == 1
    assert world.trace == [event]
    assert world.provider.controls.expire(kind) == 0


def test_what_has_expired_is_refused() -> None:
    world = World()
    controls = world.provider.controls
    tokens = world.tokens(scope=OFFLINE)
    controls.expire("access_token")
    assert error_of(world.userinfo(tokens["access_token"])) == "invalid_token"
    controls.expire("refresh_token")
    assert error_of(world.refresh(tokens["refresh_token"])) == "invalid_grant"
    code = world.login()["code"]
    controls.expire("authorization_code")
    assert error_of(world.exchange(code)) == "invalid_grant"
    controls.expire("session")
    assert not logged_in(world)


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="access_token"):
        World().provider.controls.expire(cast("Any", "accesstoken"))


def test_revoking_takes_the_grants_of_one_user_with_all_their_tokens() -> None:
    world = World()
    alice, bob = world.tokens("alice", scope=OFFLINE), world.tokens("bob", scope=OFFLINE)
    world.events.clear()
    assert world.provider.controls.revoke(sub="alice") == 1
    assert world.trace == [
        "authorization_code.destroyed",
        "access_token.destroyed",
        "refresh_token.destroyed",
        "grant.revoked",
    ]
    assert reasons(world) == ["control"]
    assert error_of(world.refresh(alice["refresh_token"])) == "invalid_grant"
    assert world.userinfo(bob["access_token"]).status == 200
    assert world.provider.controls.revoke(client_id="other") == 0


def test_revoking_takes_what_an_application_got_for_itself() -> None:
    service = Client(client_id="service", client_secret="s" * 32, grant_types=(CLIENT_CREDENTIALS,))
    world = World(Options(clients=(DEMO, service)))
    params = {"client_id": "service", "client_secret": "s" * 32, "grant_type": CLIENT_CREDENTIALS}
    members(world.token(**params, audience="https://api.example"))
    world.events.clear()
    assert world.provider.controls.revoke(sub="alice") == 0
    assert world.provider.controls.revoke(client_id="service") == 1
    assert world.trace == ["client_credentials.destroyed"]


def test_sessions_end_elsewhere() -> None:
    world = World()
    tokens = world.tokens("alice")
    world.events.clear()
    assert asyncio.run(world.provider.controls.end_sessions("bob")) == 0
    assert asyncio.run(world.provider.controls.end_sessions("alice")) == 1
    assert world.trace[-1] == "session.destroyed"
    assert reasons(world) == ["control"]
    assert world.userinfo(tokens["access_token"]).status == 401
    assert not logged_in(world)


def test_applications_are_told_of_sessions_that_end_elsewhere() -> None:
    async def application(request: Request) -> Response:
        called.append(request.url)
        return Response(200)

    called: list[str] = []
    client = Client(client_id="app", redirect_uris=(ISSUER,), backchannel_logout_uri="https://app.example/out")
    world = World(Options(clients=(client,)), way_out=application)
    world.answer(world.authorize(client_id="app", redirect_uri=ISSUER), user="alice")
    asyncio.run(world.provider.controls.end_sessions())
    assert called == ["https://app.example/out"]
    assert world.trace[-2:] == ["backchannel.success", "session.destroyed"]


def test_new_keys_sign_and_the_old_ones_stay_published() -> None:
    world = World()
    provider = DevProvider(clock=world.clock, keys=SigningKeys())
    world.provider = provider
    before = world.tokens()["id_token"]
    provider.controls.rotate_keys()
    after = world.tokens()["id_token"]
    assert world.verified(before).header["kid"] != world.verified(after).header["kid"]
    assert world.visit("GET", f"/oidc/logout?id_token_hint={before}").status == 200


def test_the_last_ten_keys_stay_published_and_verify_and_no_older_ones() -> None:
    keys = SigningKeys()
    tokens = [keys.sign("JWT", {"n": 0})]
    for n in range(1, 12):
        keys.rotate()
        tokens.append(keys.sign("JWT", {"n": n}))
    published = cast("list[dict[str, str]]", keys.jwks["keys"])
    kids = [parse_jwt(token).header["kid"] for token in tokens]
    assert [key["kid"] for key in published] == kids[:0:-1]
    assert keys.verify(tokens[1]).claims == {"n": 1}
    with pytest.raises(JWTError, match="not signed"):
        keys.verify(tokens[0])


def test_an_initial_access_token_is_made_and_taken_back() -> None:
    world = World(Options(registration="protected"))
    token = world.provider.controls.make_initial_access_token()
    world.provider.controls.destroy_initial_access_token(token)
    world.provider.controls.destroy_initial_access_token(token)
    assert world.trace == ["initial_access_token.saved", "initial_access_token.destroyed"]


def test_a_silent_login_is_denied_on_demand_or_from_the_start() -> None:
    world = World()
    world.login()
    world.provider.controls.deny_silent_login = True
    assert not logged_in(world)
    world.provider.controls.reset()
    assert logged_in(world)
    assert DevProvider(keys=KEYS, controls=Controls(deny_silent_login=True)).controls.deny_silent_login


@pytest.mark.parametrize(
    ("where", "destination", "seen"),
    [("no", "iframe", True), ("frames", "iframe", False), ("frames", "document", True), ("always", "document", False)],
)
def test_cookies_get_lost_in_frames_or_everywhere(*, where: Any, destination: str, seen: bool) -> None:  # noqa: ANN401
    world = World()
    world.login()
    world.provider.controls.drop_cookies = where
    cookie = ("Cookie", "; ".join(f"{name}={value}" for name, value in world.cookies.items()))
    start = world.send("GET", "/", cookie, ("Sec-Fetch-Dest", destination))
    assert (b"Alice Archer" in start.body) is seen


def test_a_place_where_cookies_get_lost_must_exist() -> None:
    with pytest.raises(ConfigurationError, match="frames"):
        World().provider.controls.drop_cookies = cast("Any", "iframe")


def test_the_next_answers_are_refusals_and_then_it_works_again() -> None:
    world = World()
    tokens = world.tokens(scope=OFFLINE)
    world.events.clear()
    world.provider.controls.next("/oauth/token", error="temporarily_unavailable", status=503, times=2)
    for _ in range(2):
        response = world.refresh(tokens["refresh_token"])
        assert (response.status, error_of(response)) == (503, "temporarily_unavailable")
        assert response.header("access-control-allow-origin") == "*"
    assert world.trace == ["grant.error"] * 2
    assert world.refresh(tokens["refresh_token"]).status == 200


def test_a_preflight_does_not_use_up_what_is_to_go_wrong() -> None:
    world = World()
    world.provider.controls.next("/userinfo", error="temporarily_unavailable", status=503)
    assert world.send("OPTIONS", "/userinfo").status == 204
    assert world.userinfo("x").status == 503
    assert world.userinfo("x").status == 401


@pytest.mark.parametrize(
    ("path", "event"),
    [
        (DISCOVERY, "discovery.error"),
        ("/.well-known/jwks.json", "jwks.error"),
        ("/userinfo", "userinfo.error"),
        ("/oidc/logout", "end_session.error"),
        ("/v2/logout", "end_session.error"),
        ("/oauth/token", "grant.error"),
        ("/oauth/par", "pushed_authorization_request.error"),
        ("/oauth/revoke", "revocation.error"),
        ("/oauth/introspect", "introspection.error"),
    ],
)
def test_a_forced_error_is_the_error_event_of_its_endpoint(path: str, event: str) -> None:
    world = World()
    world.provider.controls.next(path, error="temporarily_unavailable", status=503)
    assert world.send(next(iter(ROUTES[path].endpoints)), path).status == 503
    assert world.trace == [event]


def test_a_forced_error_at_the_authorization_endpoint_goes_to_the_application() -> None:
    world = World()
    world.provider.controls.next("/authorize", error="temporarily_unavailable")
    assert answered(world.authorize())["error"] == "temporarily_unavailable"
    assert world.trace == ["authorization.error"]


def test_a_forced_error_on_another_page_is_a_page() -> None:
    world = World()
    world.provider.controls.next("/", error="temporarily_unavailable", status=503)
    response = world.send("GET", "/")
    assert (response.status, response.media_type) == (503, "text/html")


@pytest.mark.parametrize("path", ["/userinfo", "/", "/oidc/logout", "/authorize", "/oauth/introspect"])
def test_a_failure_of_the_provider_is_a_server_error_that_its_reader_can_read(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.provider.controls.next(path, error="server_error")
    method = next(iter(ROUTES[path].endpoints))
    response = world.authorize() if path == "/authorize" else world.send(method, path)
    assert response.status == 500
    for_scripts = path in {"/userinfo", "/oauth/introspect"}
    assert response.media_type == ("application/json" if for_scripts else "text/html")
    assert (response.header("access-control-allow-origin") == "*") is (path == "/userinfo")
    assert world.trace == ["server_error"]
    assert "A test wanted this." in caplog.text


def test_an_answer_that_does_not_exist_cannot_be_chosen() -> None:
    with pytest.raises(ConfigurationError) as caught:
        World().provider.controls.next("token", error='"', status=200, malformed=cast("Any", "odd"), delay=-1, times=0)
    assert len(caught.value.faults) == 6


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/token", "/oauth/token"),
        ("oauth/token", "/oauth/token"),
        ("/oauth/token/", "/oauth/token"),
        ("/user-info", "/userinfo"),
        ("/.well-known/openid-config", DISCOVERY),
    ],
)
def test_a_path_that_does_not_exist_is_told_the_nearest_that_does(path: str, nearest: str) -> None:
    world = World(control_token=TOKEN)
    with pytest.raises(ConfigurationError, match=rf" {re.escape(nearest)} is the nearest\.$"):
        world.provider.controls.next(path, error="temporarily_unavailable")
    refused = call(world, "next", path=path, delay=1)
    assert error_of(refused) == "invalid_request"
    assert f" {nearest} is the nearest." in refused.body.decode()


@pytest.mark.parametrize("path", ["", "é" * 9, "GET"])
def test_a_path_that_is_near_to_none_is_told_all_that_there_are(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"; /, /\.well-known/.*, /oauth/token, .*, /avatars/ are\.$"):
        World().provider.controls.next(path, delay=1)


def test_a_path_exists_as_far_as_the_options_have_it() -> None:
    with pytest.raises(ConfigurationError, match="path must be one that is answered here"):
        World().provider.controls.next("/register", delay=1)
    controls = World(Options(registration="open")).provider.controls
    for path in ("/register", "/register/some-client", "/avatars/alice.svg"):
        controls.next(path, delay=1)
        assert controls.take_delay(path) == 1


def test_delays_are_counted_apart_from_other_faults() -> None:
    world = World()
    controls = world.provider.controls
    controls.next("/userinfo", error="invalid_request", delay=2, times=1)
    assert world.userinfo("x").status == 400
    assert [controls.take_delay("/userinfo"), controls.take_delay("/userinfo")] == [2, 0]
    controls.next("/userinfo", delay=0.5, times=2)
    assert [controls.take_delay("/userinfo") for _ in range(3)] == [0.5, 0.5, 0]
    controls.next("/userinfo", delay=1, times=None)
    assert [controls.take_delay("/userinfo") for _ in range(3)] == [1, 1, 1]
    controls.next("/userinfo")
    assert controls.take_delay("/userinfo") == 0


def test_what_was_chosen_last_holds_until_it_is_reset() -> None:
    world = World()
    controls = world.provider.controls
    controls.next("/userinfo", error="invalid_request", times=None)
    controls.next("/userinfo", malformed="empty", times=None)
    assert {world.userinfo("x").body for _ in range(3)} == {b""}
    controls.next(DISCOVERY, delay=1)
    controls.advance(10)
    controls.drop_cookies = "always"
    controls.reset()
    assert controls.state() == World().provider.controls.state()
    assert world.userinfo("x").body


@pytest.mark.parametrize("malformation", MALFORMATIONS)
def test_a_malformed_answer_is_no_json_object_that_anybody_should_read(malformation: Any) -> None:  # noqa: ANN401
    world = World()
    world.provider.controls.next(DISCOVERY, malformed=malformation)
    response = world.send("GET", DISCOVERY)
    with pytest.raises(StrictJSONError):
        loads_object(response.body)
    assert response.status == 200
    assert response.header("access-control-allow-origin") == "*"
    assert members(world.send("GET", DISCOVERY))["issuer"] == ISSUER


def test_each_malformation_does_what_its_name_says() -> None:
    answer = Response(200, (("Content-Type", "application/json"), ("X", "y")), b'{"a":1,"b":2}')
    assert malform(answer, "empty").body == b""
    assert malform(answer, "truncated").body == b'{"a":1'
    assert malform(answer, "array").body == b'[{"a":1,"b":2}]'
    assert malform(answer, "doubled").body == b'{"a":1,"a":1,"b":2}'
    assert malform(Response(200, (), b"<p>"), "doubled").body == b'{"error":"one","error":"two"}'
    assert json.loads(malform(answer, "huge").body) == {"a": 1, "b": 2}
    assert len(malform(answer, "huge").body) > HUGE
    page = malform(answer, "html")
    assert (page.media_type, page.header("x")) == ("text/html", "y")
    assert page.body.startswith(b"<!doctype html>")


def call(world: World, verb: str, *headers: tuple[str, str], **given: object) -> Response:
    return world.send("POST", f"/control/{verb}", *(headers or (BEARER, JSON)), body=json.dumps(given))


@pytest.mark.parametrize("path", ["/control", *(f"/control/{verb}" for verb in VERBS), "/control/nothing"])
def test_the_control_surface_is_not_there_unless_it_was_switched_on_o13(path: str) -> None:
    world = World()
    nothing = world.send("GET", "/nothing")
    assert nothing.status == 404
    for method in ("GET", "POST", "OPTIONS"):
        assert world.send(method, path, BEARER, JSON, body="{}") == nothing


@pytest.mark.parametrize("path", ["/control", *(f"/control/{verb}" for verb in VERBS), "/control/nothing"])
@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Authorization", f"Bearer {TOKEN}x"),),
        (("Authorization", f"Bearer {TOKEN[1:]}"),),
        (("Authorization", f"Basic {TOKEN}"),),
        (("Authorization", "Bearer \ud800é"),),
        (BEARER, BEARER),
        (("Cookie", f"token={TOKEN}"),),
    ],
)
def test_nobody_controls_anything_without_the_token_o13(path: str, headers: tuple[tuple[str, str], ...]) -> None:
    world = World(control_token=TOKEN)
    for method in ("GET", "POST", "OPTIONS"):
        response = world.send(method, path, JSON, *headers, body="{}")
        assert response.status == 401
        assert response.header("www-authenticate") == "Bearer"
        assert TOKEN.encode() not in response.body
    assert world.provider.controls.state() == World().provider.controls.state()


def test_no_page_can_use_the_control_surface_o13() -> None:
    world = World(control_token=TOKEN)
    asked = (("Origin", "https://evil.test"), ("Access-Control-Request-Headers", "authorization"))
    preflight = world.send("OPTIONS", "/control/advance", *asked)
    assert preflight.status == 401
    answers = [preflight, call(world, "advance", BEARER, JSON, asked[0], seconds=1)]
    names = [name.lower() for response in answers for name, _ in response.headers]
    assert not [name for name in names if name.startswith("access-control-") or name == "set-cookie"]


@pytest.mark.parametrize("host", ["op.example", "127.0.0.1.op.example"])
def test_the_control_surface_is_for_this_machine_only_o13(host: str) -> None:
    world = World(Options(issuer=f"https://{host}/"), control_token=TOKEN)
    assert world.send("GET", f"https://{host}/control", BEARER).status == 404
    assert world.send("GET", "/control", BEARER, ("Host", host)).status == 404
    assert world.send("GET", "/control", BEARER, ("Host", "localhost:9400")).status == 200


@pytest.mark.parametrize("token", ["", "short", "k" * 15, "k" * 31 + " ", "k" * 31 + "é"])
def test_a_token_that_protects_nothing_is_refused_o13(token: str) -> None:
    with pytest.raises(ConfigurationError, match="control_token"):
        DevProvider(keys=KEYS, control_token=token)


def test_the_state_can_be_read() -> None:
    world = World(control_token=TOKEN)
    world.login()
    call(world, "next", path="/userinfo", error="invalid_token", delay=1)
    state = members(world.send("GET", "/control", BEARER))
    assert state["now"] == world.clock.now
    assert state["faults"] == {"/userinfo": {"error": "invalid_token", "status": 400, "malformed": None, "times": 1}}
    assert state["delays"] == {"/userinfo": {"seconds": 1, "times": 1}}
    assert [(session["sub"], session["client_ids"]) for session in state["sessions"]] == [("alice", ["demo"])]
    assert not set(world.cookies.values()) & set(json.dumps(state).split('"'))


def test_every_verb_does_over_http_what_it_does_in_python() -> None:
    world = World(Options(registration="protected"), control_token=TOKEN)
    world.provider = DevProvider(
        world.options, clock=world.clock, keys=SigningKeys(), control_token=TOKEN, controls=Controls()
    )
    controls = world.provider.controls
    world.tokens()
    assert members(call(world, "advance", seconds=1.5))["clock_offset"] == controls.clock_offset == 1.5
    assert members(call(world, "expire", kind="access_token", sub="alice")) == {"count": 1}
    assert members(call(world, "revoke", client_id="demo")) == {"count": 1}
    assert members(call(world, "end-sessions", sub="alice")) == {"count": 1}
    assert members(call(world, "cookies", drop="frames"))["drop_cookies"] == controls.drop_cookies == "frames"
    assert members(call(world, "silent", deny=True))["deny_silent_login"] is controls.deny_silent_login is True
    members(call(world, "next", path="/userinfo", error="e", status=418, malformed="array", times=None))
    assert (world.userinfo("x").status, world.userinfo("x").body[:1]) == (418, b"[")
    assert members(call(world, "reset")) == controls.state()
    assert world.userinfo("x").status == 401
    token = members(call(world, "make-initial-access-token"))
    members(call(world, "destroy-initial-access-token", **token))
    assert not list(world.provider._service.initial_access_tokens)
    members(call(world, "rotate-keys"))
    assert len(members(world.send("GET", "/.well-known/jwks.json"))["keys"]) == 2


@pytest.mark.parametrize(
    ("verb", "given", "text"),
    [
        ("advance", {}, "Missing: seconds"),
        ("advance", {"seconds": 1, "hours": 1}, "Unknown: hours. Known members: seconds."),
        ("advance", {"seconds": True}, "wrong type: seconds"),
        ("advance", {"seconds": -1}, "seconds must be"),
        ("expire", {"kind": "tokens"}, "kind must be one of access_token"),
        ("expire", {"kind": ["access_token"]}, "wrong type: kind"),
        ("cookies", {"drop": "all"}, "drop_cookies must be one of no, frames, always"),
        ("silent", {"deny": 1}, "wrong type: deny"),
        ("next", {"path": "userinfo", "times": 0}, "path must be one"),
        ("next", {"path": "/", "status": 400.5}, "wrong type: status"),
        ("next", {"path": "/", "malformed": "odd"}, "malformed must be one of empty"),
    ],
)
def test_a_verb_that_cannot_be_done_says_why(verb: str, given: dict[str, object], text: str) -> None:
    response = call(World(control_token=TOKEN), verb, **given)
    assert response.status == 400
    assert text in members(response, 400)["error_description"]


def test_no_body_is_as_good_as_no_member() -> None:
    assert World(control_token=TOKEN).send("POST", "/control/reset", BEARER, JSON).status == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "/control/reset", (BEARER,), "{}", 415),
        ("POST", "/control/reset", (BEARER, JSON), "{", 400),
        ("POST", "/control/reset", (BEARER, JSON), "[]", 400),
        ("POST", "/control/silent", (BEARER, JSON), '{"deny":true,"deny":false}', 400),
        ("GET", "/control/reset", (BEARER,), "", 405),
        ("POST", "/control", (BEARER, JSON), "{}", 405),
        ("POST", "/control/nothing", (BEARER, JSON), "{}", 404),
    ],
)
def test_the_control_surface_takes_strict_json_by_post_only(
    method: str, path: str, headers: tuple[tuple[str, str], ...], body: str, status: int
) -> None:
    assert World(control_token=TOKEN).send(method, path, *headers, body=body).status == status
