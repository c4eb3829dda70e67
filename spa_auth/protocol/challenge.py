"""WWW-Authenticate, built and parsed (RFC 9110 section 11.6.1, RFC 6750 section 3)."""

import re
from collections.abc import Mapping
from typing import NamedTuple

MAX_LENGTH = 8_192
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = rf'({_TOKEN})[ \t]*=[ \t]*(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")'
_PART = re.compile(
    rf"[ \t,]*(?:{_PARAMETER}(?=[ \t]*(?:,|$))|({_TOKEN})(?:[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))|(?=[ \t,]|$)))"
)
_ILLEGAL = re.compile(r"[^\t -~]")


class Challenge(NamedTuple):
    """One challenge: the scheme in lower case, its parameters by their names in lower case."""

    scheme: str
    parameters: Mapping[str, str]

    @property
    def error(self) -> str | None:
        """The parameter error (RFC 6750 section 3.1)."""
        return self.parameters.get("error")


def build_challenge(scheme: str, parameters: Mapping[str, str]) -> str:
    """Write one challenge; characters that a quoted string cannot carry are left out.

    `parse_challenges(build_challenge("Bearer", parameters))` gives the parameters back.
    """
    quoted = ", ".join(f'{name}="{_quote(value)}"' for name, value in parameters.items())
    return f"{scheme} {quoted}".rstrip()


def parse_challenges(value: str | None) -> list[Challenge]:
    """Read every challenge of a header, in linear time; what is malformed ends the list.

    Args:
        value: The header's value, several fields joined by commas, or None. One of more than 8 KiB counts as none.
    """
    challenges: list[tuple[str, dict[str, str]]] = []
    text, position = value or "", 0
    if len(text) > MAX_LENGTH:
        return []
    while match := _PART.match(text, position):
        position = match.end()
        name, token, quoted, scheme = match.groups()
        if scheme is not None:
            challenges.append((scheme.lower(), {}))
        elif challenges:
            challenges[-1][1].setdefault(name.lower(), token if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
    return [Challenge(scheme, parameters) for scheme, parameters in challenges]


def _quote(value: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", _ILLEGAL.sub("", value))
