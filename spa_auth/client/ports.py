"""What a client needs of the world, as protocols. They are types only: a page does not even load this module.

`spa_auth.browser` fills them with a page's own Web APIs, `spa_auth.testing` with a browser in memory.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Literal, NoReturn, Protocol, TypeVar

from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.jwk import Key

if TYPE_CHECKING:
    from spa_auth.client.auth_client import AuthClient

T = TypeVar("T")
Clock = Callable[[], float]
# Waits that many seconds, but ends at once when somebody looks at the page again, as timers sleep with the tab.
Pause = Callable[[float], Awaitable[None]]
AnswerMode = Literal["callback_page", "web_message"]


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


class Cache(Protocol):
    """A store of tokens that the application brings: texts by name. Each method may be async."""

    def get(self, name: str) -> "str | Awaitable[str | None] | None":
        """The text of that name."""
        ...

    def set(self, name: str, text: str) -> "Awaitable[None] | None":
        """Keep a text."""
        ...

    def remove(self, name: str) -> "Awaitable[None] | None":
        """Forget a text."""
        ...


class Locks(Protocol):
    """One at a time, over all tabs of this origin (Web Locks)."""

    async def run(self, name: str, task: "Callable[[], Awaitable[T]]") -> T:
        """What the task gives, or raises, while nobody else holds the lock of that name."""
        ...


class Channel(Protocol):
    """A line to the other tabs and workers of this origin."""

    def post(self, text: str) -> None:
        """Tell the others."""
        ...

    def close(self) -> None:
        """Hear and say nothing any more."""
        ...


class Channels(Protocol):
    """Lines to the other tabs and workers of this origin (BroadcastChannel)."""

    def open(self, name: str, listener: "Callable[[str], None]") -> Channel:
        """Call `listener` with each text that others post under that name; anybody of this origin may post anything."""
        ...


class Popup(Protocol):
    """A window of the provider's, opened by this page."""

    @property
    def closed(self) -> bool:
        """Whether the user has closed it, as far as this page can see."""
        ...

    def close(self) -> None:
        """Close it."""
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

    @property
    def is_isolated(self) -> bool:
        """Whether this page is cross-origin isolated: frames of others do not load, popups cannot be seen."""
        ...

    def open_popup(self, window: object = None) -> Popup:
        """Open an empty window, at once: a browser allows it only in the very event of a click.

        Args:
            window: One that the application has opened, to be used instead.

        Raises:
            PopupOpenError: The browser blocks it.
        """
        ...

    async def ask_in_popup(
        self, popup: Popup, url: str, *, state: str, origin: str, mode: AnswerMode, timeout: float
    ) -> str:
        """Send a popup to an address and return the query of the answer; `ask_in_frame` describes the arguments.

        Raises:
            PopupCancelledError: The user has closed the window.
            PopupTimeoutError: No answer came in time.
        """
        ...

    async def ask_in_frame(self, url: str, *, state: str, origin: str, mode: AnswerMode, timeout: float) -> str:
        """Open an address in a hidden frame and return the query of the answer.

        Args:
            url: The authorization request.
            state: The channel: only an answer that names this state counts.
            origin: The origin of the page that answers: only a message from there counts.
            mode: Who answers: our callback page, or the provider's own page by web_message.
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

    def bind(self, auth: "AuthClient") -> None:
        """Make elements with `data-spa-auth` log in, log out, and show the user of that client."""
        ...


class Gate(Protocol):
    """gate.js, on a page that has it: it knows nothing of tokens, and Python takes over from it."""

    def serves(self, issuer: str, client_id: str) -> bool:
        """Whether it stands before this client, and not before another of the page."""
        ...

    def take_click(self) -> bool:
        """Whether somebody has clicked on "log in" meanwhile; given out once. From now on clicks are Python's."""
        ...

    def show(self, *, signed_in: bool) -> None:
        """Say on <html> whether somebody is logged in."""
        ...


class Console(Protocol):
    """Where developers see what happens."""

    def info(self, text: str) -> None:
        """Write a line."""
        ...

    def error(self, error: BaseException) -> None:
        """Write an error with its traceback."""
        ...
