"""What the tabs and workers of one browser share: cookies, lasting storage, channels and locks."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from spa_auth.client.transactions import MemoryStorage
from spa_auth.protocol.http import Request, Response
from spa_auth.testing.cookies import CookieJar

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]
Listener = Callable[[str], None]


class FakeChannels:
    """BroadcastChannel in memory: everyone hears but the one who speaks, a turn later.

    `posted` is all that was said, by name; `lines` are the open ends.
    """

    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []
        self.lines: list[FakeChannel] = []

    def open(self, name: str, listener: Listener) -> "FakeChannel":
        """Call `listener` with each text that others post under that name."""
        line = FakeChannel(self, name, listener)
        self.lines.append(line)
        return line

    def post(self, name: str, text: str, sender: "FakeChannel | None" = None) -> None:
        """Tell everybody who listens under that name; without a sender, as any script of the origin can."""
        self.posted.append((name, text))
        for line in self.lines:
            if line.name == name and line is not sender:
                asyncio.get_running_loop().call_soon(line.hear, text)

    def close(self, line: "FakeChannel") -> None:
        """Forget a line."""
        self.lines = [kept for kept in self.lines if kept is not line]

    @property
    def names(self) -> list[str]:
        """The name of every open line."""
        return [line.name for line in self.lines]


class FakeChannel:
    """One end of a line."""

    def __init__(self, channels: FakeChannels, name: str, listener: Listener) -> None:
        self.name = name
        self._channels = channels
        self._listener: Listener | None = listener

    def hear(self, text: str) -> None:
        """Take what another end has posted, unless this one was closed meanwhile."""
        if self._listener is not None:
            self._listener(text)

    def post(self, text: str) -> None:
        """Tell the others."""
        if self._listener is not None:
            self._channels.post(self.name, text, self)

    def close(self) -> None:
        """Hear and say nothing any more."""
        self._listener = None
        self._channels.close(self)


class TabChannels:
    """The channels of a profile as one tab has them: they close with its page."""

    def __init__(self, channels: FakeChannels) -> None:
        self._channels = channels
        self._mine: list[FakeChannel] = []

    def open(self, name: str, listener: Listener) -> FakeChannel:
        """Call `listener` with each text that others post under that name."""
        line = self._channels.open(name, listener)
        self._mine.append(line)
        return line

    def close(self) -> None:
        """Close every line, as leaving a page does."""
        while self._mine:
            self._mine.pop().close()


class FakeLocks:
    """Web Locks in memory. `asked` names each lock that was asked for, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._locks: dict[str, asyncio.Lock] = {}

    async def run(self, name: str, task: Callable[[], Awaitable[T]]) -> T:
        """What the task gives, while nobody else of the profile holds that lock."""
        self.asked.append(name)
        async with self._locks.setdefault(name, asyncio.Lock()):
            return await task()


class FakeProfile:
    """One browser: what its tabs share.

    Attributes:
        servers: Who answers for an origin; an origin that is missing here is down.
        cookies: The cookies of every site.
        local_storage: What lasts, for the application's origin.
        channels: The lines between tabs; `channels.posted` is all that was said.
        locks: One at a time, over all tabs.
    """

    def __init__(self) -> None:
        self.servers: dict[str, Handler] = {}
        self.cookies = CookieJar()
        self.local_storage = MemoryStorage()
        self.channels = FakeChannels()
        self.locks = FakeLocks()
