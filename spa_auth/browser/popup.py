"""A window of the provider's, opened by this page, and the question asked in it."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, cast

from spa_auth.browser._js import JsError, has, js
from spa_auth.browser.messages import Listener
from spa_auth.errors import (
    NavigationUnavailableError,
    PopupCancelledError,
    PopupOpenError,
    PopupTimeoutError,
)

if TYPE_CHECKING:
    from spa_auth.browser._js import Element
    from spa_auth.client.ports import AnswerMode

WIDTH, HEIGHT = 480, 640
# Seconds between two looks at the window, and the number of looks after which a closed one is out of sight.
LOOK, LOOKS = 0.2, 4


class WindowPopup:
    """The port `Popup` over a window that this page has opened.

    Args:
        window: What window.open gave.
    """

    def __init__(self, window: Any) -> None:  # noqa: ANN401  it exists in JavaScript only
        self.window = window
        self._state = ""
        self._opener: Element | None = None

    @property
    def closed(self) -> bool:
        """Whether it is closed, or beyond what this page can see."""
        return bool(self.window.closed)

    def close(self) -> None:
        """Close it, and ask the callback page in it to close itself where this page has lost hold of it."""
        with contextlib.suppress(JsError):
            self.window.close()
        if self._state:
            channel = js.BroadcastChannel.new(f"spa_auth:{self._state}")
            channel.postMessage("close")
            channel.close()

    def send(self, url: str, *, state: str, mode: "AnswerMode") -> None:
        """Send it to an address."""
        if mode == "callback_page":
            self._state = state
            with contextlib.suppress(JsError, AttributeError):
                self._hide_page(f"spa_auth:{state}")
        with contextlib.suppress(JsError, AttributeError):  # closed already, which the next look will show
            self.window.location.replace(url)

    def release(self) -> None:
        """Leave the window to itself."""
        if self._opener is not None:
            self._opener.remove()

    def _hide_page(self, name: str) -> None:
        # What the window shows later must not be able to send this page elsewhere (threat W11). A window without an
        # opener could not be closed from here either; so a hidden frame becomes its opener, which is what happens
        # when the frame opens a window that there is already.
        self._opener = js.document.createElement("iframe")
        self._opener.hidden = True
        js.document.body.append(self._opener)
        opener = cast("Any", self._opener.contentWindow)
        self.window.name = name
        found = opener.open("", name)
        self.window.name = ""
        if self.window.opener != opener:
            if found and found != self.window:
                found.close()
            # Only a true null disowns, and Python's None may become undefined.
            js.Object.assign(self.window, js.JSON.parse('{"opener": null}'))


def open_popup() -> WindowPopup:
    """Open an empty window in the middle of this one; see `WindowNavigator.open_popup`."""
    left = js.screenX + (js.outerWidth - WIDTH) / 2
    top = js.screenY + (js.outerHeight - HEIGHT) / 2
    # Without a name, so that no other script can have taken it (threat W12).
    window = js.open("", "_blank", f"popup,width={WIDTH},height={HEIGHT},left={left:.0f},top={top:.0f}")
    if not window or window.closed:
        raise PopupOpenError("The browser has blocked the window.")
    return WindowPopup(window)


async def ask_in_popup(
    popup: WindowPopup, url: str, *, state: str, origin: str, mode: "AnswerMode", timeout: float
) -> str:
    """The query that comes back for that state; see `WindowNavigator.ask_in_popup`."""
    if popup.closed:
        raise _cancelled()
    listener = Listener(state=state, origin=origin, source=lambda: popup.window, mode=mode)
    watch = asyncio.ensure_future(_watch(popup, mode, listener))
    try:
        popup.send(url, state=state, mode=mode)
        return await asyncio.wait_for(listener.answer, timeout)
    except BaseException as error:
        popup.close()
        if isinstance(error, TimeoutError):
            raise PopupTimeoutError(f"Nobody logged in in the window within {timeout} seconds.") from None
        raise
    finally:
        watch.cancel()
        listener.close()
        popup.release()


async def _watch(popup: WindowPopup, mode: "AnswerMode", listener: Listener) -> None:
    if has("crossOriginIsolated"):
        return  # from here every window of another origin looks closed
    closed = 0
    while closed <= LOOKS:
        await asyncio.sleep(LOOK)
        closed += popup.closed
        # Who closes a window is back on this page. Where a Cross-Origin-Opener-Policy hides the window from this
        # page it looks closed too, but people are still looking at it.
        if closed > 1 and js.document.hasFocus():
            listener.fail(_cancelled())
    if mode == "web_message":
        listener.fail(
            NavigationUnavailableError(
                "The provider's Cross-Origin-Opener-Policy keeps its answer from this page.",
                error="popup_unsupported",
                remedy="Set redirect_uri to callback.html, which spa_auth ships, and register its address.",
            )
        )


def _cancelled() -> PopupCancelledError:
    return PopupCancelledError("The window was closed before anybody logged in.")
