"""Tabs in step, in a real browser: what happens to the session in one is seen in all of them."""

import pytest
from browser.journey import START, Journey
from playwright.sync_api import Page, expect

# Shows who is logged in and why. A click on the button logs in or out, one on the words logs in as somebody else.
PAGE = (
    START
    + """
auth = await create_auth_client()

@auth.changed
def show(user):
    web.page["out"].textContent = f"{user.sub if user else 'nobody'}, {auth.changed.reason}"

@when("click", "#go")
async def go(event):
    await (auth.logout(open_url=False) if auth.user else auth.login_with_redirect())

@when("click", "#out")
async def switch(event):
    await auth.login_with_redirect(authorization_params={"prompt": "login"})

done()
"""
)


def opened(journey: Journey, number: int, **options: object) -> list[Page]:
    """That many tabs of one page, in which nobody is logged in."""
    address = journey.servers.lab.page(PAGE, **options)
    tabs = [journey.page, *(journey.page.context.new_page() for _ in range(number - 1))]
    for tab in tabs:
        tab.goto(address)
        tab.locator("#out[data-done]").wait_for(state="attached")
    return tabs


def choose(tab: Page, user: str) -> None:
    """Log in as that user at the provider's page."""
    tab.click(f"button[value={user}]")
    expect(tab.locator("#out")).to_have_text(f"{user}, login")


def shown(tabs: list[Page], words: str) -> None:
    """Every one of these tabs shows this."""
    for tab in tabs:
        expect(tab.locator("#out")).to_have_text(words)


@pytest.mark.parametrize("number", [2, 5])
def test_logins_and_logouts_in_one_tab_are_obeyed_in_every_other(journey: Journey, number: int) -> None:
    """L01: no session outlives a logout in another tab."""
    first, *others = opened(journey, number)
    shown([first, *others], "nobody, None")
    first.click("#go")
    choose(first, "alice")
    shown(others, "alice, other_tab")
    others[-1].click("#go")
    shown([others[-1]], "nobody, logout")
    shown([first, *others[:-1]], "nobody, other_tab")


def test_a_change_of_user_in_one_tab_is_one_in_the_others(journey: Journey) -> None:
    """R16: no tab goes on in the name of somebody who was replaced."""
    first, *others = opened(journey, 3)
    first.click("#go")
    choose(first, "alice")
    shown(others, "alice, other_tab")
    first.click("#out")
    choose(first, "bob")
    shown(others, "bob, other_tab")


def test_tabs_that_cannot_log_in_silently_obey_a_logout_all_the_same(journey: Journey) -> None:
    first, second = opened(journey, 2, silent_mode="off")
    for tab in (first, second):
        tab.click("#go")
        if tab == first:
            choose(tab, "alice")
        shown([tab], "alice, login")
    first.click("#go")
    shown([second], "nobody, other_tab")


def test_nothing_that_tabs_say_names_the_user_or_carries_a_token(journey: Journey) -> None:
    """And a forged message logs nobody in (W17); one of any other shape is ignored (W04)."""
    first, second = opened(journey, 2)
    name = f"spa_auth:tabs:{journey.servers.provider.issuer}:demo"
    second.evaluate(
        """(name) => {
            window.heard = [];
            window.line = new BroadcastChannel(name);
            window.line.onmessage = (event) => window.heard.push(JSON.stringify(event.data));
        }""",
        name,
    )
    second.evaluate(
        """() => {
            const cyclic = {}; cyclic.self = cyclic;
            for (const data of [null, 1n, 'x', [], new Map(), cyclic, {v: 1, type: 'login', salt: 's', user: 'u'}])
                window.line.postMessage(data);
        }"""
    )
    shown([first, second], "nobody, None")
    first.click("#go")
    choose(first, "alice")
    shown([second], "alice, other_tab")
    first.click("#go")
    shown([second], "nobody, other_tab")
    heard: list[str] = second.evaluate("window.heard")
    assert len(heard) == 2
    assert not any("alice" in text.lower() for text in heard)
    secrets = journey.servers.provider.journal.secrets
    assert secrets
    assert not any(secret in text for text in heard for secret in secrets)
