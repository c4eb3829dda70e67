import asyncio

import pytest
from dev_provider.harness import FORM, ISSUER, KEYS, World, authorize_params
from hypothesis import given, settings
from hypothesis import strategies as st

from spa_auth.dev_provider import DEMO, Api, Client, DevProvider, Options
from spa_auth.dev_provider.provider import ROUTES
from spa_auth.dev_provider.users import ALICE
from spa_auth.errors import ConfigurationError
from spa_auth.protocol import form
from spa_auth.protocol.http import Request

JSON_PATHS = [path for path, route in ROUTES.items() if route.cors]
PAGE_PATHS = [path for path, route in ROUTES.items() if not route.cors]


@pytest.mark.parametrize("path", JSON_PATHS)
def test_every_origin_may_call_what_scripts_call(path: str) -> None:
    world = World(Options(registration="open"))
    preflight = world.send("OPTIONS", path, ("Origin", "http://localhost:3000"))
    assert preflight.status == 204
    assert preflight.header("access-control-allow-origin") == "*"
    # "*" is any header of a client, DPoP and Content-Type too, but never Authorization (Fetch, CORS protocol).
    assert preflight.header("access-control-allow-headers") == "Authorization, *"
    assert preflight.header("access-control-allow-credentials") is None
    refused = world.send("DELETE", path)
    assert refused.status == 405
    assert refused.header("access-control-allow-origin") == "*"
    assert refused.header("allow")


@pytest.mark.parametrize("path", PAGE_PATHS)
def test_no_page_can_be_read_by_another_origin(path: str) -> None:
    world = World()
    for method in ("GET", "OPTIONS", "POST"):
        assert world.send(method, path).header("access-control-allow-origin") is None


@pytest.mark.parametrize("path", [*JSON_PATHS, *PAGE_PATHS])
def test_a_wrong_method_is_told_of_all_that_work_and_of_no_other(path: str) -> None:
    world = World(Options(registration="open"))
    allowed = (world.send("TRACE", path).header("allow") or "").split(", ")
    methods = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
    assert set(allowed) == {method for method in methods if world.send(method, path).status != 405}


@pytest.mark.parametrize("host", ["127.0.0.1:9400", "localhost:9400", "[::1]:9400", "127.1.2.3"])
def test_requests_for_this_machine_are_answered_o01(host: str) -> None:
    assert World().send("GET", "/", ("Host", host)).status == 200


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test:9400", "10.0.0.1"])
def test_requests_for_another_host_are_refused_o01(host: str) -> None:
    assert World().send("GET", "/", ("Host", host)).status == 421
    assert World().send("GET", f"http://{host}/").status == 421


@pytest.mark.parametrize("host", ["", "a b", "evil@127.0.0.1", "127.1", "\x00"])
def test_a_malformed_host_is_a_bad_request_o01(host: str) -> None:
    assert World().send("GET", "/", ("Host", host)).status == 400


def test_the_host_of_the_issuer_is_its_own_o01() -> None:
    world = World(Options(issuer="https://op.example/"))
    assert world.send("GET", "https://op.example/", ("Host", "op.example")).status == 200


def test_a_long_url_and_a_large_body_are_refused() -> None:
    assert World().send("GET", "/?" + "a" * 20_000).status == 414
    assert World().send("POST", "/oauth/token", *FORM, body="a" * 70_000).status == 413


@pytest.mark.parametrize("path", JSON_PATHS)
@pytest.mark.parametrize(
    ("query", "body", "status"), [("?" + "a" * 20_000, "", 414), ("", "a" * 70_000, 413), ("?a=<b>", "", 400)]
)
def test_scripts_read_why_a_request_was_no_good_at_all(path: str, query: str, body: str, status: int) -> None:
    world = World(Options(registration="open"))
    refused = world.send("POST", path + query, *FORM, body=body)
    assert (refused.status, refused.header("access-control-allow-origin")) == (status, "*")
    assert world.send("OPTIONS", path + query, body=body).status == 204


@pytest.mark.parametrize(
    ("target", "header"),
    [
        *((path + "?" + "a" * 20_000, ("Accept", "*/*")) for path in (*PAGE_PATHS, "/none", "/register")),
        ("/oauth/token", ("Host", "evil.test")),
        ("http://evil.test/oauth/token", ("Accept", "*/*")),
        ("/none?<", ("Accept", "*/*")),
    ],
)
def test_nobody_else_reads_it_o01(target: str, header: tuple[str, str]) -> None:
    refused = World().send("POST", target, header)
    assert refused.status in (400, 414, 421)
    assert refused.header("access-control-allow-origin") is None


