"""What a page does first: complete a login that came back, and find out whether somebody is logged in."""

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

from spa_auth.client.context import Context
from spa_auth.client.login import Login, RedirectResult
from spa_auth.client.logout import LOGOUT_PREFIX
from spa_auth.client.tokens import Tokens
from spa_auth.errors import (
    ConfigurationError,
    MissingTransactionError,
    NavigationError,
    OAuthError,
    SpaAuthError,
    without_locals,
)
from spa_auth.protocol.session import User
from spa_auth.protocol.url import parse_url

if TYPE_CHECKING:
    from spa_auth.client.ports import Gate


class Start:
    """The beginning of a client's life on a page. `redirect_result` tells of the login that came back."""

    def __init__(self, context: Context, login: Login, tokens: Tokens) -> None:
        self.redirect_result: RedirectResult | None = None
        self._came_back = False
        self._has_failed = False
        self._context = context
        self._login = login
        self._tokens = tokens

    async def run(self) -> None:
        """Complete a pending redirect, then check the session; only ConfigurationError is raised."""
        if self._context.config.handle_redirect:
            await self._quietly(self._complete_pending())
        await self._quietly(self._see_logout())
        if self._context.session.current is None:
            await self._quietly(self._check_session())
        if self._context.platform.gate is not None:
            await self._quietly(self._follow_gate(self._context.platform.gate))
        # One automatic redirect for each page load, whatever came of it.
        if self._context.config.silent_mode == "redirect" and not self._came_back:
            await self._quietly(self._leave_silently())

    async def handle_callback(self, url: str | None) -> RedirectResult:
        """Complete a login by redirect; see `AuthClient.handle_redirect_callback`."""
        query = self._login.take_response() if url is None else self._context.places.query_of(url)
        if query is None:
            raise MissingTransactionError("There is no answer of a provider here.")
        return await self._complete(query)

    async def require_login(self, options: Mapping[str, Any]) -> User:
        """The user, or a login; see `AuthClient.require_login`."""
        user = self._context.session.user
        if user is not None:
            return user
        if self.redirect_result is not None and self.redirect_result.error is not None:
            raise self.redirect_result.error.with_traceback(None)
        await self._login.redirect(**options)
        if self._context.session.user is not None:
            return self._context.session.user
        raise NavigationError("The login was handed to open_url; await auth.require_login() again after it.")

    async def _follow_gate(self, gate: "Gate") -> None:
        from spa_auth.client.gate import follow_gate

        try:
            await follow_gate(self._context, self._login, gate)
        except SpaAuthError as error:  # as if it had just come back: the page shows it, and asks nobody again at once
            self.redirect_result = RedirectResult(error=error)
            raise

    async def _complete_pending(self) -> None:
        query = self._login.take_response()
        if query is not None:
            await self._complete(query)

    async def _complete(self, query: str) -> RedirectResult:
        self._came_back = True
        try:
            result = await self._login.complete(query)
        except SpaAuthError as error:  # an answer to no login of this tab
            result = RedirectResult(error=error)
        else:
            self._has_failed = result.error is not None
        self._restore_address(result.return_to)
        storage = self._context.platform.session_storage
        if result.silent and result.error is None and storage is not None:
            from spa_auth.client.silent import forget_try

            forget_try(self._context, storage)
        # Of a login that the page tried by itself the application need not know: nobody has asked for it.
        self.redirect_result = None if result.silent else result
        if result.error is not None and not (result.silent and isinstance(result.error, OAuthError)):
            raise result.error
        return result

    async def _see_logout(self) -> None:
        storage = self._context.platform.session_storage
        if storage is not None and any(name.startswith(LOGOUT_PREFIX) for name in storage.names()):
            from spa_auth.client.logout import check_return

            await check_return(self._context, storage)

    async def _check_session(self) -> None:
        # Who has just been refused is not asked again at once, not even silently.
        await (self._context.keeper.pull() if self._has_failed else self._tokens.check_session())

    async def _leave_silently(self) -> None:
        if self._context.config.handle_redirect and self._context.session.current is None:
            from spa_auth.client.silent import leave_silently

            await leave_silently(self._context, self._login)

    def _restore_address(self, return_to: str | None) -> None:
        # Where the page itself is the redirect URI, its own query and fragment were lost on the way.
        navigator = self._context.platform.navigator
        if navigator is None or return_to is None:
            return
        if parse_url(navigator.url).path == parse_url(navigator.resolve(return_to)).path:
            navigator.replace_url(return_to)

    async def _quietly(self, step: Awaitable[object]) -> None:
        try:
            await step
        except SpaAuthError as error:
            without_locals(error)
            if isinstance(error, ConfigurationError):
                raise
            self._context.platform.console.error(error)
            self._context.emit("error", error=error)
