"""The provider on a socket: an ASGI application, and uvicorn to serve it on loopback."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import IPv6Address, ip_address
from socket import socket
from typing import Any

import uvicorn

from spa_auth.dev_provider.addresses import Listener, check_loopback
from spa_auth.dev_provider.call import MAX_BODY_LENGTH
from spa_auth.dev_provider.event_page import STREAM_ANSWER, answer_watcher
from spa_auth.dev_provider.event_stream import EventStream, Reader
from spa_auth.dev_provider.provider import DevProvider
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.url import parse_url

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]


def app(provider: DevProvider, *, stream: EventStream | None = None) -> ASGIApp:
    """The provider as an ASGI application: extract, wait as long as a test wants, call, answer.

    Args:
        provider: What answers.
        stream: The events that the page /events shows; without it that says so.
    """
    issuer = parse_url(provider.issuer)

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if body is None:
            return
        request = _request(scope, body)
        path = scope["path"].removeprefix(issuer.path.removesuffix("/"))
        if request.method != "OPTIONS":  # as with faults: what is late is the request that the test means
            await asyncio.sleep(provider.controls.take_delay(path))
        watched = answer_watcher(request, issuer, shown=stream is not None)
        if stream is not None and watched is STREAM_ANSWER:
            with stream.reader(request.header("last-event-id") or "") as reader:
                await _send_stream(reader, receive, send)
        else:
            await _send(watched or await provider.handle(request, controlled=_is_from_here(scope)), send)

    return application


def events_of(provider: DevProvider) -> EventStream:
    """The events of a provider from now on, for `app`."""
    stream = EventStream(time.time)
    provider.events.on_any(stream.listen)
    return stream


class Server(uvicorn.Server):
    """A server that says when it is ready, and lets nobody who watches its events hold up its end.

    Args:
        provider: What answers.
        stream: As for `app`.
        when_ready: Called once, when connections are accepted.
    """

    def __init__(
        self,
        provider: DevProvider,
        *,
        stream: EventStream | None = None,
        when_ready: Callable[[], object] = lambda: None,
    ) -> None:
        self._stream = stream
        self._when_ready = when_ready
        super().__init__(
            uvicorn.Config(
                app(provider, stream=stream),
                lifespan="off",
                log_config=None,  # uvicorn's own would take over the logging of the whole process
                access_log=False,
                server_header=False,
                proxy_headers=False,  # whoever sends X-Forwarded-* is no proxy here (threat P11)
                ws="none",  # where a library for WebSockets is installed, an attempt would be answered with 500
                timeout_graceful_shutdown=1,
            )
        )

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets=sockets)
        if self.started:
            self._when_ready()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams, then what else is open."""
        if self._stream is not None:
            self._stream.close()
        await super().shutdown(sockets=sockets)


def serve(
    provider: DevProvider,
    listener: Listener,
    *,
    allow_external: bool = False,
    when_ready: Callable[[], object] = lambda: None,
) -> None:
    """Serve until Ctrl-C. The page /events is there on loopback only, as events tell of people.

    Args:
        provider: What answers.
        listener: Where; `addresses.listen` makes it, and the issuer should name the same place.
        allow_external: Let other machines in, although anybody can log in here as anybody (threat O01).
        when_ready: Called once, when connections are accepted.

    Raises:
        ConfigurationError: The address or the issuer is not on loopback, and nobody allowed that.
    """
    with listener.socket:
        if not allow_external:
            check_loopback(listener.host, provider.issuer)
        stream = None if allow_external else events_of(provider)
        Server(provider, stream=stream, when_ready=when_ready).run(sockets=[listener.socket])


def _request(scope: Message, body: bytes) -> Request:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    host = next((value for name, value in headers if name == "host"), "")
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    return Request(scope["method"], f"{scope['scheme']}://{host}{path}{query}", headers, body)


def _is_from_here(scope: Message) -> bool:
    """Whether a connection is one of this machine with itself; the Host header is what a client says (threat O13)."""
    host, _port = scope.get("client") or ("", 0)
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


async def _body(receive: Receive) -> bytes | None:
    body, more = b"", True
    while more and len(body) <= MAX_BODY_LENGTH:  # one byte over is enough for the provider to say 413
        message = await receive()
        if message["type"] == "http.disconnect":
            return None  # half a form may be a whole one that says something else
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send(response: Response, send: Send) -> None:
    length = ("content-length", str(len(response.body)))
    await send(_start(response._replace(headers=(*response.headers, length))))
    await send({"type": "http.response.body", "body": response.body})


async def _send_stream(reader: Reader, receive: Receive, send: Send) -> None:
    gone = asyncio.ensure_future(_until_gone(reader, receive))
    try:
        await send(_start(STREAM_ANSWER))
        async for block in reader:
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _until_gone(reader: Reader, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.put(None)


def _start(response: Response) -> Message:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    return {"type": "http.response.start", "status": response.status, "headers": headers}
