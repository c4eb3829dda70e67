"""One at a time over all tabs: a limit on waiting, and a way where the browser has no Web Locks."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from spa_auth.errors import NetworkError
from spa_auth.protocol.base64url import encode
from spa_auth.protocol.strict_json import StrictJSONError, dumps, is_number, loads_object

if TYPE_CHECKING:
    from spa_auth.client.platform import Platform
    from spa_auth.client.ports import Locks, Storage

T = TypeVar("T")
SETTLE = 0.05
POLL = 0.1


async def locked(locks: "Locks", name: str, task: Callable[[], Awaitable[T]], *, timeout: float) -> T:
    """What the task gives while it has the lock.

    Raises:
        NetworkError: `timeout`; it did not get the lock in that many seconds, and was not run.
    """
    begun = asyncio.Event()

    async def begin() -> T:
        begun.set()
        return await task()

    running = asyncio.ensure_future(locks.run(name, begin))
    waiting = asyncio.ensure_future(begun.wait())
    try:
        await asyncio.wait({running, waiting}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not begun.is_set() and not running.done():
            raise NetworkError("Another tab takes too long to get tokens.", reason="timeout", error="timeout")
        return await running
    finally:
        waiting.cancel()
        running.cancel()


class StorageLocks:
    """The port `Locks` over localStorage, for a browser without Web Locks: a lease with its holder's name.

    Whoever finds no lease writes its own, waits for those who did so at the same time, and reads who came last.

    Args:
        storage: Where the lease lies.
        platform: Tells the time and makes names.
        lease: How long a holder that has died keeps the others waiting, in seconds.
    """

    def __init__(self, storage: "Storage", platform: "Platform", *, lease: float) -> None:
        self._storage = storage
        self._clock = platform.clock
        self._id = encode(platform.crypto.random(12))
        self._lease = lease

    async def run(self, name: str, task: Callable[[], Awaitable[T]]) -> T:
        """What the task gives, while it holds the lease of that name."""
        while not await self._take(name):  # noqa: ASYNC110  nobody can tell: the holder is on another page
            await asyncio.sleep(POLL)
        try:
            return await task()
        finally:
            if self._holder(name) == self._id:
                self._storage.remove(name)

    async def _take(self, name: str) -> bool:
        if self._holder(name) is not None:
            return False
        self._storage.set(name, dumps({"holder": self._id, "until": self._clock() + self._lease}).decode())
        await asyncio.sleep(SETTLE)
        return self._holder(name) == self._id

    def _holder(self, name: str) -> object:
        try:
            members = loads_object((self._storage.get(name) or "").encode(errors="replace"))
        except StrictJSONError:
            return None
        until, now = members.get("until"), self._clock()
        # A lease of the far future is of a clock that was set back meanwhile.
        return members.get("holder") if is_number(until) and now < until <= now + 2 * self._lease else None
