"""Any ASGI application, guarded: extract, call, answer."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from spa_auth.errors import RequestError
from spa_auth.protocol.http import Request, header
from spa_auth.server.validator import AccessTokenValidator

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1
TOKEN_KEY = "spa_auth.token"


class TokenGuard:
    """Lets only requests with a valid access token reach an application, and puts the token into its scope.

    The application reads `scope["spa_auth.token"]`, an `AccessToken`. WebSockets are guarded in the same way. A CORS
    preflight passes, as a browser sends it without a token: have the application, or better what is around this guard,
    answer it.

    Args:
        app: The application.
        validator: What judges the tokens.
        scopes: What every token has to allow.
    """

    def __init__(self, app: App, validator: AccessTokenValidator, *, scopes: str | Collection[str] = ()) -> None:
        self._app = app
        self._validator = validator
        self._scopes = scopes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI 3.0)."""
        if scope["type"] == "lifespan" or is_preflight(scope):
            await self._app(scope, receive, send)
            return
        try:
            token = await self._validator.avalidate_request(request_of(scope), scopes=self._scopes)
        except RequestError as error:
            await refuse(error, scope, send)
            return
        await self._app({**scope, TOKEN_KEY: token}, receive, send)


def request_of(scope: Scope) -> Request:
    """The request line and the headers of a connection; the body stays unread."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return Request(scope.get("method", "GET"), scope["path"], headers)


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks for permission before the real request (Fetch standard, CORS-preflight request)."""
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    headers = request_of(scope).headers
    return all(header(headers, name) is not None for name in ("origin", "access-control-request-method"))


async def refuse(error: RequestError, scope: Scope, send: Send) -> None:
    """Send a refusal: as an HTTP answer, or for a WebSocket by closing it before it is open."""
    if scope["type"] == "http":
        kind = "http"
    elif "websocket.http.response" in (scope.get("extensions") or {}):
        kind = "websocket.http"
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
        return
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in error.headers]
    headers.append((b"content-length", str(len(error.body)).encode()))
    await send({"type": f"{kind}.response.start", "status": error.status, "headers": headers})
    await send({"type": f"{kind}.response.body", "body": error.body})
