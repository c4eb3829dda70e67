"""The catalogue of threats and the tests name each other: nothing urgent is left out, and nothing is made up."""

import pytest
from coverage_of_threats import GROUPS, REASONS, ids_in, named, rows

ROWS = {row.name: row for row in rows()}


def test_there_is_a_catalogue_and_there_are_tests_that_name_it() -> None:
    assert len(ROWS) > 300
    assert sum(bool(row.tests) for row in ROWS.values()) > 200


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.priority < 2])
def test_an_urgent_threat_has_a_test_or_a_reason(name: str) -> None:
    row = ROWS[name]
    assert row.tests or row.reason, row.attack


def test_a_reason_of_its_own_is_for_a_threat_without_a_test() -> None:
    """What has a test needs no excuse, and an excuse that is out of date misleads."""
    assert [name for name in REASONS if len(name) > 1 and ROWS[name].tests] == []


def test_every_reason_is_about_a_threat_or_a_group_and_says_something() -> None:
    assert [name for name in REASONS if name not in {*ROWS, *GROUPS}] == []
    assert all(len(reason) > 20 for reason in REASONS.values())


def test_every_id_in_a_test_is_one_of_the_catalogue() -> None:
    """A slip of the pen would leave the test that it stands in uncounted."""
    known = {name: tests for name, tests in named().items() if name[0] in GROUPS}
    assert {name: tests for name, tests in known.items() if name not in ROWS} == {}


def test_every_group_of_the_catalogue_has_a_title() -> None:
    assert {name[0] for name in ROWS} == set(GROUPS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""J01: words."""', ["J01"]),
        ('"""J01, J02 and J03-J04."""', ["J01", "J02", "J03", "J04"]),
        ("def test_j01_words() -> None:", ["J01"]),
        ("def test_words_j01_j02() -> None:", ["J01", "J02"]),
        ("not_j01 = 'v18.2'", []),
        (r'b"\x01\x06" + "\J01"', []),
        ("XJ01 J011", []),
    ],
)
def test_an_id_is_told_from_what_looks_like_one(text: str, found: list[str]) -> None:
    assert sorted(ids_in(text)) == found
