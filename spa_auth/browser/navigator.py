"""The window: its address by Location and History, and leaving it."""

import asyncio
from typing import TYPE_CHECKING, NoReturn

from spa_auth.browser._js import JsError, create_proxy, js
from spa_auth.errors import ConfigurationError, NavigationError

if TYPE_CHECKING:
    from spa_auth.browser._js import Event


class WindowNavigator:
    """The port `Navigator` over window.location, window.history and hidden frames."""

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

    async def ask_in_frame(self, url: str, *, state: str, origin: str, timeout: float) -> str:
        """Open an address in a hidden frame and return the query with which the callback page answers.

        Raises:
            SilentAuthUnavailableError: This page is cross-origin isolated.
            LoginTimeoutError: No answer came in time.
        """
        from spa_auth.browser.frame import ask_in_frame

        return await ask_in_frame(url, state=state, origin=origin, timeout=timeout)
