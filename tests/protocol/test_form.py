from urllib.parse import parse_qsl

import pytest
from canary import CANARY, leaks
from hypothesis import given
from hypothesis import strategies as st
from timing import grows_linearly

from spa_auth.errors import ProtocolError
from spa_auth.protocol import form

texts = st.text(st.characters(exclude_categories=["Cs"]))
pairs = st.lists(st.tuples(texts, texts))


@given(pairs)
def test_a04_parsing_what_was_encoded_gives_it_back(parameters: list[tuple[str, str]]) -> None:
    """A04: nothing in a value can become a parameter of its own."""
    assert form.parse(form.encode(parameters)) == parameters


@given(pairs)
def test_other_parsers_read_what_was_encoded_alike(parameters: list[tuple[str, str]]) -> None:
    assert parse_qsl(form.encode(parameters), keep_blank_values=True) == parameters


@given(texts)
def test_a04_an_encoded_value_holds_nothing_that_ends_it(text: str) -> None:
    assert not set(form.quote(text)) & set("&=#?+\r\n \"'<>")
    assert form.unquote(form.quote(text)) == text


@given(st.text(), st.text())
def test_encoding_is_total_and_half_a_character_becomes_the_replacement_of_a_browser(name: str, value: str) -> None:
    [(parsed_name, parsed_value)] = form.parse(form.encode({name: value}))
    assert parsed_name == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in name)
    assert len(parsed_value) == len(value)


@given(st.text())
def test_reading_ends_in_pairs_or_in_an_error_of_ours(text: str) -> None:
    try:
        read = form.parse(text)
    except ProtocolError:
        return
    assert form.parse(form.encode(read)) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", []),
        ("&&", []),
        ("a", [("a", "")]),
        ("a=", [("a", "")]),
        ("=b", [("", "b")]),
        ("a=1&a=2", [("a", "1"), ("a", "2")]),
        ("a=b=c", [("a", "b=c")]),
        ("a+b=c+d%2B", [("a b", "c d+")]),
        ("a=%zz%4", [("a", "%zz%4")]),
        ("a=%c3%BC", [("a", "ü")]),
        ("a=1;b=2", [("a", "1;b=2")]),
    ],
)
def test_a_form_is_read_as_browsers_read_it(text: str, read: list[tuple[str, str]]) -> None:
    assert form.parse(text) == read


@pytest.mark.parametrize("text", ["a=%ff", "%c3=1", "a=%ed%a0%80", "a=\ud800"])
def test_what_is_not_utf_8_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        form.parse(text)


def test_s03_the_error_does_not_carry_the_value_along() -> None:
    with pytest.raises(ProtocolError) as caught:
        form.parse(f"code={CANARY}%ff")
    assert leaks(caught.value) == []


def test_a11_a_parameter_that_comes_twice_is_refused() -> None:
    assert form.unique([("a", "1"), ("b", "1")]) == {"a": "1", "b": "1"}
    with pytest.raises(ProtocolError):
        form.unique([("a", "1"), ("a", "1")])


@pytest.mark.parametrize("unit", ["%41", "a=1&", "+", "%", "ü", "&"])
def test_a_form_is_read_in_linear_time(unit: str) -> None:
    assert grows_linearly(lambda size: form.parse(unit * size), 20_000)
