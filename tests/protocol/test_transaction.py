import json
import math

import pytest
from canary import CANARY, leaks
from hypothesis import given
from hypothesis import strategies as st
from protocol_values import STATE, TRANSACTION
from token_factory import NOW
from vector_files import vectors

from spa_auth.errors import ConfigurationError, MissingTransactionError
from spa_auth.protocol import form
from spa_auth.protocol.transaction import (
    LIFETIME,
    REDIRECT,
    RESPONSE_PREFIX,
    SILENT,
    TRANSACTION_PREFIX,
    dump_transaction,
    is_state,
    parse_transaction,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=6,
)
VECTOR = vectors("transaction")


def test_the_vector_that_the_scripts_share_is_what_python_writes_and_reads() -> None:
    record, state = VECTOR["transaction"], VECTOR["transaction"]["state"]
    transaction = parse_transaction(json.dumps(record), state)
    assert json.loads(dump_transaction(transaction)) == record
    assert VECTOR["transaction_key"] == TRANSACTION_PREFIX + state
    assert VECTOR["response_key"] == RESPONSE_PREFIX + state
    assert dict(form.parse(VECTOR["response"]))["state"] == state
    assert transaction.app_state == {"note": 7, "text": "ü & #"}
    assert (transaction.organization, transaction.acr_values) == ("org_7", "phr phrh")


def test_a_page_that_left_by_itself_is_remembered() -> None:
    transaction = TRANSACTION._replace(silent=True)
    assert parse_transaction(dump_transaction(transaction), STATE) == transaction
    assert not parse_transaction(dump_transaction(TRANSACTION), STATE).silent


def test_a_record_of_an_older_page_is_read() -> None:
    record = {
        name: value for name, value in VECTOR["transaction"].items() if name not in ("organization", "acr_values")
    }
    transaction = parse_transaction(json.dumps(record), record["state"])
    assert (transaction.organization, transaction.acr_values) == (None, None)


@given(json_values, st.none() | st.text("abc/:", min_size=1), st.none() | st.integers(0, 10**9))
def test_reading_what_was_written_gives_it_back(app_state: object, audience: str | None, max_age: int | None) -> None:
    transaction = TRANSACTION._replace(app_state=app_state, audience=audience, max_age=max_age)
    assert parse_transaction(dump_transaction(transaction), STATE) == transaction


def test_a28_a_max_age_of_0_survives() -> None:
    transaction = TRANSACTION._replace(max_age=0, created_at=0)
    assert parse_transaction(dump_transaction(transaction), STATE) == transaction


def circle() -> object:
    inner: dict[str, object] = {}
    inner["inner"] = inner
    return inner


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "app_state", [object(), {1, 2}, math.nan, math.inf, b"x", "\ud800", 10**30, deep(32), deep(100_000), circle()]
)
def test_an_app_state_that_could_not_come_back_is_refused_before_the_page_is_left(app_state: object) -> None:
    with pytest.raises(ConfigurationError, match="app_state"):
        dump_transaction(TRANSACTION._replace(app_state=app_state))


def test_an_app_state_may_be_nested() -> None:
    transaction = TRANSACTION._replace(app_state=deep(30))
    assert parse_transaction(dump_transaction(transaction), STATE) == transaction


RECORD = json.loads(dump_transaction(TRANSACTION))
REQUIRED = sorted(RECORD.keys() - {"app_state", "token_endpoint", "v"})


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", [], {}, True, "absent"])
def test_a23_a_record_without_a_member_or_of_wrong_types_is_no_login(name: str, value: object) -> None:
    record = {**RECORD, name: value}
    if value == "absent":
        del record[name]
    with pytest.raises(MissingTransactionError):
        parse_transaction(json.dumps(record), STATE)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": "1"},
        {"v": None},
        {"state": "r" + "X" * 43},
        {"code_verifier": "short"},
        {"code_verifier": "ä" * 43},
        {"nonce": 1},
        {"audience": 1},
        {"audience": ""},
        {"organization": 7},
        {"organization": None},
        {"acr_values": ["phr"]},
        {"acr_values": ""},
        {"token_endpoint": ["https://id.example/oauth/token"]},
        {"token_endpoint": ""},
        {"max_age": "3600"},
        {"max_age": -1},
        {"max_age": None},
        {"created_at": "1800000000"},
        {"created_at": -1},
    ],
)
def test_a23_an_edited_record_is_no_login(change: dict[str, object]) -> None:
    with pytest.raises(MissingTransactionError):
        parse_transaction(json.dumps({**RECORD, **change}), STATE)


