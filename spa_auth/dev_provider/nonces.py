"""Nonces for DPoP proofs that nothing has to remember (RFC 9449 sections 8 and 9)."""

import hashlib
import hmac

from spa_auth.protocol import base64url


class Nonces:
    """One nonce for each stretch of time, made of its number and a key.

    Args:
        key: Random bytes that nobody else knows.
        lifetime: How long a nonce is the newest one, in seconds; the one before it is good as long again.
    """

    def __init__(self, key: bytes, lifetime: int) -> None:
        self._key = key
        self.lifetime = lifetime

    def newest(self, now: int) -> str:
        """The nonce to give out now."""
        return self._of(now // self.lifetime)

    def good(self, now: int) -> tuple[str, str]:
        """The nonces to accept now: the newest, and the one before it."""
        return self.newest(now), self._of(now // self.lifetime - 1)

    def _of(self, step: int) -> str:
        return base64url.encode(hmac.digest(self._key, str(step).encode(), hashlib.sha256))
