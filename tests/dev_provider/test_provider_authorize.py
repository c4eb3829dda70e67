import pytest
from dev_provider.harness import CALLBACK, World, answered, authorize_params, hidden_fields
from hypothesis import given, settings
from hypothesis import strategies as st

from spa_auth.dev_provider import DEMO, Api, Client, Options
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

EXACT = Client(client_id="app", redirect_uris=("https://app.example/cb", "https://app.example/cb?x=1"))


def is_page(response: Response) -> bool:
    return response.status == 400 and response.media_type == "text/html" and response.header("location") is None


def test_a_click_on_alice_logs_alice_in_and_gives_a_code_with_state_and_iss() -> None:
    world = World()
    answer = world.login("alice")
    assert answer["state"] == "s-1"
    assert answer["iss"] == "http://127.0.0.1:9400/"
    assert world.verified(str(world.tokens("bob")["id_token"])).claims["sub"] == "bob"


@pytest.mark.parametrize(
    ("typed", "sub", "name"),
    [
        ("Carol Smith", "carol-smith", "Carol Smith"),
        ("  BOB ", "bob", "Bob Baker"),
        ("alice@example.com", "alice", "Alice Archer"),
        ("dora@corp.test", "dora-corp-test-", "dora"),
        ("Zoë", "zo-", "Zoë"),
        ('"><script>', "script-", '"><script>'),
    ],
)
def test_any_typed_name_is_a_user(typed: str, sub: str, name: str) -> None:
    world = World()
    code = answered(world.answer(world.authorize(), name=typed))["code"]
    claims = world.verified(str(world.tokens_of(code)["id_token"])).claims
    assert claims["name"] == name
    assert str(claims["sub"]).startswith(sub)
    assert str(claims["sub"]).isascii()


@pytest.mark.parametrize("typed", [" ", "x" * 101, "\x00\x01"])
def test_an_empty_or_endless_name_is_asked_again(typed: str) -> None:
    world = World()
    page = world.answer(world.authorize(), name=typed)
    assert page.status == 400
    assert b'role="alert"' in page.body
    again = world.visit("POST", "/login", {**hidden_fields(page), "user": "bob"})
    assert "code" in answered(again)


def test_deny_sends_access_denied_back_with_state_and_iss() -> None:
    world = World()
    answer = answered(world.answer(world.authorize(), deny="1"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "s-1", "http://127.0.0.1:9400/")
    assert "session" not in "".join(world.cookies)


def test_a_second_application_of_the_same_browser_needs_no_login() -> None:
    world = World()
    world.login()
    assert "code" in answered(world.authorize())
    assert "code" in answered(world.authorize(prompt="none"))


def test_prompt_none_without_a_session_is_login_required_and_never_a_page_o09() -> None:
    world = World()
    response = world.authorize(prompt="none")
    assert answered(response)["error"] == "login_required"
    assert response.body == b""


def test_silent_login_can_be_denied_by_a_test() -> None:
    world = World()
    world.login()
    world.provider.controls.deny_silent_login = True
    assert answered(world.authorize(prompt="none"))["error"] == "login_required"
    assert "code" in answered(world.authorize())


@pytest.mark.parametrize("prompt", ["login", "select_account", "login select_account"])
def test_prompt_login_and_select_account_show_the_page_in_spite_of_a_session(prompt: str) -> None:
    world = World()
    world.login()
    assert "/login?" in (world.authorize(prompt=prompt).header("location") or "")


@pytest.mark.parametrize(
    ("max_age", "seconds", "asked"),
    [("60", 60, False), ("60", 61, True), ("0", 0, True), ("100000000", 3600, False)],
)
def test_max_age_asks_again_when_the_login_is_older(max_age: str, seconds: int, asked: bool) -> None:
    world = World()
    world.login()
    world.clock.now += seconds
    location = world.authorize(max_age=max_age).header("location") or ""
    assert ("/login?" in location) is asked


def test_auth_time_is_the_time_of_the_login_not_of_the_request() -> None:
    world = World()
    world.login()
    login_time = world.clock()
    world.clock.now += 500
    code = answered(world.authorize(prompt="none"))["code"]
    claims = world.verified(str(world.tokens_of(code)["id_token"])).claims
    assert claims["auth_time"] == login_time
    assert claims["iat"] == login_time + 500


def test_an_id_token_hint_of_somebody_else_asks_again_and_is_login_required_if_silent() -> None:
    world = World()
    hint = str(world.tokens("alice")["id_token"])
    world.login("bob")
    assert answered(world.authorize(prompt="none", id_token_hint=hint))["error"] == "login_required"
    page = world.authorize(id_token_hint=hint)
    assert answered(world.answer(page, user="bob"))["error"] == "login_required"


def test_the_session_ends_by_itself_after_its_lifetime() -> None:
    world = World(Options(session_lifetime=100))
    world.login()
    world.clock.now += 100
    assert answered(world.authorize(prompt="none"))["error"] == "login_required"


RULES = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": ""}, "invalid_request"),
    ({"response_mode": "jwt"}, "invalid_request"),
    ({"scope": 'openid "x"'}, "invalid_scope"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "create"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"resource": "not-absolute"}, "invalid_target"),
    ({"resource": "https://api.example/#part"}, "invalid_target"),
    ({"resource": "https://api.example/", "audience": "https://api.example/"}, "invalid_target"),
    ({"audience": "a b"}, "invalid_target"),
    ({"request": "e30."}, "request_not_supported"),
    ({"registration": "{}"}, "registration_not_supported"),
    ({"id_token_hint": "x.y.z"}, "invalid_request"),
]


