"""What the userinfo endpoint says of the user (OpenID Connect Core 5.3): after a login, or when it is asked for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spa_auth.errors import LoginRequiredError, SpaAuthError
from spa_auth.protocol.flows import Grant
from spa_auth.protocol.mapping import ReadOnlyMapping

if TYPE_CHECKING:
    from spa_auth.client.context import Context
    from spa_auth.client.tokens import Tokens


async def login_userinfo(context: "Context", grant: Grant) -> Mapping[str, object] | None:
    """What userinfo says of who logs in, where the options ask for it; None where not, or where it fails.

    A login is good without it: what goes wrong is told to listeners of `error`.
    """
    if context.config.userinfo == "never":
        return None
    from spa_auth.protocol.userinfo import fetch_userinfo

    try:
        if not await _is_wanted(context, grant):
            return None
        return await context.driver.run(fetch_userinfo(context.provider, grant.tokens, str(grant.claims["sub"])))
    except SpaAuthError as error:
        context.emit("error", error=error)
        return None


async def get_userinfo(context: "Context", tokens: "Tokens") -> ReadOnlyMapping:
    """What userinfo says of the user, asked once in a session; see `AuthClient.get_userinfo`."""
    from spa_auth.protocol.userinfo import fetch_userinfo

    session = context.session
    if session.current is None:
        raise LoginRequiredError("Nobody is logged in on this page.")
    if session.current.userinfo is None:
        sub, generation, audience = str(session.current.claims["sub"]), session.generation, context.audience(None)
        token_set = await tokens.get(audience, context.scope(audience, None))
        userinfo = await context.driver.run(fetch_userinfo(context.provider, token_set, sub))
        session.check_generation(generation)
        session.describe(userinfo)
        return ReadOnlyMapping(userinfo)
    return ReadOnlyMapping(session.current.userinfo)


async def _is_wanted(context: "Context", grant: Grant) -> bool:
    from spa_auth.protocol.userinfo import promised_claims_missing

    server = await context.driver.run(context.provider.metadata())
    traits = await context.driver.run(context.provider.traits())
    mode = traits.userinfo if context.config.userinfo == "auto" else context.config.userinfo
    if mode == "auto":
        return bool(promised_claims_missing(grant.claims, grant.tokens.scope, server.claims_supported))
    return mode == "always"
