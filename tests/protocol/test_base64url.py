import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import grows_linearly

from spa_auth.protocol import base64url

alphabet = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \n", max_size=12)


@given(st.binary())
def test_decoding_what_was_encoded_gives_it_back(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@given(st.one_of(st.text(), alphabet))
def test_j07_each_value_has_one_text_only(text: str) -> None:
    """J07: what is accepted is what encoding would give, and Python's decoder agrees."""
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text
    assert base64.urlsafe_b64decode(text + "==") == data


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AA==", "AA=", "+/+/", "AB", "AAB", "AA AA", "AAAA\n", "\nAAAA", "ÄÄÄÄ", "AAAA.", "\x00AAA"]
)
def test_j07_lax_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"canonical|multiple of 4|ASCII|padding"):
        base64url.decode(text)


def test_python_itself_would_take_bits_past_the_end() -> None:
    """The reason for this module."""
    assert base64.urlsafe_b64decode("AB==") == base64.urlsafe_b64decode("AA==")
    with pytest.raises(binascii.Error):
        base64.urlsafe_b64decode("A")


@pytest.mark.parametrize("end", ["", "!", "B"])
def test_long_texts_are_read_in_linear_time(end: str) -> None:
    def read(size: int) -> None:
        try:
            base64url.decode("A" * size + end)
        except ValueError:
            return

    assert grows_linearly(read, 100_000)
