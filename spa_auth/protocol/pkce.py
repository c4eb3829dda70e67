"""Proof Key for Code Exchange with S256 (RFC 7636). There is no other method here, and no way to leave it out."""

import hashlib
import re

from spa_auth.protocol import base64url

VERIFIER_BYTES = 32
METHOD = "S256"
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_verifier(text: str) -> bool:
    """Whether a text may be a code verifier: 43 to 128 unreserved characters (RFC 7636 section 4.1)."""
    return _VERIFIER.fullmatch(text) is not None


def code_challenge(verifier: str) -> str:
    """BASE64URL(SHA256(ASCII(code_verifier))) (RFC 7636 section 4.2)."""
    return base64url.encode(hashlib.sha256(verifier.encode()).digest())
