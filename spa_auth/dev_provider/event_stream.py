"""Events for those who watch them live: the last ones are kept, new ones are handed to every reader as they happen."""

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator
from typing import NamedTuple

from spa_auth.dev_provider.event_lines import event_summary
from spa_auth.dev_provider.events import Event

KEPT = 200
# How far a reader may lag behind. It is dropped then; a browser comes back by itself and reads what is kept.
LAG = 1_000
HEARTBEAT = 15.0
# Milliseconds until a browser tries again after the connection has ended.
RETRY = 1_000


class Entry(NamedTuple):
    """One event as readers get it: its number in this run, and the block of the stream that tells it."""

    number: int
    block: bytes


class Reader:
    """Somebody who reads the stream; `EventStream.reader` makes them, in the event loop in which they read."""

    def __init__(self, first: bytes, heartbeat: float) -> None:
        self._heartbeat = heartbeat
        self._loop = asyncio.get_running_loop()
        self._blocks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._blocks.put_nowait(first)

    def put(self, block: bytes | None) -> None:
        """Hand over a block, from any thread; None ends the stream. A reader who lags too far behind is dropped."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the reader with it
            self._loop.call_soon_threadsafe(self._put, block)

    def _put(self, block: bytes | None) -> None:
        self._blocks.put_nowait(block if self._blocks.qsize() < LAG else None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                block = await asyncio.wait_for(self._blocks.get(), self._heartbeat)
            except TimeoutError:
                block = b":\n\n"  # a comment: proxies and laptops drop what is silent for long
            if block is None:
                return
            yield block


class EventStream:
    """What happened last, and who is told what happens next, as server-sent events of the HTML standard.

    Args:
        time: Tells the time in seconds since 1970; the stream tells it to its readers.
        heartbeat: Seconds of silence after which a comment is sent.
    """

    def __init__(self, time: Callable[[], float], *, heartbeat: float = HEARTBEAT) -> None:
        self._time = time
        self._heartbeat = heartbeat
        # Numbers begin anew in each run, so that a browser must tell from which run its last one was.
        self._run = f"{time() * 1000:.0f}"
        self._kept: deque[Entry] = deque(maxlen=KEPT)
        self._count = 0
        self._readers: set[Reader] = set()
        self._lock = threading.RLock()  # not Lock: a signal may close the stream amid a call of ours
        self._closed = False

    def listen(self, name: str, event: Event) -> None:
        """Tell an event to every reader. Events may come from any thread."""
        summary = event_summary(name, event)
        data = json.dumps({"at": self._time(), **summary._asdict()})
        with self._lock:
            self._count += 1
            entry = Entry(self._count, f"id: {self._run}-{self._count}\ndata: {data}\n\n".encode())
            self._kept.append(entry)
            readers = tuple(self._readers)
        for reader in readers:
            reader.put(entry.block)

    @contextlib.contextmanager
    def reader(self, last_event_id: str = "") -> Generator[Reader]:
        """Somebody who reads from now on, after what is kept.

        Args:
            last_event_id: The id of the last event that they have seen already.
        """
        with self._lock:
            seen = self._number(last_event_id)
            kept = b"".join(entry.block for entry in self._kept if entry.number > seen)
            reader = Reader(f"retry: {RETRY}\n\n".encode() + kept, self._heartbeat)
            self._readers.add(reader)
        try:
            if self._closed:
                reader.put(None)
            yield reader
        finally:
            with self._lock:
                self._readers.discard(reader)

    def close(self) -> None:
        """End the stream of every reader, as the server stops."""
        with self._lock:
            self._closed = True
            readers = tuple(self._readers)
        for reader in readers:
            reader.put(None)

    def _number(self, event_id: str) -> int:
        run, _, number = event_id.partition("-")
        # More digits than an id of ours can have: int() would be slow, and refuses in the end.
        return int(number) if run == self._run and number.isdecimal() and len(number) < 20 else 0
