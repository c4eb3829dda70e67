"""What the provider remembers, as frozen values. Their reprs show no secret."""

from dataclasses import dataclass, field

from spa_auth.dev_provider.users import User
from spa_auth.protocol.scope import Scope


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody is logged in at the provider, in one browser.

    `key` is the value of the cookie; `sid` is what ID tokens may tell (Back-Channel Logout 2.1).
    """

    key: str = field(repr=False)
    sid: str
    user: User
    auth_time: int
    expires_at: int
    client_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a user gave an application in one login; its code and all its tokens refer to it."""

    grant_id: str
    client_id: str
    user: User
    sid: str
    auth_time: int
    scope: Scope
    audiences: tuple[str, ...]
    userinfo_too: bool
    expires_at: int

    @property
    def key(self) -> str:
        """The grant_id."""
        return self.grant_id


@dataclass(frozen=True, kw_only=True)
class AuthorizationCode:
    """A code on its way through the browser (RFC 6749 section 4.1.2)."""

    key: str = field(repr=False)
    grant_id: str
    client_id: str
    redirect_uri: str
    code_challenge: str
    nonce: str | None = field(repr=False)
    expires_at: int
    consumed: bool = False


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """An access token that was given out; `format` is "jwt" or "opaque"."""

    key: str = field(repr=False)
    grant_id: str
    client_id: str
    scope: Scope
    audiences: tuple[str, ...]
    format: str
    expires_at: int


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    """One refresh token of a family; a consumed one is kept, so that its reuse is seen."""

    key: str = field(repr=False)
    grant_id: str
    client_id: str
    expires_at: int
    consumed: bool = False
