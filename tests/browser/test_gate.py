"""gate.js in a real page: what there is to see and to click before Python is up."""

import json
import re

from browser.gated_pages import BIND, HeldPython, gated_page
from browser.journey import Journey
from playwright.sync_api import expect

SIGNED_IN = "html[data-spa-auth=signed-in]"
SIGNED_OUT = "html[data-spa-auth=signed-out]"
DONE = "#out[data-done]"
LOGIN, LOGOUT = "button[data-spa-auth=login]", "button[data-spa-auth=logout]"
NAME = "[data-spa-auth='user.name']"


def is_up(journey: Journey) -> None:
    journey.page.locator(DONE).wait_for(state="attached")


def log_in(journey: Journey, url: str, user: str = "alice") -> None:
    """From nothing to a page that is logged in, whose Python has left a recipe."""
    page = journey.page
    page.goto(url)
    page.click(LOGIN)
    page.click(f"button[value={user}]")
    is_up(journey)
    expect(page.locator(NAME)).to_have_text(re.compile("Archer|Baker"))


def authorizations(journey: Journey) -> list[str]:
    return [each.query for each in journey.servers.provider.journal.of("GET", "/authorize")]


def test_a_page_shows_that_somebody_is_logged_in_before_python_is_up(journey: Journey) -> None:
    page, url = journey.page, gated_page(journey)
    log_in(journey, url)
    python = HeldPython(journey)
    page.reload()
    expect(page.locator(SIGNED_IN)).to_be_attached()
    expect(page.locator(LOGIN)).to_be_hidden()
    expect(page.locator(LOGOUT)).to_be_visible()
    assert page.locator(DONE).count() == 0
    python.let_go()
    is_up(journey)
    expect(page.locator(NAME)).to_have_text("Alice Archer")
    expect(page.locator(SIGNED_IN)).to_be_attached()


def test_python_corrects_what_the_hint_said(journey: Journey) -> None:
    """The provider's session ended meanwhile."""
    page, url = journey.page, gated_page(journey)
    log_in(journey, url)
    page.context.clear_cookies()
    python = HeldPython(journey)
    page.reload()
    expect(page.locator(SIGNED_IN)).to_be_attached()
    python.let_go()
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    expect(page.locator(LOGIN)).to_be_visible()
    expect(page.locator("#error")).to_be_hidden()


def test_a_click_before_python_is_up_logs_in_once(journey: Journey) -> None:
    page, python = journey.page, HeldPython(journey)
    page.goto(gated_page(journey))
    button = page.locator(LOGIN)
    button.click()
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    assert authorizations(journey) == []
    python.let_go()
    page.click("button[value=alice]")
    is_up(journey)
    expect(page.locator(NAME)).to_have_text("Alice Archer")
    assert len(authorizations(journey)) == len(journey.servers.provider.journal.grants) == 1


def test_a_click_that_waited_works_without_bind_as_well(journey: Journey) -> None:
    source = BIND.replace("auth.bind()", "web.page['out'].textContent = auth.user and auth.user.name")
    page, python = journey.page, HeldPython(journey)
    page.goto(gated_page(journey, source))
    page.click(LOGIN)
    python.let_go()
    page.click("button[value=bob]")
    is_up(journey)
    expect(page.locator("#out")).to_have_text("Bob Baker")
    expect(page.locator(SIGNED_IN)).to_be_attached()


def test_a_click_with_a_recipe_leaves_before_python_is_up(journey: Journey) -> None:
    """A24, A25: and comes back to the very address, which never holds an answer."""
    page, url = journey.page, gated_page(journey)
    log_in(journey, url)
    page.click(LOGOUT)
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    is_up(journey)
    journey.servers.provider.journal.clear()

    python = HeldPython(journey)
    page.goto(f"{url}?page=2#notes")
    page.click(LOGIN)
    page.locator("button[value=bob]").wait_for()
    assert len(journey.servers.provider.journal.of("GET", "/.well-known/openid-configuration")) == 0
    assert journey.servers.provider.journal.grants == []
    page.click("button[value=bob]")
    expect(page.locator(LOGIN)).to_be_visible()
    assert page.url == f"{url}?page=2#notes"
    python.let_go()
    expect(page.locator(NAME)).to_have_text("Bob Baker")
    assert len(authorizations(journey)) == len(journey.servers.provider.journal.grants) == 1
    assert page.url == f"{url}?page=2#notes"


