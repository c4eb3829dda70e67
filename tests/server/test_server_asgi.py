import asyncio
import json
from typing import Any

import httpx
import pytest
from server.issuing import AUDIENCE, LocalIssuer

from spa_auth.server import AccessTokenValidator
from spa_auth.server.asgi import TOKEN_KEY, Message, Receive, Scope, Send, TokenGuard

seen: list[Scope] = []


async def app(scope: Scope, _receive: Receive, send: Send) -> None:
    """Says who called, and remembers every scope that reached it."""
    seen.append(scope)
    if scope["type"] == "http":
        subject = getattr(scope.get(TOKEN_KEY), "subject", None)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(subject).encode()})


@pytest.fixture(autouse=True)
def forget() -> None:
    seen.clear()


def call(guard: TokenGuard, method: str = "GET", path: str = "/", **headers: str) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(guard)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
            return await client.request(method, path, headers={n.replace("_", "-"): v for n, v in headers.items()})

    return asyncio.run(run())


def websocket(guard: TokenGuard, *, extensions: dict[str, object] | None = None, token: str = "") -> list[Message]:
    scope: dict[str, Any] = {"type": "websocket", "path": "/", "headers": [], "extensions": extensions}
    if token:
        scope["headers"] = [(b"authorization", f"Bearer {token}".encode())]
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing has to be read to refuse")

    asyncio.run(guard(scope, receive, send))
    return sent


def test_the_application_finds_the_token_in_its_scope(
    shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator
) -> None:
    guard = TokenGuard(app, shared_validator, scopes=["read:notes"])
    answer = call(guard, Authorization=f"Bearer {shared_issuer.token()}")
    assert (answer.status_code, answer.json()) == (200, "alice")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "TRACE", "FOO"])
@pytest.mark.parametrize("path", ["/", "/mounted/app", "//", "/%2e%2e/"])
def test_v27_no_method_and_no_path_reaches_the_application_without_a_token(
    shared_validator: AccessTokenValidator, method: str, path: str
) -> None:
    answer = call(TokenGuard(app, shared_validator), method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer realm="{AUDIENCE}"'
    assert seen == []


def test_v27_only_a_real_preflight_passes_without_a_token(shared_validator: AccessTokenValidator) -> None:
    guard = TokenGuard(app, shared_validator)
    assert call(guard, "OPTIONS", Origin="https://app.example").status_code == 401
    assert call(guard, "OPTIONS", Access_Control_Request_Method="GET").status_code == 401
    assert call(guard, "GET", Origin="https://a", Access_Control_Request_Method="GET").status_code == 401
    assert call(guard, "OPTIONS", Origin="https://a", Access_Control_Request_Method="GET").status_code == 200
    assert TOKEN_KEY not in seen[0]


def test_the_refusal_is_the_whole_answer(shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator) -> None:
    guard = TokenGuard(app, shared_validator, scopes="admin")
    answer = call(guard, Authorization=f"Bearer {shared_issuer.token()}")
    assert answer.status_code == 403
    assert answer.json()["error"] == "insufficient_scope"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.content))


def test_v03_two_headers_are_seen_as_two(shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator) -> None:
    async def run() -> int:
        value = f"Bearer {shared_issuer.token()}"
        transport = httpx.ASGITransport(TokenGuard(app, shared_validator))
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
            return (await client.get("/", headers=[("Authorization", value), ("authorization", value)])).status_code

    assert asyncio.run(run()) == 400


def test_v27_a_websocket_without_a_token_is_closed_before_it_opens(shared_validator: AccessTokenValidator) -> None:
    guard = TokenGuard(app, shared_validator)
    assert websocket(guard) == [{"type": "websocket.close", "code": 1008, "reason": ""}]
    assert seen == []


def test_v27_a_websocket_is_refused_with_an_answer_where_the_server_can(shared_validator: AccessTokenValidator) -> None:
    start, body = websocket(TokenGuard(app, shared_validator), extensions={"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert body["type"] == "websocket.http.response.body"
    assert seen == []


def test_a_websocket_with_a_token_reaches_the_application(
    shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator
) -> None:
    assert websocket(TokenGuard(app, shared_validator), token=shared_issuer.token()) == []
    assert seen[0][TOKEN_KEY].subject == "alice"


def test_the_lifespan_passes(shared_validator: AccessTokenValidator) -> None:
    async def unused() -> Message:
        raise AssertionError

    async def ignore(_: Message) -> None:
        raise AssertionError

    asyncio.run(TokenGuard(app, shared_validator)({"type": "lifespan"}, unused, ignore))
    assert seen == [{"type": "lifespan"}]


def test_a_request_never_sees_the_token_of_another(
    shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator
) -> None:
    """V30: nothing of a request is kept on what requests share."""
    guard = TokenGuard(app, shared_validator)
    names = [f"user-{number}" for number in range(50)]

    async def run() -> list[str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://a") as client:
            tokens = [shared_issuer.token(sub=name) for name in names]
            calls = [client.get("/", headers={"Authorization": f"Bearer {token}"}) for token in tokens]
            return [answer.json() for answer in await asyncio.gather(*calls)]

    assert asyncio.run(run()) == names
