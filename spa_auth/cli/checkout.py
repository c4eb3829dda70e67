"""The files of the demo. They are in the repository, not in the wheel."""

from dataclasses import dataclass
from pathlib import Path

from spa_auth.cli.failure import CannotStartError

OUTSIDE = (
    "The demo's page is in the repository of spa_auth, and this folder is not inside a clone of it.\n"
    "In a clone run: make demo\n"
    "For the provider alone, anywhere: spa-auth dev-provider"
)
NOT_BUILT = "The browser assets are not built yet. Run: make demo"


@dataclass(frozen=True)
class Checkout:
    """A clone of the repository, by its top folder."""

    root: Path

    @property
    def demo(self) -> Path:
        """The demo: its page, its Python, and its API."""
        return self.root / "web" / "examples" / "demo"

    @property
    def web(self) -> Path:
        """Where callback.html is, and callback.js."""
        return self.root / "web"

    @property
    def dist(self) -> Path:
        """What the asset build makes: wheels and Pyodide."""
        return self.web / "dist"

    @property
    def pyscript(self) -> Path:
        """PyScript, as npm has it."""
        return self.web / "node_modules" / "@pyscript" / "core" / "dist"


def find_checkout(start: Path) -> Checkout:
    """The clone that a folder is in, with its assets built.

    Raises:
        CannotStartError: there is none, or its assets are missing.
    """
    for folder in (start, *start.parents):
        checkout = Checkout(folder)
        if (checkout.demo / "index.html").is_file():
            return _checked(checkout)
    raise CannotStartError(OUTSIDE)


def _checked(checkout: Checkout) -> Checkout:
    if not (checkout.pyscript.is_dir() and (checkout.dist / "pyodide").is_dir()):
        raise CannotStartError(NOT_BUILT)
    return checkout
