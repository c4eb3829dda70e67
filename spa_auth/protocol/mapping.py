"""Values that keep to themselves: a mapping that nobody can change, and what is not to be written anywhere."""

from collections.abc import Iterator, Mapping
from typing import NoReturn


class ReadOnlyMapping(Mapping[str, object]):
    """A mapping over its own copy of some members. Its repr names their number, never a value."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = dict(members)

    def __getitem__(self, name: str) -> object:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)}>"


def never_pickled() -> NoReturn:
    """In `__reduce__` of a class, refuse to write its values: they hold secrets (threat S06)."""
    raise TypeError("This holds secrets and cannot be pickled.")
