"""What the endpoints share: the options, the ports, and the memory."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.controls import Controls
from spa_auth.dev_provider.events import (
    EVENT_NAMES,
    Context,
    Events,
    InteractionEvent,
    TokenEvent,
)
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.dev_provider.memory import Memory
from spa_auth.dev_provider.nonces import Nonces
from spa_auth.dev_provider.options import Options
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.pending import Pending
from spa_auth.dev_provider.records import Grant, Session
from spa_auth.errors import JWTError, NetworkError
from spa_auth.protocol import base64url
from spa_auth.protocol.http import Headers, Request, Response
from spa_auth.protocol.url import parse_url

_log = logging.getLogger("spa_auth.dev_provider")
Send = Callable[[Request], Awaitable[Response]]


async def no_way_out(_request: Request) -> Response:
    """The port of outgoing calls where there is none: nobody can be told of a logout."""
    raise NetworkError("This provider makes no calls of its own.")


class IDTokenHint(NamedTuple):
    """What an id_token_hint says: who was logged in, where, and in which session."""

    sub: str
    client_id: str
    sid: str


class Service(Memory):
    """One provider's memory and ports; `DevProvider` describes the arguments."""

    def __init__(
        self,
        options: Options,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
        keys: SigningKeys | None = None,
        controls: Controls | None = None,
        send: Send = no_way_out,
    ) -> None:
        self.options = options
        self.issuer = parse_url(options.issuer)
        self.keys = SigningKeys() if keys is None else keys
        self.controls = Controls() if controls is None else controls
        self.events: Events = Events(EVENT_NAMES, on_error=_report, spawn=self._spawn)
        self.send = send
        self.nonces = Nonces(random(32), options.dpop_nonce_lifetime)
        super().__init__(self.time, self.events.emit)
        self._clock = clock
        self._random = random
        self._tasks: set[asyncio.Future[object]] = set()

    def time(self) -> float:
        """The time in seconds since 1970, moved as far as a test has moved it."""
        return self._clock() + self.controls.clock_offset

    def client(self, client_id: str) -> Client | None:
        """The application of that identifier: one of the options, or one that registered itself."""
        known = next((client for client in self.options.clients if client.client_id == client_id), None)
        registration = None if known else self.registrations.get(client_id)
        return known if registration is None else registration.client

    def is_configured(self, client: Client) -> bool:
        """Whether an application is one of the options; where anybody can register, others may be anybody's."""
        return client in self.options.clients

    def now(self) -> int:
        """The time in whole seconds."""
        return int(self.time())

    def secret(self) -> str:
        """A new random text of 256 bits."""
        return base64url.encode(self._random(32))

    def url(self, path: str) -> str:
        """The absolute URL of a path of this provider."""
        return self.options.issuer.removesuffix("/") + path

    def cookie_name(self, kind: str) -> str:
        """The name of a cookie. Cookies ignore ports (RFC 6265 section 8.5), so the name tells ours."""
        return f"spa_auth_dev_{kind}_{self.issuer.port or self.issuer.scheme}"

    def set_cookie(self, kind: str, value: str) -> tuple[str, str]:
        """The header that sets a cookie for this browser session, out of reach of scripts; "" deletes it."""
        secure = "; Secure" if self.issuer.scheme == "https" else ""
        gone = "" if value else "; Max-Age=0"
        text = f"{self.cookie_name(kind)}={value}; Path={self.issuer.path}; HttpOnly; SameSite=Lax{secure}{gone}"
        return ("Set-Cookie", text)

    def session(self, call: Call) -> Session | None:
        """Who is logged in, in the browser that made this request."""
        if self.controls.drops_cookies(call.request):
            return None
        return self.sessions.get(call.cookie(self.cookie_name("session")))

    def context(
        self,
        call: Call,
        *,
        client: Client | None = None,
        params: Parameters | None = None,
        session: Session | None = None,
        response: Response | None = None,
    ) -> Context:
        """The frozen description of where an event happened."""
        return Context(
            request=call.request,
            client=client,
            params=dict(params or {}),
            session=session or self.session(call),
            response=response,
        )

    def browser(self, call: Call) -> tuple[str, Headers]:
        """What tells this browser from others, and the headers that make it so where it has nothing yet."""
        known = call.cookie(self.cookie_name("browser"))
        if known:
            return known, ()
        made = self.secret()
        return made, (self.set_cookie("browser", made),)

    def verify_id_token(self, token: str) -> IDTokenHint:
        """An ID token of this provider, whether or not it has expired (OpenID Connect Core 3.1.2.1).

        Raises:
            JWTError: It is another's, or another kind of token.
        """
        claims = self.keys.verify(token).claims
        sub, audience, sid = claims.get("sub"), claims.get("aud"), claims.get("sid")
        # Only ID tokens have at_hash here: an access token is no hint about who logged in.
        if claims.get("iss") != self.options.issuer or "at_hash" not in claims:
            raise JWTError("This is not an ID token of this provider.", claim="iss")
        return IDTokenHint(str(sub), str(audience), str(sid))

    def save_session(self, session: Session) -> None:
        """Remember who is logged in."""
        self.sessions.put(session, session.expires_at)
        self.emit("session.saved", TokenEvent(session))

    def join_session(self, session: Session, client_id: str) -> None:
        """Remember that an application takes part in a session: a logout has to tell it."""
        if client_id not in session.client_ids:
            self.save_session(replace(session, client_ids=(*session.client_ids, client_id)))

    def save_grant(self, grant: Grant) -> Grant:
        """Remember what a user gave, as long as anything that comes of it may live."""
        return self.grants.put(grant, grant.expires_at + self.options.access_token_lifetime)

    def save_pending(self, pending: Pending) -> None:
        """Remember a page that waits for its user."""
        self.pending.put(pending, self.now() + self.options.interaction_lifetime)
        self.emit("interaction.saved", InteractionEvent(pending))

    def _spawn(self, awaitable: Awaitable[object]) -> None:
        task = asyncio.ensure_future(awaitable)
        self._tasks.add(task)  # a loop holds its tasks weakly
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Future[object]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _report(error)


def _report(error: BaseException) -> None:
    _log.error("A listener of the development provider failed.", exc_info=error)


Endpoint = Callable[[Service, Call], Awaitable[Response]]
