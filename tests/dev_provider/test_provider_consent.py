from typing import cast

import pytest
from dev_provider.harness import World, answered, hidden_fields

from spa_auth.dev_provider import Api, Options
from spa_auth.dev_provider.events import InteractionEnded, InteractionStarted, Prompt
from spa_auth.dev_provider.records import consent_key
from spa_auth.protocol.http import Response

API = "https://api.example"
ASKING = Options(consent=True)


def asks(response: Response) -> str:
    """The page of the provider that a response leads to."""
    location = response.header("location") or ""
    return location.partition("?")[0].removeprefix("http://127.0.0.1:9400") if "interaction=" in location else ""


def consented(world: World, **params: str) -> dict[str, str]:
    """Log in, agree, and return the authorization response."""
    page = world.answer(world.authorize(prompt="login", **params), user="alice")
    return answered(world.answer(page, allow="1"))


def prompts(world: World) -> list[Prompt]:
    return [cast("InteractionStarted", event).prompt for name, event in world.events if name.endswith("started")]


def outcomes(world: World) -> list[str]:
    return [cast("InteractionEnded", event).outcome for name, event in world.events if name.endswith("ended")]


def test_consent_is_asked_once_for_what_was_agreed() -> None:
    world = World(ASKING)
    assert "code" in consented(world)
    assert "code" in answered(world.authorize())
    assert "code" in answered(world.authorize(prompt="none", scope="openid"))
    assert prompts(world) == [("login", ("login_prompt", "no_session")), ("consent", ("consent_missing",))]
    assert outcomes(world) == ["login", "consent"]


def test_without_the_option_nobody_is_asked() -> None:
    world = World()
    assert "code" in world.login(scope="openid offline_access", audience=API)


@pytest.mark.parametrize(
    "more", [{"scope": "openid profile email phone"}, {"audience": API}, {"scope": "openid offline_access"}]
)
def test_more_than_was_agreed_is_asked_again(more: dict[str, str]) -> None:
    world = World(ASKING)
    consented(world)
    assert answered(world.authorize(prompt="none", **more))["error"] == "consent_required"
    assert asks(world.authorize(**more)) == "/consent"


def test_a_scope_allowed_for_one_api_is_not_allowed_for_another() -> None:
    world = World(ASKING)
    consented(world, audience=API, scope="openid read")
    consented(world, audience="https://other.example", scope="openid")
    assert answered(world.authorize(prompt="none", audience=API, scope="openid read")).get("error") is None
    other = world.authorize(prompt="none", audience="https://other.example", scope="openid read")
    assert answered(other)["error"] == "consent_required"


def test_consents_add_up_and_belong_to_one_user() -> None:
    world = World(ASKING)
    consented(world, scope="openid email")
    consented(world, scope="openid phone")
    assert "code" in answered(world.authorize(prompt="none", scope="openid email phone"))
    assert asks(world.answer(world.authorize(prompt="login"), user="bob")) == "/consent"


def test_prompt_consent_asks_even_where_no_consent_is_needed() -> None:
    world = World()
    world.login()
    page = world.authorize(prompt="consent")
    assert asks(page) == "/consent"
    assert prompts(world)[-1] == ("consent", ("consent_prompt",))
    assert "code" in answered(world.answer(page, allow="1"))


def test_a_refusal_is_access_denied_and_remembered_as_nothing() -> None:
    world = World(ASKING)
    page = world.answer(world.authorize(), user="alice")
    answer = answered(world.answer(page, deny="1"))
    assert (answer["error"], answer["state"]) == ("access_denied", "s-1")
    assert outcomes(world) == ["login", "denied"]
    assert answered(world.authorize(prompt="none"))["error"] == "consent_required"


def test_login_and_consent_are_asked_one_after_the_other_and_auth_time_is_renewed() -> None:
    world = World()
    world.login()
    world.clock.now += 100
    login = world.authorize(prompt="login consent", max_age="0")
    assert asks(login) == "/login"
    consent = world.answer(login, user="alice")
    world.clock.now += 100
    assert asks(consent) == "/consent"
    code = answered(world.answer(consent, allow="1"))["code"]
    assert world.verified(str(world.tokens_of(code)["id_token"])).claims["auth_time"] == world.clock.now - 100


def test_all_three_prompts_take_two_pages() -> None:
    world = World()
    world.login()
    page = world.answer(world.authorize(prompt="select_account consent"), account=sid(world))
    assert asks(page) == "/consent"
    assert "code" in answered(world.answer(page, allow="1"))
    page = world.answer(world.authorize(prompt="select_account login consent"), user="alice")
    assert asks(page) == "/consent"


def sid(world: World) -> str:
    page = world.visit("GET", world.authorize(prompt="select_account").header("location") or "")
    return page.body.decode().partition('name="account" value="')[2].partition('"')[0]


def test_the_page_says_in_plain_words_what_the_application_gets() -> None:
    apis = (Api(audience=API, scopes=("read", "write")), Api(audience="https://other.example", scopes=("pay",)))
    world = World(Options(consent=True, apis=apis))
    consented(world, scope="openid")
    scope = "openid profile email address phone offline_access read pay unknown"
    page = world.visit("GET", world.authorize(scope=scope, audience=API).header("location") or "").body.decode()
    for words in (
        "Know who you are",
        "your name",
        "e-mail address",
        "postal address",
        "phone number",
        "while you are away",
        f'<code>{API}</code><span class="words">with <code>read</code></span></li>',
        "alice@example.com",
        "Demo application",
    ):
        assert words in page
    assert "pay" not in page
    assert "unknown" not in page


