"""Popups in memory, and the messages that a provider's page posts to the page that asked."""

import asyncio
from html.parser import HTMLParser

from spa_auth.protocol import form
from spa_auth.protocol.http import Response
from spa_auth.protocol.strict_json import loads_object


class FakePopup:
    """A window that a tab has opened. A test closes it as its user would.

    Attributes:
        url: Where it was sent.
    """

    def __init__(self) -> None:
        self.url = "about:blank"
        self._closed = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._closed.is_set()

    def close(self) -> None:
        """Close it."""
        self._closed.set()

    async def until_closed(self) -> None:
        """Wait until it is closed."""
        await self._closed.wait()


def message_in(response: Response, origin: str) -> str | None:
    """The authorization response, as a query, that a page posts to pages of that origin; None where it posts none."""
    if response.media_type != "text/html":
        return None
    reader = _MessageReader()
    reader.feed(response.body.decode())
    if reader.found.get("data-origin") != origin:
        return None
    members = loads_object((reader.found["data-response"] or "").encode())
    return form.encode({name: str(value) for name, value in members.items()})


class _MessageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "p" and "data-response" in attributes:
            self.found = attributes
