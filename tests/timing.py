"""Tells linear time from quadratic, on a machine that may be busy."""

from collections.abc import Callable
from time import perf_counter


def grows_linearly(read: Callable[[int], object], size: int) -> bool:
    """Whether `read(2n)` takes less than three times as long as `read(n)`, by the best of several runs.

    Quadratic time takes four times as long. What takes next to no time is linear enough.
    """
    for _ in range(3):
        once, twice = _best(read, size), _best(read, 2 * size)
        if twice < 3 * once or twice < 0.005:
            return True
    return False


def _best(read: Callable[[int], object], size: int) -> float:
    times: list[float] = []
    for _ in range(5):
        start = perf_counter()
        read(size)
        times.append(perf_counter() - start)
    return min(times)
