"""Whether the provider has a session of this browser: asked without showing anything, answered with all it gives."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

from spa_auth.client.context import Context
from spa_auth.client.login import Login
from spa_auth.client.silent import log_in_silently
from spa_auth.errors import (
    ConfigurationError,
    ConsentRequiredError,
    InteractionRequiredError,
    LoginRequiredError,
    MissingScopesError,
    SpaAuthError,
)
from spa_auth.protocol.flows import Grant, LoginOptions
from spa_auth.protocol.mapping import ReadOnlyMapping, never_pickled
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import is_texts
from spa_auth.protocol.transaction import SILENT

BASIC_PROFILE = "openid profile email phone"


class AuthResult(NamedTuple):
    """What `check_sso_session` found. `expires_in` in seconds; the repr shows no token.

    `refresh_token` is None unless it was asked for, `code` always: it is spent. `state` is the caller's own.
    """

    access_token: str
    expires_in: int
    token_type: str
    refresh_token: str | None
    id_token: str
    id_token_payload: Mapping[str, object]
    code: str | None = None
    state: str | None = None

    def __repr__(self) -> str:
        return f"<AuthResult {self.token_type} for {self.expires_in} s>"

    def __reduce__(self) -> NoReturn:
        never_pickled()


async def check_sso_session(
    context: Context,
    login: Login,
    *,
    state: str | None,
    nonce: str | None,
    persistent: bool | None,
    origin: str | None,
    scope: Sequence[str] | None,
    fetch_basic_profile: bool,
    require_refresh_token: bool,
) -> AuthResult:
    """Log in silently and return what came; see `AuthClient.check_sso_session`."""
    if nonce == "" or isinstance(scope, str) or not is_texts([*(scope or ())]):
        raise ConfigurationError("nonce must be a text with something in it, and scope a list of texts.")
    generation = context.session.generation
    given = {"origin": origin, "persistent": None if persistent is None else str(persistent).lower()}
    options = login.options(SILENT, parameters={name: text for name, text in given.items() if text is not None})
    offline = (await context.driver.run(context.provider.traits())).offline_scope if require_refresh_token else ""
    words = options.scope if scope is None else Scope(["openid", *scope])
    asked = Scope([BASIC_PROFILE if fetch_basic_profile else "", *words, offline])
    grant = await _log_in(context, login, options._replace(scope=asked, nonce=nonce))
    refresh_token = grant.tokens.refresh_token
    if require_refresh_token and refresh_token is None:
        raise MissingScopesError("The provider gave no refresh token.", missing=[offline or "offline_access"])
    kept = grant.tokens._replace(refresh_token=None) if require_refresh_token else grant.tokens
    try:
        await context.keeper.accept(grant._replace(tokens=kept), asked, generation, silent=True)
    except SpaAuthError:
        if require_refresh_token:  # which `accept` has not seen
            context.keeper.discard(grant.tokens)
        raise
    context.emit("token.received", audience=options.audience)
    return AuthResult(
        grant.tokens.access_token,
        max(0, int(grant.tokens.expires_at - context.platform.clock())),
        grant.tokens.token_type,
        refresh_token if require_refresh_token else None,
        grant.id_token,
        ReadOnlyMapping(grant.claims),
        state=state,
    )


async def _log_in(context: Context, login: Login, options: LoginOptions) -> Grant:
    try:
        return await log_in_silently(context, login, options)
    except LoginRequiredError:
        if context.session.current is None:
            context.session.forget_hint()
        raise
    except (ConsentRequiredError, InteractionRequiredError) as error:
        context.emit("interaction.required", audience=options.audience, error=error)
        raise
