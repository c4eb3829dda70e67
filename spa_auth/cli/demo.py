"""`spa-auth demo`: the provider, the API and the page, three real servers that know each other."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from spa_auth.cli.checkout import Checkout
from spa_auth.cli.demo_page import Addresses, demo_page
from spa_auth.cli.failure import CannotStartError
from spa_auth.cli.ports import Listener, listen
from spa_auth.cli.provider import provider_app
from spa_auth.cli.servers import ASGIApp, serve


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """What the command line says. A port 0 means any that is free.

    Args:
        host: The loopback address that all three listen on.
        page_port: Where the page is.
        provider_port: Where the development provider is; its issuer follows from it.
        api_port: Where the API is.
        access_token_lifetime: Seconds; None leaves it to the provider.
    """

    host: str
    page_port: int
    provider_port: int
    api_port: int
    access_token_lifetime: int | None


@dataclass(frozen=True)
class Running:
    """The three listeners of a demo, from before their servers start."""

    page: Listener
    provider: Listener
    api: Listener

    @property
    def addresses(self) -> Addresses:
        """Where the page finds the other two."""
        return Addresses(issuer=self.provider.url, api=self.api.url)


def run_demo(checkout: Checkout, options: DemoOptions, *, when_ready: Callable[[Running], None]) -> None:
    """Serve all three until Ctrl-C.

    Raises:
        CannotStartError: the host or a port cannot be had, or a file of the demo is missing.
    """
    if ":" in options.host:
        # The policy allows the provider and the API by name, and has no form for this one (CSP Level 3 section 2.3.1).
        raise CannotStartError(f"The page's security policy cannot name {options.host}. Use --host 127.0.0.1")
    running = _listen(options)
    provider, events = provider_app(running.provider.url, options.access_token_lifetime)
    apps: dict[Listener, ASGIApp] = {
        running.provider: provider,
        running.api: _demo_api(checkout, running),
        running.page: demo_page(checkout, running.addresses, host=options.host),
    }
    serve(apps, when_ready=lambda: when_ready(running), when_stopping=events.close)


def page_origins(page: Listener) -> list[str]:
    """The origins that the page is opened under: people type localhost as well as 127.0.0.1."""
    return sorted({page.origin, f"http://localhost:{page.port}"})


def _listen(options: DemoOptions) -> Running:
    return Running(
        page=listen(options.host, options.page_port, flag="--page-port"),
        provider=listen(options.host, options.provider_port, flag="--provider-port"),
        api=listen(options.host, options.api_port, flag="--api-port"),
    )


def _demo_api(checkout: Checkout, running: Running) -> ASGIApp:
    create_app = _create_app_of(checkout.demo / "api.py")
    audience = _audience_of(checkout.demo / "pyscript.json")
    return create_app(issuer=running.provider.url, audience=audience, origins=page_origins(running.page))


def _create_app_of(path: Path) -> Callable[..., ASGIApp]:
    spec = importlib.util.spec_from_file_location("spa_auth_demo_api", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise CannotStartError(f"The demo's API is missing: {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Callable[..., ASGIApp]", module.create_app)


def _audience_of(path: Path) -> str:
    """What the page asks tokens for is what the API demands: written once, in the page's configuration."""
    audience: str = json.loads(path.read_text(encoding="utf-8"))["spa_auth"]["audience"]
    return audience
