"""What goes on while nobody waits for it: async listeners."""

import asyncio
from collections.abc import Awaitable, Callable


class Background:
    """Runs awaitables to their end, and tells of what they raise.

    Args:
        on_error: Called with each exception.
    """

    def __init__(self, on_error: Callable[[BaseException], object]) -> None:
        self._on_error = on_error
        self._running: set[asyncio.Task[None]] = set()

    def __call__(self, awaitable: Awaitable[object]) -> None:
        """Begin to run one more."""
        task = asyncio.ensure_future(self._finish(awaitable))
        self._running.add(task)  # the loop itself keeps only weak references
        task.add_done_callback(self._running.discard)

    async def _finish(self, awaitable: Awaitable[object]) -> None:
        try:
            await awaitable
        except Exception as error:  # noqa: BLE001  a listener is foreign code and must not break the login
            self._on_error(error)
