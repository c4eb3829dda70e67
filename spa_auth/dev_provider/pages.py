"""The pages that people see. No script, nothing from elsewhere, every value escaped (threat O09)."""

import html
from collections.abc import Iterable

from spa_auth.dev_provider.answers import NO_SNIFF, NO_STORE
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.pending import Pending, PendingLogin, PendingLogout
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.users import User, find_user
from spa_auth.protocol.http import Headers, Response
from spa_auth.protocol.url import parse_url

MAX_EVIDENCE_LENGTH = 300


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def markup(template: str, **values: str) -> Markup:
    """The template with its values in place, each escaped unless it is Markup itself."""
    return Markup(
        template.format_map({key: v if isinstance(v, Markup) else html.escape(v) for key, v in values.items()})
    )


def login_page(service: Service, pending: PendingLogin, session: Session | None, *, fault: str = "") -> Response:
    """Who do you want to be? One click for each known user, any other name typed."""
    request, users = pending.request, service.options.users
    hint = request.params.get("login_hint", "")
    first = (session and find_user(users, session.user.sub)) or find_user(users, hint) or next(iter(users), None)
    body = markup(
        _LOGIN,
        application=request.client.title,
        origin=parse_url(request.redirect_uri).origin,
        now=markup(_SIGNED_IN, name=session.user.name) if session else "",
        fault=markup('<p class="fault" role="alert">{fault}</p>', fault=fault) if fault else "",
        users=_joined(_user_button(service, user, chosen=user is first and not fault) for user in users),
        hint="" if find_user(users, hint) else hint[:100],
        typed_focus=Markup("" if users and not fault else " autofocus"),
        action=service.url("/login"),
        hidden=_hidden(pending),
    )
    return _page(service, "Sign in", body, status=400 if fault else 200, form_goal=request.redirect_uri)


def logout_page(service: Service, pending: PendingLogout, session: Session | None) -> Response:
    """Do you want to log out?"""
    client = pending.request.client
    body = markup(
        _LOGOUT,
        application=client.title if client else "An application",
        who=session.user.name if session else "nobody",
        action=service.url("/oidc/logout/confirm"),
        hidden=_hidden(pending),
    )
    return _page(service, "Sign out?", body, form_goal=pending.request.post_logout_redirect_uri)


def logged_out_page(service: Service, *, logged_out: bool, headers: Headers = ()) -> Response:
    """It is done, and there is nowhere to go."""
    title = "You are signed out" if logged_out else "You are still signed in"
    return _page(service, title, markup(_NOTICE, text="You can close this page."), headers=headers)


def start_page(service: Service, session: Session | None) -> Response:
    """What somebody sees who opens the issuer's address."""
    clients = (client.client_id for client in service.options.clients)
    body = markup(
        _START,
        issuer=service.options.issuer,
        discovery=service.url("/.well-known/openid-configuration"),
        clients=_joined(markup("<code>{name}</code> ", name=client) for client in clients),
        users=_joined(markup("<code>{name}</code> ", name=user.sub) for user in service.options.users),
        now=markup(_START_SESSION, name=session.user.name, logout=service.url("/oidc/logout")) if session else "",
    )
    return _page(service, "It works", body)


def error_page(service: Service, error: EndpointError) -> Response:
    """What went wrong, and what to do about it."""
    evidence = getattr(error, "evidence", "")[:MAX_EVIDENCE_LENGTH]
    body = markup(
        _ERROR,
        text=error.error_description,
        evidence=markup('<p class="evidence"><code>{evidence}</code></p>', evidence=evidence) if evidence else "",
        remedy=markup("<p>{remedy}</p>", remedy=error.remedy) if error.remedy else "",
        code=error.error,
    )
    return _page(service, "That did not work", body, status=error.status, headers=error.headers)


