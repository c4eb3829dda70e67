import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import grows_linearly
from vector_files import vectors

from spa_auth.protocol.challenge import MAX_LENGTH, Challenge, build_challenge, parse_challenges

names = st.from_regex(r"[!#$%&'*+.^_`|~0-9a-z-]+", fullmatch=True)
legal = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
pieces = st.text('Bearer ="\\,; \tabc/+.~\x00ü', max_size=60)


@pytest.mark.parametrize("vector", vectors("challenges"), ids=lambda vector: vector["source"])
def test_the_examples_of_the_specifications_are_read(vector: dict[str, Any]) -> None:
    read = [[challenge.scheme, challenge.parameters] for challenge in parse_challenges(vector["header"])]
    assert read == vector["challenges"]


@given(names, st.dictionaries(names, legal))
def test_f10_parsing_what_was_built_gives_it_back(scheme: str, parameters: dict[str, str]) -> None:
    header = build_challenge(scheme, parameters)
    if len(header) <= MAX_LENGTH:
        assert parse_challenges(header) == [Challenge(scheme, parameters)]


@given(st.dictionaries(names, st.text()))
def test_h01_whatever_the_value_the_header_stays_one_line_of_ascii(parameters: dict[str, str]) -> None:
    assert re.fullmatch(r"[\t -~]*", build_challenge("Bearer", parameters))


@given(st.one_of(st.text(), pieces))
def test_f10_reading_is_total(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower()


LISTS: list[tuple[str | None, list[tuple[str, dict[str, str]]]]] = [
    (None, []),
    ("", []),
    (" , ,", []),
    ("Bearer", [("bearer", {})]),
    ("BEARER REALM=x", [("bearer", {"realm": "x"})]),
    ("Bearer, Bearer", [("bearer", {}), ("bearer", {})]),
    ("Bearer a = 1 ,b=2", [("bearer", {"a": "1", "b": "2"})]),
    ("Bearer a=1, DPoP b=2, Basic", [("bearer", {"a": "1"}), ("dpop", {"b": "2"}), ("basic", {})]),
    ('Bearer a="b, Basic c=\\"d\\""', [("bearer", {"a": 'b, Basic c="d"'})]),
    ('Bearer error="a", error="b"', [("bearer", {"error": "a"})]),
    ('Bearer error="a", ERROR="b"', [("bearer", {"error": "a"})]),
    ("Negotiate abc==, Bearer a=1", [("negotiate", {}), ("bearer", {"a": "1"})]),
    ("Bearer abc", [("bearer", {})]),
    ("a=1, Bearer b=2", [("bearer", {"b": "2"})]),
    ('Bearer a="', [("bearer", {})]),
    ('Bearer a="b" c="d"', [("bearer", {})]),
    ("Bearer a=", [("bearer", {})]),
    ("Bearer =a", []),
    ('Bearer a=""', [("bearer", {"a": ""})]),
    ("Bearer\ta=1", [("bearer", {"a": "1"})]),
    ("Bearer(x)", []),
    ('Bearer a="ü"', [("bearer", {"a": "ü"})]),
    ("Bearer a=1;b=2", [("bearer", {})]),
]


@pytest.mark.parametrize(("header", "challenges"), LISTS)
def test_f10_lists_doubles_and_broken_challenges(
    header: str | None, challenges: list[tuple[str, dict[str, str]]]
) -> None:
    assert [(challenge.scheme, challenge.parameters) for challenge in parse_challenges(header)] == challenges


def test_the_error_of_a_challenge_is_at_hand() -> None:
    [challenge] = parse_challenges('Bearer error="invalid_token"')
    assert challenge.error == "invalid_token"
    assert Challenge("bearer", {}).error is None


def test_a_challenge_without_parameters_is_its_scheme() -> None:
    assert build_challenge("Bearer", {}) == "Bearer"


def test_f10_a_header_that_is_too_long_counts_as_none() -> None:
    assert parse_challenges("Bearer a=" + "b" * (MAX_LENGTH - 9)) != []
    assert parse_challenges("Bearer a=" + "b" * (MAX_LENGTH - 8)) == []


@pytest.mark.parametrize(
    "unit",
    ["a", " ", ",", "a ", "a,", 'a="', "a=", "a=b", '"', '\\"', "\\", "a =", "a b", "=", "a=b,", 'a="b",', "\x00"],
)
@pytest.mark.parametrize("start", ["", "Bearer ", 'Bearer a="', "Bearer a"])
def test_f10_hostile_challenges_are_read_in_linear_time(unit: str, start: str) -> None:
    assert grows_linearly(lambda size: parse_challenges((start + unit * size)[: 2 * size]), MAX_LENGTH // 4)
