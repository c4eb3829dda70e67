"""Web Locks and the pause of a page, against the real thing."""

import re

from browser.journey import START, Journey

LOCKS = (
    START
    + """
from spa_auth.browser import browser_platform

locks = browser_platform().locks
order = []

async def turn(name, seconds=0.05):
    async def work():
        order.append(f"{name} begins")
        await asyncio.sleep(seconds)
        order.append(f"{name} ends")
        return name
    return await locks.run("spa_auth:test", work)

async def fail():
    raise ValueError("mine")
"""
)


def test_one_task_at_a_time_has_the_lock_and_gives_it_back_whatever_happens(journey: Journey) -> None:
    """R06."""
    journey.run(
        LOCKS
        + """
say(*await asyncio.gather(turn("a"), turn("b"), turn("c")))
try:
    await locks.run("spa_auth:test", fail)
except ValueError as error:
    say(error)
holder = asyncio.ensure_future(turn("holder", 60))
await asyncio.sleep(0.1)
waiting = asyncio.ensure_future(turn("never"))
await asyncio.sleep(0.1)
waiting.cancel()
holder.cancel()
say(await turn("last"), *order)
done()
"""
    )
    said = journey.said().splitlines()
    assert said[:2] == ["a b c", "mine"]
    turns = [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]
    assert said[2] == " ".join(["last", *turns, "holder begins", "last begins", "last ends"])


def test_another_tab_waits_for_the_lock_and_gets_it_when_the_holder_ends(journey: Journey) -> None:
    """R05, R06."""
    journey.run(LOCKS + 'holder = asyncio.ensure_future(turn("holder", 600))\nawait asyncio.sleep(0.2)\ndone()')
    journey.said()
    other = journey.page.context.new_page()
    other.goto(
        journey.servers.lab.page(LOCKS + 'say("asked")\ndone()\nsay(await turn("other"))\nweb.page["out"].id = "end"')
    )
    other.locator("#out[data-done]").wait_for(state="attached")
    other.wait_for_timeout(500)
    assert other.locator("#end").count() == 0
    journey.page.close()
    assert re.search("asked\\s+other", other.locator("#end").text_content() or "")


def test_a_pause_ends_when_somebody_looks_at_the_page(journey: Journey) -> None:
    journey.run(
        START
        + """
from js import Event, window
from spa_auth.browser import browser_platform

pause = browser_platform().pause
await pause(0.01)
long = asyncio.ensure_future(pause(60))
await asyncio.sleep(0.05)
say(long.done())
window.dispatchEvent(Event.new("visibilitychange"))
await asyncio.wait_for(long, 2)
given_up = asyncio.ensure_future(pause(60))
await asyncio.sleep(0.05)
given_up.cancel()
await asyncio.wait({given_up})
window.dispatchEvent(Event.new("visibilitychange"))
say("awake")
done()
"""
    )
    assert journey.said().split() == ["False", "awake"]
