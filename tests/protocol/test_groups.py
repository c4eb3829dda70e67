import pytest
from hypothesis import given
from hypothesis import strategies as st

from spa_auth.errors import ConfigurationError
from spa_auth.protocol.groups import is_user_in_group

CLAIMS: dict[str, object] = {
    "sub": "alice",
    "groups": ["editors", {"id": "7", "name": "Authors"}, {"id": 8}, 9, None],
    "https://app.example/groups": ["admins"],
    "realm_access": {"roles": ["reader"], "groups": "reader"},
}


@pytest.mark.parametrize(
    ("groups", "is_in"),
    [
        (["editors"], True),
        (["7"], True),
        (["Authors"], True),
        (["editors", "nobody"], True),
        (("nobody", "Authors"), True),
        (["nobody"], False),
        (["8"], False),
        (["9"], False),
        (["editor"], False),
    ],
)
def test_one_of_the_groups_is_enough(groups: list[str], is_in: bool) -> None:
    assert is_user_in_group(CLAIMS, groups) is is_in


def test_or_all_of_them_are_needed() -> None:
    assert is_user_in_group(CLAIMS, ["editors", "Authors"], match_all=True)
    assert not is_user_in_group(CLAIMS, ["editors", "nobody"], match_all=True)


@pytest.mark.parametrize(
    ("claim", "group", "is_in"),
    [
        ("https://app.example/groups", "admins", True),
        ("realm_access.roles", "reader", True),
        ("realm_access.roles.x", "reader", False),
        ("realm_access.none", "reader", False),
        ("sub.x", "alice", False),
        ("nothing", "reader", False),
    ],
)
def test_the_claim_has_a_name_or_a_way_to_it(claim: str, group: str, is_in: bool) -> None:
    assert is_user_in_group(CLAIMS, [group], groups_claim=claim) is is_in


@pytest.mark.parametrize("value", ["administrators", {"admin": 1}, 7, None, True, {}, []])
@pytest.mark.parametrize("match_all", [True, False])
def test_n13_a_claim_that_is_no_list_names_no_group(value: object, match_all: bool) -> None:
    assert not is_user_in_group({"groups": value}, ["admin"], match_all=match_all)


@pytest.mark.parametrize("name", ["Admin", " admin", "admin ", "admin/..", "ädmin", "admin\x00"])
def test_n14_a_group_is_itself_letter_by_letter(name: str) -> None:
    assert not is_user_in_group({"groups": [name]}, ["admin"])


def test_n15_i24_groups_that_are_kept_elsewhere_are_none() -> None:
    overage: dict[str, object] = {
        "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://evil.example/"}},
    }
    assert not is_user_in_group(overage, ["admin"])


@pytest.mark.parametrize("groups", [[], (), "", "admin"])
@pytest.mark.parametrize("match_all", [True, False])
def test_n18_a_question_about_no_group_is_a_mistake(groups: list[str], match_all: bool) -> None:
    with pytest.raises(ConfigurationError):
        is_user_in_group(CLAIMS, groups, match_all=match_all)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["groups", "a", "a.b"]), json_values), st.sampled_from(["groups", "a.b", "."]))
def test_any_claims_are_judged(claims: dict[str, object], claim: str) -> None:
    assert is_user_in_group(claims, ["no such group"], groups_claim=claim) is False
