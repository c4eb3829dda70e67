"""The parameters of a request, from its query or its form (RFC 6749 sections 3.1 and 3.2)."""

from collections.abc import Iterable, Iterator, Mapping

from spa_auth.protocol import form


class Parameters(Mapping[str, str]):
    """Parameters by name: the first value of each; `all` and `doubled` tell of the others.

    "Parameters sent without a value MUST be treated as if they were omitted from the request"
    (RFC 6749 section 3.1). The repr shows names only.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._values.setdefault(name, []).append(value)

    @classmethod
    def parse(cls, text: str) -> "Parameters":
        """Read `a=1&b=2`; raises ProtocolError where the bytes are not UTF-8."""
        return cls(form.parse(text))

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that may come several times, as `resource` may (RFC 8707 section 2)."""
        return tuple(self._values.get(name, ()))

    def doubled(self, *, but: str = "resource") -> str | None:
        """The first name that came more than once although it must not."""
        return next((name for name, values in self._values.items() if len(values) > 1 and name != but), None)

    def changed(self, **values: str) -> "Parameters":
        """The same parameters, but with one value for each of these names; "" leaves a name out."""
        kept = ((name, value) for name, several in self._values.items() for value in several if name not in values)
        return Parameters([*kept, *values.items()])

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Parameters {' '.join(self._values)}>"
