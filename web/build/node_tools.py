"""Node and npm: found, new enough, and called; or missed in words that say what to install."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from progress import BuildError

OLDEST_NODE = 20

WHAT_TO_DO = (
    f"The browser assets (PyScript and Pyodide) come from npm and need Node.js {OLDEST_NODE} or newer, with npm.\n"
    "Install it (Debian: apt-get install nodejs npm, macOS: brew install node, Windows: winget install OpenJS.NodeJS)\n"
    "and run make again. To see which one is found: node --version"
)


@dataclass(frozen=True)
class NodeTools:
    """The paths of two programs that were found and are new enough."""

    node: str
    npm: str

    def run_npm(self, *arguments: str, folder: Path) -> None:
        """Run npm in a folder, its output shown."""
        _run([self.npm, *arguments], folder)

    def run_node(self, *arguments: str, folder: Path) -> str:
        """Run a script and return what it printed."""
        return _run([self.node, *arguments], folder, capture=True)


def find_node_tools(which: Callable[[str], str | None] = shutil.which) -> NodeTools:
    """Node and npm as the shell would find them.

    Raises:
        BuildError: one is missing, or Node is too old.
    """
    node, npm = which("node"), which("npm")
    if node is None:
        raise BuildError(f"Node.js was not found.\n{WHAT_TO_DO}")
    if npm is None:
        raise BuildError(f"npm was not found, though Node.js was ({node}).\n{WHAT_TO_DO}")
    check_node_version(_run([node, "--version"], Path.cwd(), capture=True))
    return NodeTools(node, npm)


def check_node_version(printed: str) -> None:
    """Refuse what `node --version` printed when it is too old, or no version."""
    found = re.match(r"v(\d+)\.", printed)
    if found is None or int(found[1]) < OLDEST_NODE:
        raise BuildError(f"Node.js {printed.strip()} is too old.\n{WHAT_TO_DO}")


def _run(command: list[str], folder: Path, *, capture: bool = False) -> str:
    # npm warns about settings that other tools left in its environment; errors still show.
    environment = {**os.environ, "NPM_CONFIG_LOGLEVEL": "error"}
    stdout = subprocess.PIPE if capture else None
    done = subprocess.run(command, cwd=folder, env=environment, stdout=stdout, text=True, check=False)
    if done.returncode != 0:
        name = Path(command[0]).name
        raise BuildError(f"{name} {' '.join(command[1:])} failed in {folder}, exit code {done.returncode}; see above.")
    return done.stdout or ""
