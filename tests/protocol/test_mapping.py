import pickle

import pytest
from canary import CANARY
from protocol_values import TRANSACTION

from spa_auth.protocol.mapping import ReadOnlyMapping
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.session import Session
from spa_auth.protocol.token import TokenSet


def test_a_read_only_mapping_is_a_mapping_of_its_own_copy() -> None:
    members: dict[str, object] = {"a": 1, "b": 2}
    mapping = ReadOnlyMapping(members)
    members["a"] = 7
    assert dict(mapping) == {"a": 1, "b": 2}
    assert len(mapping) == 2
    assert not hasattr(mapping, "__setitem__")


def test_s06_its_repr_names_the_number_of_members_only() -> None:
    assert repr(ReadOnlyMapping({CANARY: CANARY})) == "<ReadOnlyMapping of 1>"


SECRET_VALUES = [
    TokenSet("at", "Bearer", 0, Scope("openid")),
    Session({"sub": "alice"}, "id-token", {"sub": "alice"}),
    TRANSACTION,
]


@pytest.mark.parametrize("value", SECRET_VALUES, ids=lambda value: type(value).__name__)
def test_s06_what_holds_a_secret_cannot_be_pickled(value: object) -> None:
    with pytest.raises(TypeError, match="secrets"):
        pickle.dumps(value)
