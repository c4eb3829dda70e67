"""A tab of the browser in memory, as the ports of a client."""

import asyncio
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urljoin

from spa_auth.client.ports import AnswerMode, Popup
from spa_auth.errors import (
    LoginTimeoutError,
    NavigationError,
    NetworkError,
    ProtocolError,
    SilentAuthUnavailableError,
    SpaAuthError,
)
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.url import parse_url

if TYPE_CHECKING:
    from spa_auth.testing.browser import FakeBrowser


class TabTransport:
    """The port `Transport` of a tab."""

    def __init__(self, browser: "FakeBrowser") -> None:
        self._browser = browser

    async def send(self, request: Request, *, timeout: float, max_bytes: int | None) -> Response:
        """The whole response, as far as a page may read it."""
        try:
            async with asyncio.timeout(timeout):
                response = await self._browser.fetch(request)
        except TimeoutError:
            raise NetworkError("There was no answer in time.", reason="timeout", error="timeout") from None
        if max_bytes is not None and len(response.body) > max_bytes:
            raise ProtocolError("The answer is too large.", error="response_too_large")
        return response


class TabConsole:
    """The port `Console` of a tab."""

    def __init__(self, browser: "FakeBrowser") -> None:
        self._browser = browser

    def info(self, text: str) -> None:
        """Write a line into `lines`."""
        self._browser.lines.append(text)

    def error(self, error: BaseException) -> None:
        """Keep an error in `errors`, and its name and text in `lines`."""
        self._browser.errors.append(error)
        self._browser.lines.append(f"{type(error).__name__}: {error}")


class TabPage:
    """The port `Page` of a tab."""

    def __init__(self, browser: "FakeBrowser") -> None:
        self._browser = browser

    def report(self, target: str, text: str) -> None:
        """Keep a text in `shown`."""
        self._browser.shown[target] = text


class TabNavigator:
    """The port `Navigator` of a tab."""

    def __init__(self, browser: "FakeBrowser", departures: "asyncio.Queue[str]") -> None:
        self._browser = browser
        self._departures = departures

    @property
    def url(self) -> str:
        """Where the tab is."""
        return self._browser.url

    def resolve(self, address: str) -> str:
        """An absolute address."""
        return urljoin(self._browser.url, address)

    def replace_url(self, url: str) -> None:
        """Change the address in place."""
        self._browser.url = self.resolve(url)

    async def leave(self, url: str, *, timeout: float) -> NoReturn:
        """Tell `until_departure` where to; the test goes there."""
        self._departures.put_nowait(url)
        await asyncio.sleep(timeout)
        raise NavigationError("The page is still here.")

    @property
    def is_isolated(self) -> bool:
        """What the tab says."""
        return self._browser.isolated

    def open_popup(self) -> Popup:
        """Open an empty window."""
        raise NotImplementedError

    async def ask_in_popup(
        self, popup: Popup, url: str, *, state: str, origin: str, mode: AnswerMode, timeout: float
    ) -> str:
        """Send a popup to an address and return the query of the answer."""
        raise NotImplementedError

    async def ask_in_frame(self, url: str, *, state: str, origin: str, mode: AnswerMode, timeout: float) -> str:
        """Open an address in a hidden frame and return the query of the answer."""
        if mode != "callback_page":
            raise NotImplementedError
        browser = self._browser
        if browser.isolated:
            raise SilentAuthUnavailableError("This page is cross-origin isolated.")
        try:
            async with asyncio.timeout(timeout):
                end = parse_url(await browser.load_in_frame(url))
        except (SpaAuthError, TimeoutError):
            raise LoginTimeoutError("The provider did not answer in the frame.") from None
        is_answer = end.origin == origin and f"{end.origin}{end.path}" == browser.callback_page
        if not is_answer or dict(form.parse(end.query)).get("state") != state:
            raise LoginTimeoutError("The provider did not answer in the frame.")
        return end.query
