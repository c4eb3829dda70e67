"""A clock that a test moves."""

import asyncio
import time


class FakeClock:
    """Tells the real time, plus what it was moved by. All in seconds."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._pauses: set[asyncio.Future[None]] = set()

    def __call__(self) -> float:
        """The time now."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock on, or back where the number is negative."""
        self._offset += seconds
        for pause in self._pauses:
            pause.set_result(None)
        self._pauses = set()

    async def pause(self, seconds: float) -> None:
        """Wait until this clock has moved on by that much, by itself or by `advance`."""
        due = self() + seconds
        while (left := due - self()) > 0:
            moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._pauses.add(moved)
            try:
                await asyncio.wait({moved}, timeout=left)
            finally:
                self._pauses.discard(moved)
