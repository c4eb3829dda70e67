"""Logins in a window of their own, in a real browser: who answers, what ends them, and that nothing stays behind."""

import re
import time
from collections.abc import Iterator

import pytest
from browser.journey import START, Journey
from browser.windows import ISOLATED, POPUP, Providers, providers
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def bent() -> Iterator[Providers]:
    with providers() as started:
        yield started


def ready(journey: Journey, options: str = "", headers: dict[str, str] | None = None, **config: object) -> None:
    """Open a page with a button that logs in by popup, and wait until Python is up."""
    source = POPUP.replace("OPTIONS", options)
    journey.page.goto(journey.servers.lab.page(source, headers, **config))
    expect(journey.page.locator("#out")).to_contain_text("ready")


def opened(journey: Journey) -> Page:
    """The window that a click opens, at the provider's page."""
    with journey.page.expect_popup() as popup:
        journey.page.click("#go")
    popup.value.locator("button[value=alice]").wait_for()
    return popup.value


def outcome(journey: Journey) -> list[str]:
    """What the page said after "ready"."""
    return journey.said().splitlines()[1:]


def test_a_popup_logs_in_through_the_callback_page_and_leaves_this_page_where_it_is(journey: Journey) -> None:
    """W11: what the window shows cannot send the page elsewhere that opened it. W12: it has no name to be found by."""
    ready(journey)
    address = journey.page.url
    popup = opened(journey)
    popup.evaluate(
        """() => {
            for (const there of [() => opener.location, () => opener.top.location, () => opener.parent.location])
                try { there().href = 'about:blank?evil' } catch {}
        }"""
    )
    assert popup.evaluate("name") == ""
    popup.wait_for_timeout(300)
    assert journey.page.url == address
    with popup.expect_event("close"):
        popup.click("button[value=alice]")
    assert outcome(journey) == ["Alice Archer", "True"]
    assert journey.page.url == address
    assert journey.page.evaluate("Object.keys(sessionStorage)") == []
    (grant,) = journey.servers.provider.journal.grants
    assert grant["redirect_uri"].endswith("/callback.html")


def test_without_a_callback_page_the_provider_answers_by_web_message(journey: Journey) -> None:
    ready(journey, redirect_uri=None)
    popup = opened(journey)
    with popup.expect_event("close"):
        popup.click("button[value=alice]")
    assert outcome(journey) == ["Alice Archer", "True"]


@pytest.mark.parametrize("cut", [False, True])
def test_on_an_isolated_page_a_popup_logs_in_all_the_same(journey: Journey, cut: bool) -> None:
    """W08: there the window looks closed at once, and is not taken for it. It closes itself in the end."""
    ready(journey, "close_popup=False" if cut else "", ISOLATED)
    assert journey.page.evaluate("crossOriginIsolated")
    popup = opened(journey)
    popup.wait_for_timeout(1500)
    if cut:
        popup.click("button[value=alice]")
        expect(popup.locator("#done")).to_be_visible()
    else:
        with popup.expect_event("close"):
            popup.click("button[value=alice]")
    assert outcome(journey) == ["Alice Archer", "True"]


def test_on_an_isolated_page_without_a_callback_page_a_popup_says_what_is_missing(journey: Journey) -> None:
    """W08."""
    ready(journey, headers=ISOLATED, redirect_uri=None)
    with journey.page.expect_popup() as popup:
        journey.page.click("#go")
    assert outcome(journey) == ["NavigationUnavailableError popup_unsupported"]
    assert popup.value.is_closed()


def test_a_provider_that_severs_its_window_is_not_taken_for_a_user_who_closed_it(
    journey: Journey, bent: Providers
) -> None:
    """W08: the window has the focus, which a headless browser has to be told."""
    journey.page.add_init_script("Document.prototype.hasFocus = () => false")
    ready(journey, issuer=bent.closed)
    popup = opened(journey)
    popup.wait_for_timeout(2000)
    with popup.expect_event("close"):
        popup.click("button[value=alice]")
    assert outcome(journey) == ["Alice Archer", "True"]


def test_a_severed_window_that_only_the_provider_could_answer_from_is_said_so(
    journey: Journey, bent: Providers
) -> None:
    """W08."""
    journey.page.add_init_script("Document.prototype.hasFocus = () => false")
    ready(journey, issuer=bent.closed, redirect_uri=None)
    opened(journey)
    assert outcome(journey) == ["NavigationUnavailableError popup_unsupported"]


def test_a_popup_works_at_a_provider_on_another_site_and_without_web_message(journey: Journey, bent: Providers) -> None:
    """W10: a window is a first party, whatever becomes of cookies in frames."""
    for issuer in (bent.far.issuer, bent.mute.issuer):
        ready(journey, issuer=issuer)
        popup = opened(journey)
        with popup.expect_event("close"):
            popup.click("button[value=alice]")
        assert outcome(journey) == ["Alice Archer", "True"]


def test_a_popup_that_is_blocked_is_said_so_at_once(journey: Journey) -> None:
    """W07."""
    journey.page.add_init_script("window.open = () => null")
    ready(journey)
    journey.page.click("#go")
    assert outcome(journey) == ["PopupOpenError popup_blocked"]


def test_a_popup_that_the_user_closes_ends_the_login_within_a_second(journey: Journey) -> None:
    """W07."""
    ready(journey)
    popup = opened(journey)
    started = time.monotonic()
    popup.close()
    assert outcome(journey) == ["PopupCancelledError cancelled"]
    assert time.monotonic() - started < 2  # the second, and what the machinery of the test takes
    assert journey.servers.provider.journal.grants == []


