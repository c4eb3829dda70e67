"""A session as one text, for a store that outlasts the page: who, with which ID tokens, and every token."""

from typing import Any, NamedTuple, NoReturn, cast

from spa_auth.client.cache import Entry
from spa_auth.errors import JWTError, ProtocolError
from spa_auth.protocol.jwt import MAX_NUMERIC_DATE, parse_jwt
from spa_auth.protocol.mapping import never_pickled
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import StrictJSONError, dumps, is_number, is_texts, loads_object
from spa_auth.protocol.token import TOKEN_TYPES, TokenSet, is_access_token

VERSION = 1
_TEXTS = ("access_token", "token_type", "scope", "asked")
_OPTIONAL = ("audience", "refresh_token")
_TIMES = ("expires_at", "received_at")


class StoredSession(NamedTuple):
    """What a store keeps of a session: the ID tokens of the login and of the last refresh, and the tokens."""

    id_tokens: tuple[str, ...]
    entries: tuple[Entry, ...]

    def __reduce__(self) -> NoReturn:
        never_pickled()

    def __repr__(self) -> str:
        return f"<StoredSession of {len(self.entries)} entries>"


def dump_session(session: StoredSession, *, issuer: str, client_id: str) -> str:
    """The record of a session; it names the provider and the client that it belongs to."""
    entries = [_members(entry) for entry in session.entries]
    record = {"v": VERSION, "iss": issuer, "client_id": client_id, "id_tokens": [*session.id_tokens]}
    return dumps({**record, "entries": entries}).decode()


def parse_session(record: str | None, *, issuer: str, client_id: str) -> StoredSession | None:
    """The session of a record; None where it is damaged, of another version, or of another provider or client.

    Nothing of it is verified: the ID tokens have to be, before anybody is taken for their subject (threat S20).
    """
    try:
        members = loads_object((record or "").encode(errors="replace"))
    except StrictJSONError:
        return None
    id_tokens, entries = members.get("id_tokens"), members.get("entries")
    is_ours = (members.get("v"), members.get("iss"), members.get("client_id")) == (VERSION, issuer, client_id)
    if not is_ours or not is_texts(id_tokens) or not 0 < len(id_tokens) <= 2 or not isinstance(entries, list):
        return None
    read = [_entry(each) for each in cast("list[object]", entries)]
    return StoredSession(tuple(id_tokens), tuple(entry for entry in read if entry is not None))


def _members(entry: Entry) -> dict[str, object]:
    tokens = entry.tokens
    members = {
        "access_token": tokens.access_token,
        "token_type": tokens.token_type,
        "expires_at": tokens.expires_at,
        "scope": str(tokens.scope),
        "audience": tokens.audience,
        "refresh_token": tokens.refresh_token,
        "asked": str(entry.asked),
        "received_at": entry.received_at,
    }
    return {name: value for name, value in members.items() if value is not None}


def _entry(value: object) -> Entry | None:
    if not isinstance(value, dict):
        return None
    members = cast("dict[str, Any]", value)
    texts = [members.get(name) for name in _TEXTS] + [members[name] for name in _OPTIONAL if name in members]
    times = [members.get(name) for name in _TIMES]
    if not is_texts(texts) or not all(is_number(time) and 0 <= time <= MAX_NUMERIC_DATE for time in times):
        return None
    # Both become a header of requests (threat F06).
    if members["token_type"] not in TOKEN_TYPES or not is_access_token(members["access_token"]):
        return None
    tokens = TokenSet(
        members["access_token"],
        members["token_type"],
        int(min(members["expires_at"], _end_of(members["access_token"]))),
        Scope(members["scope"]),
        members.get("audience"),
        members.get("refresh_token"),
    )
    return Entry(tokens, Scope(members["asked"]), members["received_at"])


def _end_of(access_token: str) -> float:
    # No client has to understand an access token; but where one says when it ends, no record makes it last longer.
    try:
        end = parse_jwt(access_token).claims.get("exp")
    except (JWTError, ProtocolError):
        return MAX_NUMERIC_DATE
    return end if is_number(end) else MAX_NUMERIC_DATE