def test_a_recipe_holds_no_secret_and_nothing_about_the_user(journey: Journey) -> None:
    """S01, S02, S21; the rest is seen by `nothing_leaked`."""
    log_in(journey, gated_page(journey))
    issuer = journey.servers.provider.issuer
    stored = json.loads(journey.page.evaluate("JSON.stringify(localStorage)"))
    assert set(stored) == {f"spa_auth:hint:{issuer}:demo", f"spa_auth:recipe:{issuer}:demo"}
    assert "alice" not in json.dumps(stored).lower()
    assert journey.page.evaluate("Object.keys(sessionStorage)") == []


def test_a_silent_login_by_redirect_happens_before_python_is_up(journey: Journey) -> None:
    """W10: page and provider are of two sites, so no frame could do it. No user is asked, and once is enough."""
    page = journey.page
    url = gated_page(journey, silent_mode="redirect").replace("127.0.0.1", "localhost")
    log_in(journey, url)
    python = HeldPython(journey)
    for count in (1, 2):
        journey.servers.provider.journal.clear()
        page.goto(f"{url}?count={count}")
        expect(page.locator(SIGNED_IN)).to_be_attached()
        page.wait_for_function("Object.keys(sessionStorage).some((name) => name.startsWith('spa_auth:response:'))")
        assert page.url == f"{url}?count={count}"
        assert ["prompt=none" in query for query in authorizations(journey)] == [True]
        assert journey.servers.provider.journal.grants == []
        python.let_go()
        is_up(journey)
        expect(page.locator(NAME)).to_have_text("Alice Archer")
        assert len(authorizations(journey)) == len(journey.servers.provider.journal.grants) == 1
        page.wait_for_timeout(1100)  # a hint names the second in which it ends, and a new one has to be another
        python = HeldPython(journey)


def test_where_the_provider_says_login_required_there_is_no_loop(journey: Journey) -> None:
    """W10."""
    page = journey.page
    url = gated_page(journey, silent_mode="redirect").replace("127.0.0.1", "localhost")
    log_in(journey, url)
    page.context.clear_cookies()
    journey.servers.provider.journal.clear()
    for _ in range(3):
        page.goto(url)
        expect(page.locator(SIGNED_OUT)).to_be_attached()
        is_up(journey)
        expect(page.locator(LOGIN)).to_be_visible()
        expect(page.locator("#error")).to_be_hidden()
        assert len(authorizations(journey)) == 1
    page.click(LOGIN)
    page.click("button[value=alice]")
    expect(page.locator(NAME)).to_have_text("Alice Archer")


def test_the_gate_works_where_scripts_may_do_least(journey: Journey) -> None:
    """S15: no inline script, no eval, and no text that becomes a script (Trusted Types)."""
    page = journey.page
    url = gated_page(journey, None, policy="; require-trusted-types-for 'script'; trusted-types 'none'")
    page.goto(url)
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    page.click(LOGIN)
    expect(page.locator(LOGIN)).to_have_attribute("aria-busy", "true")
    assert page.evaluate("[spa_auth_gate(), spa_auth_gate()]") == [True, False]
    expect(page.locator(LOGIN)).not_to_have_attribute("aria-busy", "true")
    assert journey.violations() == []
    assert journey.page_errors == []


def test_the_gate_works_as_a_module_too(journey: Journey) -> None:
    gate = '<script type="module" src="/gate.js" data-issuer="{issuer}" data-client-id="demo"></script>'
    page = journey.page
    page.goto(gated_page(journey, None, gate=gate))
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    page.click(LOGIN)
    assert page.evaluate("spa_auth_gate()") is True


def test_a_page_that_is_shown_again_can_be_left_again(journey: Journey) -> None:
    """A click, "back", another click: with a recipe and without Python."""
    page, url = journey.page, gated_page(journey)
    log_in(journey, url)
    page.click(LOGOUT)
    expect(page.locator(SIGNED_OUT)).to_be_attached()
    is_up(journey)
    python = HeldPython(journey)
    page.goto(url)
    page.click(LOGIN)
    page.locator("button[value=bob]").wait_for()
    page.go_back()
    page.click(LOGIN)
    page.click("button[value=bob]")
    python.let_go()
    expect(page.locator(NAME)).to_have_text("Bob Baker")
    page.evaluate("sessionStorage.clear()")  # the login that was not gone through with
