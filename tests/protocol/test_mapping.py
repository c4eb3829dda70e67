from canary import CANARY

from spa_auth.protocol.mapping import ReadOnlyMapping


def test_a_read_only_mapping_is_a_mapping_of_its_own_copy() -> None:
    members: dict[str, object] = {"a": 1, "b": 2}
    mapping = ReadOnlyMapping(members)
    members["a"] = 7
    assert dict(mapping) == {"a": 1, "b": 2}
    assert len(mapping) == 2
    assert not hasattr(mapping, "__setitem__")


def test_s06_its_repr_names_the_number_of_members_only() -> None:
    assert repr(ReadOnlyMapping({CANARY: CANARY})) == "<ReadOnlyMapping of 1>"
