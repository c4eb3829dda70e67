"""The provider on a socket: an ASGI application, and uvicorn to serve it on loopback."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from spa_auth.dev_provider.call import MAX_BODY_LENGTH
from spa_auth.dev_provider.provider import DevProvider
from spa_auth.errors import ConfigurationError, ProtocolError
from spa_auth.protocol.http import Request
from spa_auth.protocol.url import parse_url

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]


class Delays:
    """Seconds to wait before a path is answered, for tests of slow providers. Empty unless somebody fills it."""

    def __init__(self) -> None:
        self._seconds: dict[str, tuple[float, int | None]] = {}

    def set(self, path: str, seconds: float, *, times: int | None = None) -> None:
        """Delay the next `times` requests for a path; all of them where `times` is None."""
        self._seconds[path] = (seconds, times)

    def clear(self) -> None:
        """Delay nothing any more."""
        self._seconds.clear()

    def take(self, path: str) -> float:
        """How long the request that has just come is to wait."""
        seconds, times = self._seconds.get(path, (0.0, None))
        if times is not None:
            self._seconds[path] = (seconds, times - 1) if times > 0 else (0.0, None)
        return seconds if times is None or times > 0 else 0.0


def app(provider: DevProvider, *, delays: Delays | None = None) -> ASGIApp:
    """The provider as an ASGI application: extract, call, answer."""
    waiting = Delays() if delays is None else delays

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = _request(scope, await _body(receive))
        await asyncio.sleep(waiting.take(scope["path"]))
        response = await provider.handle(request)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
        length = (b"content-length", str(len(response.body)).encode())
        await send({"type": "http.response.start", "status": response.status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": response.body})

    return application


def server(
    provider: DevProvider, host: str = "127.0.0.1", port: int = 9400, *, delays: Delays | None = None
) -> uvicorn.Server:
    """A uvicorn server that is not running yet: `run()` blocks, `await serve()` runs inside a loop."""
    return uvicorn.Server(
        uvicorn.Config(
            app(provider, delays=delays),
            host=host,
            port=port,
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


def serve(
    provider: DevProvider,
    host: str = "127.0.0.1",
    port: int = 9400,
    *,
    allow_external: bool = False,
    delays: Delays | None = None,
) -> None:
    """Serve until Ctrl-C.

    Args:
        provider: What answers.
        host: The address to listen on.
        port: The port to listen on; the issuer should name the same one.
        allow_external: Let other machines in, although anybody can log in here as anybody (threat O01).
        delays: Seconds to wait before a path is answered.

    Raises:
        ConfigurationError: The address is not on loopback, or is taken.
    """
    check_loopback(provider, host, allow_external=allow_external)
    listener = listen(host, port)
    with listener:
        server(provider, host, port, delays=delays).run(sockets=[listener])


def check_loopback(provider: DevProvider, host: str, *, allow_external: bool) -> None:
    """Judge where the provider would be reachable.

    Raises:
        ConfigurationError: The address or the issuer is not on loopback, and nobody allowed that.
    """
    names = (f"http://{_in_url(host)}/", provider.issuer)
    if not allow_external and not all(_is_loopback(name) for name in names):
        raise ConfigurationError(
            f"Other machines could reach {host} or {provider.issuer}, and anybody can log in here as anybody.",
            remedy="Use 127.0.0.1, or say allow_external=True (--allow-external) on a network that you trust.",
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; with port 0 the system chooses one.

    Raises:
        ConfigurationError: The port is taken, or the address is not one of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), port), family=family)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"Cannot listen on {_in_url(host)}:{port}: {error}.",
            remedy="Stop the other program, or choose another port with --port.",
        ) from error


def _request(scope: Message, body: bytes) -> Request:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    host = next((value for name, value in headers if name == "host"), "")
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    return Request(scope["method"], f"{scope['scheme']}://{host}{path}{query}", headers, body)


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more and len(body) <= MAX_BODY_LENGTH:  # one byte over is enough for the provider to say 413
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _is_loopback(url: str) -> bool:
    try:
        return parse_url(url).is_loopback
    except ProtocolError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
