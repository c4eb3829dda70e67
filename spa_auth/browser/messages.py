"""Answers that come as messages, which anybody may send with anything in them."""

import asyncio
from typing import TYPE_CHECKING

from spa_auth.browser._js import JsError, create_proxy, js
from spa_auth.protocol import form

if TYPE_CHECKING:
    from collections.abc import Callable

    from spa_auth.browser._js import Event
    from spa_auth.client.ports import AnswerMode

MAX_LENGTH = 65_536
# Of the members of an answer by web_message, those that are judged; tokens among them are refused there.
_MEMBERS = ("state", "code", "error", "error_description", "iss", "access_token", "id_token", "token_type")


class Listener:
    """Hears the answer to one question, until it is closed.

    Args:
        state: Only an answer that names this state counts,
        origin: from a page of this origin,
        source: in this window.
        mode: Whether our callback page answers, also by a channel, or the provider's page by web_message.
    """

    def __init__(self, *, state: str, origin: str, source: "Callable[[], object]", mode: "AnswerMode") -> None:
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._state = state
        self._origin = origin
        self._source = source
        self._read = _callback_response if mode == "callback_page" else _provider_response
        self._from_window = create_proxy(self._on_message)
        self._from_channel = create_proxy(lambda event: self._take(event.data))
        js.addEventListener("message", self._from_window)
        self._channel = js.BroadcastChannel.new(f"spa_auth:{state}") if mode == "callback_page" else None
        if self._channel is not None:
            self._channel.onmessage = self._from_channel

    def fail(self, error: Exception) -> None:
        """End the question with an error, unless it was answered meanwhile."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def close(self) -> None:
        """Hear nothing any more."""
        js.removeEventListener("message", self._from_window)
        if self._channel is not None:
            self._channel.onmessage = None
            self._channel.close()
        self._from_window.destroy()
        self._from_channel.destroy()
        self.answer.cancel()

    def _on_message(self, event: "Event") -> None:
        # RFC 9700 section 4.17: the exact origin; and of that origin only the window that was asked.
        if event.origin == self._origin and event.source == self._source():
            self._take(event.data)

    def _take(self, data: object) -> None:
        try:
            response = self._read(data, self._state)
        except JsError:
            return
        if response is not None and len(response) <= MAX_LENGTH and not self.answer.done():
            self.answer.set_result(response)


def _callback_response(data: object, state: str) -> str | None:
    response = getattr(data, "response", None)
    is_ours = getattr(data, "type", None) == "spa_auth:response" and getattr(data, "state", None) == state
    return response if is_ours and isinstance(response, str) else None


def _provider_response(data: object, state: str) -> str | None:
    response = getattr(data, "response", None)
    # Each member is read once: a getter may say something else the next time.
    members = {name: getattr(response, name, None) for name in _MEMBERS}
    if getattr(data, "type", None) != "authorization_response" or members["state"] != state:
        return None
    texts = {name: value for name, value in members.items() if isinstance(value, str)}
    return form.encode(texts) if sum(map(len, texts.values())) <= MAX_LENGTH else None
