"""Real servers on free loopback ports: providers, APIs and pages, each as the demo has it or bent in one way."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, MutableMapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from spa_auth.cli.checkout import Checkout, find_checkout
from spa_auth.cli.demo import _create_app_of, page_origins
from spa_auth.cli.demo_page import MEDIA_TYPES, Addresses, demo_page
from spa_auth.cli.ports import Listener, listen
from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import app as provider_asgi
from spa_auth.protocol import form

ROOT = Path(__file__).resolve().parents[2]
AUDIENCE = "https://api.example"
# Seconds. Below this the client asks for no new token, and of a shorter life nothing would be left.
SHORT_LIFETIME = 8

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass
class Exchange:
    """One request and what it was answered with."""

    method: str
    path: str
    query: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    status: int = 0
    location: str = ""
    answer: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        return dict(form.parse(self.body.decode()))


class Journal:
    """An app that remembers what passes through it."""

    def __init__(self, app: App) -> None:
        self.exchanges: list[Exchange] = []
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        exchange = Exchange(scope["method"], scope["path"], scope["query_string"].decode(), headers=headers)
        self.exchanges.append(exchange)

        async def receiving() -> Message:
            message = await receive()
            exchange.body += message.get("body", b"")
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                names = {name.lower(): value for name, value in message["headers"]}
                exchange.location = names.get(b"location", b"").decode()
            exchange.answer += message.get("body", b"")
            await send(message)

        await self._app(scope, receiving, sending)

    def clear(self) -> None:
        self.exchanges.clear()

    def of(self, method: str, path: str) -> list[Exchange]:
        return [each for each in self.exchanges if (each.method, each.path) == (method, path)]

    @property
    def grants(self) -> list[dict[str, str]]:
        """The forms that were posted to the token endpoint."""
        return [each.form for each in self.of("POST", "/oauth/token")]

    @property
    def secrets(self) -> set[str]:
        """Every code, state, nonce, verifier and token that passed."""
        found: set[str] = set()
        for each in self.exchanges:
            found |= _members(form.parse(each.query), "nonce", "state", "code_challenge")
            found |= _members(form.parse(each.location.partition("?")[2]), "code", "state")
        for each in self.of("POST", "/oauth/token"):
            found |= _members(form.parse(each.body.decode()), "code", "code_verifier", "refresh_token")
            found |= _members(json.loads(each.answer).items(), "access_token", "refresh_token", "id_token")
        return found


def _members(pairs: Any, *names: str) -> set[str]:  # noqa: ANN401
    return {value for name, value in pairs if name in names}


class Provider:
    """A development provider that runs, and what a test may do to it."""

    def __init__(self, listener: Listener, **options: Any) -> None:  # noqa: ANN401
        self.issuer = listener.url
        self.inner = DevProvider(Options(issuer=listener.url, **options))
        self.journal = Journal(provider_asgi(self.inner))


class Lab:
    """Pages that a test writes: a piece of Python, with the demo's policy or with headers of its own."""

    def __init__(self, checkout: Checkout, origin: str, options: dict[str, object]) -> None:
        self.wheel = next(checkout.dist.glob("spa_auth_browser-*-cp*-none-any.whl")).name
        self._origin = origin
        self.options = options
        self._files: dict[str, bytes] = {}
        self._pages: dict[str, tuple[str, dict[str, object]]] = {}
        self._headers: dict[str, dict[str, str]] = {}

    def page(self, source: str, headers: object = None, **options: object) -> str:
        """The address of a page that runs this Python; options replace those of its "spa_auth" block.

        `headers` is a mapping; what passes options on has no better type for them.
        """
        name = f"p{len(self._pages)}"
        self._pages[name] = (source, {**self.options, **options})
        self._headers[name] = cast("dict[str, str]", headers or {})
        return f"{self._origin}/lab/{name}/"

    def file(self, path: str, content: bytes) -> str:
        """The address of a file. What Playwright itself answers, Chromium keeps away from loopback addresses."""
        self._files[path] = content
        return f"{self._origin}/files/{path}"

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/answers/{kind}", _answer, methods=["GET", "HEAD", "POST"]),
            Route("/files/{path:path}", self._file),
            Route("/lab/{name}/", self._html),
            Route("/lab/{name}/main.py", self._python),
            Route("/lab/{name}/pyscript.json", self._configuration),
        ]

    async def _file(self, request: Request) -> Response:
        path = request.path_params["path"]
        return Response(self._files[path], media_type=MEDIA_TYPES[PurePath(path).suffix])

    async def _html(self, request: Request) -> Response:
        return Response(LAB_PAGE, media_type="text/html", headers=self._headers[request.path_params["name"]])

    async def _python(self, request: Request) -> Response:
        return PlainTextResponse(self._pages[request.path_params["name"]][0])

    async def _configuration(self, request: Request) -> Response:
        options = self._pages[request.path_params["name"]][1]
        return JSONResponse({
            "interpreter": "/dist/pyodide/pyodide.mjs",
            "files": {f"/dist/{self.wheel}": "./*"},
            "spa_auth": {key: value for key, value in options.items() if value is not None},
        })  # fmt: skip


