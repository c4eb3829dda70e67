"""Tokens given up before their time (RFC 7009): asked for by the application, at logout, or when they come late."""

import asyncio
from collections.abc import Sequence

from spa_auth.client.context import Context
from spa_auth.errors import DiscoveryError, SpaAuthError, without_locals
from spa_auth.protocol.token import TokenSet

REFRESH_TOKEN, ACCESS_TOKEN = "refresh_token", "access_token"
# A logout must not wait for a provider that does not answer.
MAX_WAIT = 3


class Revocation:
    """Revokes the tokens of one client."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._running: set[asyncio.Task[bool | None]] = set()
        context.keeper.discard = self.discard

    async def refresh_token(self, audience: str | None) -> None:
        """Revoke the refresh token of an API, and forget it; see `AuthClient.revoke_refresh_token`."""
        keeper, cache = self._context.keeper, self._context.session.cache

        async def task() -> None:
            await keeper.pull()
            for token in cache.refresh_tokens(self._context.audience(audience), every=False):
                await self._revoke(token, REFRESH_TOKEN)
                cache.rotate(token, None)
                await keeper.push()

        await keeper.exclusively(task)

    async def access_token(self, audience: str | None) -> None:
        """Revoke the access tokens of an API, and forget them; see `AuthClient.revoke_access_token`."""
        keeper, cache = self._context.keeper, self._context.session.cache

        async def task() -> None:
            await keeper.pull()
            for token in cache.access_tokens(self._context.audience(audience)):
                await self._revoke(token, ACCESS_TOKEN)
                cache.expire(token)
                await keeper.push()

        await keeper.exclusively(task)

    async def all_of(self, refresh_tokens: Sequence[str]) -> bool | None:
        """Whether every one was revoked, within seconds; None where there was none, or no place for it (L03)."""
        try:
            async with asyncio.timeout(min(MAX_WAIT, self._context.config.http_timeout)):
                for token in refresh_tokens:
                    await self._revoke(token, REFRESH_TOKEN)
        except DiscoveryError:
            return None
        except (SpaAuthError, TimeoutError) as error:
            self._context.platform.console.error(without_locals(error))
            return False
        return True if refresh_tokens else None

    def discard(self, tokens: TokenSet) -> None:
        """Revoke what nobody will use, behind the scenes."""
        if tokens.refresh_token is None or not self._context.config.revoke_on_logout:
            return
        task = asyncio.ensure_future(self.all_of([tokens.refresh_token]))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _revoke(self, token: str, hint: str) -> None:
        from spa_auth.protocol.revocation import revoke_token

        context = self._context
        await context.driver.run(revoke_token(context.provider, token, hint, context.config.client_id))
