"""What a provider remembers: a store for each kind of record, and how records end."""

from collections.abc import Callable
from typing import Any, TypeVar

from spa_auth.dev_provider.events import (
    Context,
    Event,
    EventName,
    GrantRevoked,
    InteractionEvent,
    RevocationReason,
    TokenEvent,
)
from spa_auth.dev_provider.pending import Pending
from spa_auth.dev_provider.records import (
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    Consent,
    DeviceCode,
    Grant,
    InitialAccessToken,
    PushedRequest,
    RefreshToken,
    Registration,
    RegistrationAccessToken,
    ReplayDetection,
    Session,
    Token,
    WrongUserCode,
)
from spa_auth.dev_provider.store import Store

T = TypeVar("T", bound=Token)
MAX_REPLAY_DETECTIONS = 100_000
MAX_WRONG_USER_CODES = 10


class Memory:
    """All that is remembered, as long as it is good; whatever ends early, or of itself, is told.

    Args:
        clock: Tells the time in seconds since 1970.
        emit: Tells the listeners of an event.
    """

    def __init__(self, clock: Callable[[], float], emit: Callable[[EventName, Event], None]) -> None:
        self._emit = emit
        self.sessions: Store[Session] = Store(clock)
        self.pending: Store[Pending] = Store(clock)
        self.consents: Store[Consent] = Store(clock)
        self.grants: Store[Grant] = Store(clock)
        self.codes: Store[AuthorizationCode] = Store(clock)
        self.access_tokens: Store[AccessToken] = Store(clock)
        self.client_credentials: Store[ClientCredentials] = Store(clock)
        self.refresh_tokens: Store[RefreshToken] = Store(clock)
        self.pushed_requests: Store[PushedRequest] = Store(clock)
        self.device_codes: Store[DeviceCode] = Store(clock)
        self.wrong_user_codes: Store[WrongUserCode] = Store(clock, capacity=MAX_WRONG_USER_CODES)
        self.replay_detections: Store[ReplayDetection] = Store(clock, capacity=MAX_REPLAY_DETECTIONS)
        self.registrations: Store[Registration] = Store(clock)
        self.initial_access_tokens: Store[InitialAccessToken] = Store(clock)
        self.registration_access_tokens: Store[RegistrationAccessToken] = Store(clock)

    def emit(self, name: EventName, event: Event) -> None:
        """Tell the listeners of an event."""
        self._emit(name, event)

    def token(self, text: str) -> AccessToken | ClientCredentials | RefreshToken | None:
        """The token of that text; a token_type_hint may be passed over (RFC 7009 section 2.1, RFC 7662 section 2.1)."""
        access_token = self.access_tokens.get(text) or self.client_credentials.get(text)
        return access_token or self.refresh_tokens.get(text)

    def sweep(self) -> None:
        """Forget what has expired or is too much, and tell of it."""
        for pending in self.pending.sweep():
            self.emit("interaction.destroyed", InteractionEvent(pending))
        for records, name in self._expiring():
            for record in records.sweep():
                self.emit(name, TokenEvent(record))
        for silent in (self.grants, self.consents, self.registrations, self.wrong_user_codes):
            silent.sweep()

    def _expiring(self) -> "tuple[tuple[Store[Any], EventName], ...]":
        return (
            (self.sessions, "session.destroyed"),
            (self.codes, "authorization_code.destroyed"),
            (self.access_tokens, "access_token.destroyed"),
            (self.client_credentials, "client_credentials.destroyed"),
            (self.refresh_tokens, "refresh_token.destroyed"),
            (self.pushed_requests, "pushed_authorization_request.destroyed"),
            (self.device_codes, "device_code.destroyed"),
            (self.replay_detections, "replay_detection.destroyed"),
            (self.initial_access_tokens, "initial_access_token.destroyed"),
            (self.registration_access_tokens, "registration_access_token.destroyed"),
        )

    def destroy(self, records: Store[T], name: EventName, ends: Callable[[T], bool]) -> int:
        """Forget the records of which that is true, tell of each, and return how many."""
        ended = [record for record in records if ends(record)]
        for record in ended:
            records.remove(record.key)
            self.emit(name, TokenEvent(record))
        return len(ended)

    def revoke(self, grant_id: str, context: Context | None, reason: RevocationReason) -> None:
        """Forget a grant, its code and all its tokens, and tell of each."""
        self.destroy(self.codes, "authorization_code.destroyed", lambda code: code.grant_id == grant_id)
        self.destroy(self.access_tokens, "access_token.destroyed", lambda token: token.grant_id == grant_id)
        self.destroy(self.refresh_tokens, "refresh_token.destroyed", lambda token: token.grant_id == grant_id)
        self.grants.remove(grant_id)
        self.emit("grant.revoked", GrantRevoked(context, grant_id, reason))
