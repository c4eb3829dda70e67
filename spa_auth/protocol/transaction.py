"""A login that has begun: what has to survive until the provider's answer comes.

The record lies in sessionStorage under `spa_auth:tx:<state>`; callback.js reads `return_to` of it. The
vector tests/vectors/transaction.json pins its form for Python and for the scripts.
"""

import json
import re
from typing import NamedTuple

from spa_auth.errors import MissingTransactionError
from spa_auth.protocol.strict_json import StrictJSONError, is_number, loads_object

LIFETIME = 900
MAX_PENDING = 10
TRANSACTION_PREFIX = "spa_auth:tx:"
RESPONSE_PREFIX = "spa_auth:response:"
REDIRECT = "r"
SILENT = "s"
# The first letter of `state` tells the callback page how the login left: r(edirect), p(opup), l(ink), s(ilent).
_STATE = re.compile(r"[rpls][A-Za-z0-9_-]{43}")


class Transaction(NamedTuple):
    """One pending login. `created_at` is in seconds; the repr shows no secret.

    `max_age` in seconds and `app_state`, any JSON value, are None where they were not given.
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

    def is_expired(self, now: float) -> bool:
        """Whether the login began more than 15 minutes ago, or in the future."""
        return not -LIFETIME < now - self.created_at <= LIFETIME

    def __repr__(self) -> str:
        return f"<Transaction {self.issuer} {self.client_id}>"


_TEXTS = ("nonce", "code_verifier", "issuer", "client_id", "redirect_uri", "return_to", "scope")


def is_state(text: str) -> bool:
    """Whether a text has the form of the `state` values made here."""
    return _STATE.fullmatch(text) is not None


def dump_transaction(transaction: Transaction) -> str:
    """The record to store."""
    members = {name: value for name, value in transaction._asdict().items() if value is not None}
    return json.dumps({"v": 1, **members}, separators=(",", ":"))


def parse_transaction(record: str, state: str) -> Transaction:
    """Read a stored record, which any script of this origin may have edited.

    Raises:
        MissingTransactionError: It is not a whole record of that state.
    """
    try:
        members = loads_object(record.encode())
    except (StrictJSONError, UnicodeEncodeError):
        raise MissingTransactionError("The stored login is damaged.") from None
    texts = [members.get(name) for name in _TEXTS]
    audience, max_age, created_at = (members.get(name) for name in ("audience", "max_age", "created_at"))
    if (
        members.get("v") != 1
        or members.get("state") != state
        or not all(isinstance(text, str) and text for text in texts)
        or not isinstance(audience, str | None)
        or not (max_age is None or is_number(max_age))
        or not is_number(created_at)
    ):
        raise MissingTransactionError("The stored login is damaged.")
    names = {name: members[name] for name in Transaction._fields if name in members}
    return Transaction(**names)  # type: ignore[arg-type]  # each was checked above
