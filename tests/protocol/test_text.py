import pytest
from hypothesis import given
from hypothesis import strategies as st

from spa_auth.protocol.text import MAX_LENGTH, clean_code, clean_text, to_text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("The user said no.", "The user said no."),
        ("<b>bold</b>", "<b>bold</b>"),
        ('a "quoted"\\ text', "a quoted text"),
        ("a\r\nSet-Cookie: b\x00", "aSet-Cookie: b"),
        ("right\u202eto left, ünïcode", "rightto left, ncode"),
        ("code abcdefghijklmnopqrstuvwxyz0123456789 is spent", "code [...] is spent"),
        ("eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJpc3MiOiJodHRwczovL2lkLmV4.short", "[...].[...].short"),
        (None, ""),
        (17, ""),
        (["text"], ""),
    ],
)
def test_a09_k19_a_text_of_the_provider_keeps_to_the_characters_of_rfc_6749(text: object, clean: str) -> None:
    assert clean_text(text) == clean


def test_a09_a_megabyte_of_text_is_cut() -> None:
    assert clean_text("spam! " * 200_000) == ("spam! " * 200_000)[:MAX_LENGTH]


def test_what_was_sent_is_not_shown_and_an_empty_text_hides_nothing() -> None:
    assert clean_text("abc is spent", ["", "abc"]) == "[...] is spent"


@pytest.mark.parametrize(
    ("code", "clean"),
    [
        ("invalid_grant", "invalid_grant"),
        ("https://id.example/errors#1", "https://id.example/errors#1"),
        ("account_selection_required", "account_selection_required"),
        ("unmet_authentication_requirements", "unmet_authentication_requirements"),
        ("not_words_but_" + "x" * 20, "server_error"),
        ("", "server_error"),
        ("a b", "server_error"),
        ('a"b', "server_error"),
        ("x" * 65, "server_error"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "server_error"),
        (None, "server_error"),
        ({"a": 1}, "server_error"),
    ],
)
def test_k19_an_illegal_error_code_becomes_server_error(code: object, clean: str) -> None:
    assert clean_code(code) == clean


@given(st.text())
def test_cleaning_is_total_and_its_result_is_clean(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned) <= MAX_LENGTH
    assert cleaned.isascii()
    assert cleaned.isprintable()
    assert clean_text(cleaned) == cleaned
    assert clean_code(clean_code(text)) == clean_code(text)


def test_bytes_that_are_not_utf_8_are_no_text() -> None:
    assert to_text("ü".encode()) == "ü"
    assert to_text(b"\xff") is None
    assert to_text(b"\xed\xa0\x80") is None
