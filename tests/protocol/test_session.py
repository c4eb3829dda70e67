import json

import pytest
from canary import CANARY
from hypothesis import given
from hypothesis import strategies as st
from token_factory import NOW, id_token_claims

from spa_auth.protocol.session import PROTOCOL_CLAIMS, Session, User, dump_hint, is_hint_valid

CLAIMS: dict[str, object] = {
    "sub": "alice",
    "given_name": "Alice",
    "family_name": "Smith",
    "nickname": "al",
    "preferred_username": "alice1",
    "email": "alice@example.com",
    "email_verified": True,
    "picture": "https://app.example/a.png",
    "locale": "de",
    "groups": ["a"],
}
ODD: list[object] = [None, "", 1, [], {}]
STANDARD = ("given_name", "family_name", "nickname", "preferred_username", "email", "picture", "locale")


def test_a_user_is_the_claims_about_the_user() -> None:
    user = User({**CLAIMS, **dict.fromkeys(PROTOCOL_CLAIMS, 1)})
    assert dict(user) == CLAIMS
    assert len(user) == len(CLAIMS)
    assert user["groups"] == ["a"]
    assert user == User(CLAIMS)
    assert len({user, User(CLAIMS)}) == 1
    assert "exp" not in user
    with pytest.raises(KeyError):
        user["nonce"]


def test_a_user_cannot_be_changed() -> None:
    user = User(CLAIMS)
    with pytest.raises(TypeError):
        user["sub"] = "mallory"  # type: ignore[index]
    with pytest.raises(AttributeError):
        user.extra = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        user.sub = "mallory"  # type: ignore[misc]


@pytest.mark.parametrize("name", STANDARD)
def test_a_standard_claim_is_an_attribute_and_none_where_it_is_absent_or_odd(name: str) -> None:
    assert getattr(User(CLAIMS), name) == CLAIMS[name]
    assert all(getattr(User({"sub": "alice", name: odd}), name) is None for odd in ODD)
    assert getattr(User({"sub": "alice"}), name) is None


def test_a_user_has_a_name_whatever_the_provider_gave() -> None:
    claims = {"name": "Alice Smith", **CLAIMS}
    for name in ("name", "preferred_username", "nickname", "email", "sub"):
        assert User(claims).name == claims[name]
        del claims[name]
        claims.setdefault("sub", "alice")
    assert User({"sub": "alice", "name": 7}).name == "alice"


@pytest.mark.parametrize(
    ("value", "is_verified"), [(True, True), (False, False), ("true", False), (1, False), (None, False)]
)
def test_i26_only_true_verifies_an_email(value: object, is_verified: bool) -> None:
    assert User({"sub": "alice", "email_verified": value}).email_verified is is_verified


def test_i17_claims_that_are_named_like_internals_are_plain_data() -> None:
    user = User({"sub": "alice", "__class__": "x", "_members": {"sub": "mallory"}, "__dict__": 1})
    assert type(user) is User
    assert user.sub == "alice"
    assert user["__class__"] == "x"


@pytest.mark.parametrize(
    "picture",
    [
        "https://a.example/a.png",
        "http://127.0.0.1:9400/a.svg",
        "http://localhost:9400/a.svg",
        "http://[::1]:9400/a.svg",
        "data:image/png;base64,AA",
    ],
)
def test_a_picture_that_a_page_may_load_is_shown(picture: str) -> None:
    assert User({"sub": "alice", "picture": picture}).picture == picture


@pytest.mark.parametrize(
    "picture",
    [
        "javascript:alert(1)",
        "http://127.0.0.1:9400@evil.example/a.png",
        "http://a.example/a.png",
        "//a.example/a.png",
        " https://a/",
        "x",
    ],
)
def test_i25_any_other_address_of_a_picture_is_not(picture: str) -> None:
    assert User({"sub": "alice", "picture": picture}).picture is None


