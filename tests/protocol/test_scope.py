import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spa_auth.protocol.scope import Scope, missing_scopes, scopes_for

words = st.lists(st.from_regex(r"[!#-\[\]-~]+", fullmatch=True))


def test_words_come_once_in_the_order_in_which_they_first_came() -> None:
    assert Scope("b a  b ") == ("b", "a")
    assert Scope(["openid profile", "openid", "email"]) == ("openid", "profile", "email")
    assert str(Scope("b a b")) == "b a"
    assert Scope() == Scope("") == Scope([]) == ()


def test_v16_a_scope_covers_whole_words_only() -> None:
    scope = Scope("read:notes write:notes")
    assert scope.covers(Scope("write:notes"))
    assert scope.covers([])
    for word in ("read", "read:note", "Read:notes", "read:notes\twrite:notes", "notes", "*"):
        assert not scope.covers(Scope(word)), word


def test_what_is_missing_is_named() -> None:
    assert Scope("a b").missing(["c", "b", "d"]) == Scope("c d")


@pytest.mark.parametrize(
    ("text", "is_legal"), [("", True), ("a b", True), ("a\tb", False), ('a"', False), ("a\\b", False), ("ä", False)]
)
def test_only_the_characters_of_rfc_6749_are_legal(text: str, is_legal: bool) -> None:
    assert Scope(text).is_legal is is_legal


@given(words)
def test_v16_a_scope_survives_being_written_and_read(parts: list[str]) -> None:
    scope = Scope(parts)
    assert Scope(str(scope)) == scope
    assert scope.is_legal
    assert set(scope) == set(parts)


@given(st.text(), st.text())
def test_v16_covering_is_what_sets_say(granted: str, needed: str) -> None:
    assert Scope(granted).covers(Scope(needed)) is (set(needed.split(" ")) - {""} <= set(granted.split(" ")))


def test_a_scope_can_be_copied() -> None:
    scope = Scope("a b")
    assert copy.deepcopy(scope) == scope
    assert pickle.loads(pickle.dumps(scope)) == scope  # noqa: S301  our own bytes


@pytest.mark.parametrize(
    ("option", "audience", "scope"),
    [
        ("profile email", None, "openid profile email"),
        ("profile openid", "https://api.example", "openid profile"),
        ("", None, "openid"),
        ({"default": "profile", "https://api.example": "read"}, None, "openid profile"),
        ({"default": "profile", "https://api.example": "read"}, "https://api.example", "openid profile read"),
        ({"default": "profile", "https://api.example": "read"}, "https://api.example/", "openid profile"),
        ({"https://api.example": "read openid"}, "https://api.example", "openid read"),
        ({}, "https://api.example", "openid"),
        ({"default": "a"}, "default", "openid a"),
    ],
)
def test_an_audience_has_its_scope_by_one_rule(option: str | dict[str, str], audience: str | None, scope: str) -> None:
    assert str(scopes_for(option, audience)) == scope


def test_what_was_not_granted_is_named_except_the_words_for_a_kind_of_session() -> None:
    asked = Scope("openid read write offline_access online_access")
    assert missing_scopes(Scope("openid read"), asked) == ("write",)
    assert missing_scopes(Scope("read write openid more"), asked) == ()
