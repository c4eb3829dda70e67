"""The page that asks whether an application may have what it wants."""

from spa_auth.dev_provider.layout import hidden_fields, page
from spa_auth.dev_provider.login_page import goal, user_line
from spa_auth.dev_provider.markup import Markup, joined, markup
from spa_auth.dev_provider.options import STANDARD_SCOPES
from spa_auth.dev_provider.pending import PendingConsent
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Response
from spa_auth.protocol.scope import Scope

# What the standard scopes release (OpenID Connect Core 5.4, 11), in plain words.
MEANINGS = {
    "openid": "Know who you are",
    "profile": "See your profile: your name, your picture, your language",
    "email": "See your e-mail address",
    "address": "See your postal address",
    "phone": "See your phone number",
    "offline_access": "Keep this access while you are away, until you take it back",
}


def consent_page(service: Service, pending: PendingConsent, session: Session) -> Response:
    """May this application have this?"""
    request = pending.request
    body = markup(
        _CONSENT,
        goal=goal(request),
        who=user_line(service, session.user),
        application=request.client.title,
        items=wanted(service, request.scope, request.audiences),
        action=service.url("/consent"),
        hidden=hidden_fields(pending),
    )
    return page(service, "Allow access?", body, form_goal=request.redirect_uri)


def wanted(service: Service, scope: Scope, audiences: tuple[str, ...]) -> Markup:
    """What a scope and the APIs mean, in plain words, as the items of a list."""
    standard = [markup("<li>{meaning}</li>\n", meaning=MEANINGS[word]) for word in scope if word in MEANINGS]
    return joined([*standard, *(_api(service, scope, audience) for audience in audiences)])


def _api(service: Service, scope: Scope, audience: str) -> Markup:
    apis = service.options.apis
    known = None if apis is None else {word for api in apis if api.audience == audience for word in api.scopes}
    words = [word for word in scope if word not in STANDARD_SCOPES and (known is None or word in known)]
    parts = joined(markup(" <code>{word}</code>", word=word) for word in words)
    return markup(
        "<li>Use the API <code>{audience}</code>{words}</li>\n",
        audience=audience,
        words=markup('<span class="words">with{parts}</span>', parts=parts) if words else "",
    )


_CONSENT = """{goal}<p class="account">{who}</p>
<p class="wants" id="wants"><strong>{application}</strong> wants to:</p>
<ul aria-labelledby="wants">
{items}</ul>
<form method="post" action="{action}" class="choice">
{hidden}<button class="primary" name="allow" value="1" autofocus>Allow</button>
<button class="quiet" name="deny" value="1">Deny and go back</button>
</form>"""
