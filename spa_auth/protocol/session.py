"""Who is logged in, as one value."""

from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from spa_auth.protocol.mapping import ReadOnlyMapping, never_pickled
from spa_auth.protocol.strict_json import StrictJSONError, dumps, is_number, loads_object
from spa_auth.protocol.url import is_secure

# These claims say something about the token, not about the user (OpenID Connect Core 2 and 3.1.3.6).
PROTOCOL_CLAIMS = frozenset(
    {
        "acr", "amr", "at_hash", "aud", "auth_time", "azp", "c_hash", "cnf", "exp", "iat", "iss", "jti", "nbf",
        "nonce", "s_hash", "sid", "sub_jwk", "events",
    }
)  # fmt: skip
_VERIFIED = {"email": "email_verified", "phone_number": "phone_number_verified"}
_NAMES = ("name", "preferred_username", "nickname", "email", "sub")


class User(ReadOnlyMapping):
    """The claims about a user, read only. A claim that the provider did not give is None as an attribute."""

    __slots__ = ()

    def __init__(self, claims: Mapping[str, object]) -> None:
        super().__init__({name: value for name, value in claims.items() if name not in PROTOCOL_CLAIMS})

    def __hash__(self) -> int:
        return hash(self.sub)

    def __repr__(self) -> str:
        return f"<User {self.sub!r}>"

    @property
    def sub(self) -> str:
        """The subject: with the issuer the only lasting name of a user (OpenID Connect Core 5.7)."""
        return str(self._members["sub"])

    @property
    def name(self) -> str:
        """A name to show: name, else preferred_username, nickname, email or sub."""
        return next(filter(None, map(self._text, _NAMES)), self.sub)

    @property
    def given_name(self) -> str | None:
        """The claim given_name."""
        return self._text("given_name")

    @property
    def family_name(self) -> str | None:
        """The claim family_name."""
        return self._text("family_name")

    @property
    def nickname(self) -> str | None:
        """The claim nickname."""
        return self._text("nickname")

    @property
    def preferred_username(self) -> str | None:
        """The claim preferred_username."""
        return self._text("preferred_username")

    @property
    def email(self) -> str | None:
        """The claim email. It may be unverified or change its owner: identify a user by `sub`."""
        return self._text("email")

    @property
    def email_verified(self) -> bool:
        """Whether the provider says so with the JSON value true; the text "true" does not count."""
        return self._members.get("email_verified") is True

    @property
    def picture(self) -> str | None:
        """The address of a picture: https, http on loopback, or an image in a data: URL; None for any other."""
        picture = self._text("picture")
        return picture if picture is not None and (picture.startswith("data:image/") or is_secure(picture)) else None

    @property
    def locale(self) -> str | None:
        """The claim locale."""
        return self._text("locale")

    def _text(self, name: str) -> str | None:
        value = self._members.get(name)
        return value if isinstance(value, str) and value else None


def is_same_user(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two ID tokens are about one user: only `iss` and `sub` together tell (OpenID Connect Core 5.7)."""
    return (one["iss"], one["sub"]) == (other["iss"], other["sub"])


class Session(NamedTuple):
    """One login: the latest ID token's claims, that token as a hint for logout, and the claims of the login.

    A refreshed ID token may say less than that of the login, which it continues (OpenID Connect Core 12.2).
    `userinfo` is what the userinfo endpoint said, None where it was not asked.
    """

    claims: Mapping[str, object]
    id_token: str
    login_claims: Mapping[str, object]
    userinfo: Mapping[str, object] | None = None

    @property
    def user(self) -> User:
        """The user this session is of; where the sources differ, the latest ID token is right."""
        user: dict[str, object] = {}
        for source in (self.userinfo or {}, self.login_claims, self.claims):
            # Whoever says that an address is verified means the one beside it, and none from elsewhere.
            renewed = {flag for name, flag in _VERIFIED.items() if name in source}
            foreign = {flag for name, flag in _VERIFIED.items() if name not in source and name in user}
            kept = {name: value for name, value in user.items() if name not in renewed}
            user = {**kept, **{name: value for name, value in source.items() if name not in foreign}}
        return User(user)

    @property
    def ceiling(self) -> float | None:
        """When this session ends, whatever is refreshed, in seconds; None where the provider sets no end."""
        ends = [claims.get("session_expiry") for claims in (self.login_claims, self.claims)]
        return min(filter(is_number, ends), default=None)

    def is_over(self, now: float, margin: float = 30) -> bool:
        """Whether its ceiling is reached, or will be in `margin` seconds."""
        return self.ceiling is not None and now >= self.ceiling - margin

    def __reduce__(self) -> NoReturn:
        never_pickled()

    def __repr__(self) -> str:
        return "<Session>"


def dump_hint(until: int) -> str:
    """The record that says somebody was logged in here, and nothing about whom."""
    return dumps({"v": 1, "until": until}).decode()


def is_hint_valid(record: str | None, now: float) -> bool:
    """Whether a hint record is whole and not past its time."""
    try:
        members = loads_object((record or "").encode(errors="replace"))
    except StrictJSONError:
        return False
    until = members.get("until")
    return members.get("v") == 1 and is_number(until) and now < until
