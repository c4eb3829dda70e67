import json
import math
from collections.abc import Callable

import pytest
from canary import CANARY, leaks
from hypothesis import example, given
from hypothesis import strategies as st
from timing import grows_linearly

from spa_auth.errors import ProtocolError
from spa_auth.protocol.strict_json import (
    MAX_BYTES,
    MAX_DEPTH,
    StrictJSONError,
    dumps,
    is_array,
    is_number,
    is_object,
    is_texts,
    loads,
    loads_object,
)

whole_texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | whole_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(whole_texts, inner, max_size=4),
    max_leaves=12,
)
fragments = st.text('[]{}",:\\ue+-.0123456789dDaAtrueflsN InfityEtc \n\x00', max_size=40)


@given(values, st.booleans())
def test_ordinary_json_is_read_as_python_reads_it(value: object, ascii_only: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.one_of(st.binary(), fragments.map(str.encode)))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"1" * 10_000)
@example(b'"\\ud800"')
def test_j12_j15_any_bytes_are_read_as_python_reads_them_or_refused_with_one_error(document: bytes) -> None:
    """J12, J15: neither RecursionError nor the ValueError of 4300 digits gets out."""
    try:
        value = loads(document)
    except StrictJSONError:
        return
    assert value == json.loads(document)


REFUSED = {
    "J13: a member twice": b'{"a":1,"a":1}',
    "J13: a member twice, once in disguise": b'{"alg":"none","\\u0061lg":"RS256"}',
    "J13: a member twice, deep inside": b'[{"b":{"a":1,"a":2}}]',
    "J14: NaN": b'{"exp":NaN}',
    "J14: Infinity": b"[Infinity]",
    "J14: minus Infinity": b"[-Infinity]",
    "J14: a number no float can hold": b"1e999",
    "J14: and below": b"-1e999",
    "J14: 4000 digits": b"1" * 4000,
    "J15: 5000 digits": b"1" * 5000,
    "J15: 5000 digits below": b"-" + b"1" * 5000,
    "J16: a byte order mark": b"\xef\xbb\xbf{}",
    "J16: UTF-16": '{"a":1}'.encode("utf-16"),
    "J16: UTF-16 without a mark": '{"a":1}'.encode("utf-16-le"),
    "J16: UTF-32": '{"a":1}'.encode("utf-32-be"),
    "J16: broken UTF-8": b'"\xff"',
    "J16: overlong UTF-8": b'"\xc0\xaf"',
    "J16: half a character in UTF-8": b'"\xed\xa0\x80"',
    "J16: half a character escaped": b'"\\ud800"',
    "J16: the other half": b'["\\uDFFF"]',
    "J16: half a character in a name": b'{"\\ud83d":1}',
    "J12: nesting": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "J12: nesting of objects": b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
    "J12: nesting without end": b"[" * 1_000_000,
    "M06: size": b'"' + b"a" * MAX_BYTES + b'"',
    "no document": b"",
    "white space": b"  ",
    "two documents": b"{}{}",
    "a comma too many": b"[1,]",
    "single quotes": b"{'a':1}",
    "a comment": b"{}//",
    "a control character": b'"\n"',
    "an end too many": b"[]]" + b"[" * 40,
    "a leading zero": b"01",
    "white space of Unicode": "\u00a0{}".encode(),
}


@pytest.mark.parametrize("case", REFUSED)
def test_j12_j13_j14_j16_documents_with_two_readings_are_refused(case: str) -> None:
    with pytest.raises(StrictJSONError) as caught:
        loads(REFUSED[case])
    assert isinstance(caught.value, ProtocolError)


@pytest.mark.parametrize("case", REFUSED)
def test_s03_the_error_quotes_nothing_of_the_document(case: str) -> None:
    document = f'{{"{CANARY}":'.encode() + REFUSED[case] + b"}"
    with pytest.raises(StrictJSONError) as caught:
        loads(document)
    assert leaks(caught.value) == []


ACCEPTED: list[tuple[bytes, object]] = [
    (b'"\\ud83d\\ude00"', "\U0001f600"),
    (b'"\\\\ud800"', "\\ud800"),
    (b'"' + b"[" * 1000 + b'"', "[" * 1000),
    (b'["' + b'\\"[' * 100 + b'"]', ['"[' * 100]),
    (b"[" + b"[]," * 100 + b"[]]", [[]] * 101),
    (b"99999999999999999999", 99999999999999999999),
    (b"1e-999", 0.0),
    (b"-0", 0),
    (b" {} \r\n\t", {}),
    ('"\u2028"'.encode(), "\u2028"),
]


@pytest.mark.parametrize(("document", "value"), ACCEPTED)
def test_what_has_one_reading_is_accepted(document: bytes, value: object) -> None:
    assert loads(document) == value


def test_j12_as_deep_as_may_be_is_accepted() -> None:
    assert is_array(loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH))


def test_the_largest_document_can_be_set() -> None:
    assert loads(b"[1]", max_bytes=3) == [1]
    with pytest.raises(StrictJSONError):
        loads(b"[12]", max_bytes=3)


@pytest.mark.parametrize("document", [b"[]", b"null", b'"{}"', b"1", b"true"])
def test_j17_k05_what_has_to_be_an_object_is_one(document: bytes) -> None:
    assert loads_object(b'{"a":1}') == {"a": 1}
    with pytest.raises(StrictJSONError):
        loads_object(document)


def test_objects_are_written_short_and_readable() -> None:
    assert dumps({"a": [1, "ü"], "b": None}) == '{"a":[1,"ü"],"b":null}'.encode()
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps({"a": math.nan})


NUMBERS: list[object] = [0, 1.5]
ARRAYS: list[object] = [[], ["a"], ["a", 1]]
OBJECTS: list[object] = [{}, {"a": 1}]
OTHERS: list[object] = [True, "1", None]


def test_kinds_of_values_are_told_apart() -> None:
    every = [*NUMBERS, *ARRAYS, *OBJECTS, *OTHERS]
    assert [value for value in every if is_number(value) and value is not True] == NUMBERS
    assert not is_number(True)
    assert [value for value in every if is_array(value)] == ARRAYS
    assert [value for value in every if is_texts(value)] == [[], ["a"]]
    assert [value for value in every if is_object(value)] == OBJECTS


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "a string without end that ends again and again": lambda size: b'"' + b'\\"' * size + b"[" * 40,
    "and with half an escape": lambda size: b'"' + b'\\"' * size + b"[" * 40 + b"\\",
    "many strings": lambda size: b"[" * 40 + b'"",' * size,
    "quotes": lambda size: b"[" * 40 + b'"' * size,
    "backslashes": lambda size: b"[" * 40 + b'"' + b"\\" * size,
    "brackets": lambda size: b"[]" * size,
    "digits": lambda size: b"[" + b"1" * size + b"]",
    "digits behind the point": lambda size: b"[0." + b"1" * size + b"]",
    "white space": lambda size: b" " * size,
    "members": lambda size: b"{" + b",".join(b'"%d":1' % number for number in range(size)) + b"}",
    "escaped characters": lambda size: b'"' + b"\\ud83d\\ude00" * size + b'"',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_documents_are_read_in_linear_time(case: str) -> None:
    def read(size: int) -> None:
        try:
            loads(HOSTILE[case](size))
        except StrictJSONError:
            return

    assert grows_linearly(read, 20_000)
