"""The client beside auth0-spa-js, driven from Python by PyScript's `js_modules`, in one Chromium.

Both take turns, so that a busy moment of the machine burdens both alike; figures are medians, printed and never
asserted. Run it with `make bench`; `--plain` compares them in Pyodide as npm has it, with the wheel of sources.
"""

import argparse
import gzip
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.bench_pages import Site, builds, module, site
from chromium import browser_settings
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

ROUNDS = 20
# Calls in a run, as Chromium's clock has steps of 0.1 ms, and runs in a round.
CACHED_RUN, REFRESH_RUN, RUNS = 50, 5, 2
STEP = 0.001
SETTINGS: Any = browser_settings()

LOGIN = "redirect login, from click to user shown"
BOTH = "redirect login, from first visit to user shown"
CREATE = "create, nobody logged in"
VISIT = "from visit to created, nobody logged in"
SESSION = "from visit to created, somebody logged in"
CACHED, REFRESH = "token from the cache", "refresh"

Samples = dict[str, list[float]]


class Row(NamedTuple):
    """What one figure is of ours and of theirs; `least` is the ratio of the quickest runs, which other load spares."""

    name: str
    unit: str
    ours: float
    theirs: float
    least: float


@dataclass
class Side:
    """One of the two, in a browser profile of its own that is known to the provider."""

    page: Page
    url: str
    samples: Samples

    def visit(self, url: str | None = None) -> None:
        self.page.goto(url or self.url)
        self.page.locator("html[data-created]").wait_for(state="attached")

    def forget(self) -> None:
        """Be as after a first visit, but for the provider's session."""
        self.page.evaluate("localStorage.clear(); sessionStorage.clear()")
        self.page.context.clear_cookies(name=re.compile("auth0"))

    def first_login(self) -> None:
        self.visit()
        self.page.click("#login")
        self.page.click("button[value=alice]")
        self._is_shown()

    def log_in(self) -> None:
        self.page.click("#login")
        self._is_shown()
        self.note(LOGIN, self.read("user"))
        self.note(BOTH, self.samples[VISIT][-1] + self.samples[LOGIN][-1])

    def create(self) -> None:
        self.forget()
        self.visit()
        for name, measured in ((CREATE, "createTime"), (VISIT, "created")):
            self.note(name, self.read(measured))

    def tokens(self) -> None:
        """With one run before that does not count, as on a page that has been open for a while."""
        for name, function, calls in ((CACHED, "cached", CACHED_RUN), (REFRESH, "refresh", REFRESH_RUN)):
            for run in range(RUNS + 1):
                taken = self.page.evaluate(f"async () => await {function}({calls})")
                if run:
                    self.note(name, taken)

    def reload(self) -> None:
        self.visit()
        self.note(SESSION, self.read("created"))

    def read(self, name: str) -> float:
        return float(self.page.evaluate(f"document.documentElement.dataset.{name}"))

    def note(self, name: str, value: float) -> None:
        self.samples[name].append(value)

    def _is_shown(self) -> None:
        # data-created comes later than data-user, and no click or function is there before.
        self.page.locator("html[data-user][data-created]").wait_for(state="attached")


def compare(browser: Browser, pages: Site, build: str, rounds: int) -> tuple[list[Row], Samples]:
    """The rows of the comparison; and how long it takes, with the gate, until the login state is known."""
    ours, direct, theirs = sides = [_side(browser, pages.url(name, build)) for name in ("ours", "direct", "theirs")]
    gate: Samples = defaultdict(list)
    for each in sides:
        each.first_login()
    for _ in range(rounds):
        for step in (Side.create, Side.log_in, Side.tokens, Side.reload):
            for each in sides if step in (Side.create, Side.log_in) else (ours, theirs):
                each.page.bring_to_front()
                step(each)
        for name in builds():
            ours.visit(pages.url("gate", name))
            _note_gate(ours, gate, name)
    for each in sides:
        each.page.context.close()
    return [*_times(ours.samples, direct.samples, theirs.samples), *_sizes(build)], gate


def _side(browser: Browser, url: str) -> Side:
    context = browser.new_context()
    context.set_default_timeout(SETTINGS.BOOT_TIMEOUT)
    return Side(context.new_page(), url, defaultdict(list))


def _note_gate(side: Side, gate: Samples, build: str) -> None:
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
    gate["visible, with the gate"].append(max(side.read("gate"), side.page.evaluate(paint)))
    gate[f"known to Python, {build}"].append(side.read("created"))
    gate[f"of this the import, {build}"].append(side.read("importTime"))


def _times(ours: Samples, direct: Samples, theirs: Samples) -> list[Row]:
    """Theirs knows no callback page, so its logins stand beside ours of both kinds."""
    pairs = [(name, ours[name], theirs[name]) for name in (CREATE, VISIT, CACHED, REFRESH, SESSION)]
    for name in (LOGIN, BOTH):
        pairs += [(name, direct[name], theirs[name]), (f"{name}, by the callback page", ours[name], theirs[name])]
    return [
        Row(name, "ms", statistics.median(mine), statistics.median(other), min(mine) / max(min(other), STEP))
        for name, mine, other in pairs
    ]


def _sizes(build: str) -> list[Row]:
    wheel, script = builds()[build].wheel.read_bytes(), module().read_bytes()
    sizes = {
        "size of the file": (len(wheel), len(script)),
        "size on the wire, gzipped": (len(gzip.compress(wheel)), len(gzip.compress(script))),
    }
    return [Row(name, "KB", ours / 1000, theirs / 1000, ours / theirs) for name, (ours, theirs) in sizes.items()]


def show(rows: Sequence[Row], gate: Mapping[str, Sequence[float]], build: str, rounds: int) -> None:
    table = Table(title=f"Medians of {rounds} rounds in Chromium, {build} Pyodide", title_justify="left")
    table.add_column("")
    for heading in ("spa_auth", "auth0-spa-js", "ratio", "of the least"):
        table.add_column(heading, justify="right")
    for name, unit, ours, theirs, least in rows:
        ratio = ours / max(theirs, STEP)
        table.add_row(f"{name}, {unit}", *(f"{figure:.2f}" for figure in (ours, theirs, ratio, least)))
    beside = Table(title="Milliseconds from visit until the login state is", title_justify="left")
    beside.add_column("")
    beside.add_column("median (least to most)", justify="right")
    for name, values in gate.items():
        beside.add_row(name, f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})")
    Console().print(table, beside)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    build = "plain" if options.plain else "compiled"
    with site() as pages, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**SETTINGS.launch_options())
        rows, gate = compare(browser, pages, build, options.rounds)
        browser.close()
    show(rows, gate, build, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
