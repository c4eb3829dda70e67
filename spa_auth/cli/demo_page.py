"""The web server of the demo's page: static files, with the headers that such a page should have everywhere."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from os import PathLike, stat_result
from pathlib import Path, PurePath

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spa_auth.cli.checkout import Checkout

Endpoint = Callable[[Request], Awaitable[Response]]

# What the system believes about these differs from machine to machine, and browsers are strict.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".zip": "application/zip",
}


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the other two servers are: the page may talk to them, and to nobody else."""

    issuer: str
    api: str


def demo_page(checkout: Checkout, addresses: Addresses, *, host: str) -> Starlette:
    """The page as an ASGI app: the demo at /, PyScript at /pyscript, what was built at /dist, the callback page.

    Args:
        checkout: Where its files are.
        addresses: What it talks to.
        host: Where it is served; people type localhost, too.
    """
    return Starlette(
        routes=[
            Route("/pyscript.json", _configuration(checkout.demo / "pyscript.json", addresses)),
            Route("/callback.html", _file(checkout.web / "callback.html")),
            Route("/callback.js", _file(checkout.web / "callback.js")),
            Route("/gate.js", _file(checkout.web / "gate.js")),
            Route("/spa_auth.css", _file(checkout.web / "spa_auth.css")),
            Mount("/dist", TypedStaticFiles(directory=checkout.dist)),
            Mount("/pyscript", TypedStaticFiles(directory=checkout.pyscript)),
            Mount("/", TypedStaticFiles(directory=checkout.demo, html=True)),
        ],
        middleware=[
            # Without it, a foreign site could rebind its name to this address and read the page as its own.
            Middleware(TrustedHostMiddleware, allowed_hosts=[host, "localhost"]),
            Middleware(Headers, headers=page_headers(addresses)),
        ],
    )


def page_headers(addresses: Addresses) -> dict[str, str]:
    """The headers of every answer: a strict policy, and caches that ask before they answer."""
    return {
        "cache-control": "no-cache",
        "content-security-policy": content_security_policy(addresses),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def content_security_policy(addresses: Addresses) -> str:
    """Scripts of our own only, and no eval: PyScript needs 'wasm-unsafe-eval' and, with the demo's loader, no more."""
    provider, api = addresses.issuer.rstrip("/"), addresses.api.rstrip("/")
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            f"img-src 'self' data: {provider}",
            f"connect-src 'self' {provider} {api}",
            f"frame-src 'self' {provider}",
            "frame-ancestors 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "object-src 'none'",
        )
    )


def configuration(path: Path, addresses: Addresses) -> Mapping[str, object]:
    """The page's pyscript.json, pointed at the provider and the API that run."""
    read = json.loads(path.read_text(encoding="utf-8"))
    ours = {**read.get("spa_auth", {}), "issuer": addresses.issuer, "base_url": addresses.api}
    return {**read, "spa_auth": ours}


class TypedStaticFiles(StaticFiles):
    """Static files whose media types do not depend on the machine. Folders are not listed."""

    def file_response(
        self,
        full_path: "str | PathLike[str]",
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Answer with a file, or with 304 when the browser has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        if media_type := MEDIA_TYPES.get(PurePath(full_path).suffix):
            response.headers["content-type"] = media_type
        return response


class Headers:
    """Put the same headers on every answer of an app."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _configuration(path: Path, addresses: Addresses) -> Endpoint:
    async def answer(_request: Request) -> Response:
        # Read each time, so that an edited file counts at the next reload.
        return JSONResponse(configuration(path, addresses))

    return answer


def _file(path: Path) -> Endpoint:
    async def answer(_request: Request) -> Response:
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix])

    return answer
