"""Logout: here first, so that nothing the provider does can keep a session alive on this page."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Literal

from spa_auth.client.context import Context
from spa_auth.client.login import OpenUrl
from spa_auth.errors import ConfigurationError, NavigationUnavailableError, ProtocolError, SpaAuthError
from spa_auth.protocol.logout import logout_url
from spa_auth.protocol.url import origin_of

if TYPE_CHECKING:
    from spa_auth.client.ports import Navigator


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
        navigator, redirect_uri = self._context.platform.navigator, self._context.config.redirect_uri
        here = (redirect_uri or "") if navigator is None else navigator.url
        if return_to is None:
            return None if navigator is None else here.partition("#")[0].partition("?")[0]
        address = return_to if navigator is None else navigator.resolve(return_to)
        # An address from elsewhere must not turn a logout into an open redirect (threat L04).
        if not _is_same_origin(address, here):
            raise ConfigurationError("return_to must be on the origin of this page.")
        return address

    async def _open(self, url: str, open_url: OpenUrl | Literal[False] | None) -> None:
        if not open_url:
            await self._navigator.leave(url, timeout=self._context.config.navigation_timeout)
        elif isinstance(opened := open_url(url), Awaitable):
            await opened

    @property
    def _navigator(self) -> "Navigator":
        if self._context.platform.navigator is None:
            raise NavigationUnavailableError(
                "The session has ended here, but there is no window to send to the provider.",
                remedy="Pass open_url= with a function that opens the address, or open_url=False to log out here only.",
            )
        return self._context.platform.navigator


def _is_same_origin(address: str, other: str) -> bool:
    try:
        return origin_of(address) == origin_of(other)
    except ProtocolError:
        return False