@pytest.mark.parametrize(("changed", "error"), RULES)
def test_each_broken_rule_goes_back_to_the_application_with_its_error(changed: dict[str, str], error: str) -> None:
    answer = answered(World().authorize(**changed))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "s-1", "http://127.0.0.1:9400/")


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": ""},
        {"code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 42 + "="},
        {"code_challenge": "", "code_challenge_method": ""},
    ],
)
def test_pkce_with_s256_is_required_o06(changed: dict[str, str]) -> None:
    answer = answered(World().authorize(**changed))
    assert answer["error"] == "invalid_request"
    assert "code_challenge" in answer["error_description"]


def test_an_access_token_is_no_id_token_hint() -> None:
    world = World()
    access_token = str(world.tokens(audience="https://api.example")["access_token"])
    assert answered(world.authorize(id_token_hint=access_token))["error"] == "invalid_request"


def test_a_doubled_parameter_is_refused() -> None:
    world = World()
    query = form.encode([*authorize_params().items(), ("nonce", "n-2")])
    assert answered(world.visit("GET", f"/authorize?{query}"))["error"] == "invalid_request"


def test_the_response_mode_fragment_answers_behind_the_number_sign() -> None:
    world = World()
    world.login()
    location = world.authorize(response_mode="fragment").header("location") or ""
    assert location.startswith(f"{CALLBACK}#code=")


def test_a_post_is_as_good_as_a_get() -> None:
    response = World().visit("POST", "/authorize", authorize_params())
    assert "/login?" in (response.header("location") or "")


def test_the_query_of_a_redirect_uri_is_kept() -> None:
    world = World()
    world.login()
    location = world.authorize(redirect_uri=f"{CALLBACK}?a=1").header("location") or ""
    assert location.startswith(f"{CALLBACK}?a=1&code=")


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:9401/cb",
        "http://127.8.9.1/",
        "http://localhost:3000/a?b=c",
        "http://[::1]:8000/cb",
    ],
)
def test_the_demo_client_takes_any_http_loopback_url_o04(redirect_uri: str) -> None:
    assert World().authorize(redirect_uri=redirect_uri).status == 303


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://127.0.0.1/cb",
        "http://127.0.0.1.evil.test/",
        "http://localhost@evil.test/",
        "http://localhost.evil.test/",
        "http://evil.test/?http://localhost/",
        "http://localhost:1/#",
        "http://localhost:1/#x",
        "http://127.1/",
        "http://0x7f.0.0.1/",
        "http://2130706433/",
        "//localhost/",
        "javascript:alert(1)",
        "http://localhost/\r\nSet-Cookie: a=b",
        "http://localhost\\@evil.test/",
        "",
    ],
)
def test_the_demo_client_takes_nothing_else_and_no_error_is_redirected_o04_o05(redirect_uri: str) -> None:
    assert is_page(World().authorize(redirect_uri=redirect_uri, response_type="bogus"))


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://app.example/cb/",
        "https://app.example/CB",
        "https://app.example/cb?x=1&y=2",
        "https://app.example:443/cb",
        "https://app.example/cb/../cb",
        "https://app.example.evil.test/cb",
        "http://app.example/cb",
        "http://127.0.0.1/cb",
    ],
)
def test_other_clients_redirect_exactly_where_they_are_registered_o04(redirect_uri: str) -> None:
    world = World(Options(clients=(DEMO, EXACT)))
    assert is_page(world.authorize(client_id="app", redirect_uri=redirect_uri))
    assert world.authorize(client_id="app", redirect_uri="https://app.example/cb").status == 303


@pytest.mark.parametrize(
    ("given", "advice"), [("http://evil.example/", "Register exactly this"), ("", "Send one that")]
)
def test_the_page_of_a_refused_redirect_uri_says_what_to_do(given: str, advice: str) -> None:
    assert advice in World(Options(clients=(EXACT,))).authorize(client_id="app", redirect_uri=given).body.decode()


