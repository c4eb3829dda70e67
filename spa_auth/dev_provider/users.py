"""The people who can log in, and which of their claims a scope releases (OpenID Connect Core 5.1, 5.4)."""

import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from spa_auth.protocol.userinfo import SCOPE_CLAIMS

MAX_NAME_LENGTH = 100
MAX_SUB_LENGTH = 255

_ASKED_FOR = frozenset(name for names in SCOPE_CLAIMS.values() for name in names)
# RFC 9068 section 2.2.3.1: what access tokens tell of the rights of a user.
RIGHTS = ("groups", "roles", "entitlements")
# What the provider itself says in a token or in an answer; a claim of a user would be lost there, or would lie.
OWN_CLAIMS = frozenset((
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "auth_time", "acr", "amr", "azp", "sid", "at_hash",
    "c_hash", "s_hash", "cnf", "act", "client_id", "scope", "org_id", "org_name", "events",
))  # fmt: skip

_PLAIN_NAME = re.compile(r"[A-Za-z0-9]+(?:[ ._-][A-Za-z0-9]+)*")
_COLOURS = ("#0f766e", "#7c3aed", "#b45309", "#be185d", "#1d4ed8", "#15803d", "#a21caf", "#b91c1c")


@dataclass(frozen=True)
class User:
    """Somebody who can log in.

    Args:
        sub: The subject identifier, at most 255 ASCII characters (OpenID Connect Core 2).
        claims: Every other claim that is known, by its wire name. A scope releases its part of them; those that
            no standard scope names, as `groups`, are released in every login. Access tokens tell `RIGHTS`.
    """

    sub: str
    claims: Mapping[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        object.__setattr__(self, "claims", MappingProxyType(dict(self.claims)))

    @property
    def name(self) -> str:
        """What pages call this user."""
        return str(self.claims.get("name", self.sub))

    @property
    def email(self) -> str:
        """The e-mail address, "" where there is none."""
        return str(self.claims.get("email", ""))

    def released(self, scope: Iterable[str]) -> dict[str, object]:
        """The claims that the words of a scope ask for, and those that none can ask for; `sub` is not among them."""
        wanted = {name for word in scope for name in SCOPE_CLAIMS.get(word, ())}
        return {name: value for name, value in self.claims.items() if name in wanted or name not in _ASKED_FOR}

    @property
    def rights(self) -> dict[str, object]:
        """The claims that belong into access tokens (RFC 9068 section 2.2.3.1)."""
        return {name: self.claims[name] for name in RIGHTS if name in self.claims}


def named_user(given_name: str, family_name: str) -> User:
    """A made-up user with a full profile; `sub` is the given name in lower case."""
    nickname = given_name.lower()
    return User(
        nickname,
        {
            "name": f"{given_name} {family_name}",
            "given_name": given_name,
            "family_name": family_name,
            "nickname": nickname,
            "preferred_username": nickname,
            "locale": "en",
            "email": f"{nickname}@example.com",
            "email_verified": True,
        },
    )


ALICE = named_user("Alice", "Archer")
BOB = named_user("Bob", "Baker")


def find_user(users: Iterable[User], typed: str) -> User | None:
    """The user whose `sub`, name or e-mail address was typed, without regard to case."""
    wanted = typed.strip().casefold()
    return next((user for user in users if wanted in _names(user)), None)


def typed_user(typed: str) -> User | None:
    """The user made of any name or e-mail address that somebody types; None where nothing is left of it.

    Names that differ only in case, or in the sign between their words, are one person; no others are.
    """
    name = " ".join("".join(letter if letter.isprintable() else " " for letter in typed).split())
    if not name or len(name) > MAX_NAME_LENGTH:
        return None
    nickname, at, _ = name.partition("@")
    sub = _sub(name)
    email = name if at and _PLAIN_NAME.fullmatch(nickname) else f"{sub}@example.com"
    claims = {"name": nickname or name, "nickname": nickname or name, "preferred_username": name}
    return User(sub, {**claims, "email": email, "email_verified": False})


def user_faults(user: User) -> list[str]:
    """Everything that is wrong with a user as it was configured."""
    faults: list[str] = []
    if not user.sub or len(user.sub) > MAX_SUB_LENGTH or not user.sub.isascii() or not user.sub.isprintable():
        # OpenID Connect Core 2: "It MUST NOT exceed 255 ASCII characters in length."
        faults.append(f"The sub {user.sub[:40]!a} must be 1 to {MAX_SUB_LENGTH} printable ASCII characters.")
    own = sorted(OWN_CLAIMS & user.claims.keys())
    if own:
        faults.append(f"{user.sub} has claims that the provider itself sets: {', '.join(own)}.")
    single = [name for name in RIGHTS if not isinstance(user.claims.get(name, ()), list | tuple)]
    return [*faults, *(f"{name} of {user.sub} must be a list." for name in single)]


def avatar(sub: str) -> bytes:
    """A round picture with the first letter of a user, as SVG."""
    colour = _COLOURS[hashlib.sha256(sub.encode()).digest()[0] % len(_COLOURS)]
    letter = html.escape(sub[:1].upper() or "?")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
        f'<circle cx="48" cy="48" r="48" fill="{colour}"/>'
        '<text x="48" y="49" dy=".35em" text-anchor="middle" fill="#fff" font-size="46" '
        f'font-family="system-ui, sans-serif" font-weight="600">{letter}</text></svg>'
    ).encode()


def _names(user: User) -> tuple[str, ...]:
    return tuple(name.casefold() for name in (user.sub, user.name, user.email) if name)


def _sub(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if _PLAIN_NAME.fullmatch(name):
        return plain
    # What the plain form loses is kept apart by a digest: "José" and "Jos!" are two people.
    return f"{plain or 'user'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
