"""The provider's own calls, with httpx: it tells applications of a logout (OpenID Connect Back-Channel Logout 2.5)."""

from spa_auth.errors import NetworkError
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.url import origin_of

MAX_BYTES = 65_536


async def send(request: Request, *, timeout: float = 5.0) -> Response:
    """Send a request and return the answer, whatever its status: no redirect is followed, no cookie kept.

    Each call has a connection of its own, so that neither a fork nor the end of an event loop breaks the next one.

    Args:
        request: What to send; whoever asks judges first whether its address may be called.
        timeout: How many seconds each step may take: to connect, to send, to wait for the next bytes.

    Raises:
        NetworkError: There is no answer, it is larger than `MAX_BYTES`, or httpx is not installed.
    """
    try:
        import httpx
    except ModuleNotFoundError:
        remedy = "pip install 'spa-auth[dev-provider]'"
        raise NetworkError("The provider cannot call anybody without httpx.", remedy=remedy) from None
    body = bytearray()
    try:
        # No proxy from the environment: what is called here is mostly on this machine.
        async with (
            httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client,
            client.stream(request.method, request.url, headers=request.headers, content=request.body) as response,
        ):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise NetworkError(f"The answer has more than {MAX_BYTES} bytes.")
    except httpx.TimeoutException:
        raise NetworkError(f"{origin_of(request.url)} did not answer in time.", reason="timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NetworkError(f"{origin_of(request.url)} cannot be reached: {type(error).__name__}.") from None
    return Response(response.status_code, tuple(response.headers.multi_items()), bytes(body), str(response.url))
