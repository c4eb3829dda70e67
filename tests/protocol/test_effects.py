import pytest
from canary import CANARY
from flow_driver import Trace, drive

from spa_auth.errors import ConfigurationError, NetworkError
from spa_auth.protocol import effects
from spa_auth.protocol.effects import Now, Random, Send, Token, Verify
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.jwk import Key
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import MAX_BYTES
from spa_auth.protocol.token import TokenSet

REQUEST = Request("GET", f"https://a.example/?{CANARY}")
KEY = Key({"kty": "EC", "crv": "P-256"}, "k1", "ES256")
TOKENS = TokenSet("at", "Bearer", 1, Scope())


def test_each_effect_is_asked_for_and_its_answer_handed_on() -> None:
    trace: Trace = []
    assert drive(effects.send(REQUEST), [Response(200)], trace) == Response(200)
    assert drive(effects.now(), [7.5], trace) == 7.5
    assert drive(effects.random_text(3), [b"\x00\x01\x02"], trace) == "AAEC"
    assert drive(effects.verify("ES256", KEY, b"text", b"signature"), [True], trace) is True
    assert drive(effects.token("aud", Scope("a"), refresh=True), [TOKENS], trace) is TOKENS
    assert trace == [
        Send(REQUEST, MAX_BYTES, shared=False),
        Now(),
        Random(3),
        Verify("ES256", KEY, b"text", b"signature"),
        Token("aud", Scope("a"), refresh=True),
    ]


@pytest.mark.parametrize("answer", [False, None, 1, "True", b"x"])
def test_only_true_verifies_a_signature(answer: object) -> None:
    assert drive(effects.verify("ES256", KEY, b"text", b"signature"), [answer]) is False


def test_a02_too_little_randomness_is_no_randomness() -> None:
    for data in (b"", b"x" * 31):
        with pytest.raises(ConfigurationError) as caught:
            drive(effects.random_text(32), [data])
        assert caught.value.error == "insecure_context"


def test_what_a_driver_raises_reaches_the_flow() -> None:
    with pytest.raises(NetworkError):
        drive(effects.send(REQUEST), [NetworkError("No answer.")])


def test_k24_bodies_are_limited_unless_the_flow_says_otherwise() -> None:
    assert Send(REQUEST).max_bytes == 1_048_576


def test_s06_the_reprs_of_effects_show_no_token() -> None:
    for effect in (Send(REQUEST), Verify("ES256", KEY, CANARY.encode(), CANARY.encode()), Token("a", Scope("b"))):
        assert CANARY not in repr(effect)