def test_pages_of_another_machine_do_not_read_it_where_they_cannot_register_o01() -> None:
    world = World(Options(registration="open"))
    refused = world.send("POST", "/register?<", ("Origin", "https://evil.example"))
    assert (refused.status, refused.header("access-control-allow-origin")) == (400, None)


def test_a_head_is_a_get_without_its_body() -> None:
    response = World().send("HEAD", "/.well-known/openid-configuration")
    assert (response.status, response.body) == (200, b"")


def test_what_is_not_expected_is_a_server_error_and_an_event(caplog: pytest.LogCaptureFixture) -> None:
    def broken_clock() -> float:
        raise RuntimeError("no time")

    heard: list[str] = []
    provider = DevProvider(clock=broken_clock, keys=KEYS)
    provider.events.on_any(lambda name, _event: heard.append(name))
    response = asyncio.run(provider.handle(Request("GET", f"{ISSUER}login?interaction=x")))
    assert (response.status, heard) == (500, ["server_error"])
    assert "no time" in caplog.text


def test_no_request_reaches_the_controls_and_all_are_off_o13() -> None:
    world = World()
    assert not world.provider.controls.deny_silent_login
    for path in ("/controls", "/control", "/_control", "/test", "/clock", "/delay", "/events"):
        assert world.send("GET", path).status == 404
        assert world.send("POST", path, *FORM, body="deny_silent_login=1").status == 404


def test_wrong_options_are_all_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Options(
            issuer="ftp://x",
            users=(ALICE, ALICE),
            clients=(DEMO, Client(client_id="demo", redirect_uris=("app://cb", "https://a.example/#x"))),
            apis=(Api(audience="a"), Api(audience="a")),
            code_lifetime=0,
        )
    assert len(caught.value.faults) == 7
    with pytest.raises(ConfigurationError):
        Options(issuer="http://127.0.0.1/?x")


PATHS = st.sampled_from([*ROUTES, "/avatars/x.svg", "/nothing"])
NAMES = st.sampled_from(
    [
        *authorize_params(),
        *("audience", "resource", "prompt", "max_age", "id_token_hint", "login_hint", "response_mode"),
        *(
            "grant_type",
            "code",
            "code_verifier",
            "refresh_token",
            "interaction",
            "csrf",
            "user",
            "name",
            "deny",
            "stay",
        ),
        *("post_logout_redirect_uri", "client_secret", "request"),
    ]
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [*authorize_params().values(), "authorization_code", "refresh_token", "none", "0", "9" * 400, "a.b.c"]
    ),
)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
NOTHING: list[tuple[str, str]] = []
GOOD = st.sampled_from([NOTHING, list(authorize_params().items()), [("client_id", "demo")]])
HEADERS = st.lists(
    st.tuples(st.sampled_from(["Host", "Cookie", "Authorization", "Content-Type", "Origin"]), st.text(max_size=40)),
    max_size=3,
)
METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", ""])
_shared = World()


@settings(max_examples=400, deadline=None)
@given(method=METHODS, path=PATHS, good=GOOD, query=PAIRS, body=PAIRS, headers=HEADERS)
def test_no_request_makes_a_500(
    *,
    method: str,
    path: str,
    good: list[tuple[str, str]],
    query: list[tuple[str, str]],
    body: list[tuple[str, str]],
    headers: list[tuple[str, str]],
) -> None:
    target = f"{path}?{form.encode([*good, *query])}"
    response = _shared.send(method, target, *FORM, *headers, body=form.encode([*good, *body]))
    assert response.status < 500


@settings(max_examples=200, deadline=None)
@given(url=st.text(), body=st.binary(), header=st.text())
def test_no_garbage_makes_a_500(url: str, body: bytes, header: str) -> None:
    for path in ("", "authorize?", "oauth/token?", "userinfo?", "oidc/logout?", "login?"):
        for method in ("GET", "POST"):
            headers = (*FORM, ("Authorization", header), ("Cookie", header))
            request = Request(method, f"{ISSUER}{path}{url}", headers, body)
            assert asyncio.run(_shared.provider.handle(request)).status < 500
    assert "server_error" not in _shared.trace
