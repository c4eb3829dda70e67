"""How an authorization request ends: with a code, or with an error (RFC 6749 section 4.1.2, RFC 9207)."""

from collections.abc import Mapping

from spa_auth.dev_provider.authorization_request import AddressedRequest, AuthorizationRequest
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.events import (
    AuthorizationSuccess,
    ContextEvent,
    ErrorEvent,
    InteractionEvent,
    TokenEvent,
)
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.pending import PendingConsent, PendingLogin
from spa_auth.dev_provider.records import AuthorizationCode, Grant, Session
from spa_auth.dev_provider.response_modes import authorization_response
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Headers, Response


def complete(
    service: Service, call: Call, request: AuthorizationRequest, session: Session, headers: Headers = ()
) -> Response:
    """Send a new code back to the application (RFC 6749 section 4.1.2)."""
    context = service.context(call, client=request.client, params=request.params, session=session)
    service.emit("authorization.accepted", ContextEvent(context))
    service.join_session(session, request.client.client_id)
    code = _save_code(service, request, _save_grant(service, request, session))
    service.emit("authorization_code.saved", TokenEvent(code))
    _consume(service, request)
    parameters = _parameters(service, request, {"code": code.key})
    service.emit("authorization.success", AuthorizationSuccess(context, parameters))
    return authorization_response(service, request, parameters, headers)


def refuse(
    service: Service, call: Call, request: AddressedRequest, error: EndpointError, headers: Headers = ()
) -> Response:
    """Send an error back to the application (RFC 6749 section 4.1.2.1)."""
    _consume(service, request)
    context = service.context(call, client=request.client, params=request.params)
    service.emit("authorization.error", ErrorEvent(context, error))
    body = {"error": error.error, "error_description": error.error_description}
    return authorization_response(service, request, _parameters(service, request, body), headers)


def _parameters(service: Service, request: AddressedRequest, body: Mapping[str, str]) -> dict[str, str]:
    state = {} if request.state is None else {"state": request.state}
    # RFC 9207 section 2: "iss" is in every response, "including error responses".
    return {**body, **state, "iss": service.options.issuer}


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
        organization=request.organization.org_id if request.organization else None,
        expires_at=service.now() + options.code_lifetime + options.refresh_token_lifetime,
    )
    return service.save_grant(grant)


def _save_code(service: Service, request: AuthorizationRequest, grant: Grant) -> AuthorizationCode:
    code = AuthorizationCode(
        key=service.secret(),
        grant_id=grant.grant_id,
        client_id=grant.client_id,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        dpop_jkt=request.dpop_jkt,
        expires_at=service.now() + service.options.code_lifetime,
    )
    return service.codes.put(code, code.expires_at)


def _consume(service: Service, request: AddressedRequest) -> None:
    # RFC 9126 section 4: "authorization servers SHOULD treat request_uri values as one-time use but MAY allow for
    # duplicate requests due to a user reloading/refreshing their user agent": pages may be loaded again, there is one
    # response.
    if request.request_uri is None:
        return
    pushed = service.pushed_requests.remove(request.request_uri)
    if pushed is not None:
        service.emit("pushed_authorization_request.consumed", TokenEvent(pushed))
    for page in [page for page in service.pending if isinstance(page, PendingLogin | PendingConsent)]:
        if page.request.request_uri == request.request_uri:
            service.pending.remove(page.key)
            service.emit("interaction.destroyed", InteractionEvent(page))
