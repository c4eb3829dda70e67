"""Pages that wait for the user's answer, each bound to one browser (threat O09)."""

from dataclasses import dataclass, field

from spa_auth.dev_provider.authorization_request import AuthorizationRequest
from spa_auth.dev_provider.clients import Client


@dataclass(frozen=True, kw_only=True)
class LogoutRequest:
    """A logout that an application asked for (OpenID Connect RP-Initiated Logout 1.0 section 2)."""

    client: Client | None
    post_logout_redirect_uri: str | None
    state: str | None


@dataclass(frozen=True, kw_only=True)
class _Pending:
    key: str = field(repr=False)
    browser: str = field(repr=False)
    csrf: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PendingLogin(_Pending):
    """The login page is open."""

    request: AuthorizationRequest


@dataclass(frozen=True, kw_only=True)
class PendingLogout(_Pending):
    """The page that asks whether to log out is open."""

    request: LogoutRequest


Pending = PendingLogin | PendingLogout
