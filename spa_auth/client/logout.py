"""Logout: here first, so that nothing the provider does can keep a session alive on this page."""

from collections.abc import Awaitable
from typing import Literal

from spa_auth.client.context import Context
from spa_auth.client.login import OpenUrl
from spa_auth.errors import ConfigurationError, SpaAuthError
from spa_auth.protocol.logout import logout_url
from spa_auth.protocol.url import origin_of, parse_url


class Logout:
    """Ends the session of one client."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def run(
        self, *, return_to: str | None, id_token_hint: bool, open_url: OpenUrl | Literal[False] | None
    ) -> None:
        """Log out; see `AuthClient.logout`."""
        context = self._context
        come_back = self._come_back(return_to)
        session = context.session.current
        context.emit("logout.started")
        context.session.end("logout")
        context.transactions.clear()
        hint = session.id_token if session is not None and id_token_hint else None
        url = None if open_url is False else await self._url(come_back, hint)
        context.emit("logout.completed")
        if url is not None:
            await self._open(url, open_url)

    async def _url(self, come_back: str | None, hint: str | None) -> str | None:
        context = self._context
        try:
            server = await context.driver.run(context.provider.metadata())
        except SpaAuthError as error:  # the session has ended here; what the provider does is beyond that
            context.platform.console.error(error)
            return None
        return logout_url(
            server, client_id=context.config.client_id, post_logout_redirect_uri=come_back, id_token_hint=hint
        )

    def _come_back(self, return_to: str | None) -> str | None:
        navigator = self._context.platform.navigator
        if navigator is None:
            return return_to
        page = parse_url(navigator.url)
        if return_to is None:
            return f"{page.origin}{page.path}"
        address = navigator.resolve(return_to)
        # An address from elsewhere must not turn a logout into an open redirect (threat L04).
        if origin_of(address) != page.origin:
            raise ConfigurationError(f"return_to must be on {page.origin}.")
        return address

    async def _open(self, url: str, open_url: OpenUrl | Literal[False] | None) -> None:
        if not open_url:
            if self._context.platform.navigator is not None:
                await self._context.navigator.leave(url, timeout=self._context.config.navigation_timeout)
            return
        opened = open_url(url)
        if isinstance(opened, Awaitable):
            await opened
