"""Scope (RFC 6749 section 3.3): words between single spaces, case-sensitive, order without meaning."""

import re
from collections.abc import Iterable
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
