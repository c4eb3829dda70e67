"""The keys of one provider as they age: a state machine of values.

    fresh, key known      the key
    fresh, key unknown    Refetch, at most once per cooldown; then Unknown
    stale                 Refetch, at most once per cooldown; meanwhile the known keys, for an hour at most
    never fetched         Refetch, at most once per cooldown

Where the last attempt failed, Unavailable takes the place of Unknown: nobody can tell.

A failed attempt counts as an attempt, so that an outage or a flood of invented key ids costs one request
per cooldown.
"""

from enum import Enum
from typing import NamedTuple

from spa_auth.protocol.jwk import Key

LIFETIME = 300
COOLDOWN = 30
MAX_STALE = 3600
_MAX_CANDIDATES = 4


class Verdict(Enum):
    """What `KeySet.lookup` says where it has no key to give."""

    REFETCH = "fetch the keys, then look again"
    UNKNOWN = "there is no such key"
    UNAVAILABLE = "there may be such a key, but the provider could not be asked"


class KeySet(NamedTuple):
    """Keys, when they were fetched, and the last attempt that counts for the cooldown; times in seconds.

    Fetching what is missing or old does not count: a key rotated in right after it is still found at once.
    """

    keys: tuple[Key, ...] = ()
    fetched_at: float | None = None
    attempted_at: float | None = None

    def lookup(self, kid: str | None, alg: str, now: float, *, lifetime: float = LIFETIME) -> tuple[Key, ...] | Verdict:
        """The keys that may have made a signature, at most four, or what to do.

        A token without kid may have been signed by any fitting key (OpenID Connect Core 10.1); several keys
        may share one kid.

        Args:
            kid: The key id in the token's header, None where it has none.
            alg: The algorithm in the token's header.
            now: The current time in seconds.
            lifetime: How long fetched keys are fresh, in seconds.
        """
        known = self.known(kid, alg, now, lifetime=lifetime)
        if not (known and self._is_younger(lifetime, now)) and not self._is_cooling(now):
            return Verdict.REFETCH
        if not known:
            return Verdict.UNAVAILABLE if self._has_failed else Verdict.UNKNOWN
        return known

    def known(self, kid: str | None, alg: str, now: float, *, lifetime: float = LIFETIME) -> tuple[Key, ...]:
        """As `lookup`, without asking for anything: the keys, fresh or stale; none where they are too old."""
        if self.fetched_at is None or now - self.fetched_at > lifetime + MAX_STALE:
            return ()
        found = [key for key in self.keys if key.fits(alg) and (kid is None or key.kid in (kid, None))]
        return tuple(sorted(found, key=lambda key: key.kid != kid)[:_MAX_CANDIDATES])

    def fetched(self, keys: tuple[Key, ...], now: float, *, lifetime: float = LIFETIME) -> "KeySet":
        """The set after a fetch that brought these keys, in the place of some that were fresh for `lifetime`."""
        was_fresh = self._is_younger(max(lifetime, COOLDOWN), now)
        return KeySet(keys, now, now if was_fresh else None)

    def failed(self, now: float) -> "KeySet":
        """The set after a fetch that brought nothing."""
        return self._replace(attempted_at=now)

    @property
    def _has_failed(self) -> bool:
        return self.attempted_at is not None and (self.fetched_at is None or self.attempted_at > self.fetched_at)

    def _is_younger(self, seconds: float, now: float) -> bool:
        return self.fetched_at is not None and 0 <= now - self.fetched_at < seconds

    def _is_cooling(self, now: float) -> bool:
        return self.attempted_at is not None and 0 <= now - self.attempted_at < COOLDOWN
