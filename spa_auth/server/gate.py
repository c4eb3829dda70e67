"""Who asks the provider passes here, one at a time."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar
from weakref import WeakKeyDictionary

from spa_auth.errors import JWTError, SpaAuthError

T = TypeVar("T")


class NetworkNeeded(Exception):  # noqa: N818  no error: the flow begins anew behind the gate
    """What is known does not do."""


class Gate:
    """Lets one caller at a time ask the provider, so that a hundred who need the same ask once.

    Whoever waited looks again before asking, so an errand has to begin anew: it will find what the one before it
    fetched. Where that failed, all who were waiting fail with it instead of asking one after the other. Who can do
    with what is known, `meanwhile`, does not wait at all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._async_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
        self._failure: tuple[float, SpaAuthError] | None = None

    def run(self, errand: Callable[[], T], *, meanwhile: Callable[[], T]) -> T:
        """The result of an errand, after those before it.

        Args:
            errand: What asks the provider.
            meanwhile: What does without, while somebody else asks; raises NetworkNeeded where nothing can.
        """
        asked_at = time.monotonic()
        if not self._lock.acquire(blocking=False):
            with contextlib.suppress(NetworkNeeded):
                return meanwhile()
            self._lock.acquire()
        try:
            with self._turn(asked_at):
                return errand()
        finally:
            self._lock.release()

    async def arun(self, errand: Callable[[], Awaitable[T]], *, meanwhile: Callable[[], T]) -> T:
        """As `run`, for an async errand; event loops do not wait for each other."""
        asked_at = time.monotonic()
        lock = self._async_locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        if lock.locked():
            with contextlib.suppress(NetworkNeeded):
                return meanwhile()
        async with lock:  # cancelled while it asks, a caller leaves the gate to the next one
            with self._turn(asked_at):
                return await errand()

    @contextlib.contextmanager
    def _turn(self, asked_at: float) -> Generator[None, None, None]:
        if self._failure is not None and self._failure[0] >= asked_at:
            raise self._failure[1].with_traceback(None)
        try:
            yield
        except JWTError:  # that is about the caller's token, and of no interest to the others
            raise
        except SpaAuthError as error:
            self._failure = (time.monotonic(), error)
            raise
