"""The URL in a DPoP proof, in one spelling for each address (RFC 9449 section 4.2, RFC 3986 section 6.2)."""

import re

from spa_auth.protocol.url import parse_url

_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile("[A-Za-z0-9._~-]")


def normalized_htu(url: str) -> str:
    """A URL in the form in which `htu` is compared: without query and fragment, with one spelling for each address.

    Syntax-based and scheme-based normalisation, and nothing beyond (RFC 3986 sections 6.2.2 and 6.2.3).

    Raises:
        ProtocolError: `invalid_url`; it is not an absolute http or https URL in plain form.
    """
    parts = parse_url(url)
    return parts.origin + _without_dot_segments(_ESCAPE.sub(_normal_escape, parts.path))


def _normal_escape(match: re.Match[str]) -> str:
    # Section 6.2.2.2: an escape of an unreserved character is the character; 6.2.2.1: others have capital digits.
    character = chr(int(match[1], 16))
    return character if _UNRESERVED.fullmatch(character) else match[0].upper()


def _without_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    tail = [""] if segments[-1] in (".", "..") else []
    return "/" + "/".join([*kept, *tail])
