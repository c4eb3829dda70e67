"""Tells linear time from quadratic, on a machine that may be busy."""

from collections.abc import Callable
from time import thread_time


def grows_linearly(read: Callable[[int], object], size: int) -> bool:
    """Whether `read(2n)` takes less than three times as long as `read(n)`, by the best of several runs.

    Quadratic time takes four times as long. What takes next to no time is linear enough. Time is that of this thread
    alone: what others take of the machine does not count.
    """
    for _ in range(6):
        once, twice = _best(read, size), _best(read, 2 * size)
        if twice < 3 * once or twice < 0.005:
            return True
    return False


def _best(read: Callable[[int], object], size: int) -> float:
    times: list[float] = []
    for _ in range(5):
        start = thread_time()
        read(size)
        times.append(thread_time() - start)
    return min(times)
