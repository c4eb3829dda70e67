"""How long a page takes to its first line of Python, and to import spa_auth.browser, in Chromium.

Side by side, in turns: Pyodide and the browser wheel as they come, and both compiled as the asset build ships them.
Figures are printed, never asserted. Run it with `make bench`.
"""

import statistics
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from chromium import browser_settings
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from spa_auth.cli.demo_page import TypedStaticFiles
from spa_auth.cli.ports import Listener, listen

WEB = Path(__file__).resolve().parents[2] / "web"
DIST = WEB / "dist"
ROUNDS = 7

PAGE = """<!doctype html>
<script type="module" src="/pyscript/core.js"></script>
<script type="py" src="/main.py" config="/{variant}.json"></script>
"""

# performance.now() counts from the start of the navigation.
MAIN = """
from js import document, performance

shown = document.documentElement.dataset
shown.firstLine = str(performance.now())
started = performance.now()
import spa_auth.browser
shown.importTime = str(performance.now() - started)
"""


@dataclass(frozen=True)
class Variant:
    """One way to serve the same page."""

    name: str
    interpreter: str
    wheel: Path

    @property
    def configuration(self) -> dict[str, object]:
        """The page's pyscript.json."""
        return {"interpreter": self.interpreter, "files": {f"/dist/{self.wheel.name}": "./*"}}


@dataclass(frozen=True)
class Sample:
    """Milliseconds of one visit."""

    first_line: float
    import_time: float


def variants() -> list[Variant]:
    (plain,) = DIST.glob("spa_auth_browser-*-py3-none-any.whl")
    (compiled,) = DIST.glob("spa_auth_browser-*-cp*-none-any.whl")
    return [
        Variant("source, as npm has it", "/pyodide/pyodide.mjs", plain),
        Variant("compiled, as shipped", "/dist/pyodide/pyodide.mjs", compiled),
    ]


def site(compared: list[Variant]) -> Starlette:
    async def page(request: Request) -> Response:
        return Response(PAGE.format(variant=request.path_params["variant"]), media_type="text/html")

    async def configuration(request: Request) -> Response:
        return JSONResponse(compared[request.path_params["variant"]].configuration)

    async def main_py(_request: Request) -> Response:
        return Response(MAIN, media_type="text/x-python")

    return Starlette(
        routes=[
            Route("/main.py", main_py),
            Route("/{variant:int}.html", page),
            Route("/{variant:int}.json", configuration),
            Mount("/dist", TypedStaticFiles(directory=DIST)),
            Mount("/pyodide", TypedStaticFiles(directory=WEB / "node_modules" / "pyodide")),
            Mount("/pyscript", TypedStaticFiles(directory=WEB / "node_modules" / "@pyscript" / "core" / "dist")),
        ]
    )


@contextmanager
def served(app: Starlette) -> Generator[Listener]:
    listener = listen("127.0.0.1", 0, flag="")
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener
    finally:
        server.should_exit = True
        thread.join()


def visit(browser: Browser, url: str, timeout: int) -> Sample:
    """One visit with an empty cache."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        root = page.locator("html[data-import-time]")
        root.wait_for(timeout=timeout)
        first_line, import_time = (root.get_attribute(f"data-{name}") for name in ("first-line", "import-time"))
        return Sample(float(first_line or "nan"), float(import_time or "nan"))


def measure(compared: list[Variant], origin: str) -> list[list[Sample]]:
    """Take turns, so that a busy moment of the machine burdens all variants alike; the first round only warms up."""
    settings = browser_settings()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**settings.launch_options())
        rounds = [
            [visit(browser, f"{origin}/{number}.html", settings.BOOT_TIMEOUT) for number in range(len(compared))]
            for _ in range(ROUNDS + 1)
        ]
        browser.close()
    return [list(samples) for samples in zip(*rounds[1:], strict=True)]


def show(compared: list[Variant], samples: list[list[Sample]]) -> None:
    table = Table(title=f"Milliseconds in Chromium, median of {ROUNDS} (least to most)", title_justify="left")
    table.add_column("Pyodide and spa_auth")
    table.add_column("first line of Python", justify="right")
    table.add_column("import spa_auth.browser", justify="right")
    for variant, taken in zip(compared, samples, strict=True):
        first_lines = [sample.first_line for sample in taken]
        imports = [sample.import_time for sample in taken]
        table.add_row(variant.name, summary(first_lines), summary(imports))
    Console().print(table)


def summary(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def main() -> int:
    compared = variants()
    with served(site(compared)) as listener:
        samples = measure(compared, listener.origin)
    show(compared, samples)
    return 0


if __name__ == "__main__":
    sys.exit(main())
