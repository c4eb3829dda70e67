"""Browser settings, for the browser tests and for the benchmarks.

The name is the one that people who know Playwright look for; as it holds a dot, load it by its path
(`importlib.util.spec_from_file_location`), as tests/browser/conftest.py does.
"""

import os
import shutil
from pathlib import Path

LAUNCH_ARGUMENTS = (
    "--no-sandbox",  # the sandbox needs rights that containers and CI machines lack; the pages are our own
    "--disable-gpu",
    # A browser under test talks to nobody but the page's own servers.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
HEADLESS = os.environ.get("HEADED", "") == ""

VIEWPORT = (1280, 800)
LOCALE = "en-GB"

# Milliseconds, as Playwright counts. A page boots Python first, and a busy machine takes its time.
BOOT_TIMEOUT = 60_000

# Where Playwright keeps browsers of its own, by system.
PLAYWRIGHT_CACHES = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright", "~/AppData/Local/ms-playwright")
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def playwright_has_chromium() -> bool:
    """Whether `playwright install chromium` has been run here."""
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    folders = [Path(chosen)] if chosen else [Path(cache).expanduser() for cache in PLAYWRIGHT_CACHES]
    return any(any(folder.glob("chromium-*")) for folder in folders)


def system_chromium() -> str | None:
    """The Chromium of this system, if there is one."""
    found = (shutil.which(name) for name in SYSTEM_BROWSERS)
    return next((path for path in found if path), None)


def executable_path() -> str | None:
    """The browser to start: None stands for Playwright's own, which is taken when it is there."""
    return None if playwright_has_chromium() else system_chromium()


def launch_options() -> dict[str, object]:
    """Keyword arguments of `browser_type.launch`, for pytest-playwright's `browser_type_launch_args` too."""
    return {
        "args": list(LAUNCH_ARGUMENTS),
        "executable_path": executable_path(),
        "headless": HEADLESS,
        "timeout": BOOT_TIMEOUT,
    }
