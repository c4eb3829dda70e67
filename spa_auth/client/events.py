"""The moments of a client, by name. Payloads carry no token."""

from typing import Literal, NamedTuple, get_args

EventName = Literal[
    "login.started",
    "login.failed",
    "token.received",
    "token.refreshed",
    "token.expiring",
    "token.failed",
    "interaction.required",
    "logout.started",
    "logout.completed",
    "error",
]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)


class AuthEvent(NamedTuple):
    """What is known of a moment: for which API, what went wrong, and at the end of a logout what was revoked.

    `revoked` is None where there was no refresh token, or the provider revokes none.
    """

    audience: str | None = None
    error: BaseException | None = None
    revoked: bool | None = None
