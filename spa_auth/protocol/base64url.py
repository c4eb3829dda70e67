"""base64url without padding, canonical only (RFC 7515 section 2)."""

import base64


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Read base64url; `encode(decode(text)) == text` holds for all that is accepted.

    Raises:
        ValueError: Padding, white space, a foreign character, a wrong length or bits set past the end.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        data = b""
    if encode(data) != text:  # decoders repair what they read; no other text has the same bytes
        raise ValueError("not canonical base64url")
    return data
