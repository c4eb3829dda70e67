import json
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_factory import import_key, jwks, key_for, public_jwk, verify
from vector_files import vectors

from spa_auth.errors import ProtocolError
from spa_auth.protocol import base64url
from spa_auth.protocol.effects import Verify
from spa_auth.protocol.http import Response
from spa_auth.protocol.jwk import (
    ALGORITHMS,
    MAX_BYTES,
    MAX_KEYS,
    Key,
    jwks_request,
    parse_jwk,
    parse_jwks_response,
    thumbprint,
)
from spa_auth.protocol.strict_json import StrictJSONError

RSA = public_jwk("RS256")
EC = public_jwk("ES256")
OKP = public_jwk("EdDSA")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def number(value: int) -> str:
    return base64url.encode(value.to_bytes((value.bit_length() + 7) // 8))


def key_from(jwk: object) -> Key:
    key = parse_jwk(jwk)
    assert key is not None
    return key


@pytest.mark.parametrize("vector", vectors("jws"), ids=lambda vector: vector["source"])
def test_the_signatures_of_the_specifications_verify_with_their_public_keys(vector: dict[str, object]) -> None:
    """M11: the secret of RFC 7515 A.1 is no key here."""
    key = parse_jwk(vector["jwk"])
    if vector["alg"] in ("HS256", "none"):
        assert key is None
        return
    assert key is not None
    alg, token = str(vector["alg"]), str(vector["token"])
    text, _, signature = token.rpartition(".")
    assert key.fits(alg)
    assert verify(Verify(alg, key, text.encode(), base64url.decode(signature)))
    assert not verify(Verify(alg, key, b"x" + text.encode(), base64url.decode(signature)))


@pytest.mark.parametrize("vector", vectors("thumbprint"), ids=lambda vector: vector["source"])
def test_the_thumbprints_of_the_specifications(vector: dict[str, Any]) -> None:
    jwk: dict[str, object] = vector["jwk"]
    assert thumbprint(jwk) == vector["thumbprint"]
    assert thumbprint(dict(reversed({**jwk, "use": "sig", "kid": "other"}.items()))) == vector["thumbprint"]


@pytest.mark.parametrize("alg", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_a_thumbprint_is_the_one_that_joserfc_computes(alg: str) -> None:
    assert thumbprint(public_jwk(alg)) == import_key(public_jwk(alg)).thumbprint()


@pytest.mark.parametrize(
    "jwk",
    [{}, {"kty": "oct", "k": "AAAA"}, {"kty": ["RSA"]}, {"kty": "RSA", "n": "AQAB"}, {"kty": "EC", "x": 1}, {"kty": 1}],
)
def test_what_is_no_public_key_has_no_thumbprint(jwk: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a public key"):
        thumbprint(jwk)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_of_each_algorithm_is_usable(alg: str) -> None:
    key = key_from(public_jwk(alg, use="sig", alg=alg, key_ops=["verify"]))
    assert key.fits(alg)
    assert key.kid == "k1"


@pytest.mark.parametrize("key_alg", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
@pytest.mark.parametrize("alg", [*ALGORITHMS, "HS256", "none", "RS1", "", "ES256K"])
def test_j02_j03_i03_i04_a_key_serves_only_algorithms_of_its_own_kind(key_alg: str, alg: str) -> None:
    """J02, I03: no public key ever serves HMAC."""
    family = {"P": "R"}.get(alg[:1], alg[:1])
    fits = alg in ALGORITHMS and family == key_alg[0] and (alg == key_alg or not alg.startswith("ES"))
    if key_alg == "EdDSA":
        fits = alg in ("EdDSA", "Ed25519")
    elif alg.startswith("Ed"):
        fits = False
    assert key_from(public_jwk(key_alg)).fits(alg) is fits


def test_m13_a_key_that_names_its_algorithm_serves_no_other() -> None:
    key = key_from({**RSA, "alg": "PS256"})
    assert key.fits("PS256")
    assert not key.fits("RS256")


def roca_modulus() -> int:
    """A number that is 65537 modulo each small prime, so a power of it, as moduli of the faulty generator are."""
    step = 2 * prod(number for number in range(3, 168) if all(number % divisor for divisor in range(2, number)))
    return 65537 + step * (2**2047 // step + 1)


UNUSABLE: dict[str, object] = {
    "M10 null": None,
    "M10 a text": "RSA",
    "M10 a list": [RSA],
    "M10 an empty object": {},
    "M10 unknown kty": {**RSA, "kty": "AKP"},
    "M10 kty a list": {**RSA, "kty": ["RSA"]},
    "M10 kty an object": {**RSA, "kty": {}},
    "M10 kty null": {**RSA, "kty": None},
    "M10 unknown crv": {**EC, "crv": "P-257"},
    "M10 secp256k1": {**EC, "crv": "secp256k1"},
    "M10 crv a list": {**EC, "crv": ["P-256"]},
    "M10 X25519": {**OKP, "crv": "X25519"},
    "M10 Ed448": {**OKP, "crv": "Ed448"},
    "M10 no n": {name: value for name, value in RSA.items() if name != "n"},
    "M10 no x": {name: value for name, value in OKP.items() if name != "x"},
    "M10 no y": {name: value for name, value in EC.items() if name != "y"},
    "M10 no crv": {name: value for name, value in EC.items() if name != "crv"},
    "M10 n a number": {**RSA, "n": 65537},
    "M10 e a number whose digits read as base64": {**RSA, "e": 6553},
    "M10 e null": {**RSA, "e": None},
    "M10 padded": {**RSA, "n": f"{RSA['n']}="},
    "M10 not base64url": {**RSA, "e": "A+/B"},
    "M10 kid a number": {**RSA, "kid": 1},
    "M10 kid a list": {**RSA, "kid": []},
    "M10 alg a list": {**RSA, "alg": ["RS256"]},
    "M10 alg an object": {**RSA, "alg": {}},
    "M11 a secret": {"kty": "oct", "k": "AAAA", "kid": "k1"},
    "M11 a private RSA key": key_for("RS256").as_dict(private=True),
    "M11 a private EC key": key_for("ES256").as_dict(private=True),
    "M11 a private OKP key": key_for("EdDSA").as_dict(private=True),
    "M12 RSA of 2047 bits": {**RSA, "n": number(2**2046 + 1)},
    "M12 RSA of 1024 bits": {**RSA, "n": number(2**1023 + 1)},
    "M12 RSA of 8193 bits": {**RSA, "n": number(2**8192 + 1)},
    "M12 an even modulus": {**RSA, "n": number(2**2048 - 2)},
    "M12 no modulus": {**RSA, "n": ""},
    "M12 e = 1": {**RSA, "e": number(1)},
    "M12 e = 0": {**RSA, "e": "AA"},
    "M12 e even": {**RSA, "e": number(65536)},
    "M12 e huge": {**RSA, "e": number(2**32 + 1)},
    "M12 ROCA": {**RSA, "n": number(roca_modulus())},
    "M12 off the curve": {**EC, "y": EC["x"]},
    "M12 the zero point": {**EC, "x": base64url.encode(bytes(32)), "y": base64url.encode(bytes(32))},
    "M12 not reduced": {**EC, "x": base64url.encode(b"\xff" * 32)},
    "M12 of another curve": {**EC, "crv": "P-384"},
    "M12 too short": {**EC, "x": base64url.encode(bytes(31))},
    "M12 an Ed25519 key of 31 bytes": {**OKP, "x": base64url.encode(bytes(31))},
    "M13 for encryption": {**RSA, "use": "enc"},
    "M13 use a list": {**RSA, "use": ["sig"]},
    "M13 use empty": {**RSA, "use": ""},
    "M13 key_ops without verify": {**RSA, "key_ops": ["sign"]},
    "M13 key_ops empty": {**RSA, "key_ops": []},
    "M13 key_ops a text": {**RSA, "key_ops": "verify"},
    "M13 an algorithm for encryption": {**RSA, "alg": "RSA-OAEP"},
    "M13 an algorithm that nobody knows": {**RSA, "alg": "RS257"},
    "J02 a public key called HS256": {**RSA, "alg": "HS256"},
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_m10_m11_m12_m13_unusable_keys_are_passed_over(case: str) -> None:
    assert parse_jwk(UNUSABLE[case]) is None


def test_m12_the_smallest_and_the_largest_rsa_key_are_accepted() -> None:
    for modulus in (2**2047 + 1, 2**8191 + 1):
        assert parse_jwk({**RSA, "n": number(modulus), "e": number(3)}) is not None


def test_a_key_keeps_its_public_members_only() -> None:
    key = key_from({**RSA, "x5c": ["cert"], "jku": "https://evil.example/", "extra": 1})
    assert dict(key.jwk) == {"kty": "RSA", "n": RSA["n"], "e": RSA["e"]}
    assert key != key_from(RSA)


def answer(body: bytes, status: int = 200) -> Response:
    return Response(status, (("Content-Type", "application/json"),), body)


def test_the_keys_are_asked_for_as_json() -> None:
    assert jwks_request("https://id.example/keys").header("accept") == "application/json"


def test_m10_m11_bad_entries_do_not_spoil_the_set() -> None:
    body = json.dumps({"keys": [*UNUSABLE.values(), RSA, EC]}).encode()
    assert [key.jwk["kty"] for key in parse_jwks_response(answer(body))] == ["RSA", "EC"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"keys":1}',
        b'{"keys":null}',
        b'{"keys":{}}',
        b'{"keys":[],"keys":[]}',
        json.dumps({"keys": [None] * (MAX_KEYS + 1)}).encode(),
        b'{"keys":[]' + b" " * MAX_BYTES + b"}",
        b'{"keys":' + b"[" * 100 + b"]" * 100 + b"}",
    ],
)
def test_m06_m07_what_is_no_set_of_keys_is_refused(body: bytes) -> None:
    with pytest.raises(StrictJSONError):
        parse_jwks_response(answer(body))


def test_only_status_200_is_an_answer() -> None:
    for status in (204, 404, 500):
        with pytest.raises(StrictJSONError):
            parse_jwks_response(answer(jwks(RSA), status))
    with pytest.raises(ProtocolError) as caught:
        parse_jwks_response(answer(jwks(RSA), 302))
    assert caught.value.error == "redirect_forbidden"


members = st.sampled_from(["kty", "kid", "alg", "use", "key_ops", "crv", "n", "e", "x", "y", "d"])


@given(st.sampled_from([RSA, EC, OKP]), st.dictionaries(members, json_values))
def test_m07_m10_odd_members_never_crash(jwk: dict[str, object], odd: dict[str, object]) -> None:
    key = parse_jwk({**jwk, **odd})
    if key is not None:
        assert all(isinstance(value, str) for value in key.jwk.values())
        assert isinstance(key.kid, str | None)
        assert "d" not in odd


@given(json_values)
def test_any_json_value_is_a_key_or_not(value: object) -> None:
    assert parse_jwk(value) is None


@given(st.one_of(st.binary(), json_values.map(lambda value: json.dumps({"keys": value}).encode())))
def test_m06_m07_any_answer_ends_in_keys_or_one_error(body: bytes) -> None:
    try:
        keys = parse_jwks_response(answer(body))
    except StrictJSONError:
        return
    assert keys == ()
