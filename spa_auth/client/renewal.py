"""Renewal ahead of time: a task that sleeps until tokens are about to end, and then gets new ones."""

import asyncio

from spa_auth.client.cache import MIN_INTERVAL, Entry
from spa_auth.client.context import Context
from spa_auth.client.tokens import Tokens
from spa_auth.errors import DiscoveryError, LoginTimeoutError, NetworkError, SpaAuthError

# What fails is tried again after 5 seconds, then 10, 20, ..., at most 5 minutes.
FIRST_RETRY, LAST_RETRY = 5, 300
SHORTEST, LONGEST = 1, 86_400


class Renewal:
    """Renews every token of the session before it ends, until the session ends or `stop` is called."""

    def __init__(self, context: Context, tokens: Tokens) -> None:
        self._context = context
        self._tokens = tokens
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._given_up: set[str] = set()

    def start(self) -> None:
        """From now on follow every change of the session."""
        self._context.session.moved = self._follow
        self._follow()

    def stop(self) -> None:
        """Renew nothing any more."""
        self._context.session.moved = None
        self._end()

    def _follow(self) -> None:
        # A renewal that ends the session itself has to come to its own end.
        if self._task is not None and self._task is asyncio.current_task():
            return
        if self._context.session.current is None:
            self._end()
            return
        if self._task is not None:
            self._task.cancel()  # it sleeps for tokens that may not be the next any more
        self._failures = 0
        self._task = asyncio.ensure_future(self._run())

    def _end(self) -> None:
        self._failures, self._given_up = 0, set()
        if self._task is not None:
            self._task.cancel()
        self._task = None

    async def _run(self) -> None:
        context = self._context
        while (session := context.session.current) is not None:
            # Woken early, as when somebody looks at the page again, it looks at the clock and sleeps on.
            wait = self._wait(LONGEST if session.ceiling is None else session.ceiling - context.platform.clock())
            if wait > 0:
                await context.platform.pause(wait)
            entry = self._next()
            if entry is not None and self._due(entry) <= context.platform.clock():
                await self._renew(entry)

    def _wait(self, longest: float) -> float:
        entry = self._next()
        wait: float = LONGEST
        if entry is not None:
            retry = FIRST_RETRY * 2 ** (self._failures - 1) if self._failures else 0
            wait = max(self._due(entry) - self._context.platform.clock(), min(retry, LAST_RETRY))
        return min(wait, max(longest, SHORTEST))

    async def _renew(self, entry: Entry) -> None:
        context, audience = self._context, entry.tokens.audience
        context.emit("token.expiring", audience=audience)
        try:
            await self._tokens.renew(audience, entry.asked, is_forced=False)
        except (NetworkError, DiscoveryError, LoginTimeoutError):
            self._failures += 1
        except SpaAuthError:
            # Asking again would get the same answer: these tokens end, and who needs new ones hears why.
            self._given_up.add(entry.tokens.access_token)

    def _next(self) -> Entry | None:
        entries = self._context.session.cache.entries
        return min(
            (each for each in entries if each.tokens.access_token not in self._given_up), key=self._due, default=None
        )

    def _due(self, entry: Entry) -> float:
        lifetime = max(0, entry.tokens.expires_at - entry.received_at)
        due = entry.tokens.expires_at - min(self._context.config.early_refresh, lifetime / 4)
        return max(due, entry.received_at + MIN_INTERVAL)
