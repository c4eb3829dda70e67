"""npm `oidc-provider`, a provider that is not ours, and a page of ours before it whose Python the test dictates."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from browser.servers import AUDIENCE, Lab, served
from peer_packages import PEERS, find_packages
from playwright.sync_api import Page
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from spa_auth.cli.checkout import find_checkout
from spa_auth.cli.demo import _create_app_of, page_origins
from spa_auth.cli.demo_page import Addresses, Headers, demo_page, page_headers
from spa_auth.cli.ports import listen
from spa_auth.protocol import form

ROOT = Path(__file__).resolve().parents[2]
PAGE = "/lab/p0/"
SCOPE = "openid profile email read:notes"
READY = "html[data-ready]"
# `act` runs a piece of Python and answers with its value, or with the name of what it raised, as JSON; `happened` are
# the names of the client's events, `failures` the codes of what was raised.
SOURCE = """
import asyncio
import json
import js
from pyodide.code import eval_code_async
from pyodide.ffi import create_proxy
from spa_auth.browser import create_auth_client

happened, failures = [], []

async def act(source):
    try:
        value = await asyncio.wait_for(eval_code_async(source, globals()), 25)
    except Exception as error:
        failures.append(getattr(error, "error", repr(error)))
        value = {"raised": type(error).__name__, "error": getattr(error, "error", None)}
    return json.dumps(value, default=dict)

async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)

try:
    auth = await create_auth_client()
    auth.events.on_any(lambda name, event: happened.append(name))
    result = auth.redirect_result
finally:
    js.globalThis.act = create_proxy(act)
    js.document.documentElement.dataset.ready = ""
if auth.user:
    js.document.documentElement.dataset.user = auth.user.sub
"""


@dataclass
class Exchange:
    """One request to the provider and its answer, as the provider tells them."""

    method: str
    path: str
    status: int
    query: str = ""
    location: str | None = None
    form: Mapping[str, str] = field(default_factory=dict[str, str])
    answer: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def parameters(self) -> dict[str, str]:
        return dict(form.parse(self.query))


@dataclass
class Site:
    """What runs: the provider, an API that checks its tokens, and the page."""

    issuer: str
    api: str
    origin: str
    lab: Lab
    asks_for_consent: bool
    expected: set[str] = field(default_factory=set[str])

    def metadata(self) -> dict[str, Any]:
        return _get(self.issuer, "/.well-known/openid-configuration")

    def path(self, endpoint: str) -> str:
        """The path of an endpoint, as the provider publishes it."""
        return "/" + str(self.metadata()[endpoint]).split("/", 3)[3]

    def clear(self) -> None:
        _get(self.issuer, "/test/journal?clear")
        self.expected = set()

    def exchanges(self, endpoint: str) -> list[Exchange]:
        """What went through an endpoint; preflights are left out."""
        path = self.path(endpoint)
        return [each for each in self._exchanges if each.path == path and each.method != "OPTIONS"]

    def grants(self) -> list[str]:
        """The grant types that the token endpoint was asked for."""
        return [each.form["grant_type"] for each in self.exchanges("token_endpoint")]

    def issued(self, name: str) -> str:
        """A member of the newest answer of the token endpoint."""
        return str(self.exchanges("token_endpoint")[-1].answer[name])

    def provoked(self, error: str) -> None:
        """This test made the token endpoint say so."""
        assert error in [each["error"] for each in self.mishaps()]
        self.expected.add(error)

    def mishaps(self) -> list[dict[str, Any]]:
        """What went wrong at the token endpoint, or in the provider itself, and was not provoked."""
        found = [each for each in self._journal["events"] if each["name"] in ("grant.error", "server_error")]
        return [each for each in found if each["error"] not in self.expected]

    @property
    def secrets(self) -> set[str]:
        """Every code, state, nonce, verifier and token that passed."""
        found: set[str | None] = set()
        for each in self._exchanges:
            answered = dict(form.parse((each.location or "").partition("?")[2]))
            for pairs, names in (
                (each.parameters, ("nonce", "state", "code_challenge")),
                (answered, ("code",)),
                (each.form, ("code", "code_verifier", "refresh_token")),
                (each.answer, ("access_token", "refresh_token", "id_token")),
            ):
                found |= {pairs.get(name) for name in names}
        return {secret for secret in found if secret is not None}

    @property
    def _journal(self) -> dict[str, Any]:
        return _get(self.issuer, "/test/journal")

    @property
    def _exchanges(self) -> list[Exchange]:
        return [Exchange(**each) for each in self._journal["exchanges"]]


class Tab:
    """One tab with the page. What it runs can use `auth`, and `result` of the login that came back."""

    def __init__(self, page: Page, site: Site, *, origin: str | None = None) -> None:
        self.page = page
        self.site = site
        self.url = f"{origin or site.origin}{PAGE}"

    def open(self, **options: object) -> None:
        """Open the page; options replace those of its block "spa_auth"."""
        self.site.lab._pages["p0"] = (SOURCE, {**self.site.lab.options, **options})
        self.reload()

    def reload(self) -> None:
        self.page.goto(self.url)
        self.is_ready()

    def another(self) -> "Tab":
        """A second tab of the same browser, with the same page."""
        tab = Tab(self.page.context.new_page(), self.site)
        tab.reload()
        return tab

    def is_ready(self) -> None:
        self.page.locator(READY).wait_for(state="attached")

    def run(self, source: str) -> Any:  # noqa: ANN401
        """The value of a piece of Python, once it is there."""
        return json.loads(self.page.evaluate("(source) => act(source)", source))

    def begin(self, source: str) -> None:
        """Begin what waits for somebody."""
        self.page.evaluate("(source) => { void act(source) }", source)

    def leave(self, source: str) -> None:
        """Do what makes the tab go elsewhere; only the next page is ready again."""
        self.page.evaluate("delete document.documentElement.dataset.ready")
        self.begin(source)

    def log_in(self, source: str = "await auth.login_with_redirect()", *, user: str = "alice") -> None:
        """Log in by redirect, and come back."""
        self.leave(source)
        self.sign_in(self.page, user)
        self.is_ready()

    def log_in_by_popup(self, *, user: str = "alice") -> None:
        """Log in by popup, and come back."""
        with self.page.expect_popup() as opened:
            self.begin("await auth.login_with_popup()")
        self.sign_in(opened.value, user)
        self.wait_for("auth.user is not None")

    def is_known_at_the_provider(self) -> bool:
        """Whether the provider would log this browser in without a word."""
        asked = {
            "client_id": "spa", "response_type": "code", "redirect_uri": f"{self.site.origin}/callback.html",
            "scope": "openid", "prompt": "none", "code_challenge": "x" * 43, "code_challenge_method": "S256",
        }  # fmt: skip
        address = f"{self.site.metadata()['authorization_endpoint']}?{form.encode(asked)}"
        answer = self.page.context.request.get(address, max_redirects=0).headers["location"]
        return "code=" in answer

    def wait_for_user(self) -> None:
        """Return as soon as a page, after whatever redirects, knows that somebody is logged in."""
        self.page.locator("html[data-user]").wait_for(state="attached")

    def revoke(self, token: str) -> None:
        """Take a token away behind the page's back."""
        address = self.site.metadata()["revocation_endpoint"]
        assert self.page.context.request.post(address, form={"client_id": "spa", "token": token}).ok

    def wait_for(self, condition: str) -> None:
        """Return as soon as the condition, in Python, is true."""
        assert self.run(f"await until(lambda: {condition})") is None

    def sign_in(self, page: Page, user: str) -> None:
        """Fill in the provider's form, and agree to what it asks on the page after it."""
        page.fill("input[name=login]", user)
        page.fill("input[name=password]", "any")
        page.click("button[type=submit]")
        if self.site.asks_for_consent:
            page.click("form:has(input[name=prompt][value=consent]) button")

    @property
    def user(self) -> Any:  # noqa: ANN401
        return self.run("auth.user")

    def nothing_leaked(self) -> None:
        """No code, token, nonce or verifier is in the address, the page or a storage (S01, S02, A24)."""
        kept = self.page.evaluate("JSON.stringify([location.href, {...localStorage}, {...sessionStorage}])")
        seen = kept + self.page.content()
        secrets = self.site.secrets
        assert secrets
        assert [secret for secret in secrets if secret in seen] == []


