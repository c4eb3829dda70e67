import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from dev_provider.harness import CALLBACK, ISSUER, World, members

from spa_auth.dev_provider import DEMO, Client, Options
from spa_auth.protocol import form
from spa_auth.protocol.http import Response
from spa_auth.protocol.strict_json import loads_object

Reader = Callable[[Response], dict[str, Any]]
HOSTILE = "\"'></script><script>alert(1)</script>{0}&amp;\u2028"


def attribute(page: Response, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', page.body.decode())
    assert found is not None, page.body
    return html.unescape(found[1])


def message(page: Response) -> dict[str, Any]:
    """What the script of a web_message page posts."""
    assert page.status == 200, page.body
    return loads_object(attribute(page, "data-response").encode())


def fields(page: Response) -> dict[str, str]:
    """What the form of a form_post page sends."""
    assert page.status == 200, page.body
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.body.decode())
    return {name: html.unescape(value) for name, value in pairs}


def policy(page: Response) -> dict[str, str]:
    parts = (page.header("content-security-policy") or "").split("; ")
    return {name: sources for name, _, sources in (part.partition(" ") for part in parts)}


def test_a_web_message_goes_to_the_exact_origin_of_the_redirect_uri_o10() -> None:
    world = World()
    world.login()
    page = world.authorize(prompt="none", response_mode="web_message")
    assert attribute(page, "data-origin") == "http://127.0.0.1:9401"
    assert set(message(page)) == {"code", "state", "iss"}
    assert message(page)["state"] == "s-1"
    assert members(world.exchange(message(page)["code"]))["token_type"] == "Bearer"


def test_the_script_of_a_web_message_posts_to_that_origin_and_never_to_any_o10() -> None:
    script = World().send("GET", "/assets/web_message.js")
    assert script.media_type == "text/javascript"
    assert b"JSON.parse(response) }, origin)" in script.body
    assert script.body.count(b"postMessage(") == 1
    assert b"*" not in script.body


def test_a_web_message_page_can_be_framed_by_the_application_only_and_runs_our_script_only_o09_o10() -> None:
    page = World().authorize(prompt="none", response_mode="web_message")
    assert policy(page)["frame-ancestors"] == "http://127.0.0.1:9401"
    assert page.header("x-frame-options") is None
    assert policy(page)["script-src"] == "'self'"
    assert policy(page)["default-src"] == "'none'"
    assert page.body.count(b"<script") == 1
    assert b'<script src="/assets/web_message.js" defer></script>' in page.body
    assert page.header("cache-control") == "no-store"


def test_an_ipv6_application_cannot_be_named_in_the_policy_and_so_frames_nothing_o10() -> None:
    page = World().authorize(prompt="none", response_mode="web_message", redirect_uri="http://[::1]:9401/")
    assert policy(page)["frame-ancestors"] == "'none'"
    assert attribute(page, "data-origin") == "http://[::1]:9401"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"scope": '"'}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
@pytest.mark.parametrize("read", [message, fields])
def test_errors_travel_in_the_mode_that_was_asked(read: Reader, params: dict[str, str], error: str) -> None:
    mode = "web_message" if read is message else "form_post"
    answer = read(World().authorize(response_mode=mode, **params))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "s-1", ISSUER)


@pytest.mark.parametrize("read", [message, fields])
def test_a_login_and_a_denial_end_in_the_mode_that_was_asked(read: Reader) -> None:
    mode = "web_message" if read is message else "form_post"
    world = World()
    assert "code" in read(world.answer(world.authorize(response_mode=mode), user="alice"))
    page = world.authorize(response_mode=mode, prompt="login")
    assert read(world.answer(page, deny="1"))["error"] == "access_denied"


def test_a_login_that_ends_in_a_page_sets_the_session_cookie() -> None:
    world = World()
    world.answer(world.authorize(response_mode="web_message"), user="alice")
    assert "code" in message(world.authorize(response_mode="web_message", prompt="none"))


@pytest.mark.parametrize("mode", ["web_message", "form_post"])
@pytest.mark.parametrize("changed", [{"client_id": "nobody"}, {"redirect_uri": "https://evil.test/"}])
def test_a_response_to_nobody_known_is_an_error_page_in_every_mode_o05_o10(mode: str, changed: dict[str, str]) -> None:
    page = World().authorize(response_mode=mode, prompt="none", **changed)
    assert page.status == 400
    assert b"<script" not in page.body
    assert policy(page)["form-action"] == "'self'"
    assert policy(page)["frame-ancestors"] == "'none'"
    assert page.header("x-frame-options") == "DENY"


def test_a_form_post_sends_code_state_and_iss_to_the_redirect_uri_only() -> None:
    world = World()
    world.login()
    page = world.authorize(response_mode="form_post")
    assert f'<form method="post" action="{CALLBACK}" id="response"'.encode() in page.body
    assert set(fields(page)) == {"code", "state", "iss"}
    assert policy(page)["form-action"] == "'self' http://127.0.0.1:9401"
    assert policy(page)["script-src"] == "'self'"
    assert policy(page)["frame-ancestors"] == "'none'"
    assert page.header("x-frame-options") == "DENY"
    assert page.header("cache-control") == "no-store"


def test_a_form_post_needs_no_script_of_the_users() -> None:
    world = World()
    page = world.authorize(response_mode="form_post", prompt="none")
    assert b'<noscript><button class="primary">Continue</button></noscript>' in page.body
    assert b"submit()" in world.send("GET", "/assets/form_post.js").body


def test_hostile_values_are_data_in_every_mode_o09() -> None:
    evil = Client(client_id="evil", name=HOSTILE, redirect_uris=(CALLBACK,))
    world = World(Options(clients=(DEMO, evil)))
    for mode, read in (("web_message", message), ("form_post", fields)):
        page = world.authorize(response_mode=mode, prompt="none", state=HOSTILE, client_id="evil")
        assert read(page)["state"] == HOSTILE
        assert page.body.count(b"<script") == 1
        assert b"alert(1)</script>" not in page.body


def test_web_message_can_be_switched_off_and_is_then_neither_listed_nor_taken() -> None:
    world = World(Options(web_message=False))
    modes = members(world.send("GET", "/.well-known/openid-configuration"))["response_modes_supported"]
    assert modes == ["query", "fragment", "form_post"]
    location = world.authorize(response_mode="web_message", prompt="none").header("location") or ""
    assert location.startswith(f"{CALLBACK}?error=invalid_request&")


@pytest.mark.parametrize(("mode", "sign"), [("query", "?"), ("fragment", "#")])
def test_a_redirect_carries_an_error_behind_its_sign(mode: str, sign: str) -> None:
    location = World().authorize(response_mode=mode, prompt="none").header("location") or ""
    assert location.startswith(f"{CALLBACK}{sign}error=login_required&")


def test_discovery_lists_every_mode_and_each_of_them_works() -> None:
    world = World()
    world.login()
    modes = members(world.send("GET", "/.well-known/openid-configuration"))["response_modes_supported"]
    assert modes == ["query", "fragment", "form_post", "web_message"]
    statuses = [world.authorize(response_mode=mode).status for mode in modes]
    assert statuses == [303, 303, 200, 200]
    assert world.trace.count("authorization.success") == 1 + len(modes)


def test_the_query_of_a_redirect_uri_stays_in_a_form_post() -> None:
    page = World().authorize(response_mode="form_post", prompt="none", redirect_uri=f"{CALLBACK}?a=1&b=2")
    assert attribute(page, "action") == f"{CALLBACK}?{form.encode({'a': '1', 'b': '2'})}"
