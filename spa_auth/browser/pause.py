"""Waiting on a page: timers sleep with the tab, so whoever looks at it again ends the wait."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from spa_auth.browser._js import create_proxy, js

if TYPE_CHECKING:
    from spa_auth.browser._js import Event

_EVENTS = ("visibilitychange", "pageshow", "online")


async def pause(seconds: float) -> None:
    """The port `Pause`: that many seconds, or until the page is shown, or the device is back on line."""
    awake = asyncio.Event()

    def look(_event: "Event") -> None:
        if js.document.visibilityState == "visible":
            awake.set()

    proxy = create_proxy(look)
    for name in _EVENTS:
        js.addEventListener(name, proxy)
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(awake.wait(), seconds)
    finally:
        for name in _EVENTS:
            js.removeEventListener(name, proxy)
        proxy.destroy()
