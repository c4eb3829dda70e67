"""The session of this page: one value, replaced in one function."""

from collections.abc import Callable, Iterable, Mapping

from spa_auth.client.cache import Entry, TokenCache
from spa_auth.client.config import ClientConfig
from spa_auth.client.platform import Platform
from spa_auth.client.stores import session_store
from spa_auth.errors import LoginRequiredError, SubMismatchError
from spa_auth.protocol.flows import Grant
from spa_auth.protocol.id_token import Claims
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.session import Session, User, dump_hint, is_hint_valid, is_same_user
from spa_auth.protocol.token import TokenSet

HINT_PREFIX = "spa_auth:hint:"
CEILING_PREFIX = "spa_auth:ceiling:"
OTHER_TAB = "other_tab"
DAY = 86_400


class SessionState:
    """Who is logged in here, with which tokens, and who wants to know.

    `login_id_token` is the ID token of the login, which later ones continue. `moved` is called after every change of
    session or tokens. `announce` is told why whoever is logged in has changed; `login_reason` is what a login is
    called meanwhile.
    """

    def __init__(self, config: ClientConfig, platform: Platform, on_error: Callable[[BaseException], object]) -> None:
        self._generation = 0
        self._cache = TokenCache()
        self.login_id_token = ""
        self.changed = platform.state_event(lambda: self.user, on_error)
        self.store = session_store(config, platform, on_error)
        self.moved: Callable[[], object] | None = None
        self.announce: Callable[[str], object] = str
        self.login_reason = "login"
        self._platform = platform
        self._name = f"{config.issuer}:{config.client_id}"
        self._hint_lifetime = config.session_check_expiry_days * DAY
        self._session: Session | None = None
        self._user: User | None = None
        self._is_over = False

    @property
    def current(self) -> Session | None:
        """The session, which ends here when its ceiling is reached."""
        if self._session is not None and self._session.is_over(self._platform.clock()):
            self._mark_ceiling("1")
            self.end("ceiling")
        return self._session

    @property
    def cache(self) -> TokenCache:
        """The tokens of the session: none any more when its ceiling is reached."""
        _ = self.current  # which may end with this
        return self._cache

    @property
    def generation(self) -> int:
        """How many sessions have ended: an answer that was asked for under an older one is late."""
        _ = self.current  # which may end with this
        return self._generation

    @property
    def user(self) -> User | None:
        """The user who is logged in."""
        return None if self.current is None else self._user

    @property
    def is_over(self) -> bool:
        """Whether the last session reached its ceiling: then only a login that the user sees begins another."""
        storage = self._platform.local_storage
        return self._is_over or (storage is not None and storage.get(CEILING_PREFIX + self._name) is not None)

    @property
    def hint(self) -> str | None:
        """The record that pages of this origin leave while somebody is logged in; a logout removes it."""
        storage = self._platform.local_storage
        return None if storage is None else storage.get(HINT_PREFIX + self._name)

    @property
    def has_hint(self) -> bool:
        """Whether somebody was logged in here not long ago, on this page or another of its origin."""
        return is_hint_valid(self.hint, self._platform.clock())

    def accept(
        self,
        grant: Grant,
        asked: Scope,
        generation: int,
        *,
        silent: bool = False,
        userinfo: Mapping[str, object] | None = None,
    ) -> None:
        """Take the tokens of a login that was begun under that generation; `Keeper.accept` stores them too.

        Raises:
            LoginRequiredError: The session has ended meanwhile; the tokens are dropped.
            SubMismatchError: They are somebody else's, whom no login that the user has seen put in this one's place.
        """
        self.check_generation(generation)
        if silent and self.is_over:
            raise LoginRequiredError("The session has reached its end; a new one begins with a login.")
        before = self.current
        if silent and before is not None and not is_same_user(grant.claims, before.claims):
            raise SubMismatchError("Somebody else is logged in at the provider.", claim="sub")
        self._mark_ceiling(None)
        session = Session(grant.claims, grant.id_token, grant.claims, userinfo)
        reason = self.login_reason if before is None else "provider"
        if before is not None and not is_same_user(session.claims, before.claims):
            self._forget()
            reason = "user_switch"
        self.login_id_token = grant.id_token
        self._put(grant.tokens, asked)
        self._replace(session, reason)

    def adopt(self, session: Session, login_id_token: str, entries: Iterable[Entry]) -> None:
        """Take a session and its tokens from a store, as another page has left them."""
        before, reason = self._session, OTHER_TAB if self._session is not None else self.login_reason
        if before is not None and not is_same_user(session.claims, before.claims):
            self._forget()
            reason = "user_switch"
        self.login_id_token = login_id_token
        self._cache.replace(entries)
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
            self._replace(current._replace(claims=claims, id_token=tokens.id_token), "provider")

    def describe(self, userinfo: Mapping[str, object]) -> None:
        """Add what the userinfo endpoint said of the user."""
        assert self._session is not None  # noqa: S101  a fault of ours, not of a caller
        self._replace(self._session._replace(userinfo=userinfo), "provider")

    def check_generation(self, generation: int) -> None:
        """Refuse what was asked for by a session that has ended.

        Raises:
            LoginRequiredError: It has.
        """
        if generation != self.generation:
            raise LoginRequiredError("The session ended while new tokens were on their way; they were dropped.")

    def end(self, reason: str) -> None:
        """Forget the session and its tokens, here and in the store, and tell everyone why."""
        self._store_hint(None)
        if self.store is not None and reason != OTHER_TAB:  # the other has done that, and may have begun anew
            self.store.forget()
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
        self._session = session
        self._user = None if session is None else session.user
        if self._user != before or reason == "logout":
            self.announce(reason)
        if self._user != before:
            self.changed.trigger(reason)
        self._tell()

    def _tell(self) -> None:
        if self.moved is not None:
            self.moved()

    def _put(self, tokens: TokenSet, asked: Scope) -> None:
        now = self._platform.clock()
        self._cache.put(Entry(tokens, asked, now))
        self._store_hint(dump_hint(int(now + self._hint_lifetime)))
        self._tell()

    def _forget(self) -> None:
        self._generation += 1
        self._cache.clear()

    def _store_hint(self, record: str | None) -> None:
        self._keep(HINT_PREFIX, record)

    def _mark_ceiling(self, record: str | None) -> None:
        self._is_over = record is not None
        self._keep(CEILING_PREFIX, record)

    def _keep(self, prefix: str, record: str | None) -> None:
        storage = self._platform.local_storage
        if storage is None:
            return
        if record is None:
            storage.remove(prefix + self._name)
        else:
            storage.set(prefix + self._name, record)
