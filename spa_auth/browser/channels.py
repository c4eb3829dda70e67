"""Lines to other tabs and workers, by BroadcastChannel and MessagePort. What goes over them is JSON."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from spa_auth.browser._js import JsError, create_proxy, js

if TYPE_CHECKING:
    from spa_auth.browser._js import Event, Port

MAX_LENGTH = 262_144


class WebChannels:
    """The port `Channels` over BroadcastChannel."""

    def open(self, name: str, listener: Callable[[str], None]) -> "Line":
        """Call `listener` with each text that others of this origin post under that name."""
        return Line(js.BroadcastChannel.new(name), listener)


class Line:
    """One end of a BroadcastChannel or MessagePort. Texts go as the objects that their JSON stands for.

    Args:
        port: The JavaScript object.
        listener: Called with the JSON of each message; anybody may have sent it with anything in it.
    """

    def __init__(self, port: "Port", listener: Callable[[str], None]) -> None:
        self._port: Port | None = port
        self._listener = listener
        self._proxy = create_proxy(self._hear)
        port.onmessage = self._proxy

    def post(self, text: str) -> None:
        """Tell the others, by postMessage; nothing happens after `close`."""
        if self._port is not None:
            self._port.postMessage(js.JSON.parse(text))

    def close(self) -> None:
        """Hear and say nothing any more."""
        if self._port is not None:
            self._port.onmessage = None
            self._port.close()
            self._proxy.destroy()
            self._port = None

    def _hear(self, event: "Event") -> None:
        try:
            text = js.JSON.stringify(event.data)
        except JsError:  # cyclic, or with a BigInt
            return
        if isinstance(text, str) and len(text) <= MAX_LENGTH:
            self._listener(text)
