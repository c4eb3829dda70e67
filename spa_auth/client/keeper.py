"""The session of this page and the one in its store, in step; and one at a time, over all pages that share them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from spa_auth.errors import IDTokenError, SpaAuthError
from spa_auth.protocol.flows import Grant
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.session import Session, is_same_user
from spa_auth.protocol.token import TokenSet

if TYPE_CHECKING:
    from spa_auth.client.context import Context
    from spa_auth.client.ports import Locks
    from spa_auth.client.stored import StoredSession

T = TypeVar("T")
LOCK_PREFIX = "spa_auth:lock:"


class Keeper:
    """Reads and writes the store of one client's session.

    Every page writes under the lock, and only what it has just read, plus what is new: so no page brings back a
    refresh token that another has spent. `discard` gets the tokens that nobody will use.
    """

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._config = context.config
        self._session = context.session
        self._turn = (0, asyncio.Lock())
        self.discard: Callable[[TokenSet], object] = str

    async def exclusively(self, task: Callable[[], Awaitable[T]]) -> T:
        """What the task gives, while no other page with the same store, nor another task here, is in its turn.

        Raises:
            NetworkError: `timeout`; others take too long. Without its turn, a task never runs (threat R07).
        """
        locks = self._locks()
        if locks is None:
            async with self._own_turn():
                return await task()
        from spa_auth.client.locking import locked

        # A turn is three requests at most: metadata, tokens, keys.
        name = f"{LOCK_PREFIX}{self._config.issuer}:{self._config.client_id}"
        return await locked(locks, name, task, timeout=4 * self._config.http_timeout)

    async def accept(self, grant: Grant, asked: Scope, generation: int, *, silent: bool = False) -> None:
        """Take the tokens of a login that was begun under that generation, and store them.

        Args:
            grant: What the login gave.
            asked: The scope that was asked for.
            generation: The session's generation when the login began.
            silent: Whether the user saw nothing of the login.

        Raises:
            LoginRequiredError: The session has ended meanwhile; the tokens are dropped and revoked, as in all cases.
            SubMismatchError: Nobody saw this login, and it is of another user than the session.
            NetworkError: As of `exclusively` and `pull`.
        """
        try:
            await self._accept(grant, asked, generation, silent=silent)
        except SpaAuthError:
            self.discard(grant.tokens)
            raise

    async def _accept(self, grant: Grant, asked: Scope, generation: int, *, silent: bool) -> None:
        self._session.check_generation(generation)
        from spa_auth.client.userinfo import login_userinfo

        userinfo = await login_userinfo(self._context, grant)
        if not self._keeps:
            self._session.accept(grant, asked, generation, silent=silent, userinfo=userinfo)
            return

        async def task() -> None:
            self._session.check_generation(generation)
            # What ended elsewhere, or became another user's, is no reason to refuse a login that the user has seen.
            known = self._session.generation if await self.pull() and not silent else generation
            self._session.accept(grant, asked, known, silent=silent, userinfo=userinfo)
            await self.push()

        await self.exclusively(task)

    async def pull(self) -> bool:
        """Take the session as other pages have left it in the store; it may be a new one, or none any more.

        Returns whether the session of this page has ended with this.

        Raises:
            NetworkError: It has to be verified and the provider does not answer. It is not taken, and stays stored.
        """
        store = self._session.store
        if store is None or not self._keeps:
            return False
        from spa_auth.client.stored import parse_session

        generation = self._session.generation
        record = await store.load()
        stored = parse_session(record, issuer=self._config.issuer, client_id=self._config.client_id)
        session = None if stored is None else await self._verified(stored)
        if generation != self._session.generation:
            return False  # logged out meanwhile
        if stored is not None and session is not None:
            self._session.adopt(session, stored.id_tokens[0], stored.entries)
        else:
            if record is not None:
                store.forget()
            if self._session.current is not None:
                self._session.leave("other_tab")
        return generation != self._session.generation

    async def push(self) -> None:
        """Store the session of this page."""
        store, session = self._session.store, self._session.current
        if store is None or session is None or not self._keeps:
            return
        from spa_auth.client.stored import StoredSession, dump_session

        generation = self._session.generation
        stored = StoredSession(self._id_tokens(session), self._session.cache.entries)
        await store.save(dump_session(stored, issuer=self._config.issuer, client_id=self._config.client_id))
        if generation != self._session.generation:
            store.forget()  # logged out meanwhile

    async def check_kept(self) -> None:
        """End the session of this page if another has ended it in the store."""
        store = self._session.store
        if store is not None and self._keeps and await store.load() is None and store.works:
            self._session.leave("other_tab")

    async def refresh_tokens(self) -> list[str]:
        """Every refresh token of the session, as the store has them where there is one: others may have spent ours."""
        store, cache = self._session.store, self._session.cache
        if store is None or not self._keeps:
            return cache.refresh_tokens()
        from spa_auth.client.stored import parse_session

        stored = parse_session(await store.load(), issuer=self._config.issuer, client_id=self._config.client_id)
        if stored is None:
            return cache.refresh_tokens()
        return [*dict.fromkeys(each.tokens.refresh_token for each in stored.entries if each.tokens.refresh_token)]

    async def settled(self) -> None:
        """Return when the store has done what it was told, as a logout must before the page leaves."""
        if self._session.store is not None:
            await self._session.store.settled()

    @property
    def _keeps(self) -> bool:
        return self._session.store is not None and self._session.store.works

    def _id_tokens(self, session: Session) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self._session.login_id_token, session.id_token)))

    def _own_turn(self) -> asyncio.Lock:
        # Who logs in anew does not wait for what hangs from the session before.
        if self._turn[0] != self._session.generation:
            self._turn = (self._session.generation, asyncio.Lock())
        return self._turn[1]

    def _locks(self) -> "Locks | None":
        store, platform = self._session.store, self._context.platform
        if store is None or not (store.is_shared and store.works):
            return None
        if platform.locks is not None or platform.local_storage is None:
            return platform.locks
        from spa_auth.client.locking import StorageLocks

        return StorageLocks(platform.local_storage, platform, lease=3 * self._config.http_timeout)

    async def _verified(self, stored: "StoredSession") -> Session | None:
        current = self._session.current
        if current is not None and stored.id_tokens == self._id_tokens(current):
            return current
        from spa_auth.protocol.kept import kept_claims

        context, client_id = self._context, self._config.client_id
        try:
            claims = [
                await context.driver.run(kept_claims(context.provider, token, client_id, context.id_token_rules))
                for token in stored.id_tokens
            ]
        except IDTokenError:
            return None
        if not is_same_user(claims[0], claims[-1]):
            return None
        userinfo = None if current is None or not is_same_user(current.claims, claims[0]) else current.userinfo
        return Session(claims[-1], stored.id_tokens[-1], claims[0], userinfo)
