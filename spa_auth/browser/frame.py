"""A question to the provider in a hidden iframe, answered over BroadcastChannel or postMessage."""

import asyncio
from typing import TYPE_CHECKING

from spa_auth.browser._js import JsError, create_proxy, has, js
from spa_auth.errors import LoginTimeoutError, SilentAuthUnavailableError

if TYPE_CHECKING:
    from spa_auth.browser._js import Element, Event
    from spa_auth.client.ports import AnswerMode

MAX_LENGTH = 65_536
MESSAGE_TYPE = "spa_auth:response"
# No allow-top-navigation: whatever the provider shows in there cannot take this page away.
SANDBOX = "allow-scripts allow-same-origin"


async def ask_in_frame(url: str, *, state: str, origin: str, mode: "AnswerMode", timeout: float) -> str:
    """The query that the callback page sends for that state; see `WindowNavigator.ask_in_frame`."""
    if has("crossOriginIsolated"):
        raise SilentAuthUnavailableError(
            "This page is cross-origin isolated, so it cannot load the provider in a frame.",
            remedy="Let users log in by redirect, or serve the page without Cross-Origin-Embedder-Policy.",
        )
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    frame = _frame()

    def take(data: object) -> None:
        response = _response(data, state)
        if response is not None and not answer.done():
            answer.set_result(response)

    def on_message(event: "Event") -> None:
        if event.origin == origin and event.source == frame.contentWindow:
            take(event.data)

    from_window, from_channel = create_proxy(on_message), create_proxy(lambda event: take(event.data))
    channel = js.BroadcastChannel.new(f"spa_auth:{state}")
    channel.onmessage = from_channel
    js.addEventListener("message", from_window)
    try:
        frame.src = url
        js.document.body.append(frame)
        return await asyncio.wait_for(answer, timeout)
    except TimeoutError:
        raise LoginTimeoutError(f"The provider did not answer in a hidden frame within {timeout} seconds.") from None
    finally:
        js.removeEventListener("message", from_window)
        channel.onmessage = None
        channel.close()
        frame.remove()
        from_window.destroy()
        from_channel.destroy()


def _frame() -> "Element":
    frame = js.document.createElement("iframe")
    frame.setAttribute("sandbox", SANDBOX)
    frame.setAttribute("aria-hidden", "true")
    frame.referrerPolicy = "no-referrer"
    frame.hidden = True
    return frame


def _response(data: object, state: str) -> str | None:
    """The query in a message, which anybody may have sent with anything in it."""
    try:
        if getattr(data, "type", None) != MESSAGE_TYPE or getattr(data, "state", None) != state:
            return None
        response = getattr(data, "response", None)
    except JsError:
        return None
    return response if isinstance(response, str) and len(response) <= MAX_LENGTH else None
