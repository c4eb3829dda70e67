"""The authorization endpoint (RFC 6749 section 4.1, OpenID Connect Core 3.1.2, RFC 9207)."""

from collections.abc import Mapping

from spa_auth.dev_provider.answers import redirect
from spa_auth.dev_provider.authorization_request import AddressedRequest, AuthorizationRequest
from spa_auth.dev_provider.authorize_rules import addressed, judged
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.events import (
    AuthorizationSuccess,
    ContextEvent,
    ErrorEvent,
    InteractionEvent,
    InteractionStarted,
    Prompt,
    TokenEvent,
)
from spa_auth.dev_provider.failures import AuthorizationError, PageError
from spa_auth.dev_provider.pending import PendingLogin
from spa_auth.dev_provider.prompts import another_user_is_meant, login_reasons
from spa_auth.dev_provider.records import AuthorizationCode, Grant, Session
from spa_auth.dev_provider.response_modes import authorization_response
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Headers, Response


async def authorize(service: Service, call: Call) -> Response:
    """Answer with the application's redirect, with the login page, or with an error page."""
    params = call.parameters()
    try:
        request = addressed(service, params)
    except PageError as error:
        service.emit("authorization.error", ErrorEvent(service.context(call, params=params), error))
        raise
    try:
        return _answer(service, call, judged(service, request))
    except AuthorizationError as error:
        return refuse(service, call, request, error)


def refuse(
    service: Service, call: Call, request: AddressedRequest, error: AuthorizationError, headers: Headers = ()
) -> Response:
    """Send an error back to the application (RFC 6749 section 4.1.2.1)."""
    context = service.context(call, client=request.client, params=request.params)
    service.emit("authorization.error", ErrorEvent(context, error))
    body = {"error": error.error, "error_description": error.error_description}
    return _respond(service, request, body, headers)


def complete(
    service: Service, call: Call, request: AuthorizationRequest, session: Session, headers: Headers = ()
) -> Response:
    """Send a new code back to the application (RFC 6749 section 4.1.2).

    Raises:
        AuthorizationError: `login_required`; somebody else has logged in than the id_token_hint names.
    """
    if another_user_is_meant(request, session, service.now()):
        raise AuthorizationError("login_required", "Another user has logged in.")
    context = service.context(call, client=request.client, params=request.params, session=session)
    service.emit("authorization.accepted", ContextEvent(context))
    service.join_session(session, request.client.client_id)
    code = _save_code(service, request, _save_grant(service, request, session))
    service.emit("authorization_code.saved", TokenEvent(code))
    parameters = _parameters(service, request, {"code": code.key})
    service.emit("authorization.success", AuthorizationSuccess(context, parameters))
    return _respond(service, request, {"code": code.key}, headers)


def _answer(service: Service, call: Call, request: AuthorizationRequest) -> Response:
    session = service.session(call)
    reasons = login_reasons(request, session, service.now())
    if "none" in request.prompt and service.controls.deny_silent_login:
        reasons = (*reasons, "denied_by_test")
    if session is not None and not reasons:
        return complete(service, call, request, session)
    if "none" in request.prompt:
        # OpenID Connect Core 3.1.2.1, none: "The Authorization Server MUST NOT display any authentication or
        # consent user interface pages."
        raise AuthorizationError("login_required", "The user has to log in.")
    return _ask(service, call, request, reasons)


def _ask(service: Service, call: Call, request: AuthorizationRequest, reasons: tuple[str, ...]) -> Response:
    browser, headers = service.browser(call)
    pending = PendingLogin(key=service.secret(), browser=browser, csrf=service.secret(), request=request)
    service.pending.put(pending, service.now() + service.options.interaction_lifetime)
    service.emit("interaction.saved", InteractionEvent(pending))
    context = service.context(call, client=request.client, params=request.params)
    service.emit("interaction.started", InteractionStarted(context, Prompt("login", reasons)))
    return redirect(service.url(f"/login?interaction={pending.key}"), *headers)


def _save_grant(service: Service, request: AuthorizationRequest, session: Session) -> Grant:
    options = service.options
    grant = Grant(
        grant_id=service.secret(),
        client_id=request.client.client_id,
        user=session.user,
        sid=session.sid,
        auth_time=session.auth_time,
        scope=request.scope,
        audiences=request.audiences,
        userinfo_too="audience" in request.params and "openid" in request.scope,
        expires_at=service.now() + options.code_lifetime + options.refresh_token_lifetime,
    )
    return service.grants.put(grant, grant.expires_at + options.access_token_lifetime)


def _save_code(service: Service, request: AuthorizationRequest, grant: Grant) -> AuthorizationCode:
    code = AuthorizationCode(
        key=service.secret(),
        grant_id=grant.grant_id,
        client_id=grant.client_id,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        expires_at=service.now() + service.options.code_lifetime,
    )
    # Kept as long as its tokens may live: only then is its reuse seen (RFC 6749 section 4.1.2).
    return service.codes.put(code, grant.expires_at)


def _parameters(service: Service, request: AddressedRequest, body: Mapping[str, str]) -> dict[str, str]:
    state = {} if request.state is None else {"state": request.state}
    # RFC 9207 section 2: "iss" is in every response, "including error responses".
    return {**body, **state, "iss": service.options.issuer}


def _respond(service: Service, request: AddressedRequest, body: Mapping[str, str], headers: Headers) -> Response:
    return authorization_response(service, request, _parameters(service, request, body), headers)
