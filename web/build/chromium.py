"""Make sure that there is a Chromium for the browser tests: found, installed on Debian as root, or asked for."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from progress import BuildError, give_up, step

SETTINGS = Path(__file__).resolve().parents[2] / "playwright.config.py"

WHAT_TO_DO = (
    "The browser tests need Chromium. Install one of these and run make again:\n"
    "  .venv/bin/playwright install chromium     Playwright's own\n"
    "  apt-get install chromium                  Debian's, as root\n"
    "or any Chromium or Chrome whose program is on the PATH."
)


def main() -> int:
    """Find or install a Chromium, and return an exit code."""
    try:
        ensure_chromium()
    except BuildError as error:
        return give_up(error)
    return 0


def ensure_chromium() -> None:
    """Leave this machine with a Chromium that the tests find.

    Raises:
        BuildError: there is none, and it cannot be installed without being asked.
    """
    settings = browser_settings()
    if settings.playwright_has_chromium() or settings.system_chromium():
        return
    if not _is_debian_root():
        raise BuildError(WHAT_TO_DO)
    with step("Chromium, from Debian"):
        _run("apt-get", "update", "-q")
        _run("apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium")


def browser_settings() -> ModuleType:
    """The module playwright.config.py, whose name no import statement can say."""
    spec = importlib.util.spec_from_file_location("playwright_config", SETTINGS)
    if spec is None or spec.loader is None:
        raise BuildError(f"{SETTINGS} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _is_debian_root() -> bool:
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def _run(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise BuildError(f"{' '.join(command)} failed; see above.\n{WHAT_TO_DO}")


if __name__ == "__main__":
    sys.exit(main())
