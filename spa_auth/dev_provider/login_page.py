"""The page that asks who is there, and the one that asks which account to go on with."""

from spa_auth.dev_provider.assets import picture_url
from spa_auth.dev_provider.authorization_request import AuthorizationRequest
from spa_auth.dev_provider.layout import hidden_fields, page
from spa_auth.dev_provider.markup import Markup, joined, markup
from spa_auth.dev_provider.pending import Pending, PendingLogin
from spa_auth.dev_provider.prompts import SELECT_ACCOUNT, is_member
from spa_auth.dev_provider.records import Session
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.users import User, find_user
from spa_auth.protocol.http import Response
from spa_auth.protocol.url import origin_of

NOTHING = Markup()


def login_page(service: Service, pending: PendingLogin, session: Session | None, *, fault: str = "") -> Response:
    """Who do you want to be? One click for each known user, any other name typed, and the account there is."""
    request = pending.request
    kept = session if pending.prompt == SELECT_ACCOUNT else None
    users = _users(service, request, kept)
    hint = request.params.get("login_hint", "")
    typed = "" if find_user(service.options.users, hint) else hint[:100]
    first = kept.user if kept else _first(users, session, hint, typed)
    body = markup(
        _LOGIN,
        goal=goal(request),
        now=markup(_SIGNED_IN, name=session.user.name) if session and not kept else "",
        forms=user_forms(
            service,
            pending,
            action=service.url("/login"),
            users=users,
            first=first,
            kept=_button(service, kept.user, "account", kept.sid, "Signed in", focus=not fault) if kept else Markup(),
            typed=typed,
            fault=fault,
        ),
        action=service.url("/login"),
        hidden=hidden_fields(pending),
    )
    title = "Choose an account" if kept else "Sign in"
    return page(service, title, body, status=400 if fault else 200, form_goal=request.redirect_uri)


def user_forms(
    service: Service,
    pending: Pending,
    *,
    action: str,
    users: tuple[User, ...],
    first: User | None,
    kept: Markup = NOTHING,
    typed: str = "",
    fault: str = "",
) -> Markup:
    """One button for each user, and a field for any other name.

    Args:
        service: Whose users they are.
        pending: The page that waits.
        action: Where the answer goes.
        users: Who has a button.
        first: Who has the focus; None leaves it to the field.
        kept: A button before all others.
        typed: What the field holds already.
        fault: What was wrong with the name that was typed.
    """
    return markup(
        _USERS,
        fault=markup('<p class="fault" role="alert" id="fault">{fault}</p>', fault=fault) if fault else "",
        invalid=Markup(' aria-invalid="true" aria-describedby="fault"' if fault else ""),
        kept=kept,
        users=joined(_button(service, user, "user", user.sub, focus=user is first and not fault) for user in users),
        typed=typed,
        typed_focus=Markup("" if first and not fault else " autofocus"),
        action=action,
        hidden=hidden_fields(pending),
    )


def goal(request: AuthorizationRequest) -> Markup:
    """Where this leads: the application, the organization, and the origin, as everybody can call himself anything."""
    organization = request.organization
    return markup(
        _GOAL,
        application=request.client.title,
        organization=markup(" for <strong>{name}</strong>", name=organization.name) if organization else "",
        origin=origin_of(request.redirect_uri),
    )


def user_line(service: Service, user: User, note: str = "") -> Markup:
    """Picture, name and address of a user, and a word on the account."""
    picture = str(user.claims.get("picture", picture_url(service, user.sub)))
    noted = markup('<span class="note">{note}</span>', note=note) if note else ""
    return markup(_WHO, name=user.name, email=user.email or user.sub, picture=picture, note=noted)


def _users(service: Service, request: AuthorizationRequest, kept: Session | None) -> tuple[User, ...]:
    members = (user for user in service.options.users if is_member(user, request.organization))
    return tuple(user for user in members if kept is None or user.sub != kept.user.sub)


def _first(users: tuple[User, ...], session: Session | None, hint: str, typed: str) -> User | None:
    known = (session and find_user(users, session.user.sub)) or find_user(users, hint)
    return known if known or typed else next(iter(users), None)


def _button(service: Service, user: User, name: str, value: str, note: str = "", *, focus: bool) -> Markup:
    focused = Markup(" autofocus" if focus else "")
    return markup(_BUTTON, name=name, value=value, focus=focused, who=user_line(service, user, note))


_GOAL = """<p class="lead">to continue to <strong>{application}</strong>{organization}<br>
<span class="origin">{origin}</span></p>
"""

_LOGIN = """{goal}{now}{forms}<form method="post" action="{action}" class="deny">
{hidden}<button class="quiet" name="deny" value="1">Deny and go back</button>
</form>"""

_USERS = """<form method="post" action="{action}" class="users" aria-label="Known users">
{hidden}{kept}{users}</form>
<p class="or"><span>or</span></p>
<form method="post" action="{action}" class="typed">
{hidden}<label for="name">Another name or e-mail address</label>
{fault}<div class="row">
<input id="name" name="name" value="{typed}" required maxlength="100"
 autocomplete="off" autocapitalize="off" spellcheck="false"{invalid}{typed_focus}>
<button class="primary">Continue</button>
</div>
</form>
"""

_SIGNED_IN = """<p class="now">You are signed in as <strong>{name}</strong>.</p>
"""

_BUTTON = """<button class="user" name="{name}" value="{value}"{focus}>
{who}<span class="go" aria-hidden="true">&rarr;</span>
</button>
"""

_WHO = """<img src="{picture}" alt="" width="44" height="44">
<span class="who"><span class="name">{name}</span><span class="email">{email}</span>{note}</span>
"""
