"""Where a session outlasts its page: the browser's storage, or a store that the application brings."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

from spa_auth.errors import without_locals

if TYPE_CHECKING:
    from spa_auth.client.config import ClientConfig
    from spa_auth.client.platform import Platform
    from spa_auth.client.ports import Cache, Storage

T = TypeVar("T")
SESSION_PREFIX = "spa_auth:session:"
OnError = Callable[[BaseException], object]


def session_store(config: "ClientConfig", platform: "Platform", on_error: OnError) -> "SessionStore | None":
    """The store that the options name; None where tokens stay in memory, or this place has no such storage."""
    name = f"{SESSION_PREFIX}{config.issuer}:{config.client_id}"
    if config.cache is not None:
        return SessionStore(config.cache, name, is_shared=True, timeout=config.http_timeout, on_error=on_error)
    areas = {"localstorage": platform.local_storage, "sessionstorage": platform.session_storage}
    area = areas.get(config.cache_location)
    if area is None:
        return None
    is_shared = config.cache_location == "localstorage"
    return SessionStore(_Area(area), name, is_shared=is_shared, timeout=config.http_timeout, on_error=on_error)


class SessionStore:
    """One record in a store. What fails there is told to `on_error` and counts as absent (threat S22).

    Args:
        cache: The store.
        name: The name of the record.
        is_shared: Whether other pages see the same record.
        timeout: How long the store may take, in seconds.
        on_error: Called with what the store raises.
    """

    def __init__(self, cache: "Cache", name: str, *, is_shared: bool, timeout: float, on_error: OnError) -> None:
        self.is_shared = is_shared
        self.works = True
        self._cache = cache
        self._name = name
        self._timeout = timeout
        self._on_error = on_error
        self._turn = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()

    async def load(self) -> str | None:
        """The record."""
        await self.settled()  # what is forgotten is not found again, however slow the store
        text = await self._do(lambda: self._cache.get(self._name))
        return text if isinstance(text, str) else None

    async def save(self, record: str) -> None:
        """Keep a record. Where that fails, `works` is False and none is kept: half a record would be a wrong one."""
        failed = _Failure
        if await self._do(lambda: self._cache.set(self._name, record), failed) is failed:
            self.works = False
            self.forget()

    def forget(self) -> None:
        """Remove the record, at once where the store can."""
        if isinstance(self._cache, _Area):
            self._cache.remove(self._name)
            return
        task = asyncio.ensure_future(self._remove())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settled(self) -> None:
        """Return when the store has done all that it was told."""
        if self._running:
            await asyncio.wait(self._running)

    async def _remove(self) -> None:
        await self._do(lambda: self._cache.remove(self._name))

    async def _do(self, action: Callable[[], object], failed: object = None) -> object:
        async with self._turn:  # a record must not be removed before it was written
            try:
                result = action()
                if isinstance(result, Awaitable):
                    async with asyncio.timeout(self._timeout):
                        return await cast("Awaitable[object]", result)
                return result
            except Exception as error:  # noqa: BLE001  a store is foreign code
                self._on_error(without_locals(error))
                return failed


class _Failure(Exception):  # noqa: N818  a mark, and what a storage that keeps nothing comes to
    """The storage keeps nothing."""


class _Area:
    """Web storage as a store: it tells where nothing was kept."""

    def __init__(self, area: "Storage") -> None:
        self._area = area
        self.get = area.get
        self.remove = area.remove

    def set(self, name: str, text: str) -> None:
        self._area.set(name, text)
        if self._area.get(name) != text:
            raise _Failure("The browser's storage is full or blocked; tokens stay in memory.")
