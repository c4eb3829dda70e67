import ast
import asyncio
import contextlib
import logging
import socket
import textwrap
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Security, WebSocket
from server.issuing import AUDIENCE, LocalIssuer

from spa_auth.errors import ConfigurationError
from spa_auth.server.fastapi import AccessToken, TokenAuth

PAGE = "https://app.example"
EXAMPLE = """
from typing import Annotated
from fastapi import FastAPI, Security
from spa_auth.server.fastapi import AccessToken, TokenAuth

auth = TokenAuth(issuer="https://tenant.example/", audience="https://api.example", origins=["https://app.example"])
app = FastAPI()
auth.install(app)

@app.get("/notes")
async def notes(token: Annotated[AccessToken, Security(auth, scopes=["read:notes"])]) -> list[str]:
    return [f"note of {token.subject}"]
"""
DEMO = Path(__file__).resolve().parents[2] / "web" / "examples" / "demo" / "api.py"


def auth_of(issuer: LocalIssuer) -> TokenAuth:
    return TokenAuth(issuer=issuer.issuer, audience=AUDIENCE, origins=[PAGE])


def api(auth: TokenAuth) -> FastAPI:
    app = FastAPI()
    auth.install(app)

    @app.get("/notes")
    async def notes(token: Annotated[AccessToken, Security(auth, scopes=["read:notes"])]) -> list[str]:
        return [f"note of {token.subject}"]

    @app.get("/greeting")
    async def greeting(
        token: Annotated[AccessToken | None, Security(auth.optional, scopes=["read:notes"])],
    ) -> str | None:
        return f"hello {token.subject}" if token else None

    @app.get("/sync")
    def sync(token: Annotated[AccessToken, Depends(auth)]) -> str | None:
        return token.subject

    @app.websocket("/live")
    async def live(websocket: WebSocket, token: Annotated[AccessToken, Security(auth)]) -> None:
        await websocket.accept()
        await websocket.send_text(str(token.subject))
        await websocket.close()

    return app


def get(app: FastAPI, path: str, token: str | None = None, method: str = "GET", **headers: str) -> httpx.Response:
    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.example") as client:
            return await client.request(method, path, headers=sent)

    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    return asyncio.run(run())


