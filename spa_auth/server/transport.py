"""HTTP to the provider, with httpx: no redirect, no cookie, no compression, a deadline and a largest body."""

import asyncio
import contextlib
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
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

    The provider's documents must not make this machine ask the services around it (RFC 8725 section 3.10), so an
    address that says itself that it is not a public one is refused, unless it is the issuer's own. A name is resolved
    without a look at what it resolves to: a provider that can choose names can still point one inwards. Where that
    matters, the network itself has to keep this machine from what it is not to reach.

    Args:
        issuer: The provider; where it is on this machine, all of this machine may be asked.
        timeout: How long one request may take in all, in seconds.
    """

    def __init__(self, issuer: str, *, timeout: float) -> None:
        self._timeout = timeout
        self._issuer = secure_url(issuer)
        # Proxies are taken from the environment, but none is asked for this machine's own address.
        self._settings = _Settings(timeout=timeout, trust_env=not self._issuer.is_loopback, follow_redirects=False)

    def send(self, effect: Send) -> Response:
        """As `asend`, for a caller that blocks. An event loop in another thread keeps the same deadline."""
        thread = ThreadPoolExecutor(1)
        try:
            with _network_errors(effect.request):
                return thread.submit(lambda: asyncio.run(self.asend(effect))).result(self._timeout)
        finally:
            thread.shutdown(wait=False)

    async def asend(self, effect: Send) -> Response:
        """The response, whatever its status.

        Raises:
            NetworkError: There is none, or it is too slow or too large; `.reason` is "unreachable" or "timeout".
            DiscoveryError: The address is not one that this provider may name.
        """
        request, body = self._checked(effect.request), bytearray()
        with _network_errors(request):
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(**self._settings) as client,
                client.stream(request.method, request.url, headers=_headers(request), content=request.body) as response,
            ):
                async for chunk in response.aiter_raw():
                    body += chunk
                    if effect.max_bytes is not None and len(body) > effect.max_bytes:
                        raise NetworkError(f"The answer has more than {effect.max_bytes} bytes.")
        return Response(response.status_code, tuple(response.headers.multi_items()), bytes(body), str(response.url))

    def _checked(self, request: Request) -> Request:
        url = secure_url(request.url)
        is_ours = url.host == self._issuer.host or (url.is_loopback and self._issuer.is_loopback)
        if not is_ours and _is_internal(url.host):
            raise DiscoveryError("The provider's metadata names an address that is not public.", claim="jwks_uri")
        return request


def _is_internal(host: str) -> bool:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761 section 6.3
    return not address.is_global or address.is_multicast or address.is_reserved


def _headers(request: Request) -> list[tuple[str, str]]:
    # Not compressed, so that what is counted is what is read: no small answer unfolds into a large one.
    return [*request.headers, ("Accept-Encoding", "identity")]


@contextlib.contextmanager
def _network_errors(request: Request) -> Generator[None, None, None]:
    origin = origin_of(request.url)
    try:
        yield
    except (httpx.TimeoutException, TimeoutError):
        raise NetworkError(f"{origin} did not answer in time.", reason="timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NetworkError(f"{origin} cannot be reached: {clean_text(str(error))}.") from None
