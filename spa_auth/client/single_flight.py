"""Many callers, one errand."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from spa_auth.errors import without_locals

T = TypeVar("T")


class SingleFlight:
    """Runs one task per key; who asks while it runs waits for the same result.

    A caller that is cancelled leaves the task and its other callers alone.
    """

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def join(self, key: Hashable, errand: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the errand, or of the one under way for that key; its error goes to every caller."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.ensure_future(errand())
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(task)

    def _land(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            error = task.exception()  # retrieved, so that nothing complains where every caller has gone
            if error is not None:
                without_locals(error)
