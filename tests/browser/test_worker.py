"""Python in a worker that uses the client of its page: in PyScript's workers, and in those of a page's own."""

import json

import pytest
from browser.journey import START, Journey
from browser.windows import ISOLATED
from browser.workers import begin_worker, said, worker_source
from playwright.sync_api import Page, expect

# The page's own Python: it serves its worker, and shows who is logged in.
PAGE = (
    START
    + """
import js
from spa_auth.browser.worker import serve_broker

auth = await create_auth_client()
BEGIN

@auth.changed
def show(user):
    web.page["out"].textContent = f"{user.sub if user else 'nobody'}, {auth.changed.reason}"

done()
"""
)
OWN = """
blob = js.Blob.new(js.Array.of(SOURCE), js.JSON.parse('{"type": "text/javascript"}'))
worker = js.Worker.new(js.URL.createObjectURL(blob), js.JSON.parse('{"type": "module"}'))
service = serve_broker(auth, worker)
"""
WORKER = """
from spa_auth.browser.worker import connect_broker

auth = await connect_broker()
user = await auth.require_login()
tokens = await auth.get_token_silently(detailed_response=True)
say(user.name, tokens.audience, tokens.id_token)
say(len(await auth.fetch_with_auth("/notes").json()) > 0)
try:
    await auth.get_token_silently(cache_mode="wrong")
except Exception as error:
    say(type(error).__name__, error.faults)
await auth.logout(open_url=False)
say(auth.user, auth.changed.reason)
"""
LISTEN = """
    if (self === top) {
        const said = [];
        Object.defineProperty(window, 'said', {value: said});
        new BroadcastChannel('said').onmessage = (event) => said.push(event.data);
    }
"""


def walk(page: Page, journey: Journey) -> None:
    """The worker asks for a login, uses it, and logs out."""
    page.locator("button[value=alice]").click()
    page.wait_for_function("() => window.said.length >= 4")
    user, notes, fault, end = page.evaluate("window.said")
    assert user == "Alice Archer https://api.example None"
    assert notes == "True"
    assert fault.startswith("ConfigurationError ('cache_mode must be")
    assert end == "None logout"
    expect(page.locator("#out")).to_have_text("nobody, logout")
    grants = [grant["grant_type"] for grant in journey.servers.provider.journal.grants]
    assert grants[0] == "authorization_code"


@pytest.mark.parametrize("headers", [None, ISOLATED], ids=["plain", "isolated"])
def test_a_worker_of_the_pages_own_uses_its_client(journey: Journey, headers: dict[str, str] | None) -> None:
    source = OWN.replace("SOURCE", json.dumps(worker_source(journey, WORKER)))
    journey.page.add_init_script(LISTEN)
    journey.page.goto(journey.servers.lab.page(PAGE.replace("BEGIN", source), headers))
    walk(journey.page, journey)


PYSCRIPT_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Worker</title>
<link rel="icon" href="/icon.svg">
<script type="module" src="/pyscript/core.js"></script>
<script type="py" src="main.py" config="pyscript.json"></script>
<script type="py" src="worker.py" worker name="worker" config="pyscript.json"></script>
<body><button id="go">Go</button><p id="out"></p></body></html>
"""
SAY = """
import js

channel = js.BroadcastChannel.new("said")

def say(*words):
    channel.postMessage(" ".join(map(str, words)))

"""


def test_a_worker_of_pyscript_finds_the_client_of_its_page(journey: Journey) -> None:
    lab = journey.servers.lab
    configuration = {
        "interpreter": "/dist/pyodide/pyodide.mjs",
        "files": {f"/dist/{lab.wheel}": "./*"},
        "spa_auth": lab.options,
    }
    lab.file("worker/main.py", PAGE.replace("BEGIN", "service = serve_broker(auth)").encode())
    lab.file("worker/worker.py", (SAY + WORKER).encode())
    lab.file("worker/pyscript.json", json.dumps(configuration).encode())
    address = lab.file("worker/index.html", PYSCRIPT_PAGE.encode())
    journey.page.add_init_script(LISTEN)
    journey.page.goto(address)
    walk(journey.page, journey)


def test_a_page_that_serves_nobody_is_a_timeout_that_says_what_to_call(journey: Journey) -> None:
    source = """
from spa_auth.browser.worker import connect_broker
try:
    await connect_broker(timeout=1)
except TimeoutError as error:
    say(error.error, error.remedy)
"""
    page = journey.page
    page.goto(journey.servers.lab.page(""))
    begin_worker(journey, source)
    assert said(page, 1) == ["timeout Call serve_broker(auth) on the page."]


def test_on_a_page_there_is_nothing_to_connect_to(journey: Journey) -> None:
    journey.run(
        START
        + """
from spa_auth.browser.worker import connect_broker, serve_broker
try:
    await connect_broker()
except Exception as error:
    say(error.error)
auth = await create_auth_client()
service = serve_broker(auth)
service.close()
done()
"""
    )
    assert journey.said().strip() == "invalid_configuration"
