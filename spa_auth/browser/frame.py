"""A question to the provider in a hidden iframe, answered over BroadcastChannel or postMessage."""

import asyncio
from typing import TYPE_CHECKING

from spa_auth.browser._js import create_proxy, has, js
from spa_auth.browser.messages import Listener
from spa_auth.errors import LoginTimeoutError, SilentAuthUnavailableError

if TYPE_CHECKING:
    from spa_auth.browser._js import Element, Event
    from spa_auth.client.ports import AnswerMode

# No allow-top-navigation: whatever the provider shows in there cannot take this page away.
SANDBOX = "allow-scripts allow-same-origin"
# Seconds. A page that has loaded, and neither answers nor goes on in this time, is one that waits for a person.
PATIENCE = 5


async def ask_in_frame(url: str, *, state: str, origin: str, mode: "AnswerMode", timeout: float) -> str:
    """The query that comes back for that state; see `WindowNavigator.ask_in_frame`."""
    if has("crossOriginIsolated"):
        raise SilentAuthUnavailableError(
            "This page is cross-origin isolated, so it cannot load the provider in a frame.",
            remedy="Let users log in by redirect, or serve the page without Cross-Origin-Embedder-Policy.",
        )
    frame = _frame()
    listener = Listener(state=state, origin=origin, source=lambda: frame.contentWindow, mode=mode)
    loads = _Loads(listener)
    frame.onload = on_load = create_proxy(loads.count)
    try:
        frame.src = url
        js.document.body.append(frame)
        return await asyncio.wait_for(listener.answer, timeout)
    except TimeoutError as error:
        if isinstance(error, LoginTimeoutError):
            raise
        raise LoginTimeoutError(f"The provider did not answer in a hidden frame within {timeout} seconds.") from None
    finally:
        loads.stop()
        listener.close()
        frame.onload = None
        frame.remove()
        on_load.destroy()


class _Loads:
    """Ends the wait where a page has loaded that gives no answer. Each page on the way begins it anew."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._timer: asyncio.TimerHandle | None = None

    def count(self, _event: "Event") -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._give_up)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        self._listener.fail(
            LoginTimeoutError(
                "In the hidden frame the provider shows a page instead of answering.",
                remedy="Open the provider's login in a tab: if it shows an error there, compare redirect_uri and "
                "client_id with what is registered.",
            )
        )


def _frame() -> "Element":
    frame = js.document.createElement("iframe")
    frame.setAttribute("sandbox", SANDBOX)
    frame.setAttribute("aria-hidden", "true")
    frame.referrerPolicy = "no-referrer"
    frame.hidden = True
    return frame
