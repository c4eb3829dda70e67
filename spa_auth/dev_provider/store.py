"""Memory with a lifetime: records are not found any more when their time has come, and go with the next sweep."""

import math
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

CAPACITY = 10_000


class Record(Protocol):
    """Something with a key."""

    @property
    def key(self) -> str:
        """What it is found by."""
        ...


R = TypeVar("R", bound=Record)


class Store(Generic[R]):
    """Records by their key.

    A test may control the provider in another thread than the one that serves it: what is gone through is a copy.

    Args:
        clock: Tells the time in seconds.
        capacity: How many records a sweep leaves; the oldest ones go, so that nobody can fill the memory.
    """

    def __init__(self, clock: Callable[[], float], *, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._records: dict[str, tuple[R, float]] = {}
        self._soonest = math.inf

    def put(self, record: R, until: float) -> R:
        """Remember a record until that second, in the place of one with the same key."""
        self._records[record.key] = (record, until)
        self._soonest = min(self._soonest, until)
        return record

    @property
    def is_full(self) -> bool:
        """Whether the next new record would push the oldest one out at the next sweep."""
        return len(self._records) >= self._capacity

    def until(self, key: str) -> float:
        """The second until which a record that is here is kept."""
        return self._records[key][1]

    def sweep(self) -> list[R]:
        """Forget the records whose time has come, and the oldest where there are too many, and return them.

        It costs nothing while there are none.
        """
        now, excess = self._clock(), len(self._records) - self._capacity
        if now < self._soonest and excess <= 0:
            return []
        records = enumerate(list(self._records.values()))
        gone = [record for number, (record, until) in records if until <= now or number < excess]
        for record in gone:
            self._records.pop(record.key, None)
        self._soonest = min((until for _, until in list(self._records.values())), default=math.inf)
        return gone

    def get(self, key: str) -> R | None:
        """The record of that key, unless its time has come."""
        record, until = self._records.get(key, (None, 0.0))
        return record if self._clock() < until else None

    def replace(self, record: R) -> R:
        """Put a changed record in the place of the one with the same key; its time stays."""
        return self.put(record, self.until(record.key))

    def remove(self, key: str) -> R | None:
        """Forget a record and return it."""
        record, until = self._records.pop(key, (None, 0.0))
        return record if self._clock() < until else None

    def __iter__(self) -> Iterator[R]:
        now = self._clock()
        return iter([record for record, until in list(self._records.values()) if now < until])
