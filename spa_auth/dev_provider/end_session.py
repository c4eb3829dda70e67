"""Logout on an application's request (OpenID Connect RP-Initiated Logout 1.0)."""

from collections.abc import Callable

from spa_auth.dev_provider import pages
from spa_auth.dev_provider.answers import redirect
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.controls import raise_fault
from spa_auth.dev_provider.events import EndSessionSuccess, ErrorEvent
from spa_auth.dev_provider.failures import EndpointError, PageError
from spa_auth.dev_provider.login import check_csrf, end_pending, find_pending
from spa_auth.dev_provider.logout import log_out
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.pending import LogoutRequest, PendingLogout
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import IDTokenHint, Service
from spa_auth.errors import JWTError, ProtocolError
from spa_auth.protocol import form
from spa_auth.protocol.http import Headers, Response
from spa_auth.protocol.url import origin_of, with_query

CONFIRM_LOGOUT = "/oidc/logout/confirm"
Asked = tuple[LogoutRequest, bool]


async def end_session(service: Service, call: Call) -> Response:
    """Log out at once where an ID token shows that the user means it; else ask first (threat O11)."""
    return await _answer(service, call, _end_session_request)


async def v2_logout(service: Service, call: Call) -> Response:
    """Log out as Auth0's `/v2/logout?client_id&returnTo` does, without an ID token and mostly without a question.

    Auth0 never asks, so that any page can log its visitors out. RP-Initiated Logout 2 would always ask, so that no
    application of Auth0's SDK would come back from a logout by itself. Here it is at once where all of this shows
    that the application asks, and a question otherwise (threat O11):

    - `returnTo` is registered for `client_id`, letter by letter;
    - the browser goes here as a whole: this is no picture and no frame in another page;
    - it comes from a page of this site, or from a page of the origin of `returnTo`, which the browser tells.

    `federated` is accepted: there is no other provider behind this one.
    """
    return await _answer(service, call, _v2_logout_request)


async def _answer(
    service: Service, call: Call, read: Callable[[Service, Call, Parameters, Session | None], Asked]
) -> Response:
    params, session = Parameters(), service.session(call)
    try:
        raise_fault(call.fault, PageError)
        params = call.parameters()
        if params.doubled() is not None:
            raise PageError("invalid_request", "A parameter was given more than once.")
        request, is_meant = read(service, call, params, session)
    except EndpointError as error:
        client = service.client(params.get("client_id", ""))
        service.emit("end_session.error", ErrorEvent(service.context(call, client=client, params=params), error))
        raise
    if session is None or is_meant:
        return await _log_out(service, call, request, session)
    return _ask(service, call, request)


def _end_session_request(service: Service, _call: Call, params: Parameters, session: Session | None) -> Asked:
    hint = _find_hint(service, params)
    # RP-Initiated Logout 2: "the OP MUST ask the End-User this question if an id_token_hint was not provided or if
    # the supplied ID Token does not belong to the current OP session with the RP and/or currently logged in End-User".
    is_meant = session is not None and hint is not None and hint.sub == session.user.sub
    return _find_request(service, params, hint), is_meant


def _v2_logout_request(service: Service, call: Call, params: Parameters, _session: Session | None) -> Asked:
    client = _find_client(service, params.get("client_id", ""))
    return_to = params.get("returnTo")
    if return_to is None:
        return LogoutRequest(client=client, post_logout_redirect_uri=None, state=None), False
    _check_registered(client, return_to, "returnTo", "client_id")
    request = LogoutRequest(client=client, post_logout_redirect_uri=return_to, state=None)
    return request, _is_asked_by_application(call, return_to)


def _is_asked_by_application(call: Call, return_to: str) -> bool:
    # Fetch Metadata Request Headers, sections 2.1 and 2.4; who sends none of them is no browser of today.
    if call.request.header("sec-fetch-dest") not in {None, "document"}:
        return False
    if call.request.header("sec-fetch-site") != "cross-site":
        return True
    try:
        return origin_of(call.request.header("referer") or "") == origin_of(return_to)
    except ProtocolError:
        return False


async def show_confirmation(service: Service, call: Call) -> Response:
    """Show the question whether to log out."""
    _check_fault(service, call)
    pending = _pending_logout(service, call, call.query)
    return pages.logout_page(service, pending, service.session(call))


async def answer_confirmation(service: Service, call: Call) -> Response:
    """Take the answer: log out or stay, and go on to where the application wanted."""
    _check_fault(service, call)
    try:
        fields = call.form()
        pending = _pending_logout(service, call, fields)
        check_csrf(pending, fields)
    except EndpointError as error:
        service.emit("end_session.error", ErrorEvent(service.context(call), error))
        raise
    end_pending(service, pending)
    if "stay" in fields:
        return _end(service, call, pending.request, "kept")
    return await _log_out(service, call, pending.request, service.session(call))


def _check_fault(service: Service, call: Call) -> None:
    try:
        raise_fault(call.fault, PageError)
    except EndpointError as error:
        service.emit("end_session.error", ErrorEvent(service.context(call), error))
        raise


def _find_hint(service: Service, params: Parameters) -> IDTokenHint | None:
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
    client = _find_client(service, params.get("client_id", "" if hint is None else hint.client_id))
    uri = params.get("post_logout_redirect_uri")
    if uri is not None:
        _check_registered(client, uri, "post_logout_redirect_uri", "client_id or id_token_hint")
    return LogoutRequest(client=client, post_logout_redirect_uri=uri, state=params.get("state"))


def _find_client(service: Service, client_id: str) -> Client | None:
    client = service.client(client_id)
    if client_id and client is None:
        raise PageError("invalid_client", "No application of this client_id is registered here.", evidence=client_id)
    return client


def _check_registered(client: Client | None, uri: str, name: str, needed: str) -> None:
    # RP-Initiated Logout 3: the OP "MUST NOT perform post-logout redirection" to a value that is not registered.
    if client is None:
        text = f"{name} was given, but no application."
        raise PageError("invalid_request", text, remedy=f"Send {needed} with it.", evidence=uri)
    if not client.allows_post_logout_redirect_uri(uri):
        raise PageError(
            "invalid_request",
            f"This {name} is not registered for {client.title}.",
            remedy=f"Register exactly this address for the client {client.client_id}; every character counts.",
            evidence=uri,
        )


def _ask(service: Service, call: Call, request: LogoutRequest) -> Response:
    browser, headers = service.browser(call)
    pending = PendingLogout(key=service.secret(), browser=browser, csrf=service.secret(), request=request)
    service.save_pending(pending)
    return redirect(service.url(f"{CONFIRM_LOGOUT}?interaction={pending.key}"), *headers)


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
