"""auth.bind(): elements that log in, log out and show the user, without a line of Python for each."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from browser.gated_pages import BIND, BODY, gated_page
from browser.journey import Journey
from browser.servers import Provider, served
from playwright.sync_api import expect

from spa_auth.cli.ports import listen
from spa_auth.dev_provider.users import User

MARKUP = "<img src=x onerror=\"document.title = 'run'\"><script>document.title = 'run'</script>"
PLAIN = """<main>
<div id="in" data-spa-auth="login">Log in</div>
<a id="link" href="#elsewhere" data-spa-auth="login">Log in here</a>
<span id="out-too" data-spa-auth="logout">Log out</span>
<p>You are <b data-spa-auth="user.name"></b></p>
<p data-spa-auth="error" id="error"></p>
</main>"""


@pytest.fixture(scope="module")
def hostile() -> Iterator[Provider]:
    """A provider whose users are named in markup."""
    listener = listen("127.0.0.1", 0, flag="")
    eve = User("eve", {"name": MARKUP, "picture": "javascript:document.title='run'"})
    frank = User("frank", {"name": "Frank", "picture": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"})
    provider = Provider(listener, users=(eve, frank))
    with ExitStack() as stack:
        stack.enter_context(served(provider.journal, listener))
        yield provider


def is_up(journey: Journey) -> None:
    journey.page.locator("#out[data-done]").wait_for(state="attached")


def open_page(journey: Journey, source: str = BIND, **options: object) -> None:
    journey.page.goto(gated_page(journey, source, **options))  # type: ignore[arg-type]
    is_up(journey)


def log_in(journey: Journey, user: str = "alice") -> None:
    journey.page.locator("[data-spa-auth=login]").first.click()
    journey.page.click(f"button[value={user}]")
    is_up(journey)


def test_elements_show_who_is_logged_in_and_log_in_and_out(journey: Journey) -> None:
    page = journey.page
    open_page(journey)
    expect(page.locator("p[data-spa-auth=signed-out]")).to_be_visible()
    for hidden in ("signed-in", "logout", "user.picture", "error"):
        expect(page.locator(f"body [data-spa-auth='{hidden}']")).to_be_hidden()
    log_in(journey)
    expect(page.locator("[data-spa-auth='user.name']")).to_have_text("Alice Archer")
    expect(page.locator("[data-spa-auth='user.picture']")).to_have_js_property("naturalWidth", 96)
    expect(page.locator("[data-spa-auth='user.picture']")).to_have_attribute("alt", "Alice Archer")
    for hidden in ("signed-out", "login", "error"):
        expect(page.locator(f"body [data-spa-auth='{hidden}']")).to_be_hidden()
    page.click("[data-spa-auth=logout]")
    expect(page.locator("[data-spa-auth=login]")).to_be_visible()
    expect(page.locator("[data-spa-auth='user.name']")).to_have_text("")
    expect(page.locator("[data-spa-auth='user.picture']")).not_to_have_attribute("src", re.compile(".*"))
    is_up(journey)
    assert journey.violations() == []


def test_it_works_on_a_page_without_the_gate(journey: Journey) -> None:
    open_page(journey, gate="")
    log_in(journey, "bob")
    expect(journey.page.locator("[data-spa-auth='user.name']")).to_have_text("Bob Baker")
    expect(journey.page.locator("html[data-spa-auth=signed-in]")).to_be_attached()


def test_the_keyboard_alone_works_with_elements_that_are_no_buttons(journey: Journey) -> None:
    page = journey.page
    open_page(journey, body=PLAIN)
    expect(page.locator("#in")).to_have_role("button")
    expect(page.locator("#link")).to_have_role("link")
    page.keyboard.press("Tab")
    expect(page.locator("#in")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("button[value=alice]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-spa-auth='user.name']")).to_have_text("Alice Archer")
    page.keyboard.press("Tab")
    expect(page.locator("#out-too")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#in")).to_be_visible()
    is_up(journey)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#link")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("button[value=alice]").wait_for()


def test_the_focus_goes_to_the_button_that_takes_the_place_of_another(journey: Journey) -> None:
    page = journey.page
    source = (
        BIND
        + """
from js import document
from pyscript import when

@when("click", "#out")
async def end(event):
    await auth.logout(open_url=False)
