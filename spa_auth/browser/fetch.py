"""Requests with the Fetch API: without cookies, cache, referrer or redirects, and with an end."""

from typing import TYPE_CHECKING

from spa_auth.browser._js import JsError, js, js_object, to_js
from spa_auth.errors import ConfigurationError, NetworkError, ProtocolError
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.url import parse_url

if TYPE_CHECKING:
    from spa_auth.browser._js import Controller, FetchResponse

# setTimeout counts in 32 bits; beyond it fires at once.
MAX_TIMEOUT = 2_000_000.0

# RFC 6749 section 5.1 has tokens answered with no-store; nothing here needs cookies, and no address leaves this page.
_SEALED = {"credentials": "omit", "cache": "no-store", "referrerPolicy": "no-referrer"}


class FetchTransport:
    """The port `Transport` over js.fetch."""

    async def send(self, request: Request, *, timeout: float, max_bytes: int | None) -> Response:
        """The whole response, within `timeout` seconds and of at most `max_bytes` bytes (None: any).

        Raises:
            NetworkError: There is no answer; `.reason` is cors, unreachable or timeout.
            ProtocolError: `redirect_forbidden`, or `response_too_large`.
        """
        controller: Controller = js.AbortController.new()
        made = _request(request, controller)
        timer = js.setTimeout(controller.abort.bind(controller), min(timeout, MAX_TIMEOUT) * 1000)
        try:
            response = await _fetch(request, made, controller)
            return await _read(request, response, controller, max_bytes)
        except BaseException:
            controller.abort()
            raise
        finally:
            js.clearTimeout(timer)


def _request(request: Request, controller: "Controller") -> object:
    options = {
        **_SEALED,
        "method": request.method,
        "headers": to_js([to_js(pair) for pair in request.headers]),
        "redirect": "manual",
        "signal": controller.signal,
        **({"body": to_js(request.body)} if request.body else {}),
    }
    try:
        return js.Request.new(request.url, js_object(options))
    except JsError:
        raise ConfigurationError(f"The browser refuses a request like this to {_place(request)}.") from None


async def _fetch(request: Request, made: object, controller: "Controller") -> "FetchResponse":
    try:
        response = await js.fetch(made)
    except JsError:
        # JavaScript says no more than "failed", so that pages cannot explore networks.
        raise await _failure(request, controller) from None
    if response.type == "opaqueredirect":
        raise ProtocolError(f"{_place(request)} answered with a redirect.", error="redirect_forbidden")
    return response


async def _read(
    request: Request, response: "FetchResponse", controller: "Controller", max_bytes: int | None
) -> Response:
    body = b""
    try:
        if response.body:
            body = await _read_body(request, response, max_bytes)
    except JsError:
        if controller.signal.aborted:
            raise _timeout(request) from None
        raise NetworkError(f"{_place(request)} broke off its answer.", remedy="Try again.") from None
    headers: dict[str, str] = js.Object.fromEntries(response.headers).to_py()
    return Response(response.status, tuple(headers.items()), body, response.url)


async def _read_body(request: Request, response: "FetchResponse", max_bytes: int | None) -> bytes:
    assert response.body  # noqa: S101  the caller has looked
    reader, read, parts = response.body.getReader(), 0, list[bytes]()
    while not (chunk := await reader.read()).done:
        part = chunk.value.to_bytes()
        read += len(part)
        if max_bytes is not None and read > max_bytes:
            text = f"{_place(request)} answered with more than {max_bytes} bytes."
            raise ProtocolError(text, error="response_too_large")
        parts.append(part)
    return b"".join(parts)


async def _failure(request: Request, controller: "Controller") -> NetworkError:
    if controller.signal.aborted:
        return _timeout(request)
    if await _is_there(request, controller):
        text = f"{_place(request)} does not let this page read its answers (CORS)."
        return NetworkError(text, reason="cors", remedy=_cors_remedy(request))
    what = "the API" if _is_api(request) else "the provider"
    remedy = f"Is {what} running there? If it is, does this page's Content-Security-Policy allow it (connect-src)?"
    return NetworkError(f"{_place(request)} cannot be reached.", reason="unreachable", remedy=remedy)


def _timeout(request: Request) -> NetworkError:
    return NetworkError(f"{_place(request)} did not answer in time.", reason="timeout", remedy="Try again.")


async def _is_there(request: Request, controller: "Controller") -> bool:
    # Without CORS a page may still send; that there is an answer is all it learns. No token goes with this.
    options = {**_SEALED, "method": "HEAD", "mode": "no-cors", "signal": controller.signal}
    try:
        await js.fetch(js.Request.new(_place(request), js_object(options)))
    except JsError:
        return False
    return True


def _cors_remedy(request: Request) -> str:
    origin = js.location.origin
    if _is_api(request):
        return f'Let the API allow the origin {origin} (with spa_auth.server.fastapi: origins=["{origin}"]).'
    return f"At the provider, allow {origin} as a web origin (CORS origin) of this client."


def _is_api(request: Request) -> bool:
    # Page and provider talk without an Authorization header: the client is a public one.
    return request.header("authorization") is not None


def _place(request: Request) -> str:
    # Without the query, which may hold what only the two of them should know.
    url = parse_url(request.url)
    return f"{url.origin}{url.path}"
