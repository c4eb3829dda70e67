"""callback.html: it hands an answer to the page that asked, and to nobody else."""

from browser.journey import Journey
from browser.servers import ROOT, fake_state
from playwright.sync_api import expect


def test_a_forged_callback_while_a_login_is_pending_does_no_harm(journey: Journey) -> None:
    """The tab shows words, and the genuine answer still counts (A05, A06, A08)."""
    page, servers = journey.page, journey.servers
    journey.open()
    journey.begin_login()
    for forged in (
        f"code=evil&state={fake_state('r')}",
        f"error=access_denied&state={fake_state('r')}",
        "code=evil&state=r",
        "code=evil",
        "",
    ):
        page.goto(f"{servers.origin}/callback.html?{forged}#access_token=evil")
        expect(page.locator("#stale")).to_be_visible()
        assert page.url == f"{servers.origin}/callback.html"
        page.go_back()
    page.locator("button[value=alice]").click()
    journey.is_logged_in()
    assert len(servers.provider.journal.grants) == 1


def test_the_words_of_the_callback_page_lead_back_to_the_page(journey: Journey) -> None:
    journey.page.goto(f"{journey.servers.pages['sub']}callback.html?code=x&state={fake_state('r')}")
    expect(journey.page.locator("#stale")).to_contain_text("not valid any more")
    journey.page.click("#stale a")
    journey.is_logged_out()
    assert journey.page.url == journey.servers.pages["sub"]


def test_an_answered_callback_that_is_opened_again_asks_nothing_of_the_provider(journey: Journey) -> None:
    """A12: the second time the transaction is gone."""
    page, servers = journey.page, journey.servers
    opened: list[str] = []
    page.on("request", lambda request: opened.append(request.url))
    journey.log_in()
    (callback,) = [url for url in opened if "/callback.html?" in url]
    servers.provider.journal.clear()
    page.goto(callback)
    expect(page.locator("#stale")).to_be_visible()
    assert servers.provider.journal.exchanges == []


def test_a_stored_return_to_of_another_origin_is_not_followed(journey: Journey) -> None:
    """A25: callback.js judges again what is in storage."""
    page, servers = journey.page, journey.servers
    page.goto(f"{servers.origin}/callback.html")
    state = fake_state("r")
    for target in (servers.foreign, "//evil.example/", "javascript:alert(1)", "data:,x", f"blob:{servers.origin}/x"):
        page.evaluate(
            "([name, record]) => sessionStorage.setItem(name, record)",
            [f"spa_auth:tx:{state}", f'{{"return_to": "{target}"}}'],
        )
        page.goto(f"{servers.origin}/callback.html?code=x&state={state}")
        expect(page.locator("#stale")).to_be_visible()
        assert page.url == f"{servers.origin}/callback.html"
        assert page.evaluate(f"sessionStorage.getItem('spa_auth:response:{state}')") is None


def test_a_foreign_opener_or_parent_hears_nothing(journey: Journey) -> None:
    """W15, and CVE-2017-17068: the callback page opened or framed by another origin keeps the code to itself."""
    page, servers = journey.page, journey.servers
    page.goto(f"{servers.foreign}/")
    page.evaluate("window.heard = []; addEventListener('message', (event) => heard.push(event.data))")
    address = f"code=secret&state={fake_state('s')}"
    with page.expect_popup() as popup:
        page.evaluate("(url) => { window.open(url) }", f"{servers.origin}/callback.html?{address}")
    popup.value.wait_for_url(f"{servers.origin}/callback.html")
    popup.value.evaluate("opener.postMessage('the popup ran', '*')")
    page.wait_for_function("heard.includes('the popup ran')")
    assert page.evaluate("heard") == ["the popup ran"]

    # In a frame, the demo's own policy already refuses; so here from a host that sends no policy at all.
    page.goto(f"{servers.origin}/callback.html")
    page.goto(f"{servers.foreign.replace('127.0.0.1', 'localhost')}/")
    page.evaluate("window.heard = []; addEventListener('message', (event) => heard.push(event.data))")
    page.evaluate(
        """(url) => new Promise((done) => {
            const frame = document.createElement('iframe');
            frame.onload = done;
            frame.src = url;
            document.body.append(frame);
        })""",
        f"{servers.foreign}/callback.html?{address}",
    )
    inner = page.frames[1]
    inner.evaluate("parent.postMessage('the frame ran', '*')")
    page.wait_for_function("heard.includes('the frame ran')")
    assert page.evaluate("heard") == ["the frame ran"]
    assert inner.url == f"{servers.foreign}/callback.html"


def test_a_window_that_nobody_waits_for_says_that_it_can_be_closed(journey: Journey) -> None:
    journey.page.goto(f"{journey.servers.origin}/callback.html?code=x&state={fake_state('l')}")
    expect(journey.page.locator("#done")).to_have_text("You can close this window.")
    expect(journey.page.locator("#stale")).to_be_hidden()
    assert journey.page.url == f"{journey.servers.origin}/callback.html"


def test_the_callback_page_is_small_and_has_nothing_inline() -> None:
    """S15 and W16: under 1.5 KB, no inline script, no request, no message to everybody."""
    html, script = (ROOT / "web" / name for name in ("callback.html", "callback.js"))
    assert len(html.read_bytes() + script.read_bytes()) < 1500
    assert "<script>" not in html.read_text()
    assert "style" not in html.read_text()
    for forbidden in ("fetch(", "XMLHttpRequest", "innerHTML", '"*"', "'*'", "location.hash", "eval("):
        assert forbidden not in script.read_text()
