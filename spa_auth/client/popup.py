"""Logins in windows of their own, which leave this page where it is."""

from typing import TYPE_CHECKING

from spa_auth.client.config import check_cache_mode
from spa_auth.client.context import Context
from spa_auth.client.login import Login, Parameters
from spa_auth.client.negotiation import CALLBACK_PAGE, popup_answer_mode
from spa_auth.client.silent import surroundings
from spa_auth.errors import (
    ConfigurationError,
    LoginRequiredError,
    MissingScopesError,
    NavigationUnavailableError,
    SpaAuthError,
)
from spa_auth.protocol import form
from spa_auth.protocol.flows import LoginRequest
from spa_auth.protocol.scope import missing_scopes
from spa_auth.protocol.session import User
from spa_auth.protocol.strict_json import is_number
from spa_auth.protocol.token import TokenSet
from spa_auth.protocol.transaction import POPUP
from spa_auth.protocol.url import origin_of

if TYPE_CHECKING:
    from spa_auth.client.ports import AnswerMode
    from spa_auth.client.tokens import Tokens

_BY_LINK = (
    "Log in by link: link = await auth.login_link(), show link.url, then await link.result(). A worker that uses the "
    "client of its page: log in on the page."
)


class PopupLogin:
    """A login in a window, which opens with this; whatever is wrong with the options is said before.

    Args:
        context: What the parts of the client share.
        login: Its logins.
        popup: A window that the application has opened; None for a new one.
        timeout: How long the user may take, in seconds; by default the configured time.
        close_popup: Whether to close the window after an answer.
        audience: As for a login by redirect, as all that follows.
        scope: What to ask for beyond the configured scope.
        max_age: How long ago the user may have logged in, in seconds.
        authorization_params: What else the provider understands.

    Raises:
        ConfigurationError: An option is wrong.
        NavigationUnavailableError: There is no window here.
        PopupOpenError: The browser blocks it.
    """

    def __init__(
        self,
        context: Context,
        login: Login,
        *,
        popup: object,
        timeout: float | None,
        close_popup: bool,
        audience: str | None,
        scope: str | None,
        max_age: int | None,
        authorization_params: Parameters | None,
    ) -> None:
        if timeout is not None and not (is_number(timeout) and timeout >= 0):
            raise ConfigurationError("timeout must be a number of seconds.")
        self._context = context
        self._login = login
        self._closes = close_popup
        self._needed = scope or ""
        self._timeout = context.config.authorize_timeout if timeout is None else timeout
        navigator = context.platform.navigator
        if navigator is None:
            raise NavigationUnavailableError("There is no window here, as in a worker.", remedy=_BY_LINK)
        self._options = login.options(
            POPUP, audience=audience, scope=scope, max_age=max_age, parameters=authorization_params
        )
        self._popup = navigator.open_popup(popup)

    async def user(self) -> User:
        """Log in, and return who did; see `AuthClient.login_with_popup`."""
        await self._tokens()
        user = self._context.session.user
        if user is None:
            raise LoginRequiredError("Somebody logged out while this login was completed.")
        return user

    async def token(self) -> str:
        """Log in, and return an access token; see `AuthClient.get_token_with_popup`."""
        tokens = await self._tokens()
        missing = missing_scopes(tokens.scope, self._needed.split())
        if missing:
            raise MissingScopesError(f"The provider did not grant {missing}.", missing=missing)
        return tokens.access_token

    async def _tokens(self) -> TokenSet:
        context, generation, audience = self._context, self._context.session.generation, self._options.audience
        try:
            request, query = await self._ask()
            grant = await self._login.grant(form.parse(query), request.transaction)
            await context.keeper.accept(grant, self._options.scope, generation)
        except SpaAuthError as error:
            context.emit("login.failed", audience=audience, error=error)
            raise
        context.emit("token.received", audience=audience)
        return grant.tokens

    async def _ask(self) -> tuple[LoginRequest, str]:
        is_answered = False
        try:
            request, mode = await self._begin()
            self._login.announce(request)
            query = await self._context.navigator.ask_in_popup(
                self._popup,
                request.request.url,
                state=request.transaction.state,
                origin=origin_of(request.transaction.redirect_uri if mode == CALLBACK_PAGE else request.request.url),
                mode=mode,
                timeout=self._timeout,
            )
            is_answered = True
        finally:
            if self._closes or not is_answered:
                self._popup.close()
        return request, query

    async def _begin(self) -> "tuple[LoginRequest, AnswerMode]":
        context, options = self._context, self._options
        traits = await context.driver.run(context.provider.traits())
        mode = popup_answer_mode(context.config.popup_mode, surroundings(context), traits.silent)
        response_mode = None if mode == CALLBACK_PAGE else mode
        return await self._login.begin(options._replace(response_mode=response_mode)), mode


async def without_window(token: str | None) -> str | None:
    """What was found, for who awaits it."""
    return token


def find_token(
    context: Context, tokens: "Tokens", cache_mode: str, *, audience: str | None, scope: str | None
) -> str | None:
    """An access token from the cache that allows what the call names, without waiting for anything.

    Raises:
        ConfigurationError: There is no such cache mode.
    """
    check_cache_mode(cache_mode)
    wanted = context.audience(audience)
    found = None if cache_mode == "off" else tokens.cached(wanted, context.scope(wanted, scope))
    if found is None or missing_scopes(found.scope, (scope or "").split()):
        return None
    return found.access_token