@pytest.mark.parametrize("record", ["", "null", "[]", "{", "\ud800", '{"v":1,"v":1}', "[" * 100_000])
def test_a23_what_is_no_record_is_no_login(record: str) -> None:
    with pytest.raises(MissingTransactionError):
        parse_transaction(record, STATE)


@given(st.one_of(st.text(), st.dictionaries(st.sampled_from(sorted(RECORD)), json_values).map(json.dumps)))
def test_a23_any_record_ends_in_a_login_or_in_one_error(record: str) -> None:
    with pytest.raises(MissingTransactionError):
        parse_transaction(record, STATE)


@given(st.dictionaries(st.sampled_from(sorted(RECORD)), json_values, min_size=1))
def test_a23_what_is_accepted_of_an_edited_record_has_the_right_types(changes: dict[str, object]) -> None:
    try:
        read = parse_transaction(json.dumps({**RECORD, **changes}), STATE)
    except MissingTransactionError:
        return
    assert read.state == STATE
    assert type(read.created_at) is int
    assert all((read.nonce, read.scope, read.issuer, read.return_to, read.client_id, read.redirect_uri))
    assert {type(value) for value in (read.nonce, read.scope, read.issuer, read.return_to)} == {str}


def test_k29_members_that_nobody_knows_are_left_out() -> None:
    record = json.dumps({**RECORD, "__class__": "x", "is_expired": False, "expires_at": 1})
    assert parse_transaction(record, STATE) == TRANSACTION


@pytest.mark.parametrize(
    ("age", "is_expired"),
    [
        (0, False),
        (900, False),
        (901, True),
        (LIFETIME, False),
        (LIFETIME + 1, True),
        (-LIFETIME + 1, False),
        (-LIFETIME, True),
        (86_400, True),
    ],
)
def test_a21_a_login_lasts_15_minutes(age: int, is_expired: bool) -> None:
    assert TRANSACTION.is_expired(NOW + age) is is_expired


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (REDIRECT + "A" * 43, True),
        (SILENT + "_-" * 21 + "9", True),
        ("x" + "A" * 43, False),
        ("r" + "A" * 42, False),
        ("r" + "A" * 44, False),
        ("r" + "A" * 42 + "\n", False),
        ("R" + "A" * 43, False),
        ("", False),
    ],
)
def test_a07_states_are_recognised_by_their_form(text: str, is_one: bool) -> None:
    assert is_state(text) is is_one


def test_s06_the_repr_shows_no_secret() -> None:
    secrets = TRANSACTION._replace(state=CANARY, nonce=CANARY, code_verifier=CANARY, app_state=CANARY, return_to=CANARY)
    assert repr(secrets) == f"<Transaction {TRANSACTION.issuer} {TRANSACTION.client_id}>"


@pytest.mark.parametrize(
    "record", [CANARY, f'{{"v":1,"nonce":"{CANARY}"}}', f'{{"nonce":"{CANARY}\ud800"}}', f'"{CANARY}']
)
def test_s03_the_error_shows_nothing_of_the_record(record: str) -> None:
    with pytest.raises(MissingTransactionError) as caught:
        parse_transaction(record, STATE)
    assert leaks(caught.value) == []


def test_s03_nor_does_the_error_of_an_app_state() -> None:
    with pytest.raises(ConfigurationError) as caught:
        dump_transaction(TRANSACTION._replace(code_verifier=CANARY, app_state={CANARY: object()}))
    assert leaks(caught.value) == []
