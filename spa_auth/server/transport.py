"""HTTP to the provider, with httpx: no redirect, no cookie, no compression, a deadline and a largest body."""

import asyncio
import contextlib
import time
from collections.abc import Generator
from typing import TypedDict

import httpx

from spa_auth.errors import DiscoveryError, NetworkError
from spa_auth.protocol.effects import Send
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.text import clean_text
from spa_auth.protocol.url import origin_of, secure_url


class _Settings(TypedDict):
    timeout: float
    trust_env: bool
    follow_redirects: bool


class Transport:
    """Sends requests, each over a connection of its own, so that neither a fork nor an event loop's end breaks one.

    Args:
        timeout: How long one request may take in all, in seconds.
        loopback: Whether this machine itself may be asked, by http too.
    """

    def __init__(self, timeout: float, *, loopback: bool) -> None:
        self._timeout = timeout
        self._loopback = loopback
        # Proxies are taken from the environment, but none is asked for this machine's own address.
        self._settings = _Settings(timeout=timeout, trust_env=not loopback, follow_redirects=False)

    def send(self, effect: Send) -> Response:
        """The response, whatever its status.

        Raises:
            NetworkError: There is none, or it is too slow or too large; `.reason` is "unreachable" or "timeout".
            DiscoveryError: The address is this machine's own, which only a provider on it may name.
        """
        request, body = self._checked(effect.request), _Body(effect.max_bytes, self._timeout)
        with (
            _network_errors(request),
            httpx.Client(**self._settings) as client,
            client.stream(request.method, request.url, headers=_headers(request), content=request.body) as response,
        ):
            for chunk in response.iter_raw():
                body.add(chunk)
        return _response(response, body)

    async def asend(self, effect: Send) -> Response:
        """As `send`, without blocking the event loop."""
        request, body = self._checked(effect.request), _Body(effect.max_bytes, self._timeout)
        with _network_errors(request):
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(**self._settings) as client,
                client.stream(request.method, request.url, headers=_headers(request), content=request.body) as response,
            ):
                async for chunk in response.aiter_raw():
                    body.add(chunk)
        return _response(response, body)

    def _checked(self, request: Request) -> Request:
        # A remote document must not make this machine ask its own services (RFC 8725 section 3.10).
        if not self._loopback and secure_url(request.url).is_loopback:
            raise DiscoveryError("The provider's metadata names an address of this machine.", claim="jwks_uri")
        return request


class _Body:
    """A body as it arrives: at most so large, and complete before the deadline."""

    def __init__(self, max_bytes: int | None, timeout: float) -> None:
        self._max_bytes = max_bytes
        self._deadline = time.monotonic() + timeout
        self._chunks = bytearray()

    def add(self, chunk: bytes) -> None:
        """Take one more piece; raises NetworkError where it is too much or too late."""
        self._chunks += chunk
        if self._max_bytes is not None and len(self._chunks) > self._max_bytes:
            raise NetworkError(f"The answer has more than {self._max_bytes} bytes.")
        if time.monotonic() > self._deadline:
            raise TimeoutError

    def __bytes__(self) -> bytes:
        return bytes(self._chunks)


def _headers(request: Request) -> list[tuple[str, str]]:
    # Not compressed, so that what is counted is what is read: no small answer unfolds into a large one.
    return [*request.headers, ("Accept-Encoding", "identity")]


def _response(response: httpx.Response, body: _Body) -> Response:
    return Response(response.status_code, tuple(response.headers.multi_items()), bytes(body), str(response.url))


@contextlib.contextmanager
def _network_errors(request: Request) -> Generator[None, None, None]:
    origin = origin_of(request.url)
    try:
        yield
    except (httpx.TimeoutException, TimeoutError):
        raise NetworkError(f"{origin} did not answer in time.", reason="timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NetworkError(f"{origin} cannot be reached: {clean_text(str(error))}.") from None
