"""A tab of the browser in memory, as the ports of a client."""

import asyncio
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urljoin

from spa_auth.client.ports import AnswerMode, Popup
from spa_auth.errors import (
    LoginTimeoutError,
    NavigationError,
    NetworkError,
    PopupCancelledError,
    PopupOpenError,
    PopupTimeoutError,
    ProtocolError,
    SilentAuthUnavailableError,
    SpaAuthError,
)
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.strict_json import loads_object
from spa_auth.protocol.url import parse_url
from spa_auth.testing.popup import FakePopup, message_in

if TYPE_CHECKING:
    from spa_auth.client.auth_client import AuthClient
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

    def bind(self, auth: "AuthClient") -> None:
        """Remember whose elements these are: there are none in this tab."""
        self._browser.bound = auth


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

    def open_popup(self, window: object = None) -> FakePopup:
        """Open an empty window, unless `blocks_popups` is set."""
        if self._browser.blocks_popups and window is None:
            raise PopupOpenError("The browser has blocked the window.")
        popup = window if isinstance(window, FakePopup) else FakePopup()
        self._browser.popups.append(popup)
        return popup

    async def ask_in_popup(
        self, popup: Popup, url: str, *, state: str, origin: str, mode: AnswerMode, timeout: float
    ) -> str:
        """Send a popup to an address, where the user answers forms, and return the query of the answer."""
        assert isinstance(popup, FakePopup)  # noqa: S101  the only kind that there is here
        asking = asyncio.ensure_future(self._ask_in_tab(popup, url, state, origin, mode))
        closing = asyncio.ensure_future(popup.until_closed())
        await asyncio.wait({asking, closing}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        if asking.done():
            return asking.result()
        asking.cancel()
        if popup.closed:
            raise PopupCancelledError("The window was closed.")
        popup.close()
        raise PopupTimeoutError("Nobody logged in in the window.")

    async def _ask_in_tab(self, popup: FakePopup, url: str, state: str, origin: str, mode: AnswerMode) -> str:
        popup.url = url
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        channel = self._browser.profile.channels.open(f"spa_auth:{state}", lambda text: _hear(answer, text))
        try:
            tab = self._browser.new_tab()
            tab.visited = self._browser.visited
            response = await tab.go(url)
            message = message_in(response, parse_url(self.url).origin)
            # A page that is isolated cannot be reached from the window.
            if mode == "web_message" and message is not None and not self._browser.isolated:
                _answer(answer, message, response.url, state, origin)
            return await answer
        finally:
            channel.close()

    async def ask_in_frame(self, url: str, *, state: str, origin: str, mode: AnswerMode, timeout: float) -> str:
        """Open an address in a hidden frame and return the query of the answer."""
        browser = self._browser
        if browser.isolated:
            raise SilentAuthUnavailableError("This page is cross-origin isolated.")
        try:
            async with asyncio.timeout(timeout):
                response = await browser.load_in_frame(url)
        except (SpaAuthError, TimeoutError):
            raise LoginTimeoutError("The provider did not answer in the frame.") from None
        end = parse_url(response.url)
        message = message_in(response, parse_url(self.url).origin) if mode == "web_message" else end.query
        is_answer = mode == "web_message" or f"{end.origin}{end.path}" == browser.callback_page
        if not is_answer or message is None or end.origin != origin or dict(form.parse(message)).get("state") != state:
            raise LoginTimeoutError("The provider did not answer in the frame.")
        return message


def _hear(answer: "asyncio.Future[str]", text: str) -> None:
    if not answer.done():
        answer.set_result(str(loads_object(text.encode())["response"]))


def _answer(answer: "asyncio.Future[str]", message: str, url: str, state: str, origin: str) -> None:
    if parse_url(url).origin == origin and dict(form.parse(message)).get("state") == state:
        answer.set_result(message)
