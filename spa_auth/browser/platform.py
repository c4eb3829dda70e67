"""A page's Web APIs, or a worker's, as the ports of a client."""

import time
from typing import TYPE_CHECKING

from spa_auth.browser._js import has, js
from spa_auth.browser.console import WebConsole
from spa_auth.browser.crypto import WebCrypto
from spa_auth.browser.fetch import FetchTransport
from spa_auth.client.changed import StateEvent
from spa_auth.client.platform import Platform

if TYPE_CHECKING:
    from spa_auth.client.ports import Channels, Gate, Locks


def browser_platform() -> Platform:
    """The ports that this place has: a worker has neither a window nor storage."""
    platform = Platform(
        transport=FetchTransport(),
        crypto=WebCrypto(),
        clock=time.time,
        console=WebConsole(),
        locks=_locks(),
        channels=_channels(),
        state_event=_state_event(),
    )
    return _with_window(platform) if has("document") else platform


def _with_window(platform: Platform) -> Platform:
    from spa_auth.browser.navigator import WindowNavigator
    from spa_auth.browser.page import DocumentPage
    from spa_auth.browser.pause import pause
    from spa_auth.browser.storage import WebStorage

    return platform._replace(
        navigator=WindowNavigator(),
        session_storage=WebStorage("sessionStorage"),
        local_storage=WebStorage("localStorage"),
        page=DocumentPage(),
        pause=pause,
        gate=_gate(),
    )


def _channels() -> "Channels | None":
    if not has("BroadcastChannel"):
        return None
    from spa_auth.browser.channels import WebChannels

    return WebChannels()


def _locks() -> "Locks | None":
    manager = getattr(js.navigator, "locks", None)
    if not manager:  # an insecure context, or an old browser
        return None
    from spa_auth.browser.locks import WebLocks

    return WebLocks(manager)


def _gate() -> "Gate | None":
    if not has("spa_auth_gate"):
        return None
    from spa_auth.browser.gate import PageGate

    return PageGate()


def _state_event() -> type[StateEvent]:
    try:
        from spa_auth.browser.pyscript_page import PageStateEvent
    except ImportError:  # Pyodide without PyScript
        return StateEvent
    return PageStateEvent
