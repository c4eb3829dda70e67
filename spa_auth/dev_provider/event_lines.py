"""Each event in one line that people read: what happened to whom, and never a token, code or secret."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.events import (
    AuthorizationSuccess,
    BackchannelError,
    BackchannelSuccess,
    ClientEvent,
    Context,
    ContextEvent,
    EndSessionSuccess,
    ErrorEvent,
    Event,
    GrantRevoked,
    InteractionEnded,
    InteractionEvent,
    InteractionStarted,
    TokenEvent,
)
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.pending import Pending, PendingDevice
from spa_auth.dev_provider.records import DeviceCode, Session, Token

# How an event looks: "error" a refusal, "wait" one that belongs to the protocol and is followed by another try,
# "done" an answered request, "quiet" what was remembered or forgotten on the way.
Tone = Literal["error", "wait", "done", "quiet"]
MAX_VALUE_LENGTH = 120
NAME_WIDTH = 34

# What a request may show of itself. Everything else in it may be a secret: codes, tokens, verifiers, states, hints.
_SHOWN_PARAMETERS = (
    "grant_type", "response_mode", "prompt", "max_age", "scope", "audience", "resource", "organization",
)  # fmt: skip
_COLOURS: dict[Tone, str] = {"error": "31", "wait": "33", "done": "32", "quiet": "2"}


class EventSummary(NamedTuple):
    """What people are shown of an event: its name, how it looks, and its facts in their order."""

    name: str
    tone: Tone
    facts: tuple[tuple[str, str], ...]


def event_summary(name: str, event: Event) -> EventSummary:
    """What matters of an event, in printable text, cut where it is long.

    Args:
        name: The name of the event.
        event: Its payload.
    """
    facts = tuple((label, _printable(value)) for label, value in _facts(event) if value)
    return EventSummary(name, _tone(name, event), facts)


def event_line(name: str, event: Event, *, time: str, colour: bool = False) -> str:
    """One line about an event, without its line end.

    Args:
        name: The name of the event.
        event: Its payload.
        time: When it happened, as it shall stand there.
        colour: Whether the line is for a terminal that shows colours.
    """
    summary = event_summary(name, event)
    facts = "  ".join(f"{label}={_quoted(value)}" for label, value in summary.facts)
    if not colour:
        return f"{time}  {name:{NAME_WIDTH}}  {facts}".rstrip()
    shown = f"\x1b[{_COLOURS[summary.tone]}m{name:{NAME_WIDTH}}\x1b[0m"
    return f"\x1b[2m{time}\x1b[0m  {shown}  {facts}".rstrip()


def _tone(name: str, event: Event) -> Tone:
    if isinstance(event, ErrorEvent) and isinstance(event.error, EndpointError) and event.error.is_challenge:
        return "wait"
    if isinstance(event, (ErrorEvent, BackchannelError)):
        return "error"
    if isinstance(event, GrantRevoked):
        return "wait" if event.reason in ("logout", "revocation", "control") else "error"
    return "quiet" if name.endswith((".saved", ".destroyed", ".issued", ".consumed", ".accepted")) else "done"


def _facts(event: Event) -> Iterable[tuple[str, str]]:
    match event:
        case TokenEvent(token):
            yield from _of_token(token)
        case InteractionEvent(interaction):
            yield from _of_pending(interaction)
        case GrantRevoked(context, _, reason):
            yield "reason", reason
            yield from _of_context(context)
        case _:
            yield from _of_answer(event)


def _of_answer(event: Event) -> Iterable[tuple[str, str]]:
    match event:
        case ErrorEvent(context, error):
            yield from _of_error(error)
            yield from _of_context(context)
        case InteractionStarted(context, prompt):
            yield "prompt", prompt.name
            yield "reasons", " ".join(prompt.reasons)
            yield from _of_context(context, without="prompt")
        case InteractionEnded(context, outcome) | EndSessionSuccess(context, outcome):
            yield "outcome", outcome
            yield from _of_context(context)
        case BackchannelSuccess(_, client, account_id):
            yield from (("client", client.client_id), ("user", account_id))
        case BackchannelError(_, error, client, account_id):
            yield from _of_error(error)
            yield from (("client", client.client_id), ("user", account_id))
        case ContextEvent(context) | AuthorizationSuccess(context):
            yield from _of_context(context)
        case ClientEvent(context, client):
            yield from _of_context(context, client)
        case _:  # the payloads of one record have been told above
            return


def _of_context(
    context: Context | None, client: Client | None = None, *, without: str = ""
) -> Iterable[tuple[str, str]]:
    if context is None:
        return
    known = client or context.client
    if known is not None:
        yield "client", known.client_id
    if context.session is not None:
        yield "user", context.session.user.sub
    yield from ((name, context.params.get(name, "")) for name in _SHOWN_PARAMETERS if name != without)


def _of_error(error: Exception) -> Iterable[tuple[str, str]]:
    if isinstance(error, EndpointError):
        yield "error", error.error
        yield "description", error.error_description
    else:  # its text is not ours, and may hold anything
        yield "error", type(error).__name__


def _of_token(token: Token) -> Iterable[tuple[str, str]]:
    yield "client", getattr(token, "client_id", "")
    if isinstance(token, Session):
        yield "user", token.user.sub
        yield "clients", " ".join(token.client_ids)
    scope = getattr(token, "scope", None)
    yield "scope", "" if scope is None else str(scope)
    yield "audience", " ".join(getattr(token, "audiences", ()))
    yield "format", getattr(token, "format", "")
    yield "bound", "to a DPoP key" if getattr(token, "jkt", None) else ""
    if isinstance(token, DeviceCode):
        yield "answer", "refused" if token.denied else "approved" if token.grant_id else ""


def _of_pending(pending: Pending) -> Iterable[tuple[str, str]]:
    if isinstance(pending, PendingDevice):
        yield "client", pending.device_code.client_id
        return
    client = pending.request.client
    yield "client", "" if client is None else client.client_id


def _printable(value: str) -> str:
    # What comes from a request must not steer the terminal, nor begin a line of its own.
    text = "".join(letter if letter.isprintable() else "?" for letter in value[: MAX_VALUE_LENGTH + 1])
    return text if len(text) <= MAX_VALUE_LENGTH else text[: MAX_VALUE_LENGTH - 1] + "…"


def _quoted(value: str) -> str:
    return value if all(letter not in value for letter in ' "=') else '"' + value.replace('"', "'") + '"'
