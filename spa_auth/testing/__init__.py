"""For tests of pages and APIs: a client that faces the development provider in one process, without a wire.

    from spa_auth.testing import pair

    async def test_notes():
        page = pair()
        auth = await page.open()
        auth = await page.login(auth, "alice")
        assert auth.user.name == "Alice Archer"

Nothing is replaced: the client, the provider, the signatures and the protocol between them are the real ones;
only the browser is one in memory.
"""

from spa_auth.testing.browser import FakeBrowser, Handler
from spa_auth.testing.clock import FakeClock
from spa_auth.testing.pair import Pair, pair

__all__ = ["FakeBrowser", "FakeClock", "Handler", "Pair", "pair"]
