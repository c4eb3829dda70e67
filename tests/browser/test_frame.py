"""The hidden frame: who may answer, with what, and that it always ends."""

import re
import time

from browser.journey import START, Journey

ASK = (
    START
    + """
auth = await create_auth_client()
try:
    say(await auth.get_token_silently() and auth.user.name)
except Exception as error:
    say(type(error).__name__)
done()
"""
)

# Sent with a state that is right, by somebody who is wrong or with content that is.
NOISE = """(state) => {
    const good = {type: 'spa_auth:response', state, response: `code=evil&state=${state}`};
    const cyclic = {type: good.type, state}; cyclic.response = cyclic;
    const bent = [
        null, undefined, 0, 1n, 'text', [], [good], {}, new Map(Object.entries(good)), new Blob(['x']), cyclic,
        {...good, type: 'other'}, {...good, state: state + 'x'}, {...good, state: null},
        {...good, response: null}, {...good, response: 5}, {...good, response: ['x']}, {...good, response: {}},
        {...good, response: 'x'.repeat(65537)}, {...good, response: 'x'.repeat(10000000)},
        {error: 'access_denied', state: 'another'},
    ];
    const channel = new BroadcastChannel('spa_auth:' + state);
    for (const data of bent) channel.postMessage(data);
    for (const data of [good, ...bent]) window.postMessage(data, '*');
}"""


def test_messages_of_others_are_ignored_and_the_genuine_answer_counts(journey: Journey) -> None:
    """W01 another origin, W02 another window, W03, W04 another shape, W05 another state."""
    page, servers = journey.page, journey.servers
    journey.log_in()
    servers.provider.journal.clear()
    servers.provider.inner.controls.next("/authorize", delay=3, times=None)
    # A foreign page opens ours, so that it has a window to send messages to.
    attacker = page.context.new_page()
    attacker.goto(f"{servers.foreign}/")
    with attacker.expect_popup() as popup:
        attacker.evaluate("(url) => { window.victim = window.open(url) }", servers.lab.page(ASK))
    victim = popup.value
    victim.locator("iframe").wait_for(state="attached")
    (state,) = re.findall(r"[?&]state=([^&]+)", victim.locator("iframe").get_attribute("src") or "")
    attacker.evaluate(
        """(state) => victim.postMessage(
            {type: 'spa_auth:response', state, response: `code=evil&state=${state}`}, '*')""",
        state,
    )
    victim.evaluate(NOISE, state)
    out = victim.locator("#out[data-done]")
    out.wait_for(state="attached")
    assert out.inner_text().strip() == "Alice Archer"
    assert len(servers.provider.journal.grants) == 1
    assert victim.locator("iframe").count() == 0
    assert journey.page_errors == []


def test_without_an_answer_the_call_ends_at_its_deadline_and_leaves_nothing_behind(journey: Journey) -> None:
    """W04, W13: noise does not prolong it; the frame goes, and no listener stays."""
    page, provider = journey.page, journey.servers.provider
    journey.log_in()
    provider.inner.controls.next("/authorize", delay=20, times=None)
    started = time.monotonic()
    page.add_init_script(
        """window.listening = 0;
        for (const [name, step] of [['addEventListener', 1], ['removeEventListener', -1]]) {
            const original = window[name];
            window[name] = function (type, ...rest) {
                if (type === 'message') window.listening += step;
                return original.call(this ?? window, type, ...rest);
            };
        }"""
    )
    journey.run(ASK, authorize_timeout=2)
    frame = page.locator("iframe")
    frame.wait_for(state="attached")
    assert frame.get_attribute("sandbox") == "allow-scripts allow-same-origin"
    assert frame.get_attribute("aria-hidden") == "true"
    assert frame.evaluate("(frame) => [frame.hidden, frame.referrerPolicy]") == [True, "no-referrer"]
    (state,) = re.findall(r"[?&]state=([^&]+)", frame.get_attribute("src") or "")
    listening = page.evaluate("window.listening")
    page.evaluate(NOISE, state)
    assert journey.said().strip() == "LoginTimeoutError"
    assert time.monotonic() - started < 20
    assert page.locator("iframe").count() == 0
    assert page.evaluate("window.listening") == listening - 1
    assert len(provider.journal.grants) == 1


def test_a_cross_origin_isolated_page_is_told_at_once_that_it_cannot(journey: Journey) -> None:
    """W09: not after the timeout."""
    journey.log_in()
    journey.page.add_init_script("Object.defineProperty(window, 'crossOriginIsolated', {value: true})")
    journey.servers.provider.journal.clear()
    journey.run(ASK)
    assert journey.said().strip() == "SilentAuthUnavailableError"
    assert journey.servers.provider.journal.of("GET", "/authorize") == []
