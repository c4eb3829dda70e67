"""The quickstart of the README, file by file as it is printed, with any provider (here the development one)."""

import json
import mimetypes
from pathlib import Path

from browser.journey import Journey
from browser.servers import ROOT
from playwright.sync_api import Route, expect

QUICKSTART = ROOT / "web" / "examples" / "quickstart"
WEB = ROOT / "web"


def test_the_quickstart_logs_in_and_calls_the_api(journey: Journey) -> None:
    """Its public addresses are answered from this machine; nothing else of it is changed."""
    page, servers = journey.page, journey.servers
    options = json.loads((QUICKSTART / "pyscript.json").read_text())
    options["spa_auth"] |= {
        "issuer": servers.provider.issuer,
        "client_id": "demo",
        "base_url": servers.lab.options["base_url"],
    }
    (wheel,) = (WEB / "dist" / Path(name).name for name in options["files"])
    for path in (QUICKSTART / "main.py", WEB / "callback.html", WEB / "callback.js", wheel):
        servers.lab.file(f"quickstart/{path.name}", path.read_bytes())
    servers.lab.file("quickstart/pyscript.json", json.dumps(options).encode())
    site = servers.lab.file("quickstart/index.html", (QUICKSTART / "index.html").read_bytes())

    page.route(
        "https://pyscript.net/releases/*/**",
        lambda route: _answer(route, WEB / "node_modules/@pyscript/core/dist" / _after(route, "releases/")),
    )
    page.route(
        "https://cdn.jsdelivr.net/pyodide/*/full/**",
        lambda route: _answer(route, WEB / "dist/pyodide" / route.request.url.rpartition("/")[2]),
    )
    page.goto(site)
    page.locator("button[value=alice]").click()
    expect(page.locator("#hello")).to_have_text("Hello Alice Archer")
    page.click("#load")
    expect(page.locator("#notes")).to_contain_text("note of alice")


def test_the_examples_are_as_short_as_promised() -> None:
    for path, lines in (("quickstart/main.py", 15), ("quickstart/api.py", 12), ("demo/main.py", 40)):
        source = (WEB / "examples" / path).read_text()
        assert len(source.splitlines()) <= lines
        assert "try:" not in source


def test_the_wheels_that_the_examples_name_are_those_that_are_built() -> None:
    for path in (QUICKSTART / "pyscript.json", WEB / "examples" / "demo" / "pyscript.json"):
        (wheel,) = [name for name in json.loads(path.read_text())["files"] if name.endswith(".whl")]
        assert (WEB / "dist" / wheel.rpartition("/")[2]).is_file()


def _after(route: Route, part: str) -> str:
    """The path below the version."""
    return route.request.url.partition(part)[2].partition("/")[2]


def _answer(route: Route, path: Path) -> None:
    media_type = {".mjs": "text/javascript", ".whl": "application/zip", ".wasm": "application/wasm"}.get(
        path.suffix, mimetypes.guess_type(path.name)[0] or "text/plain"
    )
    route.fulfill(path=path, content_type=media_type, headers={"access-control-allow-origin": "*"})