def test_hostile_scopes_and_audiences_are_escaped_o09() -> None:
    world = World(ASKING)
    consented(world)
    location = world.authorize(scope="openid <script>", audience="<script>x").header("location") or ""
    page = world.visit("GET", location)
    assert page.status == 200
    assert b"<script" not in page.body
    assert b"&lt;script&gt;" in page.body


def test_the_consent_form_needs_our_token_our_browser_and_works_once_o09() -> None:
    world, other = World(ASKING), World()
    other.provider = world.provider
    location = world.answer(world.authorize(), user="alice").header("location") or ""
    good = {**hidden_fields(world.visit("GET", location)), "allow": "1"}
    assert world.visit("POST", "/consent", {**good, "csrf": "guess"}).status == 400
    assert other.visit("POST", "/consent", good).status == 400
    assert world.visit("POST", "/login", good).status == 400
    assert "code" in answered(world.visit("POST", "/consent", good))
    assert world.visit("POST", "/consent", good).status == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_agrees_for_somebody_else_who_has_signed_in_meanwhile(method: str) -> None:
    world = World(ASKING)
    location = world.answer(world.authorize(), user="alice").header("location") or ""
    good = {**hidden_fields(world.visit("GET", location)), "allow": "1"}
    world.answer(world.authorize(prompt="login"), user="bob")
    again = world.visit(method, "/consent" if method == "POST" else location, good if method == "POST" else None)
    assert asks(again) == "/consent"
    assert b"bob@example.com" in world.visit("GET", again.header("location") or "").body
    assert not list(world.provider._service.consents)


def test_after_a_logout_meanwhile_the_login_comes_first_again() -> None:
    world = World(ASKING)
    location = world.answer(world.authorize(), user="alice").header("location") or ""
    world.cookies = {name: value for name, value in world.cookies.items() if "session" not in name}
    assert asks(world.visit("GET", location)) == "/login"


def test_a_login_page_is_no_consent_page() -> None:
    world = World()
    login = (world.authorize().header("location") or "").partition("?")[2]
    assert world.visit("GET", f"/consent?{login}").status == 400


def test_select_account_goes_on_as_the_one_there_is_without_a_new_auth_time() -> None:
    world = World()
    world.login()
    login_time = world.clock.now
    world.clock.now += 100
    page = world.authorize(prompt="select_account")
    code = answered(world.answer(page, account=sid(world)))["code"]
    assert world.verified(str(world.tokens_of(code)["id_token"])).claims["auth_time"] == login_time
    assert outcomes(world)[-1] == "account"
    assert ("select_account", ("select_account_prompt",)) in prompts(world)


def test_select_account_lets_somebody_else_in_with_a_login() -> None:
    world = World()
    world.login()
    code = answered(world.answer(world.authorize(prompt="select_account"), user="bob"))["code"]
    assert world.verified(str(world.tokens_of(code)["id_token"])).claims["sub"] == "bob"
    assert outcomes(world)[-1] == "login"


def test_select_account_shows_the_present_account_first_and_once() -> None:
    world = World()
    world.login("bob")
    location = world.authorize(prompt="select_account").header("location") or ""
    page = world.visit("GET", location).body.decode()
    assert "Choose an account" in page
    assert page.index("bob@example.com") < page.index("alice@example.com")
    assert page.count("bob@example.com") == 1


def test_select_account_without_a_session_is_a_login() -> None:
    world = World()
    assert "code" in answered(world.answer(world.authorize(prompt="select_account"), user="bob"))
    assert prompts(world) == [("login", ("no_session",))]


def test_an_account_that_has_gone_meanwhile_is_not_gone_on_with() -> None:
    world = World()
    world.login()
    old = sid(world)
    page = world.authorize(prompt="select_account")
    world.login("bob")
    refused = world.answer(page, account=old)
    assert refused.status == 400
    assert b'role="alert"' in refused.body


def test_a_login_page_cannot_be_answered_with_an_account() -> None:
    world = World()
    world.login()
    page = world.authorize(prompt="login")
    assert world.answer(page, account=sid(world)).status == 400


@pytest.mark.parametrize("error", ["account_selection_required", "interaction_required", "temporarily_unavailable"])
def test_a_test_can_have_any_error_sent_back(error: str) -> None:
    world = World()
    world.login()
    world.events.clear()
    world.provider.controls.next("/authorize", error=error)
    assert answered(world.authorize(prompt="none"))["error"] == error
    assert world.trace == ["authorization.error"]
    assert "code" in answered(world.authorize(prompt="none"))


def test_no_two_consents_have_the_same_key_whatever_signs_are_in_the_names() -> None:
    given = [("a", "b", ("c",)), ("a\nb", "c", ()), ("a", "b\nc", ()), ("a", 'b", "c', ()), ("a", "b", ("c", "d"))]
    assert len({consent_key(*parts) for parts in given}) == len(given)
    assert consent_key("a", "b", ("c", "d")) == consent_key("a", "b", ("d", "c"))
