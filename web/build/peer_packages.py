"""Fetch the clients that are not ours, which the tests let work against the development provider, and one provider.

They are for tests only: `make demo` never comes here. Run `python web/build/peer_packages.py`.
"""

import sys
from pathlib import Path

from node_tools import find_node_tools
from progress import BuildError, give_up, step
from stamps import Stamp, fingerprint

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "tests" / "peers"
PACKAGES = PEERS / "node_modules"
NPM_FILES = (PEERS / "package.json", PEERS / "package-lock.json", PEERS / ".npmrc")
# What the tests load: one file of each package.
LOADED = (
    "@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js",
    "oauth4webapi/build/index.js",
    "oidc-client-ts/dist/browser/oidc-client-ts.min.js",
    "oidc-provider/lib/index.js",
)


def main() -> int:
    """Fetch what is not there yet, and return an exit code."""
    stamp = Stamp(ROOT / "web" / "dist" / ".stamps" / "peers", fingerprint([*NPM_FILES, Path(__file__)]))
    if stamp.is_current(*(PACKAGES / name for name in LOADED)):
        return 0
    try:
        with step("clients and a provider of others for the tests, from npm"):
            # None of them needs a script of its own at install time, so none may run one.
            find_node_tools().run_npm("ci", "--ignore-scripts", folder=PEERS)
    except BuildError as error:
        return give_up(error)
    stamp.press()
    return 0


def find_packages(folder: Path = PACKAGES) -> Path:
    """The folder of the packages, all of them there.

    Raises:
        BuildError: One is missing, and how to fetch it.
    """
    missing = [name for name in LOADED if not (folder / name).is_file()]
    if missing:
        raise BuildError(f"The tests need {', '.join(missing)} below {folder}. Run: make peers")
    return folder


if __name__ == "__main__":
    sys.exit(main())
