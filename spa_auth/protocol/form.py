"""application/x-www-form-urlencoded, both ways (WHATWG URL section 5).

`urllib.parse` would cost a page 64 ms at start-up; these few lines do the same.
"""

import re
from collections.abc import Iterable, Mapping
from typing import cast

from spa_auth.errors import ProtocolError
from spa_auth.protocol.text import HALF, to_text

_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~-]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def quote(text: str) -> str:
    """Percent-encode everything but the unreserved characters of RFC 3986 section 2.3.

    Half a character, which JavaScript allows in texts, becomes U+FFFD as in a browser.
    """
    return _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], HALF.sub("\ufffd", text).encode()).decode()


def unquote(text: str) -> str:
    """Undo percent-encoding; raises ProtocolError where the bytes are not UTF-8."""
    unquoted = to_text(_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), text.encode(errors="surrogatepass")))
    if unquoted is None:
        raise ProtocolError("A form value is not valid UTF-8.")
    return unquoted


def encode(parameters: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Write parameters as `a=1&b=2`. `parse(encode(pairs)) == pairs` for any text of whole characters."""
    pairs = cast("Mapping[str, str]", parameters).items() if isinstance(parameters, Mapping) else parameters
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)


def parse(text: str) -> list[tuple[str, str]]:
    """Read `a=1&b=2` into pairs, in order, doubles kept; the caller decides what a double means."""
    pairs = [part.replace("+", " ").partition("=") for part in text.split("&") if part]
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs as a dictionary; raises ProtocolError for a name that comes twice.

    "Request and response parameters MUST NOT be included more than once" (RFC 6749 section 3.1).
    """
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise ProtocolError("A parameter was given more than once.")
        parameters[name] = value
    return parameters