def test_s06_the_reprs_show_neither_token_nor_claims() -> None:
    claims = {**id_token_claims(), "email": CANARY}
    session = Session(claims, CANARY, claims)
    assert repr(session) == "<Session>"
    assert repr(session.user) == "<User 'alice'>"
    assert session.user.email == CANARY


def test_userinfo_adds_to_the_user_and_changes_nothing_that_the_id_token_says() -> None:
    login: dict[str, object] = {"sub": "alice", "name": "Alice", "locale": "de"}
    session = Session({"sub": "alice", "name": "Alicia"}, "x", login, {"sub": "alice", "name": "A", "nickname": "al"})
    assert dict(session.user) == {"sub": "alice", "name": "Alicia", "nickname": "al", "locale": "de"}
    assert "nickname" not in session.claims


@pytest.mark.parametrize(
    ("userinfo", "claims", "email", "is_verified"),
    [
        ({"email": "a", "email_verified": True}, {"email": "b"}, "b", False),
        ({"email": "a", "email_verified": True}, {"email": "b", "email_verified": True}, "b", True),
        ({"email": "a"}, {"email_verified": True}, "a", False),
        ({"email": "a", "email_verified": True}, {}, "a", True),
        ({"email": "a", "email_verified": True}, {"email_verified": False}, "a", True),
        ({"email_verified": True}, {"email": "b"}, "b", False),
        ({}, {"email": "b", "email_verified": True}, "b", True),
    ],
)
def test_i26_an_address_is_verified_only_by_whoever_named_it(
    userinfo: dict[str, object], claims: dict[str, object], email: str, is_verified: bool
) -> None:
    user = Session({"sub": "alice", **claims}, "x", {"sub": "alice"}, userinfo).user
    assert (user.email, user.email_verified) == (email, is_verified)


def session_until(login: object, latest: object = None) -> Session:
    claims = ({} if value is None else {"session_expiry": value} for value in (latest, login))
    return Session(next(claims), "x", next(claims))


@pytest.mark.parametrize(
    ("login", "latest", "ceiling"),
    [(None, None, None), (NOW, None, NOW), (None, NOW, NOW), (NOW, NOW + 900, NOW), (NOW, NOW - 9, NOW - 9)],
)
def test_r19_a_refresh_never_moves_the_end_of_a_session_away(
    login: int | None, latest: int | None, ceiling: int | None
) -> None:
    assert session_until(login, latest).ceiling == ceiling


def test_r19_a_session_ends_half_a_minute_before_its_ceiling() -> None:
    session = session_until(NOW)
    assert not session.is_over(NOW - 30.5)
    assert session.is_over(NOW - 30)
    assert session.is_over(NOW, margin=0)
    assert not session.is_over(NOW - 1, margin=0)
    assert not session_until(None).is_over(NOW)


def test_a_hint_says_until_when_and_nothing_about_whom() -> None:
    assert json.loads(dump_hint(NOW)) == {"v": 1, "until": NOW}
    assert is_hint_valid(dump_hint(NOW), NOW - 0.1)
    assert not is_hint_valid(dump_hint(NOW), NOW)


@pytest.mark.parametrize(
    "record",
    [
        None,
        "",
        "{}",
        "null",
        "[]",
        "1",
        "{",
        '{"v":1}',
        '{"v":2,"until":9999999999}',
        '{"v":1,"until":"9999999999"}',
        '{"v":1,"until":true}',
        '{"v":1,"until":null}',
        '{"v":1,"until":NaN}',
        '{"v":1,"until":Infinity}',
        '{"v":1,"until":9999999999,"until":9999999999}',
        "[" * 100_000,
        "\ud800",
    ],
)
def test_a_hint_that_is_not_whole_is_none(record: str | None) -> None:
    assert not is_hint_valid(record, NOW)


@given(st.text())
def test_any_hint_is_judged(record: str) -> None:
    assert not is_hint_valid(record, NOW)
