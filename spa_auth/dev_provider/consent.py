"""The consent page: shown, then answered by yes or no (OpenID Connect Core 3.1.2.4)."""

from spa_auth.dev_provider.authorize import NOTHING, go_on
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.consent_page import consent_page
from spa_auth.dev_provider.consents import save_consent
from spa_auth.dev_provider.failures import PageError
from spa_auth.dev_provider.login import check_csrf, deny, end_interaction, end_pending, find_pending
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.pending import PendingConsent
from spa_auth.dev_provider.prompts import CONSENT
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Response


async def show_consent(service: Service, call: Call) -> Response:
    """Show what the application wants to have."""
    pending = _pending_consent(service, call, call.query)
    session = _asked(service, call, pending)
    return _start_again(service, call, pending) if session is None else consent_page(service, pending, session)


async def answer_consent(service: Service, call: Call) -> Response:
    """Take the user's answer and go on with the authorization request."""
    fields = call.form()
    pending = _pending_consent(service, call, fields)
    check_csrf(pending, fields)
    if "allow" not in fields:
        return deny(service, call, pending)
    session = _asked(service, call, pending)
    if session is None:
        return _start_again(service, call, pending)
    save_consent(service, pending.request, session.user)
    end_interaction(service, call, pending, "consent")
    return go_on(service, call, pending.request, session, answered=pending.answered | {CONSENT})


def _pending_consent(service: Service, call: Call, params: Parameters) -> PendingConsent:
    pending = find_pending(service, call, params)
    if not isinstance(pending, PendingConsent):
        raise PageError("invalid_request", "This is not a question for consent.")
    return pending


def _asked(service: Service, call: Call, pending: PendingConsent) -> Session | None:
    session = service.session(call)
    return session if session is not None and session.sid == pending.sid else None


def _start_again(service: Service, call: Call, pending: PendingConsent) -> Response:
    # Somebody has signed out, or signed in, in another tab: nobody can agree for somebody else.
    end_pending(service, pending)
    return go_on(service, call, pending.request, service.session(call), answered=NOTHING)