@contextmanager
def foreign_site(**options: object) -> Generator[Site]:
    """The provider with these options (tests/peers/oidc_provider.mjs), an API and a page."""
    checkout = find_checkout(ROOT)
    create_api: Any = _create_app_of(checkout.demo / "api.py")
    with ExitStack() as stack:
        page, api = (listen("127.0.0.1", 0, flag="") for _ in range(2))
        for listener in (page, api):
            stack.callback(listener.socket.close)
        pages = ["/callback.html", PAGE]
        issuer = stack.enter_context(_provider(origins=page_origins(page), pages=pages, **options))
        lab = Lab(checkout, page.origin, {
            "issuer": issuer, "client_id": "spa", "redirect_uri": "/callback.html", "audience": AUDIENCE,
            "scope": SCOPE, "base_url": api.url,
        })  # fmt: skip
        assert lab.page(SOURCE).endswith(PAGE)
        addresses = Addresses(issuer=issuer, api=api.url)
        site = Starlette(
            routes=[*lab.routes, Mount("/", demo_page(checkout, addresses, host=page.host))],
            middleware=[Middleware(Headers, headers=page_headers(addresses))],
        )
        stack.enter_context(served(site, page))
        stack.enter_context(served(create_api(issuer, AUDIENCE, page_origins(page)), api))
        yield Site(issuer, api.url, page.origin, lab, asks_for_consent=options["shape"] == "plain")


@contextmanager
def _provider(**options: object) -> Generator[str]:
    """The issuer of a provider that is ready."""
    find_packages()
    node = shutil.which("node")
    assert node is not None, "These tests need Node.js; it was not found."
    command = [node, str(PEERS / "oidc_provider.mjs"), json.dumps(options)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready, f"oidc-provider did not start: {process.communicate()[1]}"
            yield json.loads(ready)["issuer"]
        finally:
            process.terminate()


def _get(issuer: str, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(issuer.removesuffix("/") + path, timeout=10) as answer:  # noqa: S310  an address of ours
        found: dict[str, Any] = json.load(answer)
    return found
