"""The pages around the logins: logout, errors, and the start page."""

from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.layout import hidden_fields, page
from spa_auth.dev_provider.markup import joined, markup
from spa_auth.dev_provider.pending import PendingLogout
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Headers, Response

MAX_EVIDENCE_LENGTH = 300
# What to do about an error that does not say it itself.
REMEDIES = {
    404: "Look for a slip in the address; the metadata lists every endpoint.",
    405: "Open this address by a link or a redirect, as its specification says.",
    500: "Look into the log of the provider, then try again.",
}


def logout_page(service: Service, pending: PendingLogout, session: Session | None) -> Response:
    """Do you want to log out?"""
    client = pending.request.client
    body = markup(
        _LOGOUT,
        application=client.title if client else "An application",
        who=session.user.name if session else "nobody",
        action=service.url("/oidc/logout/confirm"),
        hidden=hidden_fields(pending),
    )
    return page(service, "Sign out?", body, form_goal=pending.request.post_logout_redirect_uri)


def logged_out_page(service: Service, *, logged_out: bool, headers: Headers = ()) -> Response:
    """It is done, and there is nowhere to go."""
    title = "You are signed out" if logged_out else "You are still signed in"
    return page(service, title, markup(_NOTICE, text="You can close this page."), headers=headers)


def start_page(service: Service, session: Session | None) -> Response:
    """What somebody sees who opens the issuer's address."""
    clients = (client.client_id for client in service.options.clients)
    body = markup(
        _START,
        issuer=service.options.issuer,
        discovery=service.url("/.well-known/openid-configuration"),
        activate=service.url("/activate"),
        events=service.url("/events"),
        clients=joined(markup("<code>{name}</code> ", name=client) for client in clients),
        users=joined(markup("<code>{name}</code> ", name=user.sub) for user in service.options.users),
        now=markup(_START_SESSION, name=session.user.name, logout=service.url("/oidc/logout")) if session else "",
    )
    return page(service, "It works", body)


def error_page(service: Service, error: EndpointError) -> Response:
    """What went wrong, and what to do about it."""
    evidence = getattr(error, "evidence", "")[:MAX_EVIDENCE_LENGTH]
    remedy = error.remedy or REMEDIES.get(error.status, "Go back to the application and start again there.")
    body = markup(
        _ERROR,
        text=error.error_description,
        evidence=markup('<p class="evidence"><code>{evidence}</code></p>', evidence=evidence) if evidence else "",
        remedy=remedy,
        code=error.error,
    )
    return page(service, "That did not work", body, status=error.status, headers=error.headers)


_LOGOUT = """<p class="lead"><strong>{application}</strong> asks to sign you out.<br>
You are signed in as <strong>{who}</strong>.</p>
<form method="post" action="{action}" class="choice">
{hidden}<button class="primary" name="logout" value="1" autofocus>Sign out</button>
<button class="quiet" name="stay" value="1">Stay signed in</button>
</form>"""

_NOTICE = """<p class="lead">{text}</p>"""

_ERROR = """<p class="lead">{text}</p>
{evidence}<p>{remedy}</p>
<p class="code">Error: <code>{code}</code></p>"""

_START = """<p class="lead">This is an OpenID Provider for development.</p>
<dl>
<dt>Issuer</dt><dd><code>{issuer}</code></dd>
<dt>Discovery</dt><dd><a href="{discovery}">openid-configuration</a></dd>
<dt>Events</dt><dd><a href="{events}">what happens, live</a></dd>
<dt>Clients</dt><dd>{clients}</dd>
<dt>Users</dt><dd>{users}and any other name</dd>
<dt>Devices</dt><dd><a href="{activate}">Connect a device</a></dd>
</dl>
{now}"""

_START_SESSION = """<p class="now">You are signed in as <strong>{name}</strong>. <a href="{logout}">Sign out</a></p>"""
