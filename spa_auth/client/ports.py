"""What a client needs of the world, as protocols. They are types only: a page does not even load this module.

`spa_auth.browser` fills them with a page's own Web APIs, `spa_auth.testing` with a browser in memory.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn, Protocol

from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.jwk import Key

Clock = Callable[[], float]


class Transport(Protocol):
    """Sends requests without cookies, cache or referrer."""

    async def send(self, request: Request, *, timeout: float, max_bytes: int | None) -> Response:
        """The whole response, within `timeout` seconds and of at most `max_bytes` bytes.

        Raises:
            NetworkError: There is no answer; `.reason` tells missing CORS from an outage and from a timeout.
            ProtocolError: `redirect_forbidden`, or `response_too_large`.
        """
        ...


class Crypto(Protocol):
    """Secure randomness and signature checks."""

    def random(self, length: int) -> bytes:
        """That many bytes from the system's secure source."""
        ...

    async def verify(self, alg: str, key: Key, text: bytes, signature: bytes) -> bool:
        """Whether the signature is that of the key; False for a key or algorithm that cannot be used."""
        ...


class Storage(Protocol):
    """Texts by name, as in the Web Storage API. Whatever fails inside reads as absent and writes nothing."""

    def get(self, name: str) -> str | None:
        """The text of that name."""
        ...

    def set(self, name: str, text: str) -> None:
        """Keep a text."""
        ...

    def remove(self, name: str) -> None:
        """Forget a text."""
        ...

    def names(self) -> Sequence[str]:
        """Every name in use."""
        ...


class Navigator(Protocol):
    """The window: where it is, and where it can be sent."""

    @property
    def url(self) -> str:
        """The address of the page now."""
        ...

    def resolve(self, address: str) -> str:
        """An absolute address; relative ones are resolved against the document's base."""
        ...

    def replace_url(self, url: str) -> None:
        """Change the address of the page in place, without loading anything."""
        ...

    async def leave(self, url: str, *, timeout: float) -> NoReturn:
        """Go to another page; does not return.

        Raises:
            NavigationError: The page is shown again, or is still here after `timeout` seconds.
        """
        ...

    async def ask_in_frame(self, url: str, *, state: str, origin: str, timeout: float) -> str:
        """Open an address in a hidden frame and return the query with which the callback page answers.

        Args:
            url: The authorization request.
            state: The channel: only an answer that names this state counts.
            origin: The origin of the callback page: only a message from there counts.
            timeout: How long to wait, in seconds.

        Raises:
            SilentAuthUnavailableError: This page cannot load the provider in a frame.
            LoginTimeoutError: No answer came in time.
        """
        ...


class Page(Protocol):
    """Where people see what happens."""

    def report(self, target: str, text: str) -> None:
        """Show a text in the element that a selector names, as an alert; "" clears it."""
        ...


class Console(Protocol):
    """Where developers see what happens."""

    def info(self, text: str) -> None:
        """Write a line."""
        ...

    def error(self, error: BaseException) -> None:
        """Write an error with its traceback."""
        ...
