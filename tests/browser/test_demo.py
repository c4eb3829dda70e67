"""The demo itself, as people use it: login, claims, protected call, refresh, logout, reload."""

import re

from browser.journey import Journey
from playwright.sync_api import expect


def test_a_user_logs_in_sees_claims_and_notes_reloads_and_logs_out(journey: Journey) -> None:
    """The whole path, under the strict policy (S15); F5 needs no click; each code is posted once (A12)."""
    page, provider = journey.page, journey.servers.provider
    journey.log_in()
    expect(page.locator("#email")).to_have_text("alice@example.com")
    expect(page.locator("#picture")).to_have_js_property("naturalWidth", 96)
    expect(page.locator("#claims")).to_contain_text("preferred_username")
    expect(page.locator("#claims")).not_to_contain_text("nonce")
    expect(page.locator("#notes")).to_contain_text("note of alice")
    expect(page.locator("#expiry")).to_have_text(re.compile(r"^(9:\d\d|10:00)$"))
    assert page.url == journey.servers.pages["main"]
    journey.nothing_leaked()

    page.reload()
    journey.is_logged_in()
    expect(page.locator("#notes")).to_contain_text("note of alice")
    assert page.locator("iframe").count() == 0
    codes = [grant["code"] for grant in provider.journal.grants]
    assert len(codes) == len(set(codes)) == 2

    page.click("#logout")
    journey.is_logged_out()
    assert page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []
    provider.journal.clear()
    page.reload()
    journey.is_logged_out()
    assert provider.journal.exchanges == []
    assert journey.violations() == []
    policy = page.request.get(page.url).headers["content-security-policy"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy


def test_a_used_up_token_is_renewed_with_each_refresh_token_posted_once(journey: Journey) -> None:
    """Short lifetimes: the next call refreshes, with rotation; no refresh token is posted twice (R-group)."""
    page, provider = journey.page, journey.servers.short
    journey.log_in("short")
    for count in (1, 2):
        expect(page.locator("#renewal")).to_be_visible()
        page.click("#load")
        expect(page.locator("#renewal")).to_be_hidden()
        refreshes = [grant for grant in provider.journal.grants if grant["grant_type"] == "refresh_token"]
        assert len({grant["refresh_token"] for grant in refreshes}) == len(refreshes) == count
        expect(page.locator("#notes")).to_contain_text("note of alice")
        expect(page.locator("#error")).to_be_hidden()
    assert len(provider.journal.of("GET", "/authorize")) == 1


def test_the_keyboard_alone_logs_in_and_out(journey: Journey) -> None:
    page = journey.page
    journey.open()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#login")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("button[value=alice]")).to_be_focused()
    page.keyboard.press("Enter")
    journey.is_logged_in()
    page.locator("#logout").focus()
    page.keyboard.press("Enter")
    journey.is_logged_out()


def test_the_same_page_works_under_a_sub_path_and_from_a_second_page(journey: Journey) -> None:
    """One redirect URI serves both pages, which come back to where they were; require_login leaves by itself."""
    page, servers = journey.page, journey.servers
    journey.log_in("sub")
    assert page.url == servers.pages["sub"]
    (request,) = servers.provider.journal.of("GET", "/authorize")
    redirect_uri = f"{servers.origin}/sub/path/callback.html".replace(":", "%3A").replace("/", "%2F")
    assert redirect_uri in request.query

    page.click("#logout")
    journey.is_logged_out()
    page.goto(servers.pages["sub"] + "second.html?from=here#there")
    page.locator("button[value=bob]").click()
    expect(page.locator("#hello")).to_have_text("Hello Bob Baker")
    assert page.url == servers.pages["sub"] + "second.html?from=here#there"
    asked = servers.provider.journal.of("GET", "/authorize")
    assert all(redirect_uri in each.query for each in asked)


def test_access_denied_is_shown_in_words_and_the_page_lives(journey: Journey) -> None:
    page = journey.page
    journey.open()
    journey.begin_login()
    page.click("button[name=deny]")
    journey.is_logged_out()
    journey.shows_error("access_denied", "Log in again and agree")
    assert page.url == journey.servers.pages["main"]
    journey.begin_login()
    page.click("button[value=bob]")
    journey.is_logged_in("Bob Baker")
    expect(page.locator("#error")).to_be_hidden()


def test_where_third_party_cookies_are_blocked_a_reload_shows_a_logged_out_page_without_a_loop(
    journey: Journey,
) -> None:
    """localhost and 127.0.0.1 are two sites: the provider's cookie does not reach its hidden frame (W10)."""
    page, servers = journey.page, journey.servers
    page.goto(f"http://localhost:{servers.port}/")
    journey.is_logged_out()
    journey.begin_login()
    page.click("button[value=alice]")
    journey.is_logged_in()
    servers.provider.journal.clear()
    page.reload()
    journey.is_logged_out()
    assert len(servers.provider.journal.of("GET", "/authorize")) == 1
    expect(page.locator("#error")).to_be_hidden()
    page.reload()
    journey.is_logged_out()
    assert len(servers.provider.journal.of("GET", "/authorize")) == 1  # the hint is gone: it does not ask again
