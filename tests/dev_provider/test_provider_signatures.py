import pytest

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.presented import Presented
from spa_auth.dev_provider.signatures import ALGORITHMS, is_signed
from spa_auth.protocol.effects import Now, Verify
from spa_auth.protocol.http import Request
from spa_auth.protocol.jwk import Key


def test_a_key_that_cannot_be_imported_signed_nothing() -> None:
    key = Key({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, None, None)
    assert is_signed(Verify("ES256", key, b"text", b"signature")) is False


def test_nothing_but_signatures_is_asked_of_it() -> None:
    with pytest.raises(TypeError, match="Now"):
        is_signed(Now())


def test_only_asymmetric_algorithms_are_known() -> None:
    assert not [alg for alg in ALGORITHMS if alg.startswith("HS") or alg == "none"]


def test_no_repr_shows_a_token() -> None:
    request = Request("GET", "http://127.0.0.1:9400/userinfo", (("Authorization", "Bearer canary"),))
    shown = repr(Presented("Bearer", "canary")) + repr(Call(request, "/userinfo", Parameters([("code", "canary")])))
    assert "canary" not in shown
