"""A clock that a test moves."""

import time


class FakeClock:
    """Tells the real time, plus what it was moved by. All in seconds."""

    def __init__(self) -> None:
        self._offset = 0.0

    def __call__(self) -> float:
        """The time now."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock on, or back where the number is negative."""
        self._offset += seconds