async def _answer(request: Request) -> Response:
    """What no well-behaved endpoint answers."""
    kind = request.path_params["kind"]
    if kind.isdecimal():
        return Response(status_code=int(kind), headers={"location": "/answers/echo"})
    if kind == "large":
        return StreamingResponse(_pieces(64, 0), media_type="application/json")
    if kind == "slow":
        return StreamingResponse(_pieces(64, 0.5), media_type="application/json")
    return JSONResponse({
        "method": request.method,
        "body": (await request.body()).decode(),
        "headers": {name: request.headers.get(name) for name in ("cookie", "referer", "x-test", "cache-control")},
    })  # fmt: skip


async def _pieces(count: int, pause: float) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 65536
        await asyncio.sleep(pause)


LAB_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Lab</title>
<link rel="icon" href="/icon.svg">
<script type="module" src="/start.js"></script>
<script type="py" src="main.py" config="pyscript.json"></script>
<body><button id="go">Go</button><p id="out"></p><p id="error" hidden></p></body></html>
"""


@dataclass
class World:
    """Everything that runs. `pages` has one demo page for each thing that can be wrong."""

    origin: str
    port: int
    foreign: str
    provider: Provider
    short: Provider
    api: Journal
    pages: dict[str, str]
    lab: Lab


@contextmanager
def world() -> Generator[World]:
    """Start everything, and stop it."""
    checkout = find_checkout(ROOT)
    create_api: Any = _create_app_of(checkout.demo / "api.py")
    with ExitStack() as stack:
        page, foreign, main, short, mute = (listen("127.0.0.1", 0, flag="") for _ in range(5))
        good, wrong, closed = (listen("127.0.0.1", 0, flag="") for _ in range(3))
        dead = _dead_address()
        provider, short_lived = Provider(main), Provider(short, access_token_lifetime=SHORT_LIFETIME)

        def api(issuer: str, audience: str = AUDIENCE, origins: list[str] | None = None) -> Any:  # noqa: ANN401
            return create_api(
                issuer=issuer, audience=audience, origins=page_origins(page) if origins is None else origins
            )

        api_app = Journal(api(main.url))
        short_api = listen("127.0.0.1", 0, flag="")
        places = {
            "main": Addresses(issuer=main.url, api=good.url),
            "sub": Addresses(issuer=main.url, api=good.url),
            "short": Addresses(issuer=short.url, api=short_api.url),
            "api-audience": Addresses(issuer=main.url, api=wrong.url),
            "api-cors": Addresses(issuer=main.url, api=closed.url),
            "api-down": Addresses(issuer=main.url, api=dead),
            "provider-down": Addresses(issuer=dead, api=good.url),
            "provider-cors": Addresses(issuer=mute.url, api=good.url),
        }
        paths = {name: f"/{name}" for name in places} | {"main": "", "sub": "/sub/path"}
        options: dict[str, object] = {
            **json.loads((checkout.demo / "pyscript.json").read_text())["spa_auth"],
            "issuer": main.url,
            "base_url": good.url,
            "redirect_uri": "/callback.html",
        }
        lab = Lab(checkout, page.origin, options)
        mounts = [
            Mount(paths[name] or "/", demo_page(checkout, place, host=page.host)) for name, place in places.items()
        ]
        mounts.sort(key=lambda mount: -len(mount.path))
        site = Starlette(routes=[*lab.routes, *mounts])
        for listener, app in {
            main: provider.journal,
            short: short_lived.journal,
            mute: _without_cors(provider_asgi(DevProvider(Options(issuer=mute.url)))),
            good: api_app,
            short_api: api(short.url),
            wrong: api(main.url, audience="https://other.example"),
            closed: api(main.url, origins=["https://elsewhere.example"]),
            page: site,
            foreign: _foreign_site(checkout),
        }.items():
            stack.enter_context(served(app, listener))
        yield World(
            origin=page.origin,
            port=page.port,
            foreign=foreign.origin,
            provider=provider,
            short=short_lived,
            api=api_app,
            pages={name: f"{page.origin}{path}/" for name, path in paths.items()},
            lab=lab,
        )


@contextmanager
def served(app: Any, listener: Listener) -> Generator[None]:  # noqa: ANN401
    """Serve an app in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.socket.close()


def _dead_address() -> str:
    """An address where nobody listens."""
    listener = listen("127.0.0.1", 0, flag="")
    address = listener.url
    listener.socket.close()
    return address


def _without_cors(app: App) -> App:
    async def mute(scope: Message, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if "headers" in message:
                kept = [pair for pair in message["headers"] if not pair[0].startswith(b"access-control-")]
                message["headers"] = kept
            await send(message)

        await app(scope, receive, sending)

    return mute


def _foreign_site(checkout: Checkout) -> Starlette:
    """Another origin. It also serves the callback page without any policy, as a careless host would."""

    async def page(_request: Request) -> Response:
        return Response("<!doctype html><title>Foreign</title>", media_type="text/html")

    async def callback(request: Request) -> Response:
        path = checkout.web / request.url.path.removeprefix("/")
        media_type = "text/html" if path.suffix == ".html" else "text/javascript"
        return Response(path.read_text(), media_type=media_type)

    return Starlette(
        routes=[Route("/", page), Route("/callback.html", callback), Route("/callback.js", callback)],
    )


def fake_state(kind: str) -> str:
    """A state of the right form that no login has."""
    return kind + base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")
