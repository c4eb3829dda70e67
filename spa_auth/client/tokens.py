"""Access tokens: from the cache, by refresh token, or by a silent login; one errand for all who ask the same."""

from collections.abc import Hashable
from typing import NamedTuple

from spa_auth.client.cache import Entry
from spa_auth.client.context import Context
from spa_auth.client.events import EventName
from spa_auth.client.login import Login
from spa_auth.client.single_flight import SingleFlight
from spa_auth.errors import (
    ConfigurationError,
    DiscoveryError,
    IDTokenError,
    InvalidGrantError,
    LoginRequiredError,
    LoginTimeoutError,
    MissingScopesError,
    NetworkError,
    OAuthError,
    SilentAuthUnavailableError,
    SpaAuthError,
)
from spa_auth.protocol.effects import Token
from spa_auth.protocol.flows import continued_claims, renew_tokens
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.session import Session
from spa_auth.protocol.token import TokenSet


class _Errand(NamedTuple):
    """What to get, and what was there when it was asked for."""

    audience: str | None
    asked: Scope
    entry: Entry | None
    session: Session | None
    generation: int

    @property
    def key(self) -> Hashable:
        return self.generation, self.audience, frozenset(self.asked)


class Tokens:
    """The access tokens of one client."""

    def __init__(self, context: Context, login: Login) -> None:
        self._context = context
        self._login = login
        self._flights = SingleFlight()

    def cached(self, audience: str | None, scope: Scope) -> TokenSet | None:
        """Tokens from the cache that last a while, else None."""
        context = self._context
        entry = context.session.cache.find(audience, scope)
        now = context.platform.clock()
        if entry is None or not (entry.is_fresh(now, context.config.early_refresh) or entry.is_young(now)):
            return None
        return entry.tokens

    async def get(self, audience: str | None, scope: Scope) -> TokenSet:
        """Tokens from the cache, else new ones.

        Raises:
            LoginRequiredError: Nobody is logged in, or not any more.
        """
        tokens = self.cached(audience, scope)
        if tokens is not None:
            return tokens
        try:
            return await self.renew(audience, scope)
        except (NetworkError, DiscoveryError, LoginTimeoutError, SilentAuthUnavailableError):
            # Nothing was decided: what is still good goes on being used (R04).
            tokens = self._still_good(audience, scope)
            if tokens is None:
                raise
            return tokens

    async def renew(self, audience: str | None, scope: Scope) -> TokenSet:
        """New tokens, whatever the cache has; raises as `get` does."""
        session = self._context.session
        entry = session.cache.find(audience, scope)
        # Calls for several scopes that one entry covers would spend the same refresh token: they share one errand.
        errand = _Errand(audience, scope if entry is None else entry.asked, entry, session.current, session.generation)
        if session.current is None and not session.has_hint:
            raise LoginRequiredError("Nobody is logged in on this page.")
        return await self._flights.join(errand.key, lambda: self._renew(errand))

    async def answer(self, effect: Token) -> TokenSet:
        """Tokens for a flow. New ones only if those of the cache were not just fetched (R12)."""
        if not effect.refresh:
            return await self.get(effect.audience, effect.scope)
        entry = self._context.session.cache.find(effect.audience, effect.scope)
        if entry is not None and entry.is_young(self._context.platform.clock()):
            return entry.tokens
        return await self.renew(effect.audience, effect.scope)

    async def silently(
        self, audience: str | None, scope: str | None, cache_mode: str, *, detailed: bool
    ) -> str | TokenSet | None:
        """An access token without any page; see `AuthClient.get_token_silently`."""
        if cache_mode not in ("on", "off", "cache-only"):
            raise ConfigurationError('cache_mode must be "on", "off" or "cache-only".')
        wanted = self._context.audience(audience)
        scopes = self._context.scope(wanted, scope)
        if cache_mode == "cache-only":
            tokens = self.cached(wanted, scopes)
        else:
            tokens = await (self.get if cache_mode == "on" else self.renew)(wanted, scopes)
        if tokens is None:
            return None
        self._check_scope(tokens, scope)
        return tokens._replace(refresh_token=None) if detailed else tokens.access_token

    async def check_session(self) -> None:
        """Log in silently where somebody was logged in before; see `AuthClient.check_session`."""
        session = self._context.session
        if session.current is None and not session.has_hint:
            return
        audience = self._context.audience(None)
        try:
            await self.get(audience, self._context.scope(audience, None))
        except (OAuthError, SilentAuthUnavailableError, LoginTimeoutError) as error:
            if session.current is None and isinstance(error, LoginRequiredError):
                session.forget_hint()

    def _still_good(self, audience: str | None, scope: Scope) -> TokenSet | None:
        cache, now = self._context.session.cache, self._context.platform.clock()
        entry = cache.find(audience, scope)
        if entry is None or not entry.tokens.is_fresh(now):
            return None
        cache.postpone(entry, now)  # so that an outage is not met by every call anew
        return entry.tokens

    def _check_scope(self, tokens: TokenSet, needed: str | None) -> None:
        missing = tokens.scope.missing(Scope(needed or ""))
        if missing:
            raise MissingScopesError(f"The provider did not grant {missing}.", missing=missing)

    async def _renew(self, errand: _Errand) -> TokenSet:
        refresh_token = None if errand.entry is None else errand.entry.tokens.refresh_token
        try:
            if errand.entry is None or errand.session is None or refresh_token is None:
                tokens = await self._log_in(errand)
            else:
                tokens = await self._refresh(errand, errand.entry.tokens, errand.session, refresh_token)
        except SpaAuthError as error:
            del refresh_token  # a listener may look at the frames of the error
            self._context.emit("token.failed", audience=errand.audience, error=error)
            raise
        name: EventName = "token.received" if errand.entry is None else "token.refreshed"
        self._context.emit(name, audience=errand.audience)
        return tokens

    async def _log_in(self, errand: _Errand) -> TokenSet:
        grant = await self._login.silent(errand.audience, errand.asked)
        self._context.session.accept(grant, errand.asked, errand.generation)
        return grant.tokens

    async def _refresh(self, errand: _Errand, old: TokenSet, session: Session, refresh_token: str) -> TokenSet:
        context, client_id = self._context, self._context.config.client_id
        try:
            renewed = await context.driver.run(renew_tokens(context.provider, old, refresh_token, client_id))
        except InvalidGrantError as error:
            self._end(errand, refresh_token)
            raise LoginRequiredError(error.error_description or "The provider ended this session.") from None
        context.session.check_generation(errand.generation)
        # The old one is spent: whatever becomes of this answer, the next refresh needs the new one.
        context.session.cache.rotate(refresh_token, renewed.refresh_token)
        flow = continued_claims(context.provider, renewed, session.login_claims, client_id, context.id_token_rules)
        try:
            claims = await context.driver.run(flow)
        except IDTokenError:
            # Somebody else's answer, or a forged one: nothing that came with it is used (OpenID Connect Core 12.2).
            self._end(errand, str(renewed.refresh_token))
            raise
        context.session.continue_with(renewed, claims, errand.asked, errand.generation)
        return renewed

    def _end(self, errand: _Errand, refresh_token: str) -> None:
        # A newer login of the same user has other tokens, and nothing to do with the end of these.
        session = self._context.session
        if errand.generation == session.generation and session.cache.holds(refresh_token):
            session.end("refresh_denied")
