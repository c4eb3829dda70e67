"""The pages that bench_client.py compares: one user's Python with spa_auth, and with auth0-spa-js by `js_modules`.

Both do the same in the same words, in the same Pyodide, before the same provider.
"""

import json
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from browser.servers import served
from peer_packages import find_packages
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from spa_auth.cli.demo_page import MEDIA_TYPES, TypedStaticFiles
from spa_auth.cli.ports import listen
from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import app as provider_app

WEB = Path(__file__).resolve().parents[2] / "web"
DIST = WEB / "dist"
MODULE = "auth0-spa-js.production.esm.js"
AUDIENCE, SCOPE = "https://api.example", "openid profile email read:notes"

# `clicked` and `shown` are read on two pages, so they count from one beginning: that of the epoch.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<link rel="icon" href="data:,">
{gate}
<script type="module" src="/pyscript/core.js"></script>
<script type="py" src="/{name}/main.py" config="/{name}/pyscript.json"></script>
</head><body>
<button id="login">Log in</button> <b id="user"></b>
<script>
const clock = () => performance.timeOrigin + performance.now();
const shown = document.documentElement.dataset;
document.querySelector("#login").addEventListener("click", () => sessionStorage.setItem("clicked", clock()));
new MutationObserver(() => {{ shown.user = clock() - Number(sessionStorage.getItem("clicked")) }})
    .observe(document.querySelector("#user"), {{ childList: true }});
</script></body></html>
"""
GATE = """<script src="/gate.js" data-issuer="{issuer}" data-client-id="demo"></script>
<script>document.documentElement.dataset.gate = performance.now()</script>"""

# What is asked once and answered at once: times from the beginning of the visit, in milliseconds.
BEFORE = """
from js import performance
began = performance.now()
"""
OURS = """
from spa_auth.browser import create_auth_client
imported = performance.now()
auth = await create_auth_client()
created = performance.now()

user = auth.user
log_in = auth.login_with_redirect
get_token = auth.get_token_silently

async def refresh():
    await auth.get_token_silently(cache_mode="off")
"""
THEIRS = """
from js import JSON, history, location
from pyscript import config
from pyscript.js_modules.auth0 import createAuth0Client
imported = performance.now()
auth = await createAuth0Client(JSON.parse(config["auth0"]))
if "code=" in location.search:
    await auth.handleRedirectCallback()
    history.replaceState(None, "", location.pathname)
created = performance.now()

user = await auth.getUser()
log_in = auth.loginWithRedirect
get_token = auth.getTokenSilently

async def refresh():
    await auth.getTokenSilently(JSON.parse('{"cacheMode": "off"}'))
"""
AFTER = """
from js import window
from pyodide.ffi import create_proxy
from pyscript import when, web

if user:
    web.page["user"].textContent = user.name

@when("click", "#login")
async def _(event):
    await log_in()

def timed(verb):
    async def measure(count):
        began = performance.now()
        for _ in range(count):
            await verb()
        return (performance.now() - began) / count
    return create_proxy(measure)

window.cached = timed(get_token)
window.refresh = timed(refresh)
shown = window.document.documentElement.dataset
shown.importTime, shown.createTime, shown.created = str(imported - began), str(created - imported), str(created)
"""


@dataclass(frozen=True)
class Build:
    """A Pyodide and the browser wheel for it."""

    interpreter: str
    wheel: Path


def builds() -> dict[str, Build]:
    """Both as they come, and both compiled as the asset build ships them."""
    (plain,) = DIST.glob("spa_auth_browser-*-py3-none-any.whl")
    (compiled,) = DIST.glob("spa_auth_browser-*-cp*-none-any.whl")
    return {
        "plain": Build("/pyodide/pyodide.mjs", plain),
        "compiled": Build("/dist/pyodide/pyodide.mjs", compiled),
    }


def module() -> Path:
    """Their module, as npm has it."""
    return find_packages() / "@auth0" / "auth0-spa-js" / "dist" / MODULE


@dataclass(frozen=True)
class Site:
    """The origin of the pages, each once for every build: /ours-plain/ and so on.

    They are `ours`, `gate` (the same with gate.js), `direct` (the same without a callback page) and `theirs`.
    """

    origin: str
    issuer: str

    def url(self, name: str, build: str) -> str:
        return f"{self.origin}/{name}-{build}/"

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Mount("/dist", TypedStaticFiles(directory=DIST)),
                Mount("/pyodide", TypedStaticFiles(directory=WEB / "node_modules" / "pyodide")),
                Mount("/pyscript", TypedStaticFiles(directory=WEB / "node_modules" / "@pyscript" / "core" / "dist")),
                Route(f"/{MODULE}", _file(module())),
                *(Route(f"/{name}", _file(WEB / name)) for name in ("callback.html", "callback.js", "gate.js")),
                Route("/{name}-{build}/", self._page),
                Route("/{name}-{build}/main.py", self._python),
                Route("/{name}-{build}/pyscript.json", self._configuration),
            ]
        )

    async def _page(self, request: Request) -> Response:
        gate = GATE.format(issuer=self.issuer) if request.path_params["name"] == "gate" else ""
        html = PAGE.format(name="{name}-{build}".format(**request.path_params), gate=gate)
        return Response(html, media_type="text/html")

    async def _python(self, request: Request) -> Response:
        library = THEIRS if request.path_params["name"] == "theirs" else OURS
        return Response(BEFORE + library + AFTER, media_type="text/x-python")

    async def _configuration(self, request: Request) -> Response:
        name, build = request.path_params["name"], request.path_params["build"]
        library = self._theirs(build) if name == "theirs" else self._ours(name, build)
        return JSONResponse({"interpreter": builds()[build].interpreter, **library})

    def _ours(self, name: str, build: str) -> Mapping[str, object]:
        options = {"issuer": self.issuer, "client_id": "demo"}
        if name != "direct":
            options["redirect_uri"] = "/callback.html"
        files = {f"/dist/{builds()[build].wheel.name}": "./*"}
        return {"files": files, "spa_auth": {**options, "audience": AUDIENCE, "scope": SCOPE}}

    def _theirs(self, build: str) -> Mapping[str, object]:
        parameters = {"redirect_uri": self.url("theirs", build), "audience": AUDIENCE, "scope": SCOPE}
        options: dict[str, object] = {
            "domain": self.issuer.removesuffix("/"),
            "clientId": "demo",
            "authorizationParams": parameters,
        }
        # As ours does by default.
        options |= {"useRefreshTokens": True, "useRefreshTokensFallback": True}
        return {"js_modules": {"main": {f"/{MODULE}": "auth0"}}, "auth0": json.dumps(options)}


@contextmanager
def site() -> Generator[Site]:
    """The pages and the provider, served."""
    with ExitStack() as stack:
        pages, provider = (listen("127.0.0.1", 0, flag="") for _ in range(2))
        made = Site(pages.origin, provider.url)
        stack.enter_context(served(provider_app(DevProvider(Options(issuer=provider.url))), provider))
        stack.enter_context(served(made.app, pages))
        yield made


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix])

    return answer
