"""Custom token exchange: a token of elsewhere logs a user in, or becomes a token for an API (RFC 8693)."""

from collections.abc import Mapping

from spa_auth.client.context import Context
from spa_auth.client.tokens import TokenDetails, Tokens
from spa_auth.protocol.exchange import Exchange, custom_exchange
from spa_auth.protocol.flows import Grant
from spa_auth.protocol.scope import Scope


class Exchanges:
    """The token exchanges of one client."""

    def __init__(self, context: Context, tokens: Tokens) -> None:
        self._context = context
        self._tokens = tokens

    async def run(
        self,
        *,
        login: bool,
        subject_token: str,
        subject_token_type: str,
        audience: str | None,
        scope: str | None,
        organization: str | None,
        parameters: Mapping[str, str] | None,
    ) -> TokenDetails:
        """Exchange a token; see `AuthClient.custom_token_exchange` and, for `login`, the verb that logs in with it."""
        context, wanted = self._context, self._context.audience(audience)
        asked = context.scope(wanted, scope)
        if login and context.config.use_refresh_tokens:
            asked = Scope([*asked, (await context.driver.run(context.provider.traits())).offline_scope])
        configured = context.config.authorization_params.get("organization")
        exchange = Exchange(
            subject_token, subject_token_type, asked, wanted,
            configured if organization is None else organization, parameters,
        )  # fmt: skip
        generation = context.session.generation
        flow = custom_exchange(
            context.provider, exchange, context.config.client_id, context.id_token_rules, login=login
        )
        tokens, claims = await context.driver.run(flow)
        if login and claims is not None and tokens.id_token is not None:
            await context.keeper.accept(Grant(tokens, tokens.id_token, claims), asked, generation)
            context.emit("token.received", audience=wanted)
        return self._tokens.details(tokens, tokens.id_token)
