"""Silent logins in a real browser, in each mode and on each kind of page."""

import json
import time
from collections.abc import Iterator

import pytest
from browser.journey import Journey
from browser.windows import CROSS_SITE, ISOLATED, SILENT, WHO, Providers, providers
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def bent() -> Iterator[Providers]:
    with providers() as started:
        yield started


def hinted(journey: Journey, issuer: str, client_id: str = "demo") -> None:
    """Somebody was logged in here not long ago, at this provider."""
    journey.page.goto(f"{journey.servers.origin}/callback.html")
    record = json.dumps({"v": 1, "until": int(time.time()) + 3600})
    name = f"spa_auth:hint:{issuer}:{client_id}"
    journey.page.evaluate("([name, record]) => localStorage.setItem(name, record)", [name, record])


def test_without_a_callback_page_the_provider_answers_in_the_frame_by_web_message(journey: Journey) -> None:
    journey.log_in()
    journey.servers.provider.journal.clear()
    journey.run(SILENT, redirect_uri=None, use_refresh_tokens=False)
    assert journey.said().strip() == "Alice Archer"
    asked = [each.query for each in journey.servers.provider.journal.of("GET", "/authorize")]
    assert asked
    assert all("response_mode=web_message" in query and "prompt=none" in query for query in asked)
    assert journey.page.locator("iframe").count() == 0


def test_an_isolated_page_says_at_once_why_it_cannot_and_what_to_do(journey: Journey) -> None:
    """W09."""
    journey.log_in()
    journey.servers.provider.journal.clear()
    journey.page.goto(journey.servers.lab.page(SILENT, ISOLATED, use_refresh_tokens=False))
    assert journey.said().strip() == "SilentAuthUnavailableError silent_auth_unavailable"
    assert journey.servers.provider.journal.of("GET", "/authorize") == []


def test_an_isolated_page_logs_in_silently_by_redirect_and_comes_back_to_where_it_was(journey: Journey) -> None:
    journey.log_in()
    journey.servers.provider.journal.clear()
    address = journey.servers.lab.page(WHO, ISOLATED, silent_mode="redirect", use_refresh_tokens=False)
    journey.page.goto(f"{address}?q=1#top")
    assert journey.said().strip() == "Alice Archer None"
    assert journey.page.url == f"{address}?q=1#top"
    assert len(journey.servers.provider.journal.of("GET", "/authorize")) == 1
    # Every page that is loaded may do so once: the login has made a new hint.
    journey.page.reload()
    assert journey.said().strip() == "Alice Archer None"


def test_a_page_that_asked_by_redirect_and_found_nobody_asks_no_more(journey: Journey) -> None:
    """W10: no loop."""
    hinted(journey, journey.servers.provider.issuer)
    address = journey.servers.lab.page(WHO, silent_mode="redirect", use_refresh_tokens=False)
    for _ in range(2):
        journey.page.goto(address)
        assert journey.said().strip() == "None None"
    assert len(journey.servers.provider.journal.of("GET", "/authorize")) == 1
    assert journey.page_errors == []


def test_a_provider_on_another_site_sees_no_cookie_in_a_frame_and_the_session_stays(
    journey: Journey, bent: Providers
) -> None:
    """W10."""
    page = journey.page
    page.goto(journey.servers.lab.page(CROSS_SITE, issuer=bent.far.issuer, use_refresh_tokens=False))
    expect(page.locator("#out")).to_contain_text("ready")
    with page.expect_popup() as popup:
        page.click("#go")
    popup.value.click("button[value=alice]")
    assert journey.said().splitlines()[1:] == ["LoginRequiredError login_required", "Alice Archer"]


def test_a_provider_that_lists_no_web_message_is_not_asked_without_a_callback_page(
    journey: Journey, bent: Providers
) -> None:
    hinted(journey, bent.mute.issuer)
    journey.run(SILENT, issuer=bent.mute.issuer, redirect_uri=None)
    assert journey.said().strip() == "SilentAuthUnavailableError silent_auth_unavailable"
    assert bent.mute.journal.of("GET", "/authorize") == []


def test_a_page_of_the_provider_in_the_frame_ends_the_wait_long_before_its_time(journey: Journey) -> None:
    """W04: a client that the provider does not know gets no redirect, but an error page."""
    hinted(journey, journey.servers.provider.issuer, "nobody")
    started = time.monotonic()
    journey.run(SILENT, client_id="nobody", authorize_timeout=50)
    assert journey.said().strip() == "LoginTimeoutError timeout"
    assert time.monotonic() - started < 40
    assert journey.page.locator("iframe").count() == 0
