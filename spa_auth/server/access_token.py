"""The access token that a request brought, once it is validated."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from spa_auth.protocol.access_token import token_scope
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import is_array, is_object


class AccessToken(Mapping[str, object]):
    """The claims of a validated access token: a mapping that nobody can change, at any depth.

    Arrays are tuples, objects are read-only mappings. Its repr shows no claim. A test that stands in for a login
    makes one itself: `AccessToken({"sub": "alice", "scope": "read:notes"})`.

    Args:
        claims: The claims by their names on the wire (RFC 9068 section 2.2).

    Raises:
        JWTError: The scope is malformed.
    """

    __slots__ = ("_claims", "scope")

    _claims: Mapping[str, object]
    scope: Scope
    """What the token allows: the claim `scope`, else `scp`; empty where there is neither."""

    def __init__(self, claims: Mapping[str, object]) -> None:
        object.__setattr__(self, "scope", token_scope(claims))
        object.__setattr__(
            self,
            "_claims",
            {name: value if isinstance(value, str) else _frozen(value) for name, value in claims.items()},
        )

    @property
    def subject(self) -> str | None:
        """Who acts: the claim `sub`."""
        return self._text("sub")

    @property
    def client_id(self) -> str | None:
        """The application that the token was issued to: the claim `client_id`, else `azp`."""
        return self._text("client_id") or self._text("azp")

    @property
    def issuer(self) -> str | None:
        """The provider that issued it: the claim `iss`."""
        return self._text("iss")

    @property
    def expires_at(self) -> int | None:
        """When it ends, in seconds since 1970: the claim `exp`."""
        value = self._claims.get("exp")
        return int(value) if isinstance(value, int | float) else None

    def __getitem__(self, name: str) -> object:
        return self._claims[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"An access token cannot be changed, and so neither can its {name}.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"An access token cannot be changed, and so neither can its {name}.")

    def __repr__(self) -> str:
        return "<AccessToken>"

    def _text(self, name: str) -> str | None:
        value = self._claims.get(name)
        return value if isinstance(value, str) else None


def _frozen(value: object) -> object:
    if is_array(value):
        return tuple([_frozen(item) for item in value])
    if is_object(value):
        return MappingProxyType({name: _frozen(item) for name, item in value.items()})
    return value
