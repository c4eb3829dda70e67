"""Login by link: for Python in a worker or a notebook, and for pages that cannot open a window.

The link is opened in any tab of the same browser. Its callback page broadcasts the answer under the login's state,
so neither a window nor an opener is needed, and cross-origin isolation changes nothing.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spa_auth.errors import (
    ConfigurationError,
    LoginCancelledError,
    LoginTimeoutError,
    NavigationUnavailableError,
    ProtocolError,
    without_locals,
)
from spa_auth.protocol import form
from spa_auth.protocol.authorization import response_state
from spa_auth.protocol.session import User
from spa_auth.protocol.strict_json import StrictJSONError, loads_object
from spa_auth.protocol.transaction import LIFETIME
from spa_auth.protocol.url import parse_url

if TYPE_CHECKING:
    from spa_auth.client.context import Context
    from spa_auth.client.login import Login
    from spa_auth.client.ports import Channels
    from spa_auth.protocol.flows import LoginRequest

MAX_LENGTH = 65_536
MESSAGE_TYPE = "spa_auth:response"
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


class LoginLink:
    """A login that waits for somebody to open its address. A notebook shows it as a link.

    It completes as soon as the answer comes, whether or not anybody awaits `result`, and ends after 15 minutes.
    """

    def __init__(self, context: "Context", login: "Login", channels: "Channels", request: "LoginRequest") -> None:
        self._context = context
        self._login = login
        self._state = request.transaction.state
        self._url = request.request.url
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._channel = channels.open(f"spa_auth:{self._state}", self._hear)
        self._task = asyncio.ensure_future(self._complete())
        self._task.add_done_callback(_retrieve)

    @property
    def url(self) -> str:
        """The address to open, in this browser; it is good for one login."""
        return self._url

    async def result(self, *, timeout: float | None = None) -> User:
        """The user, when the login is complete.

        Args:
            timeout: How long to wait, in seconds; the link stays good. By default as long as it is good.

        Raises:
            LoginTimeoutError: Nobody has completed the login in time.
            LoginCancelledError: `cancel` was called.
            SpaAuthError: The login failed.
        """
        try:
            return await asyncio.wait_for(asyncio.shield(self._task), timeout)
        except LoginTimeoutError:
            raise
        except TimeoutError:
            raise LoginTimeoutError(f"Nobody has logged in by the link within {timeout} seconds.") from None
        except asyncio.CancelledError:
            if not self._task.cancelled():
                raise  # it was the caller who was cancelled
            raise LoginCancelledError("The login by link was cancelled.") from None

    def cancel(self) -> None:
        """Forget this login; its address leads nowhere any more."""
        self._task.cancel()
        self._forget()

    def _hear(self, text: str) -> None:
        query = _response(text, self._state)
        if query is not None and not self._answer.done():
            self._answer.set_result(query)

    async def _complete(self) -> User:
        try:
            query = await asyncio.wait_for(self._answer, LIFETIME)
        except TimeoutError:
            raise LoginTimeoutError("Nobody has logged in by the link within 15 minutes.") from None
        else:
            self._channel.post("{}")  # tells the callback page that it can close its window
            result = await self._login.complete(query)
        finally:
            self._forget()
        if result.error is not None:
            raise result.error
        return self._user()

    def _user(self) -> User:
        if (user := self._context.session.user) is None:
            raise LoginCancelledError("Somebody logged out while the login by link was completed.")
        return user

    def _forget(self) -> None:
        self._channel.close()
        with contextlib.suppress(ProtocolError):  # it was taken already
            self._context.transactions.take(self._state)

    def _repr_html_(self) -> str:
        # Without an opener the provider's page cannot send this one elsewhere (threat W11).
        host = parse_url(self._url).host.translate(_ENTITIES)
        href = self._url.translate(_ENTITIES)
        return f'<a href="{href}" target="_blank" rel="noopener noreferrer">Log in at {host}</a>'

    def __repr__(self) -> str:
        return f"<LoginLink {parse_url(self._url).origin}>"


async def login_link(
    context: "Context",
    login: "Login",
    *,
    audience: str | None,
    scope: str | None,
    max_age: int | None,
    authorization_params: Mapping[str, str | None] | None,
) -> LoginLink:
    """Begin a login by link; see `AuthClient.login_link`."""
    channels = context.platform.channels
    if channels is None:
        raise NavigationUnavailableError(
            "This place has no BroadcastChannel on which the answer could come.",
            remedy="In a worker that uses the client of its page, log in on the page. Elsewhere, "
            "pass open_url= to login_with_redirect, then call handle_redirect_callback(url).",
        )
    if context.config.redirect_uri is None:
        raise ConfigurationError(
            "A login by link needs the callback page.", remedy='Set "redirect_uri" to the address of callback.html.'
        )
    request = await login.link(
        audience=audience, scope=scope, max_age=max_age, authorization_params=authorization_params
    )
    return LoginLink(context, login, channels, request)


def _retrieve(task: "asyncio.Task[Any]") -> None:
    # Where nobody awaits the result, the event `login.failed` has told of the error.
    if not task.cancelled() and (error := task.exception()) is not None:
        without_locals(error)


def _response(text: str, state: str) -> str | None:
    """The query in a message, which anybody may have sent with anything in it."""
    try:
        members = loads_object(text.encode(errors="replace")) if len(text) <= 2 * MAX_LENGTH else {}
    except StrictJSONError:
        return None
    query = members.get("response")
    is_ours = members.get("type") == MESSAGE_TYPE and members.get("state") == state
    return query if is_ours and isinstance(query, str) and _answers(query, state) else None


def _answers(query: str, state: str) -> bool:
    # Under the name of this login nobody shall spend another one that is pending (threat W05).
    try:
        return len(query) <= MAX_LENGTH and response_state(form.parse(query)) == state
    except ProtocolError:
        return False
