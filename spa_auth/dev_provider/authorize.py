"""The authorization endpoint: from a request to a page, or to the response (RFC 6749 section 4.1, RFC 9126 section 4).

OpenID Connect Core 3.1.2 says the same with logins.
"""

from typing import cast

from spa_auth.dev_provider.answers import redirect
from spa_auth.dev_provider.authorization_request import AddressedRequest, AuthorizationRequest
from spa_auth.dev_provider.authorize_rules import addressed, judged
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.consents import has_consented
from spa_auth.dev_provider.controls import raise_fault
from spa_auth.dev_provider.events import ErrorEvent, InteractionStarted, Prompt
from spa_auth.dev_provider.failures import AuthorizationError, EndpointError
from spa_auth.dev_provider.outcomes import complete, refuse
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.pending import PendingConsent, PendingLogin
from spa_auth.dev_provider.prompts import CONSENT, SILENT_ERRORS, Situation, check_user, required_prompt
from spa_auth.dev_provider.pushed_requests import find_pushed_request
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Headers, Response

NOTHING: frozenset[str] = frozenset()


async def authorize(service: Service, call: Call) -> Response:
    """Answer with the application's redirect, with a page that asks the user, or with an error page."""
    params = Parameters()
    try:
        params = call.parameters()
        addressee = _addressed(service, params)
    except EndpointError as error:
        client = service.client(params.get("client_id", ""))
        service.emit("authorization.error", ErrorEvent(service.context(call, client=client, params=params), error))
        raise
    try:
        raise_fault(call.fault)
        request = judged(service, addressee)
    except EndpointError as error:
        return refuse(service, call, addressee, error)
    return go_on(service, call, request, service.session(call))


def go_on(
    service: Service,
    call: Call,
    request: AuthorizationRequest,
    session: Session | None,
    *,
    answered: frozenset[str] = NOTHING,
    headers: Headers = (),
) -> Response:
    """Ask the user for what is left to ask, or answer the application.

    Args:
        service: Where this happens.
        call: What led here: the request itself, or the answer to a page.
        request: What the application wants.
        session: Who is logged in by now.
        answered: The prompts that this user has dealt with for this request.
        headers: Headers that the answer must carry.
    """
    situation = Situation(
        request=request,
        session=session,
        answered=answered,
        consented=session is not None and has_consented(service, request, session.user),
        now=service.now(),
    )
    try:
        check_user(situation)
        prompt = required_prompt(situation)
        _check_silence(service, request, prompt)
    except AuthorizationError as error:
        return refuse(service, call, request, error, headers)
    if prompt is not None:
        return _ask(service, call, situation, prompt, headers)
    # `nobody_is_logged_in` is a reason for a prompt.
    return complete(service, call, request, cast("Session", session), headers)


def _addressed(service: Service, params: Parameters) -> AddressedRequest:
    pushed = find_pushed_request(service, params)
    if pushed is None:
        return addressed(service, params)
    # RFC 9126 section 4, RFC 9101 section 6.3: nothing counts that stands beside the request_uri.
    return addressed(service, pushed.params, request_uri=pushed.key)


def _check_silence(service: Service, request: AuthorizationRequest, prompt: Prompt | None) -> None:
    # OpenID Connect Core 3.1.2.1, none: "The Authorization Server MUST NOT display any authentication or consent
    # user interface pages."
    if "none" not in request.prompt:
        return
    if prompt is not None:
        raise AuthorizationError(SILENT_ERRORS[prompt.name], f"The user has to be asked: {', '.join(prompt.reasons)}.")
    if service.controls.deny_silent_login:
        raise AuthorizationError("login_required", "A test wanted this.")


def _ask(service: Service, call: Call, situation: Situation, prompt: Prompt, headers: Headers) -> Response:
    request, session = situation.request, situation.session
    browser, cookie = service.browser(call)
    key, csrf = service.secret(), service.secret()
    pending: PendingLogin | PendingConsent = PendingLogin(
        key=key, browser=browser, csrf=csrf, request=request, prompt=prompt.name
    )
    if prompt.name == CONSENT and session is not None:
        pending = PendingConsent(
            key=key, browser=browser, csrf=csrf, request=request, sid=session.sid, answered=situation.answered
        )
    service.save_pending(pending)
    context = service.context(call, client=request.client, params=request.params, session=session)
    service.emit("interaction.started", InteractionStarted(context, prompt))
    path = "/consent" if prompt.name == CONSENT else "/login"
    return redirect(service.url(f"{path}?interaction={key}"), *headers, *cookie)
