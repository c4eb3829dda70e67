"""Whether the user has to do something, and why (OpenID Connect Core 3.1.2.3, 3.1.2.4).

Each reason is one function; `PROMPT_REASONS` lists them by prompt, in order, with the names that events show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from spa_auth.dev_provider.authorization_request import AuthorizationRequest
from spa_auth.dev_provider.events import Prompt
from spa_auth.dev_provider.failures import AuthorizationError
from spa_auth.dev_provider.options import Organization
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.users import User

LOGIN = "login"
SELECT_ACCOUNT = "select_account"
CONSENT = "consent"

# What prompt=none is answered with where a page would have to be shown (OpenID Connect Core 3.1.2.6).
SILENT_ERRORS: Mapping[str, str] = {
    LOGIN: "login_required",
    SELECT_ACCOUNT: "account_selection_required",
    CONSENT: "consent_required",
}


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that decides what the user is asked.

    Args:
        request: What the application wants.
        session: Who is logged in.
        answered: The prompts that this user has dealt with for this request.
        consented: Whether the user need not be asked for consent.
        now: The time in seconds.
    """

    request: AuthorizationRequest
    session: Session | None
    answered: frozenset[str]
    consented: bool
    now: int


def required_prompt(situation: Situation) -> Prompt | None:
    """The next page to show; None where nothing is left to ask, and then somebody is logged in."""
    for name, reasons in PROMPT_REASONS:
        applying = tuple(reason for reason, applies in reasons if applies(situation))
        if applying:
            return Prompt(name, applying)
    return None


def check_user(situation: Situation) -> None:
    """Judge who has just logged in: asking again would go round in circles.

    Raises:
        AuthorizationError: `login_required`, as OpenID Connect Core 3.1.2.2 wants it where the id_token_hint names
            somebody else; `access_denied` where the user is no member of the organization.
    """
    if LOGIN not in situation.answered:
        return
    if another_user_is_meant(situation):
        raise AuthorizationError("login_required", "Another user has logged in.")
    if user_is_no_member(situation):
        raise AuthorizationError("access_denied", "The user is no member of the organization.")


def login_was_asked(situation: Situation) -> bool:
    """prompt=login asks for a new login."""
    return LOGIN in situation.request.prompt - situation.answered


def nobody_is_logged_in(situation: Situation) -> bool:
    """There is no session in this browser."""
    return situation.session is None


def login_is_too_old(situation: Situation) -> bool:
    """The login is older than max_age; max_age=0 is the same as prompt=login (OpenID Connect Core 3.1.2.1)."""
    session, max_age = situation.session, situation.request.max_age
    if session is None or max_age is None or LOGIN in situation.answered:
        return False
    return max_age == 0 or situation.now - session.auth_time > max_age


def another_user_is_meant(situation: Situation) -> bool:
    """The id_token_hint names somebody else than the session."""
    return situation.session is not None and situation.request.hinted_sub not in (None, situation.session.user.sub)


def user_is_no_member(situation: Situation) -> bool:
    """The login is for an organization, and somebody else is logged in."""
    return situation.session is not None and not is_member(situation.session.user, situation.request.organization)


def choice_was_asked(situation: Situation) -> bool:
    """prompt=select_account asks which account to go on with."""
    return SELECT_ACCOUNT in situation.request.prompt - situation.answered


def consent_was_asked(situation: Situation) -> bool:
    """prompt=consent asks whatever was agreed before."""
    return CONSENT in situation.request.prompt - situation.answered


def consent_is_missing(situation: Situation) -> bool:
    """The application asks for something that this user has not agreed to."""
    return not situation.consented and CONSENT not in situation.answered


def is_member(user: User, organization: Organization | None) -> bool:
    """Whether a user may log in for an organization; everybody may where there is none."""
    return organization is None or organization.members is None or user.sub in organization.members


Reason = Callable[[Situation], bool]
PROMPT_REASONS: tuple[tuple[str, tuple[tuple[str, Reason], ...]], ...] = (
    (
        LOGIN,
        (
            ("login_prompt", login_was_asked),
            ("no_session", nobody_is_logged_in),
            ("max_age", login_is_too_old),
            ("id_token_hint", another_user_is_meant),
            ("organization", user_is_no_member),
        ),
    ),
    (SELECT_ACCOUNT, (("select_account_prompt", choice_was_asked),)),
    (CONSENT, (("consent_prompt", consent_was_asked), ("consent_missing", consent_is_missing))),
)
