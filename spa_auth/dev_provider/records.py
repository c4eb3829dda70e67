"""What the provider remembers, as frozen values. Their reprs show no secret."""

import json
from dataclasses import dataclass, field

from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.parameters import Parameters
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
class Consent:
    """What a user has agreed that an application may have: these scope words for these APIs, which go together."""

    sub: str
    client_id: str
    scope: Scope
    audiences: tuple[str, ...]

    @property
    def key(self) -> str:
        """User, application and APIs: what was allowed for one API is not allowed for another."""
        return consent_key(self.sub, self.client_id, self.audiences)


def consent_key(sub: str, client_id: str, audiences: tuple[str, ...]) -> str:
    """What the consent of a user to an application is found by, in whatever order the APIs came."""
    # As JSON, as no sign between them could be trusted to stand in none of them.
    return json.dumps((sub, client_id, *sorted(audiences)))


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a user gave an application in one login; its code and all its tokens refer to it.

    Args:
        userinfo_too: Whether tokens for APIs are good at the userinfo endpoint as well.
        organization: Its identifier, where the login was for one.
        jkt: The thumbprint of the key that a public client has shown for it; None where its tokens are bound to none.
    """

    grant_id: str
    client_id: str
    user: User
    sid: str
    auth_time: int
    scope: Scope
    audiences: tuple[str, ...]
    userinfo_too: bool
    organization: str | None = None
    jkt: str | None = None
    expires_at: int

    @property
    def key(self) -> str:
        """The grant_id."""
        return self.grant_id


@dataclass(frozen=True, kw_only=True)
class AuthorizationCode:
    """A code on its way through the browser (RFC 6749 section 4.1.2).

    Args:
        dpop_jkt: The thumbprint of the key that must prove itself at the token endpoint (RFC 9449 section 10).
    """

    key: str = field(repr=False)
    grant_id: str
    client_id: str
    redirect_uri: str
    code_challenge: str
    nonce: str | None = field(repr=False)
    dpop_jkt: str | None = None
    expires_at: int
    consumed: bool = False


@dataclass(frozen=True, kw_only=True)
class _AccessToken:
    key: str = field(repr=False)
    jti: str
    client_id: str
    scope: Scope
    audiences: tuple[str, ...]
    format: str
    jkt: str | None = None
    issued_at: int
    expires_at: int


@dataclass(frozen=True, kw_only=True)
class AccessToken(_AccessToken):
    """An access token that was given out for a user; `format` is "jwt" or "opaque".

    Args:
        jti: Its identifier, which is no secret (RFC 7519 section 4.1.7).
        jkt: The thumbprint of the key that it is bound to (RFC 9449 section 6); None for a Bearer token.
    """

    grant_id: str


@dataclass(frozen=True, kw_only=True)
class ClientCredentials(_AccessToken):
    """An access token that an application got for itself (RFC 6749 section 4.4); otherwise as `AccessToken`."""


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    """One refresh token of a family; a consumed one is kept, so that its reuse is seen.

    Args:
        jkt: The thumbprint of the key that a public client has to prove with it (RFC 9449 section 5).
        consumed_at: When it was used up; None while it is good.
    """

    key: str = field(repr=False)
    grant_id: str
    client_id: str
    jkt: str | None = None
    issued_at: int
    expires_at: int
    consumed_at: int | None = None


@dataclass(frozen=True, kw_only=True)
class PushedRequest:
    """An authorization request that was pushed and waits for the browser (RFC 9126); `key` is its request_uri."""

    key: str = field(repr=False)
    client_id: str
    params: Parameters = field(repr=False)
    expires_at: int


@dataclass(frozen=True, kw_only=True)
class DeviceCode:
    """A device waits for its user (RFC 8628).

    Args:
        user_code: What the user types, in the form in which it is compared.
        userinfo_too: Whether tokens for APIs will be good at the userinfo endpoint as well.
        organization: Its identifier, where the login is for one; only its members get through.
        grant_id: What the user gave; None while nobody has approved.
        denied: The user refused, or is no member of the organization.
        polled_at: When the device asked last.
        interval: How many seconds it has to wait between two questions.
    """

    key: str = field(repr=False)
    user_code: str = field(repr=False)
    client_id: str
    scope: Scope
    audiences: tuple[str, ...]
    userinfo_too: bool = False
    organization: str | None = None
    grant_id: str | None = None
    denied: bool = False
    polled_at: int | None = None
    interval: int
    expires_at: int
    consumed: bool = False


@dataclass(frozen=True, kw_only=True)
class WrongUserCode:
    """Somebody typed a code that no device shows (RFC 8628 section 5.1)."""

    key: str


@dataclass(frozen=True, kw_only=True)
class ReplayDetection:
    """A value that is good once was seen: the jti of a DPoP proof (RFC 9449 section 11.1). `key` is its digest."""

    key: str
    expires_at: int


@dataclass(frozen=True, kw_only=True)
class InitialAccessToken:
    """A token that allows to register applications (RFC 7591 section 3)."""

    key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class RegistrationAccessToken:
    """A token that allows to read, change and remove one registered application (RFC 7592 section 3)."""

    key: str = field(repr=False)
    client_id: str


@dataclass(frozen=True, kw_only=True)
class Registration:
    """An application that registered itself (RFC 7591)."""

    client: Client
    issued_at: int

    @property
    def key(self) -> str:
        """The client_id."""
        return self.client.client_id


Token = (
    Session
    | AuthorizationCode
    | AccessToken
    | ClientCredentials
    | RefreshToken
    | PushedRequest
    | DeviceCode
    | ReplayDetection
    | InitialAccessToken
    | RegistrationAccessToken
)
