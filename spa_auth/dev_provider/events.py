"""What happens inside the provider, by the names that node-oidc-provider gave these events.

A payload is a named tuple whose fields are the arguments of the event, in order: `context, error = event`.
The context is a value made when the event happened; it changes no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.pending import Pending
from spa_auth.dev_provider.records import Session, Token
from spa_auth.events import Emitter
from spa_auth.protocol.http import Request, Response

EventName = Literal[
    "access_token.destroyed",
    "access_token.saved",
    "access_token.issued",
    "authorization_code.consumed",
    "authorization_code.destroyed",
    "authorization_code.saved",
    "authorization.accepted",
    "authorization.error",
    "authorization.success",
    "backchannel.error",
    "backchannel.success",
    "client_credentials.destroyed",
    "client_credentials.saved",
    "client_credentials.issued",
    "code_verification.error",
    "code_verification.success",
    "device_authorization.error",
    "device_authorization.success",
    "device_code.consumed",
    "device_code.destroyed",
    "device_code.saved",
    "discovery.error",
    "discovery.success",
    "end_session.error",
    "end_session.success",
    "grant.error",
    "grant.revoked",
    "grant.success",
    "initial_access_token.destroyed",
    "initial_access_token.saved",
    "interaction.destroyed",
    "interaction.ended",
    "interaction.saved",
    "interaction.started",
    "introspection.error",
    "introspection.success",
    "jwks.error",
    "jwks.success",
    "pushed_authorization_request.consumed",
    "pushed_authorization_request.destroyed",
    "pushed_authorization_request.error",
    "pushed_authorization_request.saved",
    "pushed_authorization_request.success",
    "refresh_token.consumed",
    "refresh_token.destroyed",
    "refresh_token.saved",
    "registration_access_token.destroyed",
    "registration_access_token.saved",
    "registration_create.error",
    "registration_create.success",
    "registration_delete.error",
    "registration_delete.success",
    "registration_read.error",
    "registration_read.success",
    "registration_update.error",
    "registration_update.success",
    "replay_detection.destroyed",
    "replay_detection.saved",
    "revocation.error",
    "revocation.success",
    "server_error",
    "session.destroyed",
    "session.saved",
    "userinfo.error",
    "userinfo.success",
]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)

RevocationReason = Literal["code_replay", "refresh_reuse", "logout", "revocation", "deregistration", "control"]


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where an event happened. `response` is there once it is known; the repr shows no parameter."""

    request: Request
    client: Client | None = None
    params: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    session: Session | None = None
    response: Response | None = None


class Prompt(NamedTuple):
    """What the user is asked for, and why."""

    name: str
    reasons: tuple[str, ...]


class TokenEvent(NamedTuple):
    """A record was saved, issued, consumed or destroyed: a code, a token, a session, a one-time value."""

    token: Token


class InteractionEvent(NamedTuple):
    """The record of a page that waits for the user was saved or destroyed."""

    interaction: Pending


class ContextEvent(NamedTuple):
    """Something went as it should."""

    context: Context


class ClientEvent(NamedTuple):
    """An application has pushed a request, or was registered, changed or removed."""

    context: Context
    client: Client | None


class AuthorizationSuccess(NamedTuple):
    """An authorization response is about to leave; `response` holds its parameters, which the repr only names."""

    context: Context
    response: Mapping[str, str]

    def __repr__(self) -> str:
        return f"AuthorizationSuccess({self.context!r}, <{' '.join(self.response)}>)"


class ErrorEvent(NamedTuple):
    """A request was refused; for `server_error`, something was not expected."""

    context: Context
    error: EndpointError | Exception


class InteractionStarted(NamedTuple):
    """A page is about to be shown."""

    context: Context
    prompt: Prompt


class InteractionEnded(NamedTuple):
    """The page was answered: "login", "consent", "account" or "denied"."""

    context: Context
    outcome: str


class EndSessionSuccess(NamedTuple):
    """The logout was answered: "logged_out" or "kept"."""

    context: Context
    outcome: str


class BackchannelSuccess(NamedTuple):
    """An application was told of a logout, and took note (Back-Channel Logout 2.8); context: `GrantRevoked`."""

    context: Context | None
    client: Client
    account_id: str
    sid: str


class BackchannelError(NamedTuple):
    """An application could not be told of a logout, or refused the logout token; context: `GrantRevoked`."""

    context: Context | None
    error: Exception
    client: Client
    account_id: str
    sid: str


class GrantRevoked(NamedTuple):
    """All tokens of a grant are gone; the context is None where no request was the cause."""

    context: Context | None
    grant_id: str
    reason: RevocationReason


Event = (
    TokenEvent
    | InteractionEvent
    | ContextEvent
    | ClientEvent
    | AuthorizationSuccess
    | ErrorEvent
    | InteractionStarted
    | InteractionEnded
    | EndSessionSuccess
    | BackchannelSuccess
    | BackchannelError
    | GrantRevoked
)
Events = Emitter[Event]
