"""The moments of a client, by name. Payloads carry no token."""

from typing import Literal, NamedTuple, get_args

EventName = Literal[
    "login.started",
    "login.failed",
    "token.received",
    "token.refreshed",
    "token.failed",
    "logout.started",
    "logout.completed",
    "error",
]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)


class AuthEvent(NamedTuple):
    """What is known of a moment: for which API, and what went wrong."""

    audience: str | None = None
    error: BaseException | None = None
