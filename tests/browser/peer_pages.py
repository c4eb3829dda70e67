"""Pages with clients that are not ours, each before a provider of its own."""

import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from browser.servers import Exchange, Provider, served
from peer_packages import PEERS, find_packages
from playwright.sync_api import BrowserContext, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from spa_auth.cli.ports import listen

TIME_LIMIT = 15_000  # milliseconds; nothing here boots Python
READY = "html[data-ready]"


@dataclass
class PeerSite:
    """The origin of the pages, the provider, and which options each page has."""

    origin: str
    provider: Provider
    options: dict[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Mount("/node_modules", StaticFiles(directory=find_packages())),
                Route("/peers/{name}.mjs", self._script),
                Route("/{name}/", self._page),
                Route("/{name}/options.json", self._options),
            ]
        )

    async def _script(self, request: Request) -> Response:
        return FileResponse(PEERS / f"{request.path_params['name']}.mjs", media_type="text/javascript")

    async def _page(self, request: Request) -> Response:
        return FileResponse(PEERS / f"{request.path_params['name']}.html", media_type="text/html")

    async def _options(self, request: Request) -> Response:
        return JSONResponse(self.options[request.path_params["name"]])


class PeerPage:
    """A tab with one of the clients."""

    def __init__(self, page: Page, site: PeerSite, name: str) -> None:
        self.page = page
        self.site = site
        self.url = f"{site.origin}/{name}/"
        self._name = name

    def open(self, options: Mapping[str, object]) -> None:
        """Open the page, with these options for the library."""
        self.site.options[self._name] = options
        self.page.goto(self.url)
        self.is_ready()

    def is_ready(self) -> None:
        self.page.locator(READY).wait_for(state="attached")

    def run(self, expression: str) -> Any:  # noqa: ANN401
        """The value of a piece of JavaScript; a promise is waited for."""
        return self.page.evaluate(expression)

    def leave(self, expression: str) -> None:
        """Do what makes the tab go elsewhere; only the next page is ready again."""
        self.page.evaluate(f"delete document.documentElement.dataset.ready; void {expression}")

    def begin(self, expression: str) -> None:
        """Begin what waits for a popup."""
        self.page.evaluate(f"void {expression}.then(() => {{ document.documentElement.dataset.done = '' }})")

    def is_done(self) -> None:
        """What was begun has come to a good end."""
        self.page.locator("html[data-done]").wait_for(state="attached")

    def click_user(self, name: str = "alice") -> None:
        """Choose on the provider's page, and come back."""
        self.page.click(f"button[value={name}]")
        self.is_ready()

    @property
    def grants(self) -> list[str]:
        """The grant types that the token endpoint was asked for."""
        return [form["grant_type"] for form in self.site.provider.journal.grants]

    def issued(self, name: str) -> str:
        """A member of the newest answer of the token endpoint."""
        return str(json.loads(self.site.provider.journal.of("POST", "/oauth/token")[-1].answer)[name])

    def statuses(self, path: str) -> list[int]:
        """How the provider has answered on a path; preflights are left out."""
        exchanges = self.site.provider.journal.exchanges
        return [each.status for each in exchanges if each.path == path and each.method != "OPTIONS"]

    @property
    def authorizations(self) -> list[Exchange]:
        return self.site.provider.journal.of("GET", "/authorize")


@contextmanager
def peer_page(context: BrowserContext, name: str, **options: object) -> Generator[PeerPage]:
    """A new tab, and a provider with these options."""
    context.set_default_timeout(TIME_LIMIT)
    context.set_default_navigation_timeout(TIME_LIMIT)
    with ExitStack() as stack:
        ours, theirs = (listen("127.0.0.1", 0, flag="") for _ in range(2))
        site = PeerSite(theirs.origin, Provider(ours, **options))
        stack.enter_context(served(site.provider.journal, ours))
        stack.enter_context(served(site.app, theirs))
        yield PeerPage(context.new_page(), site, name)
        for page in context.pages:
            page.close()
