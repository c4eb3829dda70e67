"""`spa-auth dev-provider`: the development provider alone, for an application that is yours."""

from collections.abc import Callable
from dataclasses import replace

from spa_auth.cli.ports import listen
from spa_auth.cli.servers import ASGIApp, serve
from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import app


def run_provider(host: str, port: int, lifetime: int | None, *, when_ready: Callable[[str], None]) -> None:
    """Serve the provider until Ctrl-C; `when_ready` is told its issuer.

    Raises:
        CannotStartError: the port is taken.
    """
    listener = listen(host, port, flag="--port")
    serve({listener: provider_app(listener.url, lifetime)}, when_ready=lambda: when_ready(listener.url))


def provider_app(issuer: str, access_token_lifetime: int | None) -> ASGIApp:
    """A provider that knows its own address, as an ASGI app."""
    options = Options(issuer=issuer)
    if access_token_lifetime is not None:
        options = replace(options, access_token_lifetime=access_token_lifetime)
    return app(DevProvider(options))
