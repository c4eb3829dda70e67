"""Proof Key for Code Exchange with S256 (RFC 7636). There is no other method here, and no way to leave it out."""

import hashlib

from spa_auth.protocol import base64url

VERIFIER_BYTES = 32
METHOD = "S256"


def code_verifier(randomness: bytes) -> str:
    """The verifier made of 32 random bytes: 43 characters, 256 bits (RFC 7636 section 4.1).

    Raises:
        ValueError: There are fewer than 32 bytes.
    """
    if len(randomness) < VERIFIER_BYTES:
        raise ValueError("a code verifier needs 32 random bytes")
    return base64url.encode(randomness)


def code_challenge(verifier: str) -> str:
    """BASE64URL(SHA256(ASCII(code_verifier))) (RFC 7636 section 4.2)."""
    return base64url.encode(hashlib.sha256(verifier.encode("ascii")).digest())