@contextlib.contextmanager
def served(app: FastAPI) -> Generator[str, None, None]:
    """The app on a real server; the address without scheme."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "it shuts down cleanly"


def example(source: str, issuer: str) -> FastAPI:
    namespace: dict[str, Any] = {}
    exec(compile(source.replace("https://tenant.example/", issuer), "api.py", "exec"), namespace)  # noqa: S102
    app = namespace["app"]
    assert isinstance(app, FastAPI)
    return app


def test_the_documented_example_works_word_for_word(shared_issuer: LocalIssuer) -> None:
    assert len([line for line in EXAMPLE.splitlines() if line]) <= 12
    example(EXAMPLE, "https://tenant.example/")
    app = example(EXAMPLE, shared_issuer.issuer)
    assert get(app, "/notes", shared_issuer.token()).json() == ["note of alice"]
    assert get(app, "/notes").status_code == 401


def test_the_demos_api_serves_notes_to_the_page(shared_issuer: LocalIssuer) -> None:
    source = DEMO.read_text()
    assert len(ast.unparse(ast.parse(textwrap.dedent(source))).splitlines()) <= 24
    namespace: dict[str, Any] = {}
    exec(compile(source, "api.py", "exec"), namespace)  # noqa: S102
    app = namespace["create_app"](issuer=shared_issuer.issuer, audience=AUDIENCE, origins=[PAGE])
    answer = get(app, "/notes", shared_issuer.token(), Origin=PAGE)
    assert answer.json()[0] == "note of alice"
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert get(app, "/notes", shared_issuer.token(scope="openid")).status_code == 403


@pytest.mark.parametrize(
    ("status", "path", "changes"),
    [(200, "/notes", {}), (401, "/notes", {"exp": 1}), (403, "/notes", {"scope": "openid"}), (200, "/sync", {})],
)
def test_h02_h03_every_answer_can_be_read_by_the_page(
    shared_issuer: LocalIssuer, status: int, path: str, changes: dict[str, object]
) -> None:
    answer = get(api(auth_of(shared_issuer)), path, shared_issuer.token(claims=changes), Origin=PAGE)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE
    exposed = answer.headers["access-control-expose-headers"]
    assert {"WWW-Authenticate", "DPoP-Nonce"} == {name.strip() for name in exposed.split(",")}
    assert ("www-authenticate" in answer.headers) == (status in (401, 403))


def mounted(auth: TokenAuth) -> FastAPI:
    app = FastAPI()
    auth.install(app)
    app.mount("/", uninstalled(auth))
    return app


def uninstalled(auth: TokenAuth) -> FastAPI:
    app = FastAPI()

    @app.get("/notes")
    async def notes(token: Annotated[AccessToken, Security(auth, scopes=["read:notes"])]) -> str | None:
        return token.subject

    return app


@pytest.mark.parametrize("build", [mounted, uninstalled])
def test_v27_h02_a_route_is_guarded_in_a_mounted_application_and_where_install_was_forgotten(
    shared_issuer: LocalIssuer, build: Callable[[TokenAuth], FastAPI]
) -> None:
    app = build(auth_of(shared_issuer))
    assert get(app, "/notes", shared_issuer.token()).json() == "alice"
    for status, token, error in (
        (401, None, 'scope="read:notes"'),
        (401, shared_issuer.token(exp=1), 'error="invalid_token"'),
        (400, "a b", 'error="invalid_request"'),
        (403, shared_issuer.token(scope="openid"), 'error="insufficient_scope"'),
    ):
        answer = get(app, "/notes", token)
        assert answer.status_code == status
        assert error in answer.headers["www-authenticate"]
        assert answer.headers["cache-control"] == "no-store"
    silent = LocalIssuer(1)
    unreachable = get(build(auth_of(silent)), "/notes", silent.token())
    assert unreachable.status_code == 503
    assert int(unreachable.headers["retry-after"]) > 0


def test_what_a_route_asks_of_the_validator_itself_is_answered_too(shared_issuer: LocalIssuer) -> None:
    auth = auth_of(shared_issuer)
    app = api(auth)

    @app.get("/own")
    async def own() -> None:
        await auth.validator.avalidate("junk")

    assert get(app, "/own").json()["error"] == "invalid_token"


def test_an_unreachable_provider_is_503_that_the_page_can_read() -> None:
    issuer = LocalIssuer(1)
    answer = get(api(auth_of(issuer)), "/notes", issuer.token(), Origin=PAGE)
    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert int(answer.headers["retry-after"]) > 0


def test_the_preflight_allows_what_the_page_sends_and_no_other_origin(shared_issuer: LocalIssuer) -> None:
    app = api(auth_of(shared_issuer))
    ask = {"Access_Control_Request_Method": "GET", "Access_Control_Request_Headers": "authorization,dpop,content-type"}
    answer = get(app, "/notes", method="OPTIONS", Origin=PAGE, **ask)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in answer.headers
    for origin in ("https://evil.example", "https://app.example.evil.example", "null", "http://app.example"):
        refused = get(app, "/notes", method="OPTIONS", Origin=origin, **ask)
        assert "access-control-allow-origin" not in refused.headers


def test_v26_optional_lets_nobody_in_with_a_bad_token(shared_issuer: LocalIssuer) -> None:
    app = api(auth_of(shared_issuer))
    assert get(app, "/greeting").json() is None
    assert get(app, "/greeting", shared_issuer.token()).json() == "hello alice"
    assert get(app, "/greeting", shared_issuer.token(exp=1)).status_code == 401
    assert get(app, "/greeting", "junk").status_code == 401
    assert get(app, "/greeting", "").status_code == 400
    assert get(app, "/greeting", shared_issuer.token(scope="openid")).status_code == 403
    assert get(app, "/greeting", Authorization="Basic YTpi").status_code == 401


def test_v26_optional_beside_required_does_not_weaken_it(shared_issuer: LocalIssuer) -> None:
    auth = auth_of(shared_issuer)
    app = FastAPI()
    auth.install(app)

    @app.get("/both")
    async def both(
        optional: Annotated[AccessToken | None, Depends(auth.optional)], token: Annotated[AccessToken, Security(auth)]
    ) -> list[str | None]:
        return [optional.subject if optional else None, token.subject]

    assert get(app, "/both").status_code == 401
    assert get(app, "/both", shared_issuer.token()).json() == ["alice", "alice"]


def test_scopes_of_a_router_and_of_its_route_add_up(shared_issuer: LocalIssuer) -> None:
    auth = auth_of(shared_issuer)
    app = FastAPI()
    auth.install(app)
    router = APIRouter(dependencies=[Security(auth, scopes=["admin"])])

    @router.get("/notes")
    async def notes(token: Annotated[AccessToken, Security(auth, scopes=["read:notes"])]) -> str | None:
        return token.subject

    app.include_router(router)
    assert get(app, "/notes", shared_issuer.token()).status_code == 403
    assert get(app, "/notes", shared_issuer.token(scope="admin")).status_code == 403
    assert get(app, "/notes", shared_issuer.token(scope="admin read:notes")).json() == "alice"


def test_one_override_stands_in_for_a_login_on_every_route(shared_issuer: LocalIssuer) -> None:
    auth = auth_of(shared_issuer)
    app = api(auth)
    app.dependency_overrides[auth] = lambda: AccessToken({"sub": "bob"})
    assert get(app, "/notes").json() == ["note of bob"]
    assert get(app, "/greeting").json() == "hello bob"
    assert get(app, "/sync").json() == "bob"


def test_openapi_says_how_to_authorize(shared_issuer: LocalIssuer) -> None:
    schema = api(auth_of(shared_issuer)).openapi()
    assert schema["components"]["securitySchemes"]["TokenAuth"] == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    assert schema["paths"]["/notes"]["get"]["security"] == [{"TokenAuth": ["read:notes"]}]
    assert "/.well-known/oauth-protected-resource" not in schema["paths"]


def test_the_api_describes_itself(shared_issuer: LocalIssuer) -> None:
    answer = get(api(auth_of(shared_issuer)), "/.well-known/oauth-protected-resource")
    assert answer.json() == {
        "resource": AUDIENCE,
        "authorization_servers": [shared_issuer.issuer],
        "bearer_methods_supported": ["header"],
    }


def test_every_fault_of_the_options_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        TokenAuth(origins=["https://app.example/", "*", "app.example", "http://app.example"], audience=AUDIENCE)
    assert [fault.split()[0] for fault in raised.value.faults] == ["issuer", *["origins"] * 4]
    with pytest.raises(ConfigurationError, match="origins"):
        TokenAuth(issuer="https://id.example", audience=AUDIENCE, origins=["*"])


def test_one_origin_can_be_given_as_a_text() -> None:
    assert TokenAuth(issuer="https://id.example", audience=AUDIENCE, origins=PAGE).origins == (PAGE,)


def test_on_a_real_server_a_hundred_cold_requests_ask_the_provider_once(issuer: LocalIssuer) -> None:
    issuer.delay = 0.05
    app = api(auth_of(issuer))

    async def run(host: str) -> list[int]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=f"http://{host}", limits=limits, timeout=30, trust_env=False) as client:
            token = {"Authorization": f"Bearer {issuer.token()}"}
            answers = await asyncio.gather(*(client.get("/notes", headers=token) for _ in range(100)))
            return [answer.status_code for answer in answers]

    with served(app) as host:
        assert asyncio.run(run(host)) == [200] * 100
    assert len(issuer.asked) == 2


def test_the_apps_own_lifespan_still_runs(shared_issuer: LocalIssuer) -> None:
    steps: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        steps.append("start")
        yield
        steps.append("stop")

    app = FastAPI(lifespan=lifespan)
    auth_of(shared_issuer).install(app)
    with served(app):
        assert steps == ["start"]
    assert steps == ["start", "stop"]


@pytest.mark.parametrize("extensions", [{}, {"websocket.http.response": {}}])
def test_v27_a_websocket_route_is_guarded(shared_issuer: LocalIssuer, extensions: dict[str, object]) -> None:
    app = api(auth_of(shared_issuer))

    def connect(*headers: tuple[bytes, bytes]) -> list[Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, object]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:  # noqa: ANN401
            sent.append(message)

        scope = {
            "type": "websocket",
            "path": "/live",
            "headers": list(headers),
            "query_string": b"",
            "extensions": extensions,
            "subprotocols": [],
        }
        asyncio.run(app(scope, receive, send))
        return sent

    opened = connect((b"authorization", f"Bearer {shared_issuer.token()}".encode()))
    assert [message["type"] for message in opened] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert opened[1]["text"] == "alice"
    refused = connect()
    assert refused[0]["type"] == ("websocket.http.response.start" if extensions else "websocket.close")
    assert "websocket.accept" not in [message["type"] for message in refused]


def test_no_token_is_logged_by_any_logger(shared_issuer: LocalIssuer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = shared_issuer.token(exp=1)
        get(api(auth_of(shared_issuer)), "/notes", token)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("spa_auth")]
    assert ours
    assert not any(part in line for part in token.split(".") for line in ours)
