"""The session of this page: one value, replaced in one function."""

from collections.abc import Callable

from spa_auth.client.cache import Entry, TokenCache
from spa_auth.client.config import ClientConfig
from spa_auth.client.platform import Platform
from spa_auth.errors import LoginRequiredError
from spa_auth.protocol.flows import Grant
from spa_auth.protocol.id_token import Claims
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.session import Session, User, dump_hint, is_hint_valid
from spa_auth.protocol.token import TokenSet

HINT_PREFIX = "spa_auth:hint:"
OTHER_TAB = "other_tab"
DAY = 86_400


class SessionState:
    """Who is logged in here, with which tokens, and who wants to know.

    `generation` counts the sessions that have ended: an answer that was asked for under an older one is late.
    `announce` is told why whoever is logged in has changed; `login_reason` is what a login is called meanwhile.
    """

    def __init__(self, config: ClientConfig, platform: Platform, on_error: Callable[[BaseException], object]) -> None:
        self.current: Session | None = None
        self.generation = 0
        self.cache = TokenCache()
        self.announce: Callable[[str], object] = str
        self.login_reason = "login"
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
    def hint(self) -> str | None:
        """The record that pages of this origin leave while somebody is logged in; a logout removes it."""
        storage = self._platform.local_storage
        return None if storage is None else storage.get(self._hint_name)

    @property
    def has_hint(self) -> bool:
        """Whether somebody was logged in here not long ago, on this page or another of its origin."""
        return is_hint_valid(self.hint, self._platform.clock())

    def accept(self, grant: Grant, asked: Scope, generation: int) -> None:
        """Take the tokens of a login that was begun under that generation.

        Raises:
            LoginRequiredError: The session has ended meanwhile; the tokens are dropped.
        """
        self.check_generation(generation)
        session = Session(grant.claims, grant.id_token, grant.claims)
        reason = self.login_reason if self.current is None else "provider"
        if self.current is not None and session.claims["sub"] != self.current.claims["sub"]:
            self._forget()
            reason = "user_switch"
        self._put(grant.tokens, asked)
        self._replace(session, reason)

    def continue_with(self, tokens: TokenSet, claims: Claims | None, asked: Scope, generation: int) -> None:
        """Take the tokens of a refresh that was begun under that generation; raises as `accept` does.

        Args:
            tokens: The new tokens.
            claims: Those of the ID token among them; None where there is none.
            asked: What was asked for.
            generation: The generation in which the refresh began.
        """
        self.check_generation(generation)
        current = self.current
        self._put(tokens, asked)
        if current is not None and claims is not None and tokens.id_token is not None:
            self._replace(Session(claims, tokens.id_token, current.login_claims), "provider")

    def check_generation(self, generation: int) -> None:
        """Refuse what was asked for by a session that has ended.

        Raises:
            LoginRequiredError: It has.
        """
        if generation != self.generation:
            raise LoginRequiredError("The session ended while new tokens were on their way; they were dropped.")

    def end(self, reason: str) -> None:
        """Forget the session and its tokens, and tell everyone why."""
        self._store_hint(None)
        self.leave(reason)

    def leave(self, reason: str) -> None:
        """Forget the session and its tokens on this page only: another has ended it, or begun one of its own."""
        self._forget()
        self._replace(None, reason)

    def forget_hint(self) -> None:
        """Try no silent login any more until the next login. Other tabs must not take this for a logout."""
        self._store_hint(dump_hint(0))

    def _replace(self, session: Session | None, reason: str) -> None:
        before = self._user
        self.current = session
        self._user = None if session is None else session.user
        if self._user != before or reason == "logout":
            self.announce(reason)
        if self._user != before:
            self.changed.trigger(reason)

    def _put(self, tokens: TokenSet, asked: Scope) -> None:
        now = self._platform.clock()
        self.cache.put(Entry(tokens, asked, now))
        self._store_hint(dump_hint(int(now + self._hint_lifetime)))

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
