"""Access tokens: from the cache, by refresh token, or by a silent login; one errand for all who ask the same."""

from typing import NamedTuple, NoReturn

from spa_auth.client.config import check_cache_mode, check_max_age
from spa_auth.client.context import Context
from spa_auth.client.events import EventName
from spa_auth.client.login import Login
from spa_auth.client.refresher import Errand, Refresher
from spa_auth.client.revocation import Revocation
from spa_auth.client.single_flight import SingleFlight
from spa_auth.errors import (
    ConsentRequiredError,
    DiscoveryError,
    InsufficientUserAuthenticationError,
    InteractionRequiredError,
    LoginRequiredError,
    LoginTimeoutError,
    MissingRefreshTokenError,
    MissingScopesError,
    NetworkError,
    OAuthError,
    SilentAuthUnavailableError,
    SpaAuthError,
)
from spa_auth.protocol.effects import Token
from spa_auth.protocol.mapping import never_pickled
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import is_number
from spa_auth.protocol.token import TokenSet

_NEEDS_THE_USER = (
    LoginRequiredError, ConsentRequiredError, InteractionRequiredError, MissingRefreshTokenError,
    SilentAuthUnavailableError,
)  # fmt: skip


class TokenDetails(NamedTuple):
    """An access token and what is known of it. Times in seconds; the repr shows no token.

    `expires_in` is what is left of its life, `scope` what was granted; `id_token` is the session's, and after a token
    exchange the one that it gave.
    """

    access_token: str
    token_type: str
    expires_at: int
    expires_in: int
    scope: Scope
    audience: str | None
    id_token: str | None

    def __reduce__(self) -> NoReturn:
        never_pickled()

    def __repr__(self) -> str:
        return f"<TokenDetails {self.token_type} audience={self.audience!r} scope={str(self.scope)!r}>"


class Tokens:
    """The access tokens of one client."""

    def __init__(self, context: Context, login: Login, revocation: Revocation) -> None:
        self._context = context
        self._login = login
        self._refresher = Refresher(context, revocation)
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
            return await self.renew(audience, scope, is_forced=False)
        except (NetworkError, DiscoveryError, LoginTimeoutError, SilentAuthUnavailableError):
            # Nothing was decided: what is still good goes on being used (R04).
            tokens = self._still_good(audience, scope)
            if tokens is None:
                raise
            return tokens

    async def renew(self, audience: str | None, scope: Scope, *, is_forced: bool = True) -> TokenSet:
        """New tokens, whatever the cache has; raises as `get` does.

        Args:
            audience: The API that they are for.
            scope: What they must allow.
            is_forced: Whether even what another tab has just got is not new enough.
        """
        session = self._context.session
        if session.current is None:
            await self._context.keeper.pull()
            tokens = None if is_forced else self.cached(audience, scope)
            if tokens is not None:
                return tokens
        if session.current is None and (session.is_over or not session.has_hint):
            raise LoginRequiredError("Nobody is logged in on this page.")
        entry, now = session.cache.find(audience, scope), self._context.platform.clock()
        # Calls for several scopes that one entry covers would spend the same refresh token: they share one errand.
        asked = scope if entry is None else entry.asked
        errand = Errand(audience, asked, entry, session.current, session.generation, is_forced, now)
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
        self,
        audience: str | None,
        scope: str | None,
        cache_mode: str,
        *,
        detailed: bool,
        max_age: int | None = None,
        acr_values: str | None = None,
    ) -> str | TokenDetails | None:
        """An access token without any page; see `AuthClient.get_token_silently`."""
        check_cache_mode(cache_mode)
        check_max_age(max_age)
        self._check_authentication(max_age, acr_values)
        wanted = self._context.audience(audience)
        scopes = self._context.scope(wanted, scope)
        if cache_mode == "cache-only":
            tokens = self.cached(wanted, scopes)
        else:
            tokens = await (self.get if cache_mode == "on" else self.renew)(wanted, scopes)
        if tokens is None:
            return None
        self._check_authentication(max_age, acr_values)  # of a login that this call has made, too
        self._check_scope(tokens, scope)
        if not detailed:
            return tokens.access_token
        session = self._context.session.current
        return self.details(tokens, None if session is None else session.id_token)

    def details(self, tokens: TokenSet, id_token: str | None) -> TokenDetails:
        """What an application may know of tokens, beside an ID token of the same user: all but the refresh token."""
        now = self._context.platform.clock()
        return TokenDetails(
            tokens.access_token, tokens.token_type, tokens.expires_at, max(0, int(tokens.expires_at - now)),
            tokens.scope, tokens.audience, id_token,
        )  # fmt: skip

    async def check_session(self) -> None:
        """Log in silently where somebody was logged in before; see `AuthClient.check_session`."""
        session = self._context.session
        if session.current is None:
            await self._context.keeper.pull()
        if session.current is None and (session.is_over or not session.has_hint):
            return
        audience = self._context.audience(None)
        try:
            await self.get(audience, self._context.scope(audience, None))
        except (OAuthError, SilentAuthUnavailableError, LoginTimeoutError, MissingRefreshTokenError) as error:
            if session.current is None and isinstance(error, LoginRequiredError):
                session.forget_hint()

    def _check_authentication(self, max_age: int | None, acr_values: str | None) -> None:
        session, config = self._context.session.current, self._context.config
        if session is None:
            return
        auth_time = session.login_claims.get("auth_time")
        latest = auth_time if is_number(auth_time) else 0
        if max_age is not None and self._context.platform.clock() > latest + max_age + config.leeway:
            raise LoginRequiredError(
                f"The user has not logged in within the last {max_age} seconds.",
                remedy=f"Log in again: await auth.login_with_redirect(max_age={max_age}).",
            )
        acr = session.claims.get("acr", session.login_claims.get("acr"))
        if acr_values is not None and acr not in acr_values.split(" "):
            raise InsufficientUserAuthenticationError(
                "The user has not logged in as strongly as this needs.",
                remedy='Log in again: await auth.login_with_redirect(authorization_params={"acr_values": ...}).',
            )

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

    async def _renew(self, errand: Errand) -> TokenSet:
        try:
            tokens = await self._obtain(errand)
        except SpaAuthError as error:
            self._context.emit("token.failed", audience=errand.audience, error=error)
            if isinstance(error, _NEEDS_THE_USER):
                self._context.emit("interaction.required", audience=errand.audience, error=error)
            raise
        name: EventName = "token.received" if errand.entry is None else "token.refreshed"
        self._context.emit(name, audience=errand.audience)
        return tokens

    async def _obtain(self, errand: Errand) -> TokenSet:
        if self._context.config.use_refresh_tokens:
            tokens = await self._refresher.refresh(errand)
            if tokens is not None:
                return tokens
            if not self._context.config.use_refresh_tokens_fallback:
                raise MissingRefreshTokenError(audience=errand.audience, scope=str(errand.asked))
        return await self._log_in(errand)

    async def _log_in(self, errand: Errand) -> TokenSet:
        session = self._context.session
        session.check_generation(errand.generation)
        grant = await self._login.silent(errand.audience, errand.asked)
        await self._context.keeper.accept(grant, errand.asked, errand.generation, silent=True)
        return grant.tokens
