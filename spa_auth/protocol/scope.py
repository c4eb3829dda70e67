"""Scope (RFC 6749 section 3.3): words between single spaces, case-sensitive, order without meaning."""

import re
from collections.abc import Iterable, Mapping
from typing import Self

_LEGAL = re.compile(r"[ !#-\[\]-~]*")


class Scope(tuple[str, ...]):
    """Scope words, each once, in the order in which they first came."""

    __slots__ = ()

    def __new__(cls, words: str | Iterable[str] = ()) -> Self:
        """Take the words of a string, split at spaces, or of several strings."""
        parts = [words] if isinstance(words, str) else words
        return super().__new__(cls, dict.fromkeys(word for part in parts for word in part.split(" ") if word))

    @property
    def is_legal(self) -> bool:
        """Whether every word keeps to the characters of RFC 6749 section 3.3."""
        return _LEGAL.fullmatch(str(self)) is not None

    def covers(self, other: Iterable[str]) -> bool:
        """Whether every word of the other scope is in this one."""
        return set(other) <= set(self)

    def missing(self, needed: Iterable[str]) -> "Scope":
        """The needed words that are not in this scope."""
        return Scope(word for word in needed if word not in self)

    def __str__(self) -> str:
        return " ".join(self)


# These ask for a kind of session, not for access; a provider need not echo them.
SESSION_SCOPES = ("offline_access", "online_access")


def scopes_for(option: str | Mapping[str, str], audience: str | None) -> Scope:
    """What to ask for an audience: `openid` first, then what the option says. One rule for every verb.

    Args:
        option: The words themselves; or a mapping from audience to words, in which "default" holds for each.
        audience: The API that the token is for; None for none in particular.
    """
    if isinstance(option, str):
        return Scope(["openid", option])
    return Scope(["openid", option.get("default", ""), option.get(audience or "", "")])


def missing_scopes(granted: Scope, asked: Iterable[str]) -> Scope:
    """What was asked and is not granted; the words that ask for a kind of session do not count."""
    return granted.missing(word for word in asked if word not in SESSION_SCOPES)
