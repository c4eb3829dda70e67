"""A page whose only Python is in a worker: it logs in by a link, whatever the page is, and leaves nothing behind."""

import pytest
from browser.journey import Journey
from browser.windows import ISOLATED
from browser.workers import begin_worker, said
from playwright.sync_api import Page

LOGIN = """
from spa_auth.browser import create_auth_client

auth = await create_auth_client(
    issuer="ISSUER", client_id="demo", redirect_uri="ORIGIN/callback.html",
    audience="https://api.example", base_url="BASE_URL", scope="openid profile email read:notes",
)
link = await auth.login_link()
say(link._repr_html_())
try:
    user = await link.result(timeout=60)
    say(user.name, auth.changed.reason)
    say(len(await auth.fetch_with_auth("/notes").json()) > 0)
except Exception as error:
    say(type(error).__name__, getattr(error, "error", ""))
"""


def link_shown(journey: Journey, source: str, headers: dict[str, str] | None = None) -> Page:
    """A page without Python of its own, which shows the link of its worker as a notebook does."""
    servers, page = journey.servers, journey.page
    page.goto(servers.lab.page("", headers))
    for name, value in (
        ("ISSUER", servers.provider.issuer),
        ("ORIGIN", servers.origin),
        ("BASE_URL", str(servers.lab.options["base_url"])),
    ):
        source = source.replace(name, value)
    begin_worker(journey, source)
    (html,) = said(page, 1)
    page.evaluate("(html) => { document.body.insertAdjacentHTML('beforeend', html) }", html)
    return page


def followed(page: Page) -> Page:
    """The tab that the link opens, at the provider's page."""
    with page.context.expect_page() as tab:
        page.click("a[target=_blank]")
    page.evaluate("document.querySelector('a[target=_blank]').remove()")  # it is good once, and holds the state
    tab.value.locator("button[value=alice]").wait_for()
    return tab.value


@pytest.mark.parametrize("headers", [None, ISOLATED], ids=["plain", "isolated"])
def test_a_worker_logs_in_by_a_link_and_calls_the_api(journey: Journey, headers: dict[str, str] | None) -> None:
    """W08: cross-origin isolation changes nothing. W11: the provider's page has no opener."""
    page = link_shown(journey, LOGIN, headers)
    assert page.evaluate("crossOriginIsolated") is (headers is not None)
    tab = followed(page)
    assert tab.evaluate("opener") is None
    with tab.expect_event("close"):
        tab.click("button[value=alice]")
    assert said(page, 3)[1:] == ["Alice Archer login", "True"]
    (grant,) = journey.servers.provider.journal.grants
    assert grant["redirect_uri"] == f"{journey.servers.origin}/callback.html"


def test_messages_of_others_are_ignored_and_the_genuine_answer_counts(journey: Journey) -> None:
    """W04 another shape, W05 another state, W06 a second answer: one POST, and the user who did log in."""
    page = link_shown(journey, LOGIN)
    tab = followed(page)
    state = tab.evaluate("new URLSearchParams(location.search).get('state')")
    page.evaluate(
        """(state) => {
            const good = {type: 'spa_auth:response', state, response: `code=evil&state=${state}`};
            const cyclic = {...good}; cyclic.self = cyclic;
            window.line = new BroadcastChannel('spa_auth:' + state);
            for (const data of [null, 1n, 'x', [good], new Map(Object.entries(good)), new Blob(['x']), cyclic,
                {...good, type: 'other'}, {...good, state: state + 'x'}, {...good, response: null},
                {...good, response: 'x'.repeat(10000000)}])
                window.line.postMessage(data);
        }""",
        state,
    )
    tab.click("button[value=alice]")
    assert said(page, 3)[1:] == ["Alice Archer login", "True"]
    page.evaluate("(state) => window.line.postMessage({type: 'spa_auth:response', state, response: 'code=x'})", state)
    assert len(journey.servers.provider.journal.grants) == 1


HUNDRED = """
from spa_auth.browser import create_auth_client

counts = js.eval('''
    const open = new Set(), Channel = BroadcastChannel;
    globalThis.BroadcastChannel = class extends Channel {
        constructor(name) { super(name); open.add(this); }
        close() { super.close(); open.delete(this); }
    };
    (() => open.size)
''')
auth = await create_auth_client(issuer="ISSUER", client_id="demo", redirect_uri="ORIGIN/callback.html")
before = counts()
for number in range(100):
    link = await auth.login_link()
    if number % 2:
        try:
            await link.result(timeout=0)
        except TimeoutError:
            pass
    link.cancel()
await asyncio.sleep(0)
say("<p>", before, counts(), "</p>")
"""


def test_a_hundred_links_leave_no_channel_open(journey: Journey) -> None:
    """W20."""
    page = link_shown(journey, HUNDRED)
    (words,) = said(page, 1)
    _, before, after, _ = words.split()
    assert before == after
