"""Pages with gate.js, under a strict policy: their Python can be held back, so that a test sees what is before it."""

import contextlib
import itertools
import json

from browser.journey import Journey
from playwright.sync_api import Error, Route

_names = itertools.count()

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Gate</title>
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/spa_auth.css">
{gate}
{python}
</head><body>
{body}
<p id="out"></p></body></html>
"""
GATE = '<script src="/gate.js" data-issuer="{issuer}" data-client-id="demo"></script>'
PYTHON = """<script type="module" src="/start.js"></script>
<script type="py" src="main.py" config="pyscript.json"></script>"""
BODY = """<main>
<button data-spa-auth="login">Log in</button>
<p data-spa-auth="signed-out">Nobody is logged in.</p>
<p data-spa-auth="signed-in">Hello <b data-spa-auth="user.name"></b>
  <img data-spa-auth="user.picture" width="40" height="40"></p>
<button data-spa-auth="logout">Log out</button>
<p data-spa-auth="error" id="error"></p>
</main>"""
BIND = """
from pyscript import web
from spa_auth.browser import create_auth_client

auth = await create_auth_client()
auth.bind()
web.page["out"].setAttribute("data-done", "")
"""


def gated_page(
    journey: Journey,
    source: str | None = BIND,
    *,
    body: str = BODY,
    gate: str = GATE,
    policy: str = "",
    **options: object,
) -> str:
    """The address of a page with the gate; without `source` it has no Python."""
    lab = journey.servers.lab
    issuer = str(options.setdefault("issuer", journey.servers.provider.issuer))
    folder = f"gate{next(_names)}"
    if source is not None:
        lab.file(f"{folder}/main.py", source.encode())
        configuration = {
            "interpreter": "/dist/pyodide/pyodide.mjs",
            "files": {f"/dist/{lab.wheel}": "./*"},
            "spa_auth": {**lab.options, **options},
        }
        lab.file(f"{folder}/pyscript.json", json.dumps(configuration).encode())
    html = PAGE.format(
        policy=_policy(journey, issuer.rstrip("/")) + policy,
        gate=gate.format(issuer=issuer),
        python="" if source is None else PYTHON,
        body=body,
    )
    return lab.file(f"{folder}/index.html", html.encode())


def _policy(journey: Journey, provider: str) -> str:
    api = str(journey.servers.lab.options["base_url"]).rstrip("/")
    return (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; object-src 'none'; "
        f"base-uri 'self'; img-src 'self' data: {provider}; connect-src 'self' {provider} {api}; "
        f"frame-src 'self' {provider}"
    )


class HeldPython:
    """Pyodide, which does not come before it is let go."""

    def __init__(self, journey: Journey) -> None:
        self._is_held = True
        self._waiting: list[Route] = []
        journey.page.route("**/pyodide.mjs", self._hold)

    def let_go(self) -> None:
        """From now on every page gets it, the one that waits first."""
        self._is_held = False
        for route in self._waiting:
            with contextlib.suppress(Error):  # of a page that was left
                route.continue_()

    def _hold(self, route: Route) -> None:
        if self._is_held:
            self._waiting.append(route)
        else:
            route.fallback()
