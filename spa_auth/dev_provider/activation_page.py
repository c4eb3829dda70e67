"""The pages for the users of devices: enter the code, approve or refuse, done (RFC 8628 section 3.3)."""

from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.consent_page import wanted
from spa_auth.dev_provider.device_authorization import ACTIVATE
from spa_auth.dev_provider.layout import hidden_fields, page
from spa_auth.dev_provider.login_page import user_forms, user_line
from spa_auth.dev_provider.markup import Markup, markup
from spa_auth.dev_provider.pending import PendingDevice
from spa_auth.dev_provider.prompts import is_member
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.user_codes import WrongUserCodeError, shown_user_code
from spa_auth.protocol.http import Headers, Response

MAX_CODE_LENGTH = 30


def code_page(
    service: Service, csrf: str, typed: str, *, fault: WrongUserCodeError | None = None, headers: Headers = ()
) -> Response:
    """Which code does your device show?

    Args:
        service: Whose page it is.
        csrf: What tells that the form is ours.
        typed: What the field holds already.
        fault: What was wrong with it.
        headers: Headers that the answer must carry.
    """
    body = markup(
        _CODE,
        lead="Is this the code that your device shows?"
        if typed and not fault
        else "Type the code that your device shows.",
        action=service.url(ACTIVATE),
        csrf=csrf,
        fault=markup(_FAULT, fault=fault.error_description) if fault else "",
        invalid=Markup(' aria-invalid="true" aria-describedby="fault"' if fault else ""),
        typed=typed[:MAX_CODE_LENGTH],
    )
    return page(service, "Connect a device", body, status=fault.status if fault else 200, headers=headers)


def approval_page(
    service: Service, pending: PendingDevice, client: Client, session: Session | None, *, fault: str = ""
) -> Response:
    """May this device be signed in? Where `session` is None, it asks first who is there.

    RFC 8628 section 5.4: the user is told what the device is, and sees the code to compare.
    """
    device, action = pending.device_code, service.url(f"{ACTIVATE}/confirm")
    organization = service.options.organization(device.organization or "")
    values = {
        "application": client.title,
        "organization": markup(_ORGANIZATION, name=organization.name) if organization else "",
        "user_code": shown_user_code(device.user_code),
        "action": action,
        "hidden": hidden_fields(pending),
    }
    if session is None:
        users = tuple(user for user in service.options.users if is_member(user, organization))
        forms = user_forms(service, pending, action=action, users=users, first=next(iter(users), None), fault=fault)
        body = markup(_LOGIN, head=markup(_HEAD, **values), forms=forms, **values)
        return page(service, "Sign in", body, status=400 if fault else 200)
    items = wanted(service, device.scope, device.audiences)
    body = markup(
        _APPROVAL,
        head=markup(_HEAD, **values),
        who=user_line(service, session.user),
        sid=session.sid,
        wants=markup(_WANTS, application=client.title, items=items) if items else "",
        **values,
    )
    return page(service, "Connect this device?", body)


def activated_page(service: Service, client: Client, *, approved: bool) -> Response:
    """It is done; the device goes on by itself."""
    title = "Your device is connected" if approved else "The device was refused"
    text = _DONE if approved else _REFUSED
    return page(service, title, markup(text, application=client.title))


_FAULT = """<p class="fault" role="alert" id="fault">{fault}</p>
"""

_CODE = """<p class="lead">{lead}</p>
<form method="post" action="{action}" class="choice">
<input type="hidden" name="csrf" value="{csrf}">
<div>
<label for="user_code">Code</label>
{fault}<div class="row">
<input id="user_code" name="user_code" value="{typed}" class="typed-code" required maxlength="30"
 placeholder="XXXX-XXXX" autocomplete="off" autocapitalize="characters" spellcheck="false"{invalid} autofocus>
<button class="primary">Continue</button>
</div>
</div>
</form>
<p class="hint">Somebody sent you a code that your own device does not show? Close this page.</p>"""

_ORGANIZATION = " for <strong>{name}</strong>"

_HEAD = """<p class="lead">A device asks to be connected to <strong>{application}</strong>{organization}.</p>
<p class="user-code">{user_code}</p>
"""

_LOGIN = """{head}{forms}<form method="post" action="{action}" class="deny">
{hidden}<button class="quiet" name="deny" value="1">This is not my device</button>
</form>"""

_WANTS = """<p class="wants" id="wants"><strong>{application}</strong> wants to:</p>
<ul aria-labelledby="wants">
{items}</ul>
"""

_APPROVAL = """{head}<p>Go on only if <strong>your own device</strong> shows this code right now.</p>
<p class="account">{who}</p>
{wants}<form method="post" action="{action}" class="choice">
{hidden}<button class="primary" name="approve" value="{sid}">Connect this device</button>
<button class="quiet" name="deny" value="1">This is not my device</button>
<button class="quiet" name="switch" value="1">Use another account</button>
</form>"""

_DONE = """<p class="lead"><strong>{application}</strong> goes on there by itself. You can close this page.</p>"""

_REFUSED = """<p class="lead"><strong>{application}</strong> gets nothing. You can close this page.</p>"""
