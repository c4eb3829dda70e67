"""The Python of web/docs/pages.md runs as it stands there, line by line, on a page in memory."""

import ast
import asyncio
import re
from collections.abc import Callable, Coroutine
from inspect import iscoroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from client.wire import API, Api, json_answer, page

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.broker import Broker
from spa_auth.client.changed import StateEvent
from spa_auth.client.link import LoginLink
from spa_auth.dev_provider import Options
from spa_auth.dev_provider.options import Organization
from spa_auth.protocol.http import Request, Response
from spa_auth.testing import Pair

TEXT = (Path(__file__).resolve().parents[2] / "web" / "docs" / "pages.md").read_text()
FILES = "https://files.example"
ACME = Organization(org_id="org_1", name="acme")
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
# What a handler of a snippet is meant to show here, by a word of the snippet.
SHOWN = {"def delete": "insufficient_user_authentication"}


def blocks() -> list[str]:
    """Every block of Python, as it is after the change that it shows."""
    found: list[str] = []
    for language, text in re.findall(r"```(python|diff)\n(.*?)```", TEXT, re.DOTALL):
        lines = (
            text.splitlines()
            if language == "python"
            else [line[1:] for line in text.splitlines() if not line.startswith("-")]
        )
        if not lines[0].lstrip().startswith(('"', "}")):
            found.append("\n".join(lines))
    return found


class Elements:
    """Elements of a page, by their ids."""

    def __init__(self) -> None:
        self.found: dict[str, SimpleNamespace] = {}

    def __getitem__(self, name: str) -> SimpleNamespace:
        return self.found.setdefault(name, SimpleNamespace())


class Script:
    """One script of a page on which alice is logged in, with what PyScript and the browser give it."""

    def __init__(self, world: Pair, auth: AuthClient) -> None:
        self._world = world
        self._handlers: list[Callable[[], Coroutine[Any, Any, object]]] = []
        self.names: dict[str, Any] = {
            "auth": auth, "when": self.when, "web": SimpleNamespace(page=Elements()), "display": self.display,
            "create_auth_client": self.create, "connect_broker": self.connect, "serve_broker": self.serve,
            "assertion": "bob", "print": str,
        }  # fmt: skip

    def when(self, event: object, _selector: str = "") -> Callable[[Any], Any]:
        """PyScript's decorator: a click comes after the script."""
        if isinstance(event, StateEvent):
            return event
        return self._handlers.append

    def display(self, link: LoginLink) -> None:
        """Show a link, which alice opens."""
        self._opened = asyncio.ensure_future(self._world.browser.load_in_tab(link.url))

    async def create(self, **options: object) -> AuthClient:
        """The page's client; the provider is that of this test."""
        theirs = ("issuer", "client_id", "redirect_uri", "domain")
        return await self._world.open(**{name: value for name, value in options.items() if name not in theirs})

    def serve(self, auth: AuthClient) -> Broker:
        """One worker of this page."""
        lines = self._world.browser.channels
        assert lines is not None
        return auth.serve(lambda listener: lines.open("worker", listener))

    async def connect(self) -> AuthClient:
        """The client of a worker, as which the page's own may stand here."""
        return self.names["auth"]  # type: ignore[no-any-return]

    async def run(self, text: str) -> None:
        """Run every statement, then click on everything; where the page leaves, it is loaded again and goes on."""
        tree = compile(text, "pages.md", "exec", ast.PyCF_ONLY_AST | FLAGS, dont_inherit=True)
        assert isinstance(tree, ast.Module)
        for statement in tree.body:
            if not (isinstance(statement, ast.ImportFrom) and str(statement.module).startswith("spa_auth.browser")):
                code = compile(ast.Module([statement], []), "pages.md", "exec", FLAGS, dont_inherit=True)
                await self._do(eval(code, self.names))  # noqa: S307  it is our own page
        for handler in self._handlers:
            await self._do(handler())

    async def _do(self, action: object) -> None:
        if not iscoroutine(action):
            return
        try:
            await self._world.browser.until_departure(action)
        except AssertionError as still_here:
            assert str(still_here).startswith("The page did not leave")  # noqa: PT017  most statements do not


async def files(_request: Request) -> Response:
    """The second API of the page."""
    return json_answer({}, 200, ("Access-Control-Allow-Headers", "authorization"))


@pytest.mark.parametrize("text", blocks(), ids=lambda text: text.strip().splitlines()[-1].strip()[:40])
def test_a_snippet_of_the_page_runs_as_it_stands(text: str) -> None:
    async def run() -> None:
        world = page(provider_options=Options(organizations=(ACME,)), allowed_origins=[FILES], base_url=API)
        Api(world)
        world.browser.servers[FILES] = files
        auth = await world.login(await world.open())
        await Script(world, auth).run(text)
        shown = world.browser.shown.get("#error", "")
        expected = next((code for word, code in SHOWN.items() if word in text), "")
        assert (expected in shown) if expected else shown == ""
        assert [getattr(error, "error", error) for error in world.browser.errors] == ([expected] if expected else [])
        auth.close()

    asyncio.run(run())


def test_the_page_has_many_snippets() -> None:
    assert len(blocks()) > 18
