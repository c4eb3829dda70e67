"""What happens inside the provider, by the names that node-oidc-provider gave these events.

A payload is a named tuple whose fields are the arguments of the event, in order: `context, error = event`.
The context is a value made when the event happened; it changes no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.records import AccessToken, AuthorizationCode, RefreshToken, Session
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
    "discovery.error",
    "end_session.error",
    "end_session.success",
    "grant.error",
    "grant.revoked",
    "grant.success",
    "interaction.destroyed",
    "interaction.ended",
    "interaction.saved",
    "interaction.started",
    "jwks.error",
    "refresh_token.consumed",
    "refresh_token.destroyed",
    "refresh_token.saved",
    "server_error",
    "session.destroyed",
    "session.saved",
    "userinfo.error",
]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)

RevocationReason = Literal["code_replay", "refresh_reuse", "logout"]


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
    """A code, a token, a session was saved, issued, consumed or destroyed."""

    token: AuthorizationCode | AccessToken | RefreshToken | Session


class InteractionRecordEvent(NamedTuple):
    """The record of a page that waits for the user was saved or destroyed; `uid` is in the address of the page."""

    uid: str


class ContextEvent(NamedTuple):
    """Something went as it should."""

    context: Context


class AuthorizationSuccess(NamedTuple):
    """An authorization response is about to leave; `response` holds its parameters."""

    context: Context
    response: Mapping[str, str]


class ErrorEvent(NamedTuple):
    """A request was refused; for `server_error`, something was not expected."""

    context: Context
    error: EndpointError | Exception


class InteractionStarted(NamedTuple):
    """A page is about to be shown."""

    context: Context
    prompt: Prompt


class InteractionEnded(NamedTuple):
    """The page was answered: "login" or "denied"."""

    context: Context
    outcome: str


class EndSessionSuccess(NamedTuple):
    """The logout was answered: "logged_out" or "kept"."""

    context: Context
    outcome: str


class GrantRevoked(NamedTuple):
    """All tokens of a grant are gone."""

    context: Context
    grant_id: str
    reason: RevocationReason


Event = (
    TokenEvent
    | InteractionRecordEvent
    | ContextEvent
    | AuthorizationSuccess
    | ErrorEvent
    | InteractionStarted
    | InteractionEnded
    | EndSessionSuccess
    | GrantRevoked
)
Events = Emitter[Event]
