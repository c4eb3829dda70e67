"""The provider's page /events in a browser: live, with what was before, to be filtered, paused and cleared."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from spa_auth.dev_provider.thread import RunningProvider, run_in_thread

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def running() -> Iterator[RunningProvider]:
    with run_in_thread() as provider:
        yield provider


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What the page complains of: its policy, and what its script raises."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    yield found
    assert found == []


def refuse(running: RunningProvider, grant_type: str = "password") -> None:
    httpx.post(f"{running.issuer}oauth/token", data={"client_id": "demo", "grant_type": grant_type})


@pytest.mark.usefixtures("complaints")
def test_it_shows_what_was_and_what_comes_and_values_only_as_text(running: RunningProvider, page: Page) -> None:
    refuse(running, EVIL)
    page.goto(running.issuer)
    page.click("text=what happens, live")
    events = page.locator("#log li")
    expect(page.locator("#state")).to_have_text("Live")
    expect(events).to_have_count(1)
    refuse(running)
    expect(events).to_have_count(2)
    expect(events.nth(0)).to_contain_text(EVIL)
    expect(page.locator("#log img")).to_have_count(0)
    expect(events.nth(1)).to_have_class(re.compile("error"))
    expect(events.nth(1)).to_contain_text("unsupported_grant_type")


@pytest.mark.usefixtures("complaints")
def test_it_can_be_filtered_paused_and_cleared_from_the_keyboard(running: RunningProvider, page: Page) -> None:
    page.goto(f"{running.issuer}events")
    expect(page.locator("#empty")).to_contain_text("Nothing yet")
    httpx.get(f"{running.issuer}userinfo")
    refuse(running)
    page.locator("#filter").focus()
    page.keyboard.type("GRANT demo")
    expect(page.locator("#log li:visible")).to_have_count(1)
    page.keyboard.type(" nothing")
    expect(page.locator("#empty")).to_have_text("No event fits the filter.")
    page.locator("#filter").fill("")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    refuse(running)
    expect(page.locator("#pause")).to_have_text("Go on (1 waiting)")
    expect(page.locator("#log li")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("#log li")).to_have_count(3)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#log li")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 1100])
def test_nothing_runs_out_of_the_window(running: RunningProvider, page: Page, width: int) -> None:
    refuse(running, "x" * 200)
    page.set_viewport_size({"width": width, "height": 500})
    page.goto(f"{running.issuer}events")
    expect(page.locator("#log li")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.scrollHeight") <= 500


def test_when_the_provider_ends_the_page_says_so_and_comes_back_with_a_new_one(
    running: RunningProvider, page: Page
) -> None:
    refuse(running)
    page.goto(f"{running.issuer}events")
    expect(page.locator("#log li")).to_have_count(1)
    running.stop()
    expect(page.locator("#state")).to_contain_text("does not answer")
    port = int(running.issuer.rstrip("/").rpartition(":")[2])
    with run_in_thread(port=port) as again:
        expect(page.locator("#state")).to_have_text("Live")
        httpx.get(f"{again.issuer}userinfo")
        expect(page.locator("#log li")).to_have_count(1)
        expect(page.locator("#log li")).to_contain_text("userinfo.error")
