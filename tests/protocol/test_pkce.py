import pytest
from hypothesis import given
from hypothesis import strategies as st
from vector_files import vectors

from spa_auth.protocol import base64url
from spa_auth.protocol.pkce import METHOD, VERIFIER_BYTES, code_challenge, is_verifier


@pytest.mark.parametrize("vector", vectors("pkce"), ids=lambda vector: vector["source"])
def test_the_example_of_the_specification(vector: dict[str, str]) -> None:
    assert is_verifier(vector["code_verifier"])
    assert code_challenge(vector["code_verifier"]) == vector["code_challenge"]


def test_a01_the_method_is_s256_and_a_verifier_has_256_bits() -> None:
    assert METHOD == "S256"
    assert VERIFIER_BYTES * 8 >= 256
    assert is_verifier(base64url.encode(bytes(VERIFIER_BYTES)))


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 129, "a" * 42 + "+", "a" * 42 + "=", "a" * 43 + "\n", "ä" * 43])
def test_a01_weak_and_malformed_verifiers_are_recognised(text: str) -> None:
    assert not is_verifier(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_challenge_is_43_characters_whatever_it_is_of(text: str) -> None:
    assert len(base64url.decode(code_challenge(text))) == 32
