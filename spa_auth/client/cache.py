"""Access tokens in memory, by exact audience and by scope."""

from collections.abc import Iterable
from typing import NamedTuple

from spa_auth.protocol.scope import Scope
from spa_auth.protocol.token import TokenSet

# A provider that gives tokens with no lifetime left must not be asked again and again.
MIN_INTERVAL = 5


class Entry(NamedTuple):
    """Tokens, what was asked for them, and when they came, in seconds."""

    tokens: TokenSet
    asked: Scope
    received_at: float

    def covers(self, audience: str | None, scope: Scope) -> bool:
        """Whether these tokens were asked for exactly this audience and at least this scope."""
        return self.tokens.audience == audience and self.asked.covers(scope)

    def is_young(self, now: float) -> bool:
        """Whether it is too early to ask for new tokens again."""
        return 0 <= now - self.received_at < MIN_INTERVAL

    def is_fresh(self, now: float, early: float) -> bool:
        """Whether the access token lasts another `early` seconds, or a quarter of its life where that is less."""
        lifetime = self.tokens.expires_at - self.received_at
        return now >= self.received_at and self.tokens.is_fresh(now, min(early, lifetime / 4))


class TokenCache:
    """Tokens of one session: one entry for each audience and asked scope, the latest first."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them, the latest first."""
        return tuple(self._entries)

    def refresh_tokens(self, audience: str | None = None, *, every: bool = True) -> list[str]:
        """Each refresh token once, of every audience, or with `every=False` of exactly that one."""
        found = [each.tokens.refresh_token for each in self._entries if every or each.tokens.audience == audience]
        return [*dict.fromkeys(token for token in found if token is not None)]

    def find(self, audience: str | None, scope: Scope) -> Entry | None:
        """The latest tokens for exactly this audience that were asked for at least this scope."""
        return next((entry for entry in self._entries if entry.covers(audience, scope)), None)

    def put(self, entry: Entry) -> None:
        """Keep new tokens in the place of those that they replace."""
        audience = entry.tokens.audience
        kept = [old for old in self._entries if not (old.tokens.audience == audience and entry.asked.covers(old.asked))]
        self._entries = [entry, *kept]

    def holds(self, refresh_token: str) -> bool:
        """Whether these tokens are still to be renewed with that refresh token."""
        return any(entry.tokens.refresh_token == refresh_token for entry in self._entries)

    def rotate(self, spent: str, new: str | None) -> None:
        """Put a new refresh token in the place of the one that was spent for it, wherever that is."""
        self._entries = [
            entry._replace(tokens=entry.tokens._replace(refresh_token=new))
            if entry.tokens.refresh_token == spent
            else entry
            for entry in self._entries
        ]

    def postpone(self, entry: Entry, now: float) -> None:
        """Count the rest of these tokens' life as if they had come now."""
        self._entries = [old._replace(received_at=now) if old is entry else old for old in self._entries]

    def access_tokens(self, audience: str | None) -> list[str]:
        """Every access token for exactly this audience."""
        return [each.tokens.access_token for each in self._entries if each.tokens.audience == audience]

    def expire(self, access_token: str) -> None:
        """Count an access token as ended; what it is renewed with stays."""
        self._entries = [
            old._replace(tokens=old.tokens._replace(expires_at=0), received_at=0)
            if old.tokens.access_token == access_token
            else old
            for old in self._entries
        ]

    def replace(self, entries: Iterable[Entry]) -> None:
        """Take these entries in the place of all."""
        self._entries = [*entries]

    def clear(self) -> None:
        """Forget every token."""
        self._entries = []
