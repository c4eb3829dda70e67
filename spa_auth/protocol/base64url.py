"""base64url without padding, canonical only (RFC 7515 section 2)."""

import base64
import re

_CANONICAL = re.compile(r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?")


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Read base64url; `encode(decode(text)) == text` holds for all that is accepted.

    Raises:
        ValueError: Padding, white space, a foreign character, a wrong length or bits set past the end.
    """
    if not _CANONICAL.fullmatch(text):
        raise ValueError("not canonical base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
