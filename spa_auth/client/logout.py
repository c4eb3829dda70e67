"""Logout: here first, so that nothing the provider does can keep a session alive on this page."""

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Literal

from spa_auth.client.context import Context
from spa_auth.client.login import OpenUrl
from spa_auth.errors import (
    ConfigurationError,
    NavigationUnavailableError,
    ProtocolError,
    SpaAuthError,
    StateMismatchError,
)
from spa_auth.protocol import base64url
from spa_auth.protocol.logout import logout_url, v2_logout_url
from spa_auth.protocol.url import origin_of

if TYPE_CHECKING:
    from spa_auth.client.ports import Navigator, Storage
    from spa_auth.client.revocation import Revocation

# In sessionStorage: the state of a logout at the provider, until the page comes back.
LOGOUT_PREFIX = "spa_auth:logout:"


class Logout:
    """Ends the session of one client."""

    def __init__(self, context: Context, revocation: "Revocation") -> None:
        self._context = context
        self._revocation = revocation

    async def run(
        self,
        *,
        return_to: str | None,
        id_token_hint: bool,
        federated: bool,
        open_url: OpenUrl | Literal[False] | None,
    ) -> None:
        """Log out; see `AuthClient.logout`."""
        context = self._context
        come_back = self._come_back(return_to)
        session, refresh_tokens = context.session.current, await self._refresh_tokens()
        context.emit("logout.started")
        context.session.end("logout")
        context.transactions.clear()
        await context.keeper.settled()
        revoked = await self._revocation.all_of(refresh_tokens)
        hint = session.id_token if session is not None and id_token_hint else None
        url = None if open_url is False else await self._url(come_back, hint, federated=federated)
        del session, refresh_tokens, hint  # a listener may look at the frames of this
        context.emit("logout.completed", revoked=revoked)
        if url is not None:
            await self._open(url, open_url)

    async def _refresh_tokens(self) -> Sequence[str]:
        return await self._context.keeper.refresh_tokens() if self._context.config.revoke_on_logout else ()

    async def _url(self, come_back: str | None, hint: str | None, *, federated: bool) -> str | None:
        context = self._context
        try:
            server = await context.driver.run(context.provider.metadata())
            traits = await context.driver.run(context.provider.traits())
        except SpaAuthError as error:  # the session has ended here; what the provider does is beyond that
            context.platform.console.error(error)
            return None
        client_id = context.config.client_id
        if traits.logout == "v2_logout":
            return v2_logout_url(server, client_id=client_id, return_to=come_back, federated=federated)
        if traits.logout == "local":
            return None
        state = None if come_back is None else self._new_state()
        return logout_url(
            server, client_id=client_id, post_logout_redirect_uri=come_back, id_token_hint=hint, state=state
        )

    def _new_state(self) -> str | None:
        storage = self._context.platform.session_storage
        if storage is None:
            return None
        state = base64url.encode(self._context.platform.crypto.random(32))
        storage.set(_name(self._context), state)
        return state

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


async def check_return(context: Context, storage: "Storage") -> None:
    """On a page to which a logout at the provider has come back, look at its state, and take it out of the address.

    Raises:
        StateMismatchError: It is that of another logout. Nobody is logged in all the same.
    """
    expected, navigator = storage.get(_name(context)), context.platform.navigator
    storage.remove(_name(context))
    if expected is None or navigator is None:
        return
    base, _, rest = navigator.url.partition("?")
    query, hash_sign, fragment = rest.partition("#")
    parts, ours = query.split("&"), f"state={expected}"
    if ours in parts:
        kept = "&".join(part for part in parts if part != ours)
        navigator.replace_url(f"{base}{'?' if kept else ''}{kept}{hash_sign}{fragment}")
    elif any(part.startswith("state=") for part in parts):
        # The state is there "to maintain state between the logout request and the callback" (section 2).
        raise StateMismatchError("A logout came back with the state of another one.", remedy="")
    else:
        context.platform.console.info("spa_auth: the logout came back without its state, or by another way.")


def _name(context: Context) -> str:
    return f"{LOGOUT_PREFIX}{context.config.issuer}:{context.config.client_id}"


def _is_same_origin(address: str, other: str) -> bool:
    try:
        return origin_of(address) == origin_of(other)
    except ProtocolError:
        return False