def test_a_popup_without_an_answer_is_closed_at_its_time(journey: Journey) -> None:
    """W07."""
    ready(journey, "timeout=3")
    with journey.page.expect_popup() as popup:
        journey.page.click("#go")
    assert outcome(journey) == ["PopupTimeoutError timeout"]
    journey.page.wait_for_timeout(200)
    assert popup.value.is_closed()


def test_a_popup_logs_in_where_the_browser_stores_nothing(journey: Journey) -> None:
    journey.page.add_init_script(
        """for (const name of ['localStorage', 'sessionStorage'])
            Object.defineProperty(window, name, {get() { throw new DOMException('No.', 'SecurityError') }});"""
    )
    ready(journey)
    popup = opened(journey)
    with popup.expect_event("close"):
        popup.click("button[value=alice]")
    assert outcome(journey) == ["Alice Archer", "True"]


def test_messages_of_others_are_ignored_and_the_genuine_answer_counts(journey: Journey) -> None:
    """W01 another origin, W02 another window of the right origin, W03, W05 another state, W06 once."""
    page, servers = journey.page, journey.servers
    ready(journey, redirect_uri=None)
    popup = opened(journey)
    state = dict(re.findall(r"[?&](\w+)=([^&]+)", _authorize(journey)))["state"]
    forged = """(state) => window.postMessage(
        {type: 'authorization_response', response: {state, code: 'evil', error: undefined}}, '*')"""
    page.evaluate(forged, state)
    # A frame of the provider's origin: the right origin, and not the window that was asked.
    page.evaluate(
        """(url) => new Promise((done) => {
            const frame = document.createElement('iframe');
            frame.onload = frame.onerror = done;
            frame.src = url;
            document.body.append(frame);
        })""",
        f"{servers.provider.issuer}.well-known/openid-configuration",
    )
    for frame in page.frames[1:]:
        frame.evaluate(
            """(state) => parent.postMessage(
                {type: 'authorization_response', response: {state, code: 'evil'}}, '*')""",
            state,
        )
    popup.evaluate(
        """(state) => opener.postMessage(
            {type: 'authorization_response', response: {state: state + 'x', error: 'access_denied'}}, '*')""",
        state,
    )
    with popup.expect_event("close"):
        popup.click("button[value=alice]")
    assert outcome(journey) == ["Alice Archer", "True"]
    assert len(servers.provider.journal.grants) == 1
    assert servers.provider.journal.grants[0]["code"] != "evil"


def _authorize(journey: Journey) -> str:
    (exchange,) = journey.servers.provider.journal.of("GET", "/authorize")
    return f"?{exchange.query}"


# Counts what Python hands to JavaScript and has not taken back: a proxy that was destroyed cannot be unwrapped.
PROXIES = """
import pyodide.ffi
made, create_proxy = [], pyodide.ffi.create_proxy

def counted(*values, **options):
    made.append(create_proxy(*values, **options))
    return made[-1]

def is_alive(proxy):
    try:
        proxy.unwrap()
    except Exception:
        return False
    return True

def proxies():
    return sum(map(is_alive, made))

pyodide.ffi.create_proxy = counted
"""
MANY = (
    PROXIES
    + START
    + """
import asyncio
from js import window
auth = await create_auth_client()
say("ready")

async def attempt(number):
    try:
        if number % 2:
            await auth.get_token_silently(cache_mode="off")
        else:
            login = asyncio.ensure_future(auth.login_with_popup(timeout=0.05 if number % 4 else 5))
            await asyncio.sleep(0)
            await login
    except Exception as error:
        return type(error).__name__

@when("click", "#go")
async def go(event):
    await attempt(0), await attempt(1), await attempt(2)
    await asyncio.sleep(0)
    before, proxies_before, made_before = window.counts(), proxies(), len(made)
    outcomes = [await attempt(number) for number in range(100)]
    await asyncio.sleep(0)
    say(sorted({name or "good" for name in outcomes}))
    say(before == window.counts(), before, window.counts())
    say(proxies() == proxies_before, proxies_before, proxies(), len(made) - made_before > 200)
    done()
"""
)


def test_nothing_stays_behind_after_a_hundred_attempts(journey: Journey) -> None:
    """W20: listeners, channels, frames, windows and proxies are as many as before."""
    journey.log_in()
    journey.page.add_init_script(COUNTING)
    journey.page.goto(journey.servers.lab.page(MANY, authorize_timeout=5, use_refresh_tokens=False))
    expect(journey.page.locator("#out")).to_contain_text("ready")
    journey.page.click("#go")
    outcomes, counts, python = outcome(journey)
    assert "good" in outcomes
    assert "PopupTimeoutError" in outcomes or "PopupOpenError" in outcomes
    assert counts.startswith("True"), counts
    assert python.startswith("True"), python
    assert python.endswith("True"), python  # the counter counts


COUNTING = """
const kept = {listeners: 0, channels: 0, windows: []};
for (const [name, step] of [['addEventListener', 1], ['removeEventListener', -1]]) {
    const original = window[name];
    window[name] = function (type, ...rest) {
        if (type === 'message') kept.listeners += step;
        return original.call(this ?? window, type, ...rest);
    };
}
const Channel = BroadcastChannel;
window.BroadcastChannel = class extends Channel {
    constructor(name) { super(name); kept.channels += 1; }
    close() { kept.channels -= 1; super.close(); }
};
const open = window.open;
window.open = (...all) => {
    const opened = open.apply(window, all);
    if (opened) kept.windows.push(opened);
    return opened;
};
window.counts = () => JSON.stringify([
    kept.listeners, kept.channels, kept.windows.filter((each) => !each.closed).length,
    document.querySelectorAll('iframe').length,
]);
"""
