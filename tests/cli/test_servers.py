"""Several servers in one process: ready together, stopped together."""

import os
import signal
import socket
from collections.abc import Awaitable, Callable, MutableMapping

import pytest

from spa_auth.cli.ports import Listener, listen
from spa_auth.cli.servers import ASGIApp, serve

Message = MutableMapping[str, object]


def saying(text: str) -> ASGIApp:
    async def app(scope: Message, _receive: object, send: Callable[[Message], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    return app


def two_listeners() -> tuple[Listener, Listener]:
    return listen("127.0.0.1", 0, flag="--one"), listen("127.0.0.1", 0, flag="--two")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_answer_when_ready_and_one_signal_stops_all(number: signal.Signals) -> None:
    one, two = two_listeners()
    before = signal.getsignal(number)

    def ready() -> None:
        for listener in (one, two):
            socket.create_connection((listener.host, listener.port), timeout=5).close()
        os.kill(os.getpid(), number)

    serve({one: saying("one"), two: saying("two")}, when_ready=ready)
    assert one.socket.fileno() == two.socket.fileno() == -1
    assert signal.getsignal(number) is before


def test_a_signal_before_all_are_up_stops_all_without_saying_ready() -> None:
    one, two = two_listeners()

    async def stopping(
        _scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[..., Awaitable[None]]
    ) -> None:
        await receive()
        os.kill(os.getpid(), signal.SIGINT)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    said: list[str] = []
    serve({one: stopping, two: saying("two")}, when_ready=lambda: said.append("ready"))
    assert said == []