@settings(deadline=None)
@given(redirect_uri=st.one_of(st.text(), st.from_regex(r"https?://[a-z0-9.:@/\\\[\]#?%]*", fullmatch=True)))
def test_no_text_but_the_registered_ones_is_ever_redirected_to_o04(redirect_uri: str) -> None:
    world = World(Options(clients=(EXACT,)))
    response = world.authorize(client_id="app", redirect_uri=redirect_uri)
    assert response.status == (303 if redirect_uri in EXACT.redirect_uris else 400)


@pytest.mark.parametrize(
    "params",
    [
        [("client_id", "nobody")],
        [],
        [("client_id", "demo"), ("client_id", "demo"), ("redirect_uri", CALLBACK)],
        [("client_id", "demo"), ("redirect_uri", CALLBACK), ("redirect_uri", CALLBACK)],
        [("client_id", "demo")],
    ],
)
def test_an_unknown_client_or_redirect_uri_is_a_page_and_one_event_o05(params: list[tuple[str, str]]) -> None:
    world = World()
    assert is_page(world.visit("GET", f"/authorize?{form.encode(params)}"))
    assert world.trace == ["authorization.error"]


def test_an_unregistered_api_is_an_invalid_target_and_its_scopes_are_limited() -> None:
    options = Options(apis=(Api(audience="https://api.example", scopes=("read:notes",)),))
    world = World(options)
    assert answered(world.authorize(audience="https://other.example"))["error"] == "invalid_target"
    tokens = world.tokens(audience="https://api.example", scope="openid read:notes delete:all")
    assert tokens["scope"] == "openid read:notes"


def test_a_client_without_the_grant_type_for_codes_is_unauthorized() -> None:
    machine = Client(client_id="m", client_secret="s", redirect_uris=(CALLBACK,), grant_types=("client_credentials",))
    world = World(Options(clients=(machine,)))
    assert answered(world.authorize(client_id="m"))["error"] == "unauthorized_client"


def test_a_provider_that_reads_resource_only_ignores_audience() -> None:
    world = World(Options(resource_only=True, apis=(Api(audience="https://api.example/"),)))
    world.login(audience="https://unknown.example/")
    world.login(audience="https://unknown.example/", resource="https://api.example/")
    assert [grant.audiences for grant in world.provider._service.grants] == [(), ("https://api.example/",)]
    assert answered(world.authorize(resource="https://unknown.example/"))["error"] == "invalid_target"


def test_what_has_no_meaning_here_is_accepted_and_ignored() -> None:
    world = World()
    ignored = {"ui_locales": "de en", "display": "popup", "acr_values": "urn:x", "claims_locales": "de", "unknown": "1"}
    claims = world.verified(str(world.tokens(**ignored)["id_token"])).claims
    assert "acr" not in claims


def test_prompt_login_renews_auth_time() -> None:
    world = World()
    world.login()
    world.clock.now += 500
    claims = world.verified(str(world.tokens(prompt="login")["id_token"])).claims
    assert claims["auth_time"] == world.clock.now


def test_a_post_of_something_else_than_a_form_is_a_page_and_one_event() -> None:
    world = World()
    assert is_page(world.send("POST", "/authorize", ("Content-Type", "application/json"), body="{}"))
    assert world.trace == ["authorization.error"]


@pytest.mark.parametrize(
    "changed",
    [
        {"prompt": "none"},
        {"scope": '"'},
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.test/", "response_type": "x", "response_mode": "form_post"},
        {"response_mode": "web_message", "prompt": "none"},
    ],
)
def test_a_refusal_is_told_exactly_once(changed: dict[str, str]) -> None:
    world = World()
    world.authorize(**changed)
    assert world.trace == ["authorization.error"]


def test_a_fault_goes_back_to_the_application_once_the_request_is_addressed_o05() -> None:
    world = World()
    world.provider.controls.next("/authorize", error="temporarily_unavailable", times=2)
    assert answered(world.authorize())["error"] == "temporarily_unavailable"
    assert world.trace == ["authorization.error"]
    assert is_page(world.authorize(redirect_uri="https://evil.test/"))


def test_a_crash_is_a_page_for_people_and_the_event_server_error(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.provider.controls.next("/authorize", error="server_error")
    page = world.authorize()
    assert (page.status, page.media_type) == (500, "text/html")
    assert b"Look into the log of the provider" in page.body
    assert world.trace == ["server_error"]
    assert "A test wanted this." in caplog.text


@pytest.mark.parametrize(
    "request_target", ["/nothing", "/consent", "/login?interaction=x", "/authorize", "/authorize?client_id=demo"]
)
def test_every_error_page_says_what_to_do(request_target: str) -> None:
    body = World().visit("GET", request_target).body.decode()
    remedy = body.rpartition("<p>")[2].partition("</p>")[0]
    assert remedy.endswith(".")
    assert "Error: <code>" in body