"""
    )
    open_page(journey, source)
    log_in(journey)
    page.locator("[data-spa-auth=logout]").focus()
    page.evaluate("document.getElementById('out').click()")
    expect(page.locator("[data-spa-auth=login]")).to_be_focused()


def test_i25_what_a_provider_says_is_text_and_never_markup(journey: Journey, hostile: Provider) -> None:
    """Nor is an address of a picture one that runs; nor does a name become the text of a script (S15)."""
    page = journey.page
    body = BODY + '<iframe id="frame" data-spa-auth="user.picture"></iframe>'
    body += '<script id="gadget" type="text/plain" data-spa-auth="user.name"></script>'
    open_page(journey, body=body, issuer=hostile.issuer)
    log_in(journey, "eve")
    expect(page.locator("b[data-spa-auth='user.name']")).to_have_text(MARKUP)
    assert page.locator("b[data-spa-auth='user.name'] *").count() == 0
    expect(page.locator("img[data-spa-auth='user.picture']")).to_be_hidden()
    assert page.locator("[data-spa-auth='user.picture'][src]").count() == 0
    assert page.locator("#gadget").text_content() == ""
    assert page.title() == "Gate"

    page.click("[data-spa-auth=logout]")
    expect(page.locator("[data-spa-auth=login]")).to_be_visible()
    is_up(journey)
    log_in(journey, "frank")
    expect(page.locator("img[data-spa-auth='user.picture']")).to_have_attribute("alt", "Frank")
    expect(page.locator("img[data-spa-auth='user.picture']")).to_have_attribute("src", re.compile("^data:image/"))
    expect(page.locator("#frame")).not_to_have_attribute("src", re.compile(".*"))


def test_an_error_is_said_in_words_by_an_alert(journey: Journey) -> None:
    page, provider = journey.page, journey.servers.provider
    open_page(journey)
    page.click("[data-spa-auth=login]")
    page.click("button[name=deny]")
    is_up(journey)
    journey.shows_error("access_denied", "Log in again and agree")
    expect(page.locator("[data-spa-auth=login]")).to_be_enabled()
    assert len(provider.journal.of("GET", "/authorize")) == 1
    log_in(journey)
    expect(page.locator("#error")).to_be_hidden()


def test_a_button_is_busy_while_it_works_and_takes_no_second_click(journey: Journey) -> None:
    page = journey.page
    open_page(journey)
    page.route("**/authorize?*", lambda route: route.fulfill(status=204))
    button = page.locator("[data-spa-auth=login]")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_be_focused()
    button.dispatch_event("click")
    page.wait_for_timeout(500)
    assert page.evaluate("Object.keys(sessionStorage).length") == 1
    page.evaluate("sessionStorage.clear()")


def test_after_going_back_the_button_works_again_and_nothing_is_complained_of(journey: Journey) -> None:
    page = journey.page
    open_page(journey)
    page.click("[data-spa-auth=login]")
    page.locator("button[value=alice]").wait_for()
    page.go_back()
    is_up(journey)
    expect(page.locator("#error")).to_be_hidden()
    expect(page.locator("[data-spa-auth=login]")).not_to_have_attribute("aria-busy", "true")
    log_in(journey)
    expect(page.locator("[data-spa-auth='user.name']")).to_have_text("Alice Archer")
    page.evaluate("sessionStorage.clear()")  # the login that was not gone through with


def test_elements_that_are_added_later_work_too(journey: Journey) -> None:
    page = journey.page
    open_page(journey, BIND.replace("auth.bind()", "auth.bind(); auth.bind()"))
    log_in(journey)
    page.evaluate(
        """() => {
            const name = document.createElement("i");
            name.id = "late";
            name.dataset.spaAuth = "user.name";
            const button = document.createElement("div");
            button.id = "late-button";
            button.dataset.spaAuth = "login";
            document.body.append(name, button);
            document.getElementById("out").dataset.spaAuth = "signed-out";
        }"""
    )
    expect(page.locator("#late")).to_have_text("Alice Archer")
    expect(page.locator("#late-button")).to_be_hidden()
    expect(page.locator("#late-button")).to_have_attribute("role", "button")
    expect(page.locator("#out")).to_be_hidden()
    page.click("[data-spa-auth=logout]")
    page.wait_for_url("**/index.html?state=*")
    expect(page).to_have_url(re.compile(r"index\.html$"))  # the page that comes back has read its answer
    expect(page.locator("[data-spa-auth=login]").first).to_be_visible()
