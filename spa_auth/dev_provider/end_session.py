"""Logout on an application's request (OpenID Connect RP-Initiated Logout 1.0)."""

from spa_auth.dev_provider import pages
from spa_auth.dev_provider.answers import redirect
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.events import EndSessionSuccess, ErrorEvent, InteractionEvent
from spa_auth.dev_provider.failures import PageError
from spa_auth.dev_provider.login import check_csrf, end_pending, find_pending
from spa_auth.dev_provider.logout import log_out
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.pending import LogoutRequest, PendingLogout
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import IDTokenHint, Service
from spa_auth.errors import JWTError
from spa_auth.protocol import form
from spa_auth.protocol.http import Headers, Response
from spa_auth.protocol.url import with_query


async def end_session(service: Service, call: Call) -> Response:
    """Log out at once where an ID token shows that the user means it; else ask first (threat O11)."""
    params = call.parameters()
    try:
        hint = _find_hint(service, params)
        request = _find_request(service, params, hint)
    except PageError as error:
        service.emit("end_session.error", ErrorEvent(service.context(call, params=params), error))
        raise
    session = service.session(call)
    if session is None or (hint is not None and hint.sub == session.user.sub):
        return await _log_out(service, call, request, session)
    # RP-Initiated Logout 2: "the OP MUST ask the End-User this question if an id_token_hint was not provided or if
    # the supplied ID Token does not belong to the current OP session with the RP and/or currently logged in End-User".
    return _ask(service, call, request)


async def show_confirmation(service: Service, call: Call) -> Response:
    """Show the question whether to log out."""
    pending = _pending_logout(service, call, call.query)
    return pages.logout_page(service, pending, service.session(call))


async def answer_confirmation(service: Service, call: Call) -> Response:
    """Take the answer: log out or stay, and go on to where the application wanted."""
    fields = call.form()
    pending = _pending_logout(service, call, fields)
    check_csrf(pending, fields)
    end_pending(service, pending)
    if "stay" in fields:
        return _end(service, call, pending.request, "kept")
    return await _log_out(service, call, pending.request, service.session(call))


def _find_hint(service: Service, params: Parameters) -> IDTokenHint | None:
    if params.doubled() is not None:
        raise PageError("invalid_request", "A parameter was given more than once.")
    if "id_token_hint" not in params:
        return None
    try:
        hint = service.verify_id_token(params["id_token_hint"])
    except JWTError:
        raise PageError(
            "invalid_request",
            "The id_token_hint is not an ID token of this provider.",
            remedy="It makes new keys with every start: log in again, or log out without id_token_hint.",
        ) from None
    # RP-Initiated Logout 2: where both are given, client_id must be the one that the ID token was made for.
    if params.get("client_id", hint.client_id) != hint.client_id:
        raise PageError("invalid_request", "The id_token_hint was made for another client_id.")
    return hint


def _find_request(service: Service, params: Parameters, hint: IDTokenHint | None) -> LogoutRequest:
    client_id = params.get("client_id", "" if hint is None else hint.client_id)
    client = service.client(client_id)
    if client_id and client is None:
        raise PageError("invalid_client", "No application of this client_id is registered here.", evidence=client_id)
    uri = params.get("post_logout_redirect_uri")
    if uri is not None:
        _check_registered(client, uri)
    return LogoutRequest(client=client, post_logout_redirect_uri=uri, state=params.get("state"))


def _check_registered(client: Client | None, uri: str) -> None:
    # RP-Initiated Logout 3: the OP "MUST NOT perform post-logout redirection" to a value that is not registered.
    if client is None:
        raise PageError(
            "invalid_request",
            "post_logout_redirect_uri was given, but no application.",
            remedy="Send client_id or id_token_hint with it.",
            evidence=uri,
        )
    if not client.allows_post_logout_redirect_uri(uri):
        raise PageError(
            "invalid_request",
            f"This post_logout_redirect_uri is not registered for {client.title}.",
            remedy=f"Register exactly this address for the client {client.client_id}; every character counts.",
            evidence=uri,
        )


def _ask(service: Service, call: Call, request: LogoutRequest) -> Response:
    browser, headers = service.browser(call)
    pending = PendingLogout(key=service.secret(), browser=browser, csrf=service.secret(), request=request)
    service.pending.put(pending, service.now() + service.options.interaction_lifetime)
    service.emit("interaction.saved", InteractionEvent(pending))
    return redirect(service.url(f"/oidc/logout/confirm?interaction={pending.key}"), *headers)


def _pending_logout(service: Service, call: Call, params: Parameters) -> PendingLogout:
    pending = find_pending(service, call, params)
    if not isinstance(pending, PendingLogout):
        raise PageError("invalid_request", "This is not a logout.")
    return pending


async def _log_out(service: Service, call: Call, request: LogoutRequest, session: Session | None) -> Response:
    if session is not None:
        await log_out(service, session, service.context(call, client=request.client, session=session))
    return _end(service, call, request, "logged_out", (service.set_cookie("session", ""),))


def _end(service: Service, call: Call, request: LogoutRequest, outcome: str, headers: Headers = ()) -> Response:
    response = _goal(service, request, outcome, headers)
    context = service.context(call, client=request.client, response=response)
    service.emit("end_session.success", EndSessionSuccess(context, outcome))
    return response


def _goal(service: Service, request: LogoutRequest, outcome: str, headers: Headers) -> Response:
    if request.post_logout_redirect_uri is None:
        return pages.logged_out_page(service, logged_out=outcome == "logged_out", headers=headers)
    # RP-Initiated Logout 2, state: passed back to the application as it came.
    state = {} if request.state is None else {"state": request.state}
    return redirect(with_query(request.post_logout_redirect_uri, form.encode(state)), *headers)
