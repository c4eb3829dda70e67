"""Whether the user has to do something, and why (OpenID Connect Core 3.1.2.3).

Each reason is one function; `LOGIN_REASONS` lists them in order, with the names that events show.
"""

from collections.abc import Callable

from spa_auth.dev_provider.authorization_request import AuthorizationRequest
from spa_auth.dev_provider.records import Session


def login_reasons(request: AuthorizationRequest, session: Session | None, now: int) -> tuple[str, ...]:
    """Why the login page has to be shown; empty where the session answers the request."""
    return tuple(name for name, applies in LOGIN_REASONS if applies(request, session, now))


def login_was_asked(request: AuthorizationRequest, _session: Session | None, _now: int) -> bool:
    """prompt=login asks for a new login, prompt=select_account for a choice; one page does both."""
    return not request.prompt.isdisjoint({"login", "select_account"})


def nobody_is_logged_in(_request: AuthorizationRequest, session: Session | None, _now: int) -> bool:
    """There is no session in this browser."""
    return session is None


def login_is_too_old(request: AuthorizationRequest, session: Session | None, now: int) -> bool:
    """The login is older than max_age; max_age=0 is the same as prompt=login (OpenID Connect Core 3.1.2.1)."""
    if session is None or request.max_age is None:
        return False
    return request.max_age == 0 or now - session.auth_time > request.max_age


def another_user_is_meant(request: AuthorizationRequest, session: Session | None, _now: int) -> bool:
    """The id_token_hint names somebody else than the session."""
    return session is not None and request.hinted_sub not in (None, session.user.sub)


Reason = Callable[[AuthorizationRequest, Session | None, int], bool]
LOGIN_REASONS: tuple[tuple[str, Reason], ...] = (
    ("login_prompt", login_was_asked),
    ("no_session", nobody_is_logged_in),
    ("max_age", login_is_too_old),
    ("id_token_hint", another_user_is_meant),
)
