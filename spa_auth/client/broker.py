"""A worker uses the client of its page: one line between them, requests one way, answers and the session the other.

The worker gets access tokens, and never a refresh token or an ID token (threat S18). What changes the session happens
on the page; requests to APIs the worker sends itself. What goes over the line is JSON.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from spa_auth import errors
from spa_auth.client.auth_client import AuthClient
from spa_auth.client.config import ClientConfig, client_config
from spa_auth.client.fetcher import Fetcher
from spa_auth.client.platform import Platform
from spa_auth.client.session import OTHER_TAB
from spa_auth.client.tokens import TokenDetails
from spa_auth.errors import ConfigurationError, SpaAuthError, without_locals
from spa_auth.protocol.effects import Token
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.session import Session
from spa_auth.protocol.strict_json import StrictJSONError, dumps, is_texts, loads_object
from spa_auth.protocol.token import TokenSet

if TYPE_CHECKING:
    from spa_auth.client.context import Context
    from spa_auth.client.login import Login
    from spa_auth.client.logout import Logout
    from spa_auth.client.ports import Channel
    from spa_auth.client.revocation import Revocation
    from spa_auth.client.start import Start
    from spa_auth.client.tokens import Tokens
    from spa_auth.protocol.session import User

# Opens one end of the line: what the other end posts goes to the listener.
OpenLine = Callable[[Callable[[str], None]], "Channel"]
Members = dict[str, Any]
# Only the page has these.
_KEPT = ("refresh_token", "id_token")
_SHARED = ("issuer", "client_id", "audience", "scope", "http_timeout", "allowed_origins")


class Broker:
    """The page's end: answers one worker in the name of one client, until it is closed."""

    def __init__(self, auth: AuthClient, context: "Context", tokens: "Tokens", open_line: OpenLine) -> None:
        self._auth = auth
        self._context = context
        self._tokens = tokens
        self._running: set[asyncio.Task[None]] = set()
        self._line = open_line(self._hear)
        self._verbs: Mapping[str, Callable[[Members], Awaitable[object]]] = {
            "hello": self._hello,
            "token": self._token,
            "silently": self._silently,
            "check_session": lambda _: auth.check_session(),
            "require_login": lambda options: auth.require_login(**options),
            "login": lambda options: auth.login_with_redirect(**options),
            "logout": lambda options: auth.logout(**options),
        }
        auth.changed.add_listener(self._tell)

    def close(self) -> None:
        """Answer this worker no more."""
        self._auth.changed.remove_listener(self._tell)
        self._line.close()
        for task in self._running:
            task.cancel()

    def _hear(self, text: str) -> None:
        request = _members(text)
        verb = self._verbs.get(str(request.get("verb")))
        if verb is not None:
            task = asyncio.ensure_future(self._answer(request.get("id"), verb, request.get("options") or {}))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _answer(self, number: object, verb: Callable[[Members], Awaitable[object]], options: Members) -> None:
        try:
            answer = {"result": _plain(await verb(options))}
        except Exception as error:  # noqa: BLE001  it is raised again in the worker
            answer = {"error": _dump_error(without_locals(error))}
        self._line.post(dumps({"id": number, **answer}).decode())

    def _tell(self, _user: "User | None") -> None:
        self._line.post(dumps({"session": self._session()}).decode())

    def _session(self) -> Members:
        session, reason = self._context.session.current, self._auth.changed.reason
        if session is None:
            return {"reason": reason}
        return {"reason": reason, "claims": {**session.claims}, "user": {**session.user}}

    async def _hello(self, _options: Members) -> Members:
        config, navigator = self._context.config, self._context.platform.navigator
        shared = {name: getattr(config, name) for name in _SHARED}
        # In the worker an address is relative to the same place as on the page.
        base_url = config.base_url
        if navigator is not None and (base_url is not None or not config.allowed_origins):
            base_url = navigator.resolve("/" if base_url is None else base_url)
        return {"config": {**shared, "base_url": base_url}, "session": self._session()}

    async def _token(self, options: Members) -> object:
        effect = Token(options.get("audience"), Scope(options.get("scope") or ""), options.get("refresh") is True)
        return await self._tokens.answer(effect)

    async def _silently(self, options: Members) -> object:
        return await self._tokens.silently(**options, detailed=True)


class BrokeredClient(AuthClient):
    """The worker's end: an AuthClient whose session, tokens, logins and logouts are those of its page."""

    def __init__(self, config: ClientConfig, platform: Platform, line: "_Line") -> None:
        super().__init__(config, platform._replace(channels=None))  # the page hears the other tabs
        remote = _Remote(self._context, line)
        self._line = line
        self._tokens = cast("Tokens", remote)
        self._login = cast("Login", remote)
        self._logout = cast("Logout", remote)
        self._revocation = cast("Revocation", remote)
        self._start = cast("Start", remote)
        self._fetcher = Fetcher(self._context, self._tokens)

    @classmethod
    async def connect(cls, platform: Platform, open_line: OpenLine) -> "BrokeredClient":
        """The client of a worker whose page serves it over that line."""
        line = _Line(open_line)
        answer = cast("Members", await line.ask("hello"))
        client = cls(client_config({name: _listed(value) for name, value in answer["config"].items()}), platform, line)
        line.follow(client._take)
        client._take(answer["session"])
        return client

    def close(self) -> None:
        """Ask the page nothing any more. The session stays."""
        super().close()
        self._line.close()

    def _take(self, session: Members) -> None:
        state, claims = self._context.session, session.get("claims")
        reason = str(session.get("reason") or OTHER_TAB)
        if isinstance(claims, dict):
            state.login_reason = reason
            state.adopt(Session(claims, "", session["user"]), "", ())
        elif state.current is not None:
            state.leave(reason)