def _page(
    service: Service,
    title: str,
    body: Markup,
    *,
    status: int = 200,
    form_goal: str | None = None,
    headers: Headers = (),
) -> Response:
    # Relative, so that the start page has its style under every name of this machine: CSP's 'self' is one origin.
    assets = service.issuer.path.removesuffix("/") + "/assets"
    text = markup(_PAGE, title=title, body=body, assets=assets)
    fixed: Headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", _policy(form_goal)),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        *NO_SNIFF,
        *NO_STORE,
    )
    return Response(status, (*fixed, *headers), text.encode())


def _policy(form_goal: str | None) -> str:
    goal = "" if form_goal is None else f" {_source(form_goal)}"
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{goal}"
    )


def _source(redirect_uri: str) -> str:
    # Chromium applies form-action to the redirects that follow a form, too; CSP has no way to write an IPv6 host.
    url = parse_url(redirect_uri)
    return f"{url.scheme}:" if url.host.startswith("[") else url.origin


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup("".join(parts))


def _hidden(pending: Pending) -> Markup:
    return markup(_HIDDEN, interaction=pending.key, csrf=pending.csrf)


def _user_button(service: Service, user: User, *, chosen: bool) -> Markup:
    return markup(
        _USER,
        sub=user.sub,
        name=user.name,
        email=user.email or user.sub,
        picture=str(user.claims.get("picture", service.url(f"/avatars/{user.sub}.svg"))),
        focus=Markup(" autofocus" if chosen else ""),
    )


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} · Development provider</title>
<link rel="icon" href="{assets}/icon.svg">
<link rel="stylesheet" href="{assets}/style.css">
</head>
<body>
<p class="banner"><strong>Development only.</strong> Anybody can sign in here as anybody.</p>
<main>
<h1>{title}</h1>
{body}
</main>
<footer>spa_auth development provider</footer>
</body>
</html>
"""

_LOGIN = """<p class="lead">to continue to <strong>{application}</strong><br><span class="origin">{origin}</span></p>
{now}<form method="post" action="{action}" class="users" aria-label="Known users">
{hidden}{users}</form>
<p class="or"><span>or</span></p>
<form method="post" action="{action}" class="typed">
{hidden}<label for="name">Another name or e-mail address</label>
{fault}<div class="row">
<input id="name" name="name" value="{hint}" required maxlength="100"
 autocomplete="off" autocapitalize="off" spellcheck="false"{typed_focus}>
<button class="primary">Continue</button>
</div>
</form>
<form method="post" action="{action}" class="deny">
{hidden}<button class="quiet" name="deny" value="1">Deny and go back</button>
</form>"""

_SIGNED_IN = """<p class="now">You are signed in as <strong>{name}</strong>.</p>
"""

_USER = """<button class="user" name="user" value="{sub}"{focus}>
<img src="{picture}" alt="" width="44" height="44">
<span class="who"><span class="name">{name}</span><span class="email">{email}</span></span>
<span class="go" aria-hidden="true">&rarr;</span>
</button>
"""

_HIDDEN = """<input type="hidden" name="interaction" value="{interaction}">
<input type="hidden" name="csrf" value="{csrf}">
"""

_LOGOUT = """<p class="lead"><strong>{application}</strong> asks to sign you out.<br>
You are signed in as <strong>{who}</strong>.</p>
<form method="post" action="{action}" class="choice">
{hidden}<button class="primary" name="logout" value="1" autofocus>Sign out</button>
<button class="quiet" name="stay" value="1">Stay signed in</button>
</form>"""

_NOTICE = """<p class="lead">{text}</p>"""

_ERROR = """<p class="lead">{text}</p>
{evidence}{remedy}<p class="code">Error: <code>{code}</code></p>"""

_START = """<p class="lead">This is an OpenID Provider for development.</p>
<dl>
<dt>Issuer</dt><dd><code>{issuer}</code></dd>
<dt>Discovery</dt><dd><a href="{discovery}">openid-configuration</a></dd>
<dt>Clients</dt><dd>{clients}</dd>
<dt>Users</dt><dd>{users}and any other name</dd>
</dl>
{now}"""

_START_SESSION = """<p class="now">You are signed in as <strong>{name}</strong>. <a href="{logout}">Sign out</a></p>"""
