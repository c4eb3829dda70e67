"""The window: its address by Location and History, and leaving it."""

import asyncio
from typing import TYPE_CHECKING, NoReturn, cast

from spa_auth.browser._js import JsError, create_proxy, has, js
from spa_auth.errors import ConfigurationError, NavigationError

if TYPE_CHECKING:
    from spa_auth.browser._js import Event
    from spa_auth.browser.popup import WindowPopup
    from spa_auth.client.ports import AnswerMode, Popup


class WindowNavigator:
    """The port `Navigator` over window.location, window.history, popups and hidden frames."""

    @property
    def url(self) -> str:
        """The address of the page now: location.href."""
        return js.location.href

    def resolve(self, address: str) -> str:
        """An absolute address; relative ones are resolved against document.baseURI.

        Raises:
            ConfigurationError: This is no address.
        """
        try:
            return str(js.URL.new(address, js.document.baseURI).href)
        except JsError:
            raise ConfigurationError("An address cannot be read.", remedy="Give a URL or a relative path.") from None

    def replace_url(self, url: str) -> None:
        """Change the address of the page in place, by history.replaceState."""
        js.history.replaceState(js.history.state, "", url)

    async def leave(self, url: str, *, timeout: float) -> NoReturn:
        """Go to another page by location.assign; does not return.

        Raises:
            NavigationError: The page is shown again (pageshow), or is still here after `timeout` seconds.
        """
        shown_again: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_pageshow(event: "Event") -> None:
            if event.persisted and not shown_again.done():
                shown_again.set_result(None)

        listener = create_proxy(on_pageshow)
        js.addEventListener("pageshow", listener)
        try:
            js.location.assign(url)
            await asyncio.wait_for(shown_again, timeout)
        except JsError:
            raise NavigationError("The browser refuses to go there.") from None
        except TimeoutError:
            raise NavigationError(f"This page should have left, and is still here after {timeout} seconds.") from None
        finally:
            js.removeEventListener("pageshow", listener)
            listener.destroy()
        raise NavigationError("This page had left, and is shown again.")

    @property
    def is_isolated(self) -> bool:
        """Whether this page is cross-origin isolated."""
        return has("crossOriginIsolated")

    def open_popup(self, window: object = None) -> "WindowPopup":
        """Open an empty window, at once, by window.open; or take one that the application has opened.

        Raises:
            PopupOpenError: The browser blocks it.
        """
        from spa_auth.browser.popup import WindowPopup, open_popup

        return WindowPopup(window) if window else open_popup()

    async def ask_in_popup(
        self, popup: "Popup", url: str, *, state: str, origin: str, mode: "AnswerMode", timeout: float
    ) -> str:
        """Send a popup to an address and return the query of the answer.

        Raises:
            PopupCancelledError: The user has closed the window.
            PopupTimeoutError: No answer came in time.
            NavigationUnavailableError: `popup_unsupported`; this page and the window cannot reach each other.
        """
        from spa_auth.browser.popup import ask_in_popup

        window = cast("WindowPopup", popup)
        return await ask_in_popup(window, url, state=state, origin=origin, mode=mode, timeout=timeout)

    async def ask_in_frame(self, url: str, *, state: str, origin: str, mode: "AnswerMode", timeout: float) -> str:
        """Open an address in a hidden frame and return the query of the answer.

        Raises:
            SilentAuthUnavailableError: This page is cross-origin isolated.
            LoginTimeoutError: No answer came in time.
        """
        from spa_auth.browser.frame import ask_in_frame

        return await ask_in_frame(url, state=state, origin=origin, mode=mode, timeout=timeout)
