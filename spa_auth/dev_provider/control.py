"""What a test does to a running provider: time passes, sessions end, tokens are revoked, answers go wrong."""

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

from spa_auth.dev_provider.controls import Controls, CookieLoss, Delay, Fault, Malformation
from spa_auth.dev_provider.logout import log_out
from spa_auth.dev_provider.records import (
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    DeviceCode,
    Grant,
    PushedRequest,
    RefreshToken,
    Session,
)
from spa_auth.dev_provider.registration import destroy_initial_access_token, make_initial_access_token
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.store import Store
from spa_auth.errors import ConfigurationError

Kind = Literal[
    "access_token",
    "authorization_code",
    "client_credentials",
    "device_code",
    "pushed_authorization_request",
    "refresh_token",
    "session",
]
MAX_SECONDS = 100 * 365 * 86_400
# RFC 6749 section 5.2: the characters of an error code.
_ERROR_CODE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
_OfGrant = AccessToken | AuthorizationCode | DeviceCode | RefreshToken
_Owned = Session | Grant | _OfGrant | ClientCredentials | PushedRequest


class Control:
    """What a test does to one provider; `DevProvider.controls` is one. No request reaches it (threat O13).

    Nothing waits: an answer goes wrong, or is late, when its request comes.

    Args:
        service: What is controlled.
        knows_path: Tells whether there is anything at a path below the issuer.
        paths: The paths to name where there is nothing.
    """

    def __init__(self, service: Service, *, knows_path: Callable[[str], bool], paths: Iterable[str]) -> None:
        self._service = service
        self._knows_path = knows_path
        self._paths = tuple(filter(knows_path, paths))

    @property
    def clock_offset(self) -> float:
        """Seconds by which the provider is ahead of its clock."""
        return self._values.clock_offset

    @property
    def deny_silent_login(self) -> bool:
        """Whether every prompt=none is answered with login_required."""
        return self._values.deny_silent_login

    @deny_silent_login.setter
    def deny_silent_login(self, deny: bool) -> None:
        self._values.deny_silent_login = deny

    @property
    def drop_cookies(self) -> CookieLoss:
        """Where requests are answered as if they carried no session cookie."""
        return self._values.drop_cookies

    @drop_cookies.setter
    def drop_cookies(self, where: CookieLoss) -> None:
        _refuse(_choice_fault("drop_cookies", where, get_args(CookieLoss)))
        self._values.drop_cookies = where

    def advance(self, seconds: float) -> None:
        """Let time pass: what expires in it is forgotten, and its events tell so.

        Args:
            seconds: How far the clock goes forward; it never goes back, except by `reset`.

        Raises:
            ConfigurationError: That is not a number of seconds from 0 to a hundred years.
        """
        if not 0 <= seconds <= MAX_SECONDS:
            raise ConfigurationError(f"seconds must be from 0 to {MAX_SECONDS}.")
        self._values.clock_offset += seconds
        self._service.sweep()

    def expire(self, kind: Kind, *, sub: str | None = None, client_id: str | None = None) -> int:
        """Let records expire now, as if their time had come, and return how many.

        A JWT that an application holds cannot be changed: only here it is not known any more.

        Args:
            kind: What expires.
            sub: Only what is this user's.
            client_id: Only what is this application's.

        Raises:
            ConfigurationError: There is no such kind.
        """
        _refuse(_choice_fault("kind", kind, get_args(Kind)))
        records = self._store(kind)
        ended = [record for record in records if self._belongs(record, sub, client_id)]
        for record in ended:
            records.put(record, self._service.time())
        self._service.sweep()
        return len(ended)

    def revoke(self, *, sub: str | None = None, client_id: str | None = None) -> int:
        """Revoke grants with their codes and tokens, and what applications got for themselves; return how many.

        Args:
            sub: Only the grants of this user.
            client_id: Only those of this application.
        """
        service = self._service
        grants = [grant for grant in service.grants if self._belongs(grant, sub, client_id)]
        for grant in grants:
            service.revoke(grant.grant_id, None, "control")
        own = service.destroy(
            service.client_credentials,
            "client_credentials.destroyed",
            lambda token: self._belongs(token, sub, client_id),
        )
        return len(grants) + own

    async def end_sessions(self, sub: str | None = None) -> int:
        """Log users out elsewhere: their tokens are revoked, the applications are told; return how many sessions.

        Args:
            sub: Only the sessions of this user.
        """
        sessions = [session for session in self._service.sessions if self._belongs(session, sub, None)]
        return sum([await log_out(self._service, session, None, reason="control") for session in sessions])

    def next(
        self,
        path: str,
        *,
        error: str = "",
        status: int = 400,
        malformed: Malformation | None = None,
        delay: float = 0.0,
        times: int | None = 1,
    ) -> None:
        """Choose what happens to the next answers of a path, in the place of what was chosen before.

        Args:
            path: The path below the issuer, such as "/oauth/token".
            error: Refuse with this OAuth error; "server_error" makes the provider itself fail.
            status: The HTTP status of that refusal.
            malformed: Spoil the body of the answer in this way.
            delay: Seconds to wait before the answer; only a served provider waits.
            times: How many answers; None for all that follow.

        Raises:
            ConfigurationError: Names everything that is wrong, at once.
        """
        faults = (
            *self._path_faults(path),
            *_next_faults(error, status, delay, times),
            *(() if malformed is None else _choice_fault("malformed", malformed, get_args(Malformation))),
        )
        _refuse(faults)
        self._values.faults.pop(path, None)
        self._values.delays.pop(path, None)
        if error or malformed is not None:
            self._values.faults[path] = Fault(error=error, status=status, malformed=malformed, times=times)
        if delay:
            self._values.delays[path] = Delay(delay, times)

    def take_delay(self, path: str) -> float:
        """How many seconds a request for that path that has just come is to wait; for whoever serves the provider."""
        return self._values.take_delay(path)

    def rotate_keys(self) -> None:
        """Sign with a new key from now on."""
        self._service.keys.rotate()

    def make_initial_access_token(self) -> str:
        """A new token that allows to register applications (RFC 7591 section 3)."""
        return make_initial_access_token(self._service)

    def destroy_initial_access_token(self, token: str) -> None:
        """Take back a token that `make_initial_access_token` gave."""
        destroy_initial_access_token(self._service, token)

    def reset(self) -> None:
        """Put everything back that can be put back: the clock, cookies, silent logins, the next answers."""
        fresh = Controls()
        values = self._values
        values.clock_offset, values.deny_silent_login = fresh.clock_offset, fresh.deny_silent_login
        values.drop_cookies, values.faults, values.delays = fresh.drop_cookies, fresh.faults, fresh.delays

    def state(self) -> dict[str, object]:
        """How things stand, as members of a JSON object, without any secret."""
        values = self._values
        return {
            "now": self._service.now(),
            "clock_offset": values.clock_offset,
            "deny_silent_login": values.deny_silent_login,
            "drop_cookies": values.drop_cookies,
            "faults": {path: fault._asdict() for path, fault in values.faults.items()},
            "delays": {path: delay._asdict() for path, delay in values.delays.items()},
            "sessions": [
                {"sub": session.user.sub, "sid": session.sid, "client_ids": list(session.client_ids)}
                for session in self._service.sessions
            ],
        }

    def _path_faults(self, path: str) -> tuple[str, ...]:
        if self._knows_path(path):
            return ()
        near = difflib.get_close_matches(path, self._paths, 1, cutoff=0.4)
        names = f"{near[0]} is the nearest" if near else f"{', '.join(self._paths)} are"
        return (f"path must be one that is answered here; {names}.",)

    @property
    def _values(self) -> Controls:
        return self._service.controls

    def _store(self, kind: Kind) -> Store[Any]:
        service = self._service
        stores: dict[Kind, Store[Any]] = {
            "access_token": service.access_tokens,
            "authorization_code": service.codes,
            "client_credentials": service.client_credentials,
            "device_code": service.device_codes,
            "pushed_authorization_request": service.pushed_requests,
            "refresh_token": service.refresh_tokens,
            "session": service.sessions,
        }
        return stores[kind]

    def _belongs(self, record: _Owned, sub: str | None, client_id: str | None) -> bool:
        client_ids = record.client_ids if isinstance(record, Session) else (record.client_id,)
        return sub in (None, self._sub(record)) and (client_id is None or client_id in client_ids)

    def _sub(self, record: _Owned) -> str | None:
        if isinstance(record, Session | Grant):
            return record.user.sub
        grant_id = None if isinstance(record, ClientCredentials | PushedRequest) else record.grant_id
        grant = self._service.grants.get(grant_id or "")
        return None if grant is None else grant.user.sub


def _next_faults(error: str, status: int, delay: float, times: int | None) -> tuple[str, ...]:
    faults = {
        "error must be a code of RFC 6749 section 5.2.": _ERROR_CODE.fullmatch(error) is not None,
        "status must be from 400 to 599.": 400 <= status <= 599,
        "delay must be from 0 to 600 seconds.": 0 <= delay <= 600,
        "times must be at least 1.": times is None or times >= 1,
    }
    return tuple(fault for fault, is_good in faults.items() if not is_good)


def _choice_fault(name: str, value: str, choices: tuple[str, ...]) -> tuple[str, ...]:
    return () if value in choices else (f"{name} must be one of {', '.join(choices)}.",)


def _refuse(faults: tuple[str, ...]) -> None:
    if faults:
        raise ConfigurationError(*faults)