class _Line:
    """Requests with their answers, and the session between them."""

    def __init__(self, open_line: OpenLine) -> None:
        self._waiting: dict[int, asyncio.Future[object]] = {}
        self._asked = 0
        self._follower: Callable[[Members], object] = dict
        self._channel = open_line(self._hear)

    def follow(self, follower: Callable[[Members], None]) -> None:
        """Call with the session whenever it changes."""
        self._follower = follower

    async def ask(self, verb: str, **options: object) -> object:
        """What the page answers; what it raises, this raises."""
        self._asked += 1
        number, answer = self._asked, asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._channel.post(dumps({"id": number, "verb": verb, "options": options}).decode())
            return await answer
        finally:
            del self._waiting[number]

    def close(self) -> None:
        """Ask no more; who waits for an answer is cancelled."""
        self._channel.close()
        for answer in self._waiting.values():
            answer.cancel()

    def _hear(self, text: str) -> None:
        members = _members(text)
        if isinstance(members.get("session"), dict):
            self._follower(members["session"])
        number = members.get("id")
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is None or answer.done():
            return
        if "error" in members:
            answer.set_exception(_load_error(members["error"]))
        else:
            answer.set_result(members.get("result"))


class _Remote:
    """What the facade asks of tokens, login, logout and start: asked of the page instead."""

    redirect_result = None

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        raise errors.NavigationUnavailableError(
            "A worker that uses the client of its page cannot do this.", remedy="Call it on the page."
        )

    def __init__(self, context: "Context", line: _Line) -> None:
        self._context = context
        self._line = line

    async def answer(self, effect: Token) -> TokenSet:
        """Tokens for a request to an API."""
        options = {"audience": effect.audience, "scope": str(effect.scope), "refresh": effect.refresh}
        return TokenSet(**_loaded(await self._line.ask("token", **options)))

    async def silently(self, *asked: object, detailed: bool, **options: object) -> str | TokenDetails | None:
        """See `AuthClient.get_token_silently`."""
        options.update(zip(("audience", "scope", "cache_mode"), asked, strict=True))
        answer = await self._line.ask("silently", **options)
        if answer is None:
            return None
        details = TokenDetails(**_loaded(answer), id_token=None)
        return details if detailed else details.access_token

    async def check_session(self) -> None:
        """See `AuthClient.check_session`."""
        await self._line.ask("check_session")

    async def require_login(self, options: Mapping[str, object]) -> "User":
        """See `AuthClient.require_login`; it is the page that leaves."""
        user = self._context.session.user
        if user is None:
            await self._line.ask("require_login", **_sendable(options))
            user = self._context.session.user
        if user is None:
            raise errors.LoginRequiredError("Nobody is logged in on the page.")
        return user

    async def redirect(self, **options: object) -> None:
        """See `AuthClient.login_with_redirect`; it is the page that leaves."""
        await self._line.ask("login", **_sendable(options))

    async def run(self, **options: object) -> None:
        """See `AuthClient.logout`; it is the page that leaves."""
        await self._line.ask("logout", **_sendable(options))


def _members(text: str) -> Members:
    try:
        return loads_object(text.encode(errors="replace"))
    except StrictJSONError:
        return {}


def _sendable(options: Mapping[str, object]) -> Members:
    if callable(options.get("open_url")):
        raise ConfigurationError("A function cannot go to the page; there, call the verb with open_url= itself.")
    return {name: value for name, value in options.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, TokenSet | TokenDetails):
        members = {name: part for name, part in value._asdict().items() if name not in _KEPT}
        return {**members, "scope": str(value.scope)}
    return cast("Members", value) if isinstance(value, dict) else None


def _loaded(answer: object) -> Members:
    members = cast("Members", answer)
    return {**members, "scope": Scope(members["scope"])}


def _listed(value: object) -> object:
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def _dump_error(error: BaseException) -> Members:
    if not isinstance(error, SpaAuthError):
        return {"type": "SpaAuthError", "evidence": {"error_description": f"The page raised {type(error).__name__}."}}
    evidence = {name: value for name, value in vars(error).items() if _is_plain(value)}
    return {"type": type(error).__name__, "evidence": {"error": error.error, "remedy": error.remedy, **evidence}}


def _is_plain(value: object) -> bool:
    return (
        isinstance(value, str | int | float)
        or value is None
        or (isinstance(value, tuple) and is_texts([*cast("tuple[object, ...]", value)]))
    )


def _load_error(members: Members) -> SpaAuthError:
    kind = getattr(errors, str(members.get("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, SpaAuthError)):
        kind = SpaAuthError
    error = kind.__new__(kind)
    evidence = cast("Members", members.get("evidence") or {})
    vars(error).update({name: _listed(value) for name, value in evidence.items()})
    error.args = (error.error_description,)
    return error
