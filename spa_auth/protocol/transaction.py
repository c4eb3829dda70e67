"""A login that has begun: what has to survive until the provider's answer comes.

The record lies in sessionStorage under `spa_auth:tx:<state>`; callback.js reads `return_to` of it. The
vector tests/vectors/transaction.json pins its form for Python and for the scripts.
"""

import json
import re
from typing import NamedTuple, NoReturn

from spa_auth.errors import ConfigurationError, MissingTransactionError
from spa_auth.protocol.mapping import never_pickled
from spa_auth.protocol.pkce import is_verifier
from spa_auth.protocol.strict_json import StrictJSONError, is_number, loads_object

LIFETIME = 900
MAX_PENDING = 10
TRANSACTION_PREFIX = "spa_auth:tx:"
RESPONSE_PREFIX = "spa_auth:response:"
REDIRECT = "r"
POPUP = "p"
LINK = "l"
SILENT = "s"
# The first letter of `state` tells the callback page how the login left: r(edirect), p(opup), l(ink), s(ilent).
_STATE = re.compile(r"[rpls][A-Za-z0-9_-]{43}")


class Transaction(NamedTuple):
    """One pending login. `created_at` is in seconds; the repr shows no secret.

    `max_age` in seconds, `organization`, `acr_values` (with spaces between) and `app_state`, any JSON value, are None
    where they were not given. `silent` says that the page left by itself, without any word of the user. Only the
    `token_endpoint` that the provider had then gets the code.
    """

    state: str
    nonce: str
    code_verifier: str
    issuer: str
    client_id: str
    redirect_uri: str
    return_to: str
    scope: str
    created_at: int
    audience: str | None = None
    max_age: int | None = None
    app_state: object = None
    organization: str | None = None
    acr_values: str | None = None
    silent: bool = False
    token_endpoint: str | None = None

    def is_expired(self, now: float) -> bool:
        """Whether the login began more than 15 minutes ago, or in a future that no clock correction explains."""
        return not -LIFETIME < now - self.created_at <= LIFETIME

    def __reduce__(self) -> NoReturn:
        never_pickled()

    def __repr__(self) -> str:
        return f"<Transaction {self.issuer} {self.client_id}>"


_DAMAGED = "The stored login is damaged."


def is_state(text: str) -> bool:
    """Whether a text has the form of the `state` values made here."""
    return _STATE.fullmatch(text) is not None


def dump_transaction(transaction: Transaction) -> str:
    """The record to store.

    Raises:
        ConfigurationError: `app_state` is not a JSON value that could be read again.
    """
    members = {name: value for name, value in transaction._asdict().items() if value is not None and value is not False}
    if (record := _dump({"v": 1, **members})) is None:
        raise ConfigurationError("app_state must be a JSON value, nested at most 30 deep.")
    return record


def parse_transaction(record: str, state: str) -> Transaction:
    """Read a stored record, which any script of this origin may have edited.

    Raises:
        MissingTransactionError: It is not a whole record of that state.
    """
    members = _members(record)
    if members.get("v") != 1 or members.get("state") != state or not is_verifier(_text(members, "code_verifier")):
        raise MissingTransactionError(_DAMAGED)
    return Transaction(
        state=state,
        nonce=_text(members, "nonce"),
        code_verifier=_text(members, "code_verifier"),
        issuer=_text(members, "issuer"),
        client_id=_text(members, "client_id"),
        redirect_uri=_text(members, "redirect_uri"),
        return_to=_text(members, "return_to"),
        scope=_text(members, "scope"),
        created_at=_seconds(members, "created_at"),
        audience=_optional_text(members, "audience"),
        max_age=_seconds(members, "max_age") if "max_age" in members else None,
        app_state=members.get("app_state"),
        organization=_optional_text(members, "organization"),
        acr_values=_optional_text(members, "acr_values"),
        silent=members.get("silent") is True,
        token_endpoint=_optional_text(members, "token_endpoint"),
    )


def _dump(members: dict[str, object]) -> str | None:
    try:
        record = json.dumps(members, separators=(",", ":"))
        loads_object(record.encode())
    except (TypeError, ValueError, RecursionError, StrictJSONError):
        return None
    return record


def _members(record: str) -> dict[str, object]:
    try:
        return loads_object(record.encode(errors="replace"))
    except StrictJSONError:
        raise MissingTransactionError(_DAMAGED) from None


def _text(members: dict[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise MissingTransactionError(_DAMAGED)
    return value


def _optional_text(members: dict[str, object], name: str) -> str | None:
    return _text(members, name) if name in members else None


def _seconds(members: dict[str, object], name: str) -> int:
    value = members.get(name)
    if not is_number(value) or value < 0:
        raise MissingTransactionError(_DAMAGED)
    return int(value)
