"""The page of login and of select_account: shown, then answered by a click, a name, or a refusal."""

import hmac
from dataclasses import replace

from spa_auth.dev_provider.authorize import go_on
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.events import InteractionEnded, InteractionEvent
from spa_auth.dev_provider.failures import AuthorizationError, PageError
from spa_auth.dev_provider.login_page import login_page
from spa_auth.dev_provider.logout import log_out
from spa_auth.dev_provider.outcomes import refuse
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.pending import Pending, PendingConsent, PendingDevice, PendingLogin
from spa_auth.dev_provider.prompts import LOGIN, SELECT_ACCOUNT
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.users import User, find_user, typed_user
from spa_auth.protocol.http import Response


async def show_login(service: Service, call: Call) -> Response:
    """Show the page for a login that waits in this browser."""
    return _page(service, call, _pending_login(service, call, call.query))


async def answer_login(service: Service, call: Call) -> Response:
    """Take the user's answer and go on with the authorization request."""
    fields = call.form()
    pending = _pending_login(service, call, fields)
    check_csrf(pending, fields)
    if "deny" in fields:
        return deny(service, call, pending)
    if "account" in fields:
        return _keep_account(service, call, pending, fields["account"])
    user = chosen_user(service, fields)
    if user is None:
        return _page(service, call, pending, fault="Type a name of one to a hundred characters.")
    return await _log_in(service, call, pending, user)


def find_pending(service: Service, call: Call, params: Parameters) -> Pending:
    """The page that this browser was shown.

    Raises:
        PageError: It is unknown, answered, expired, was shown to another browser, or is about an application that is
            registered in another way by now.
    """
    pending = service.pending.get(params.get("interaction", ""))
    browser = call.cookie(service.cookie_name("browser"))
    if pending is None or not _same(pending.browser, browser):
        raise PageError(
            "invalid_request",
            "This page was answered already, has expired, or was opened in another browser.",
            remedy="Go back to the application and start again there.",
        )
    _check_registration(service, pending)
    return pending


def check_csrf(pending: Pending, fields: Parameters) -> None:
    """Judge the hidden field that only our own page knows (RFC 9700 section 4.7).

    Raises:
        PageError: The form was not sent by our page.
    """
    if not _same(pending.csrf, fields.get("csrf", "")):
        raise PageError("invalid_request", "This form was not sent by this page.", remedy="Load the page again.")


def end_pending(service: Service, pending: Pending) -> None:
    """Forget an answered page; its form cannot be sent twice."""
    service.pending.remove(pending.key)
    service.emit("interaction.destroyed", InteractionEvent(pending))


def end_interaction(service: Service, call: Call, pending: PendingLogin | PendingConsent, outcome: str) -> None:
    """Forget an answered page of an authorization request, and tell how it was answered."""
    end_pending(service, pending)
    context = service.context(call, client=pending.request.client, params=pending.request.params)
    service.emit("interaction.ended", InteractionEnded(context, outcome))


def deny(service: Service, call: Call, pending: PendingLogin | PendingConsent) -> Response:
    """Tell the application that the user refused (RFC 6749 section 4.1.2.1)."""
    end_interaction(service, call, pending, "denied")
    return refuse(service, call, pending.request, AuthorizationError("access_denied", "The user refused."))


def chosen_user(service: Service, fields: Parameters) -> User | None:
    """Whom the form of a login names: by a click, or by a name that was typed; None where that is nobody."""
    users = service.options.users
    if "user" in fields:
        return next((user for user in users if user.sub == fields["user"]), None)
    typed = fields.get("name", "")
    made = typed_user(typed)
    return made and (find_user(users, typed) or find_user(users, made.sub) or made)


async def start_session(service: Service, call: Call, user: User) -> Session:
    """Log somebody in, in the place of whoever was logged in before in that browser."""
    session = await _new_session(service, call, user)
    service.save_session(session)
    return session


def _check_registration(service: Service, pending: Pending) -> None:
    # Its redirect_uri was registered when the page was shown; nothing may go there once it is not (threat O04).
    client = None if isinstance(pending, PendingDevice) else pending.request.client
    if client is not None and service.client(client.client_id) != client:
        raise PageError("invalid_client", "The application has changed or removed its registration meanwhile.")


def _pending_login(service: Service, call: Call, params: Parameters) -> PendingLogin:
    pending = find_pending(service, call, params)
    if not isinstance(pending, PendingLogin):
        raise PageError("invalid_request", "This is not a login.")
    return pending


def _page(service: Service, call: Call, pending: PendingLogin, *, fault: str = "") -> Response:
    return login_page(service, pending, service.session(call), fault=fault)


def _keep_account(service: Service, call: Call, pending: PendingLogin, sid: str) -> Response:
    session = service.session(call)
    if session is None or session.sid != sid or pending.prompt != SELECT_ACCOUNT:
        return _page(service, call, pending, fault="Nobody, or somebody else, is signed in by now.")
    end_interaction(service, call, pending, "account")
    return go_on(service, call, pending.request, session, answered=frozenset({SELECT_ACCOUNT}))


async def _log_in(service: Service, call: Call, pending: PendingLogin, user: User) -> Response:
    service.pending.remove(pending.key)  # now, as the same form may come again while applications are told
    session = await start_session(service, call, user)
    end_interaction(service, call, pending, "login")
    headers = (service.set_cookie("session", session.key),)
    # Who logs in has chosen an account, too.
    answered = frozenset({LOGIN, SELECT_ACCOUNT})
    return go_on(service, call, pending.request, session, answered=answered, headers=headers)


async def _new_session(service: Service, call: Call, user: User) -> Session:
    old = service.session(call)
    # A new key with every login, so that nobody can plant one in advance (session fixation).
    key, now = service.secret(), service.now()
    expires_at = now + service.options.session_lifetime
    if old is not None and old.user.sub == user.sub:
        service.sessions.remove(old.key)
        return replace(old, key=key, user=user, auth_time=now, expires_at=expires_at)
    if old is not None:
        await log_out(service, old, service.context(call, session=old))
    return Session(key=key, sid=service.secret(), user=user, auth_time=now, expires_at=expires_at)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
