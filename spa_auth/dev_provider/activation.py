"""What the user of a device does in a browser: type its code, log in, approve or refuse (RFC 8628 section 3.3)."""

import hashlib
import hmac
from dataclasses import replace
from typing import NamedTuple

from spa_auth.dev_provider.activation_page import activated_page, approval_page, code_page
from spa_auth.dev_provider.answers import redirect
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.controls import raise_fault
from spa_auth.dev_provider.device_authorization import ACTIVATE
from spa_auth.dev_provider.events import (
    AuthorizationSuccess,
    ContextEvent,
    ErrorEvent,
    InteractionEnded,
    InteractionStarted,
    Prompt,
    TokenEvent,
)
from spa_auth.dev_provider.failures import AuthorizationError, EndpointError, PageError
from spa_auth.dev_provider.login import check_csrf, chosen_user, end_pending, find_pending, start_session
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.pending import PendingDevice
from spa_auth.dev_provider.prompts import is_member
from spa_auth.dev_provider.records import DeviceCode, Grant, Session
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.user_codes import WrongUserCodeError, find_device, is_waiting
from spa_auth.dev_provider.users import User
from spa_auth.protocol import base64url
from spa_auth.protocol.http import Response

CONFIRM = f"{ACTIVATE}/confirm"
NO_MEMBER = "The user is no member of the organization."


class Question(NamedTuple):
    """A page that waits, the device that it is about, and the application on that device."""

    pending: PendingDevice
    device: DeviceCode
    client: Client


async def show_code_form(service: Service, call: Call) -> Response:
    """Ask for the code; the one of verification_uri_complete is typed already, and still has to be sent."""
    _check_fault(service, call)
    browser, headers = service.browser(call)
    return code_page(service, _csrf(browser), call.query.get("user_code", ""), headers=headers)


async def enter_code(service: Service, call: Call) -> Response:
    """Take a code, and go on to the question whether its device may be signed in."""
    _check_fault(service, call)
    fields = Parameters()
    try:
        fields = call.form()
        _check_form(service, call, fields)
        device = find_device(service, fields.get("user_code", ""))
        client = _client_of(service, device)
    except EndpointError as error:
        service.emit("code_verification.error", ErrorEvent(service.context(call, params=fields), error))
        if isinstance(error, WrongUserCodeError):
            return code_page(service, fields["csrf"], fields.get("user_code", ""), fault=error)
        raise
    return _ask(service, call, device, client)


async def show_approval(service: Service, call: Call) -> Response:
    """Show which device asks for what, and who would be signed in there."""
    question, session = _question(service, call, call.query), service.session(call)
    # Who is no member cannot approve; perhaps somebody else sits here, too.
    known = session if session is not None and _is_member(service, question, session.user) else None
    return approval_page(service, question.pending, question.client, known)


async def answer_approval(service: Service, call: Call) -> Response:
    """Take the user's answer: a login, another account, yes, or no."""
    fields = call.form()
    question = _question(service, call, fields)
    check_csrf(question.pending, fields)
    if "deny" in fields:
        return _deny(service, call, question, "The user refused.")
    if "approve" in fields:
        return _approve(service, call, question, fields["approve"])
    if "switch" in fields:
        return approval_page(service, question.pending, question.client, None)
    return await _log_in(service, call, question, fields)


def _check_fault(service: Service, call: Call) -> None:
    try:
        raise_fault(call.fault)
    except EndpointError as error:
        service.emit("code_verification.error", ErrorEvent(service.context(call), error))
        raise


def _csrf(browser: str) -> str:
    # There is no page of the code form to remember: what only this browser's cookie tells is enough (RFC 9700 4.7).
    return base64url.encode(hashlib.sha256(f"{ACTIVATE} {browser}".encode()).digest())


def _check_form(service: Service, call: Call, fields: Parameters) -> None:
    browser = call.cookie(service.cookie_name("browser"))
    if not browser or not hmac.compare_digest(_csrf(browser).encode(), fields.get("csrf", "").encode()):
        raise PageError("invalid_request", "This form was not sent by this page.", remedy="Load the page again.")


