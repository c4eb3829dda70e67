"""Refresh tokens: each is spent once, by one page, and what comes of it is kept before it is used."""

from collections.abc import Hashable
from typing import NamedTuple

from spa_auth.client.cache import Entry
from spa_auth.client.context import Context
from spa_auth.client.revocation import Revocation
from spa_auth.errors import IDTokenError, InvalidGrantError, LoginRequiredError, MissingScopesError, OAuthError
from spa_auth.protocol.flows import continued_claims, renew_tokens
from spa_auth.protocol.scope import Scope, missing_scopes
from spa_auth.protocol.session import Session
from spa_auth.protocol.token import TokenSet

# These ask who the user is; a token for an API need not echo them.
_IDENTITY_SCOPES = ("openid", "profile", "email", "address", "phone")


class Errand(NamedTuple):
    """What to get, and what was there when it was asked for; `is_forced` where the cache must not answer."""

    audience: str | None
    asked: Scope
    entry: Entry | None
    session: Session | None
    generation: int
    is_forced: bool
    begun_at: float

    @property
    def key(self) -> Hashable:
        """The same for errands of which one is enough."""
        return self.generation, self.audience, frozenset(self.asked), self.is_forced


class Refresher:
    """Gets new tokens for a session by its refresh tokens."""

    def __init__(self, context: Context, revocation: Revocation) -> None:
        self._context = context
        self._revocation = revocation

    async def refresh(self, errand: Errand) -> TokenSet | None:
        """New tokens; None where there is no refresh token for them.

        Raises:
            LoginRequiredError: The provider refused the refresh token, or the session has ended meanwhile.
            MissingScopesError: One refresh token serves every API, but it was not granted for this scope.
            NetworkError: The provider does not answer, or another tab takes too long.
        """
        session = self._context.session
        if session.store is None and not session.cache.refresh_tokens():
            return None
        return await self._context.keeper.exclusively(lambda: self._in_turn(errand))

    async def _in_turn(self, errand: Errand) -> TokenSet | None:
        context = self._context
        await context.keeper.pull()
        session = context.session
        session.check_generation(errand.generation)
        entry, current = session.cache.find(errand.audience, errand.asked), session.current
        if entry is not None and self._is_done(errand, entry):
            return entry.tokens
        if current is None:
            return None
        is_shared = (
            context.config.use_mrrt or (await context.driver.run(context.provider.traits())).shared_refresh_token
        )
        asked = errand.asked if entry is None else entry.asked
        old = self._source(entry, is_shared=is_shared)
        if old is None or old.refresh_token is None:
            return None
        try:
            renewed = await self._spend(errand, old, old.refresh_token, asked if is_shared else None)
        except OAuthError as error:
            # The provider gives nothing for this API by that token, which it has not spent.
            if entry is not None or isinstance(error, LoginRequiredError) or not self._may_fall_back:
                raise
            return None
        # What a login already refused is no news; a refresh for another API has to give what it was asked for.
        needed = [word for word in asked if entry is None and word not in _IDENTITY_SCOPES]
        missing = missing_scopes(renewed.scope, needed)
        await self._take(errand, renewed, current, Scope(word for word in asked if word not in missing))
        if not missing:
            return renewed
        if self._may_fall_back:
            return None
        raise MissingScopesError(f"The provider did not grant {missing}.", missing=missing)

    @property
    def _may_fall_back(self) -> bool:
        return self._context.config.use_refresh_tokens_fallback

    def _is_done(self, errand: Errand, entry: Entry) -> bool:
        """Whether somebody else has brought new tokens since this errand began."""
        if errand.entry is not None and entry.tokens.access_token == errand.entry.tokens.access_token:
            return False
        now, early = self._context.platform.clock(), self._context.config.early_refresh
        return entry.received_at >= errand.begun_at or (not errand.is_forced and entry.is_fresh(now, early))

    def _source(self, entry: Entry | None, *, is_shared: bool) -> TokenSet | None:
        candidates = [] if entry is None else [entry]
        if is_shared:
            candidates += self._context.session.cache.entries
        return next((each.tokens for each in candidates if each.tokens.refresh_token is not None), None)

    async def _spend(self, errand: Errand, old: TokenSet, refresh_token: str, scope: Scope | None) -> TokenSet:
        context = self._context
        named = old._replace(audience=errand.audience)
        flow = renew_tokens(
            context.provider, named, refresh_token, context.config.client_id,
            audience=None if scope is None else errand.audience, scope=scope,
        )  # fmt: skip
        try:
            renewed = await context.driver.run(flow)
        except InvalidGrantError as error:
            self._end(errand, refresh_token)
            raise LoginRequiredError(error.error_description or "The provider ended this session.") from None
        # The old one is spent: whatever becomes of this answer, the next refresh needs the new one.
        context.session.cache.rotate(refresh_token, renewed.refresh_token)
        # A refresh gives no scope "not originally granted by the resource owner" (RFC 6749 section 6).
        known = (*errand.asked, *old.scope)
        return renewed._replace(scope=Scope(word for word in renewed.scope if word in known))

    async def _take(self, errand: Errand, renewed: TokenSet, session: Session, asked: Scope) -> None:
        context = self._context
        try:
            await context.keeper.check_kept()
            context.session.check_generation(errand.generation)
            await context.keeper.push()
            flow = continued_claims(
                context.provider, renewed, session.login_claims, context.config.client_id, context.id_token_rules
            )
            claims = await context.driver.run(flow)
            context.session.continue_with(renewed, claims, asked, errand.generation)
        except LoginRequiredError:
            self._revocation.discard(renewed)
            raise
        except IDTokenError:
            # Somebody else's answer, or a forged one: nothing that came with it is used (OpenID Connect Core 12.2).
            self._end(errand, str(renewed.refresh_token))
            self._revocation.discard(renewed)
            raise
        await context.keeper.push()

    def _end(self, errand: Errand, refresh_token: str) -> None:
        # A newer login of the same user has other tokens, and nothing to do with the end of these.
        session = self._context.session
        if errand.generation == session.generation and session.cache.holds(refresh_token):
            session.end("refresh_denied")
