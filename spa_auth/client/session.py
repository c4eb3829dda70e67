"""The session of this page: one value, replaced in one function."""

from collections.abc import Callable

from spa_auth.client.cache import Entry, TokenCache
from spa_auth.client.config import ClientConfig
from spa_auth.client.platform import Platform
from spa_auth.errors import LoginRequiredError
from spa_auth.protocol.flows import Grant
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.session import Session, User, dump_hint, is_hint_valid

HINT_PREFIX = "spa_auth:hint:"
DAY = 86_400


class SessionState:
    """Who is logged in here, with which tokens, and who wants to know.

    `generation` counts the sessions that have ended: an answer that was asked for under an older one is late.
    """

    def __init__(self, config: ClientConfig, platform: Platform, on_error: Callable[[BaseException], object]) -> None:
        self.current: Session | None = None
        self.generation = 0
        self.cache = TokenCache()
        self.changed = platform.state_event(lambda: self.user, on_error)
        self._platform = platform
        self._hint_name = f"{HINT_PREFIX}{config.issuer}:{config.client_id}"
        self._hint_lifetime = config.session_check_expiry_days * DAY
        self._user: User | None = None

    @property
    def user(self) -> User | None:
        """The user who is logged in."""
        return self._user

    @property
    def has_hint(self) -> bool:
        """Whether somebody was logged in here not long ago, on this page or another of its origin."""
        storage = self._platform.local_storage
        return storage is not None and is_hint_valid(storage.get(self._hint_name), self._platform.clock())

    def accept(self, grant: Grant, asked: Scope, generation: int) -> None:
        """Take the tokens of a login or refresh that was begun under that generation.

        Raises:
            LoginRequiredError: The session has ended meanwhile; the tokens are dropped.
        """
        if generation != self.generation:
            raise LoginRequiredError("The session ended while new tokens were on their way; they were dropped.")
        session = self._continued(grant)
        reason = "login" if self.current is None else "provider"
        if self.current is not None and session.claims["sub"] != self.current.claims["sub"]:
            self._forget()
            reason = "user_switch"
        now = self._platform.clock()
        self.cache.put(Entry(grant.tokens, asked, now))
        self._store_hint(dump_hint(int(now + self._hint_lifetime)))
        self._replace(session, reason)

    def end(self, reason: str) -> None:
        """Forget the session and its tokens, and tell everyone why."""
        self._forget()
        self._store_hint(None)
        self._replace(None, reason)

    def forget_hint(self) -> None:
        """Try no silent login any more until the next login."""
        self._store_hint(None)

    def _replace(self, session: Session | None, reason: str) -> None:
        before = self._user
        self.current = session
        self._user = None if session is None else session.user
        if self._user != before:
            self.changed.trigger(reason)

    def _continued(self, grant: Grant) -> Session:
        if grant.claims is not None and grant.tokens.id_token is not None:
            return Session(grant.claims, grant.tokens.id_token)
        # "The ID Token [...] might not contain an id_token" in a refresh (OpenID Connect Core 12.2): the old one stays.
        if self.current is None:
            raise LoginRequiredError("There is no session that these tokens could continue.")
        return self.current

    def _forget(self) -> None:
        self.generation += 1
        self.cache.clear()

    def _store_hint(self, record: str | None) -> None:
        storage = self._platform.local_storage
        if storage is None:
            return
        if record is None:
            storage.remove(self._hint_name)
        else:
            storage.set(self._hint_name, record)
