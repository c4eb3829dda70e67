"""For tests of pages and APIs: a client that faces the development provider in one process, without a wire.

    from spa_auth.testing import pair

    async def test_notes():
        page = pair()
        auth = await page.open()
        auth = await page.login(auth, "alice")
        assert auth.user.name == "Alice Archer"

Nothing is replaced: the client, the provider, the signatures and the protocol between them are the real ones;
only the browser is one in memory. For tests over a wire, pytest has the fixture `spa_auth_provider`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spa_auth.testing.browser import FakeBrowser
    from spa_auth.testing.clock import FakeClock
    from spa_auth.testing.pairs import Pair, pair
    from spa_auth.testing.profile import FakeProfile, Handler

__all__ = ["FakeBrowser", "FakeClock", "FakeProfile", "Handler", "Pair", "pair"]

_HOMES = {
    "FakeBrowser": "browser",
    "FakeClock": "clock",
    "FakeProfile": "profile",
    "Handler": "profile",
    "Pair": "pairs",
    "pair": "pairs",
}


if not TYPE_CHECKING:  # else every name would exist for type checkers

    def __getattr__(name: str) -> object:
        # On first use: pytest imports this package at every start, wherever spa_auth is installed.
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
