"""Pages that wait for the user's answer, each bound to one browser (threat O09)."""

from dataclasses import dataclass, field

from spa_auth.dev_provider.authorization_request import AuthorizationRequest
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.records import DeviceCode


@dataclass(frozen=True, kw_only=True)
class LogoutRequest:
    """A logout that an application asked for (OpenID Connect RP-Initiated Logout 1.0 section 2)."""

    client: Client | None
    post_logout_redirect_uri: str | None
    state: str | None = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class _Pending:
    key: str = field(repr=False)
    browser: str = field(repr=False)
    csrf: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PendingLogin(_Pending):
    """The page for the prompt "login" or "select_account" is open."""

    request: AuthorizationRequest
    prompt: str = "login"


@dataclass(frozen=True, kw_only=True)
class PendingConsent(_Pending):
    """The page that asks whether the application may have what it wants is open, for the user of one session.

    `answered` names the prompts that this user has dealt with on the way here.
    """

    request: AuthorizationRequest
    sid: str
    answered: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class PendingDevice(_Pending):
    """The page that asks whether a device may be signed in is open."""

    device_code: DeviceCode


@dataclass(frozen=True, kw_only=True)
class PendingLogout(_Pending):
    """The page that asks whether to log out is open."""

    request: LogoutRequest


Pending = PendingLogin | PendingConsent | PendingDevice | PendingLogout
