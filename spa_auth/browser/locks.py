"""One at a time, over all tabs of this origin."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from spa_auth.browser._js import JsError, create_proxy, js, js_object
from spa_auth.errors import NetworkError

if TYPE_CHECKING:
    from spa_auth.browser._js import LockManager

T = TypeVar("T")


class WebLocks:
    """The port `Locks` over navigator.locks: a tab that ends gives its locks back.

    Args:
        manager: navigator.locks.
    """

    def __init__(self, manager: "LockManager") -> None:
        self._manager = manager

    async def run(self, name: str, task: Callable[[], Awaitable[T]]) -> T:
        """What the task gives, or raises, while nobody else holds the lock of that name.

        Raises:
            NetworkError: `timeout`; the browser gives this page no lock.
        """
        granted, released = asyncio.Event(), asyncio.Event()
        giving_up = js.AbortController.new()

        async def hold(_lock: object) -> None:
            granted.set()
            await released.wait()

        proxy = create_proxy(hold)
        requested = asyncio.ensure_future(self._request(name, giving_up.signal, proxy))
        requested.add_done_callback(lambda _: proxy.destroy())
        waiting = asyncio.ensure_future(granted.wait())
        try:
            await asyncio.wait({waiting, requested}, return_when=asyncio.FIRST_COMPLETED)
            if not granted.is_set():
                raise NetworkError("The browser gives this page no lock.", reason="timeout", error="timeout")
            return await task()
        finally:
            waiting.cancel()
            released.set()
            giving_up.abort()  # of no effect where the lock was granted

    async def _request(self, name: str, signal: object, hold: object) -> None:
        with contextlib.suppress(JsError):  # given up, or not allowed on this page
            await self._manager.request(name, js_object({"signal": signal}), hold)
