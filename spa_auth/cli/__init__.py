"""The command `spa-auth`: a whole system on your own machine, to try out and to develop with."""

import sys

# What the extra "demo" brings. Another module that is missing is a fault, and shows as one.
EXTRA_PACKAGES = {"fastapi", "httpx", "joserfc", "rich", "starlette", "typer", "uvicorn"}


def main() -> None:
    """Run the command line, or say in one line what to install for it."""
    try:
        from spa_auth.cli.commands import app
    except ModuleNotFoundError as missing:
        if missing.name not in EXTRA_PACKAGES:
            raise
        sys.exit(f'spa-auth needs the package {missing.name}: in a clone, pip install ".[demo]"')
    app()
