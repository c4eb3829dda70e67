"""What gate.js needs to begin a login before Python is up: the address and the record, without what is random.

A recipe lies in localStorage under `spa_auth:recipe:<issuer>:<client_id>`. It holds no secret and nothing about the
user; the gate adds state, nonce, PKCE, time and place, and keeps a record that `parse_transaction` reads.
"""

from spa_auth.protocol import form
from spa_auth.protocol.flows import LoginRequest
from spa_auth.protocol.strict_json import dumps, loads_object
from spa_auth.protocol.transaction import dump_transaction

RECIPE_PREFIX = "spa_auth:recipe:"
# In sessionStorage: the `until` of the hint with which a silent login by redirect was tried. Once for each hint.
TRIED_PREFIX = "spa_auth:tried:"
# After a week without a visit, Python asks the provider anew where logins begin.
LIFETIME = 604_800
_ADDED = ("state", "nonce", "code_challenge")
_BLANK = {"state": "", "nonce": "", "code_verifier": "", "return_to": "/", "created_at": 0}
# A pushed request is good for once, and a key of Python's is not at hand before Python.
_NOT_FOR_THE_GATE = frozenset({"dpop_jkt", "request", "request_uri"})


def dump_recipe(*, until: int, login: LoginRequest, silent: LoginRequest | None = None) -> str | None:
    """The recipe to store; None for a login that only Python can begin, such as one with PAR or a DPoP key.

    Args:
        until: When it is too old to be used, in seconds since 1970.
        login: A login as the page's own button would begin it.
        silent: One with `prompt=none`, for the gate to try by itself; None where it must not.
    """
    recipes = {"login": _recipe(login), **({} if silent is None else {"silent": _recipe(silent)})}
    return dumps({"v": 1, "until": until, **recipes}).decode() if all(recipes.values()) else None


def _recipe(login: LoginRequest) -> dict[str, object] | None:
    address, _, query = login.request.url.partition("#")[0].partition("?")
    pairs = form.parse(query)
    if not _NOT_FOR_THE_GATE.isdisjoint(name for name, _ in pairs):
        return None
    fixed = form.encode(pair for pair in pairs if pair[0] not in _ADDED)
    return {
        "url": f"{address}?{fixed}",
        "record": {**loads_object(dump_transaction(login.transaction).encode()), **_BLANK},
    }