def _client_of(service: Service, device: DeviceCode) -> Client:
    client = service.client(device.client_id)
    if client is None:
        raise PageError("invalid_client", "The application of this device is not registered any more.")
    return client


def _ask(service: Service, call: Call, device: DeviceCode, client: Client) -> Response:
    browser, headers = service.browser(call)
    pending = PendingDevice(key=service.secret(), browser=browser, csrf=service.secret(), device_code=device)
    service.save_pending(pending)
    context = service.context(call, client=client)
    service.emit("interaction.started", InteractionStarted(context, Prompt("device", ("user_code",))))
    service.emit("code_verification.success", ContextEvent(context))
    return redirect(_address(service, pending), *headers)


def _address(service: Service, pending: PendingDevice) -> str:
    return service.url(f"{CONFIRM}?interaction={pending.key}")


def _question(service: Service, call: Call, params: Parameters) -> Question:
    pending = find_pending(service, call, params)
    if not isinstance(pending, PendingDevice):
        raise PageError("invalid_request", "This is not a question about a device.")
    device = service.device_codes.get(pending.device_code.key)
    if device is None or not is_waiting(service, device):
        raise PageError(
            "expired_token",
            "This device was answered already, or its code has expired.",
            remedy="Start again on the device.",
        )
    return Question(pending, device, _client_of(service, device))


async def _log_in(service: Service, call: Call, question: Question, fields: Parameters) -> Response:
    user = chosen_user(service, fields)
    if user is None:
        fault = "Type a name of one to a hundred characters."
        return approval_page(service, question.pending, question.client, None, fault=fault)
    if not _is_member(service, question, user):
        return _deny(service, call, question, NO_MEMBER)
    session = await start_session(service, call, user)
    # Being logged in is no answer: RFC 8628 section 5.4 wants the user to see what the device would get.
    return redirect(_address(service, question.pending), service.set_cookie("session", session.key))


def _is_member(service: Service, question: Question, user: User) -> bool:
    return is_member(user, service.options.organization(question.device.organization or ""))


def _deny(service: Service, call: Call, question: Question, why: str) -> Response:
    denied = service.device_codes.replace(replace(question.device, denied=True))
    service.emit("device_code.saved", TokenEvent(denied))
    _end(service, call, question, "denied")
    error = AuthorizationError("access_denied", why)
    service.emit("authorization.error", ErrorEvent(service.context(call, client=question.client), error))
    return activated_page(service, question.client, approved=False)


def _approve(service: Service, call: Call, question: Question, sid: str) -> Response:
    session, client = service.session(call), question.client
    # Somebody may have signed out, or in, in another tab: nobody can agree for somebody else.
    if session is None or session.sid != sid:
        return approval_page(service, question.pending, client, session)
    if not _is_member(service, question, session.user):
        return _deny(service, call, question, NO_MEMBER)
    context = service.context(call, client=client, session=session)
    service.emit("authorization.accepted", ContextEvent(context))
    service.join_session(session, client.client_id)
    grant = _save_grant(service, question.device, session)
    approved = service.device_codes.replace(replace(question.device, grant_id=grant.grant_id))
    service.emit("device_code.saved", TokenEvent(approved))
    _end(service, call, question, "consent")
    # The device fetches its answer itself: there are no parameters to send.
    service.emit("authorization.success", AuthorizationSuccess(context, {}))
    return activated_page(service, client, approved=True)


def _save_grant(service: Service, device: DeviceCode, session: Session) -> Grant:
    options = service.options
    grant = Grant(
        grant_id=service.secret(),
        client_id=device.client_id,
        user=session.user,
        sid=session.sid,
        auth_time=session.auth_time,
        scope=device.scope,
        audiences=device.audiences,
        userinfo_too=device.userinfo_too,
        organization=device.organization,
        expires_at=device.expires_at + options.refresh_token_lifetime,
    )
    return service.save_grant(grant)


def _end(service: Service, call: Call, question: Question, outcome: str) -> None:
    end_pending(service, question.pending)
    context = service.context(call, client=question.client)
    service.emit("interaction.ended", InteractionEnded(context, outcome))
