"""What a person does on the demo's page, and what a test looks at afterwards."""

import re

from browser.servers import World
from playwright.sync_api import ConsoleMessage, Page, expect

LOGGED_IN = "html[data-state=in]"
LOGGED_OUT = "html[data-state=out]"

# What outlives the page, where the browser lets it.
KEPT = """(() => {
    try { return JSON.stringify([document.title, document.referrer, {...localStorage}, {...sessionStorage}]) }
    catch { return '' }
})()"""
# The first lines of a page's Python: `say` writes into the page, `done` ends it.
START = """
import asyncio
import json
from pyscript import web, when
from spa_auth.browser import create_auth_client

def say(*words):
    web.page["out"].textContent += " ".join(map(str, words)) + "\\n"

def done():
    web.page["out"].setAttribute("data-done", "")
"""


class Journey:
    """One browser profile with one tab, and everything that its console said."""

    def __init__(self, page: Page, servers: World) -> None:
        self.page = page
        self.servers = servers
        self.console: list[str] = []
        self.page_errors: list[str] = []
        page.context.on("console", self._hear)
        page.context.on("weberror", lambda error: self.page_errors.append(str(error.error)))

    def open(self, name: str = "main") -> None:
        """Open the demo, and wait until Python is up."""
        self.page.goto(self.servers.pages[name])
        self.page.locator(f"{LOGGED_IN}, {LOGGED_OUT}").wait_for(state="attached")

    def run(self, source: str, **options: object) -> None:
        """Open a page that runs this Python."""
        self.page.goto(self.servers.lab.page(source, **options))

    def said(self) -> str:
        """What the Python of `run` put into #out when it had finished."""
        out = self.page.locator("#out[data-done]")
        out.wait_for(state="attached")
        return out.text_content() or ""

    def begin_login(self) -> None:
        """Click on "Log in", and wait for the provider's page."""
        self.page.click("#login")
        self.page.locator("button[value=alice]").wait_for()

    def log_in(self, name: str = "main", user: str = "alice") -> None:
        """From nothing to a logged-in page."""
        self.open(name)
        self.begin_login()
        self.page.click(f"button[value={user}]")
        self.is_logged_in()

    def is_logged_in(self, name: str = "Alice Archer") -> None:
        self.page.locator(LOGGED_IN).wait_for(state="attached")
        expect(self.page.locator("#name")).to_have_text(name)

    def is_logged_out(self) -> None:
        self.page.locator(LOGGED_OUT).wait_for(state="attached")

    def shows_error(self, *parts: str) -> None:
        """The alert is there, and says all of this."""
        alert = self.page.locator("#error")
        expect(alert).to_be_visible()
        expect(alert).to_have_attribute("role", "alert")
        for part in parts:
            expect(alert).to_contain_text(part)

    def nothing_leaked(self) -> None:
        """No code, token, nonce or verifier is in the address, the page or the console (S04, S19, A24)."""
        secrets = self.servers.provider.journal.secrets | self.servers.short.journal.secrets
        seen = ["\n".join(self.console), "\n".join(self.page_errors)]
        if not self.page.is_closed() and self.page.url.startswith(self.servers.origin):
            seen += [self.page.url, self.page.content()]
            seen += [self.page.evaluate(KEPT)]
        assert "" not in secrets
        leaked = [secret for secret in secrets if any(secret in place for place in seen)]
        assert not leaked

    def violations(self) -> list[str]:
        """What the Content-Security-Policy refused."""
        return [line for line in self.console if re.search("Content Security Policy", line)]

    def _hear(self, message: ConsoleMessage) -> None:
        self.console.append(message.text)
