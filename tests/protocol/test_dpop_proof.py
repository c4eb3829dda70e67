from collections.abc import Mapping
from typing import Any

import pytest
from flow_driver import Answer, drive
from hypothesis import given
from hypothesis import strategies as st
from token_factory import NOW, key_for, public_jwk, segment, sign, verify
from vector_files import vectors

from spa_auth.errors import InvalidDPoPProofError, InvalidTokenError, ProtocolError, RequestError, UseDPoPNonceError
from spa_auth.protocol import base64url
from spa_auth.protocol.dpop_proof import (
    MAX_PROOF_LENGTH,
    DPoPProof,
    Expected,
    VerifiedDPoPProof,
    access_token_hash,
    check_binding,
    find_dpop_proof,
    parse_dpop_proof,
    validate_dpop_proof,
    verified_dpop_proof,
)
from spa_auth.protocol.htu import normalized_htu
from spa_auth.protocol.jwk import thumbprint

URL = "https://api.example/notes"
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
EXPECTED = Expected("GET", URL, NOW)
CLAIMS: dict[str, object] = {"jti": "j-1", "htm": "GET", "htu": URL, "iat": NOW}
ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA", "Ed25519")


def leading_zero(name: str) -> str:
    """A number of an RSA key, with a zero before it."""
    return base64url.encode(b"\0" + base64url.decode(str(public_jwk("RS256")[name])))


def proof_text(
    claims: object = CLAIMS, *, alg: str = "ES256", header: Mapping[str, object] | None = None, **how: str
) -> str:
    members = {"typ": "dpop+jwt", "kid": None, "jwk": public_jwk(alg, kid=None), **(header or {})}
    return sign(claims, alg=alg, header=members, **how)


def checked(text: str, expected: Expected = EXPECTED) -> DPoPProof:
    """Everything that a receiver does, with a real signature check."""
    return validate_dpop_proof(drive(verified_dpop_proof(text), [Answer(verify)]), expected)


def verified(**changes: object) -> VerifiedDPoPProof:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value != "absent"}
    return VerifiedDPoPProof(claims, "a thumbprint")


def check_at_fault(proof: VerifiedDPoPProof, expected: Expected = EXPECTED) -> str:
    with pytest.raises(InvalidDPoPProofError) as caught:
        validate_dpop_proof(proof, expected)
    assert (caught.value.status, caught.value.error) == (401, "invalid_dpop_proof")
    return caught.value.claim


def part_at_fault(text: str) -> str:
    with pytest.raises(InvalidDPoPProofError) as caught:
        parse_dpop_proof(text)
    return caught.value.claim


@pytest.mark.parametrize("vector", vectors("dpop_proof"), ids=lambda vector: vector["source"])
def test_the_proofs_of_rfc_9449_are_accepted(vector: dict[str, Any]) -> None:
    expected = Expected(vector["method"], vector["url"], vector["now"], vector.get("access_token"))
    assert checked(vector["proof"], expected) == (vector["jkt"], vector["jti"], None)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_proof_of_every_kind_of_key_is_accepted(alg: str) -> None:
    assert checked(proof_text(alg=alg)) == (thumbprint(public_jwk(alg)), "j-1", None)


def test_p02_there_is_one_dpop_header_or_none() -> None:
    assert find_dpop_proof((("Accept", "*/*"),)) is None
    assert find_dpop_proof((("dPoP", "a.b.c"),)) == "a.b.c"
    with pytest.raises(InvalidDPoPProofError):
        find_dpop_proof((("DPoP", "a.b.c"), ("dpop", "a.b.c")))


def test_p02_two_proofs_joined_by_a_comma_are_none() -> None:
    text = proof_text()
    assert part_at_fault(f"{text}, {text}") == "format"
    assert part_at_fault(f"{text},") == "signature"


MALFORMED = {
    "P03 empty": ("", "format"),
    "P03 two parts": ("a.b", "format"),
    "P03 five parts": ("a.b.c.d.e", "format"),
    "P03 spaces": (f" {proof_text()}", "header"),
    "P03 no JSON": (f"{segment(b'x')}.{segment(CLAIMS)}.{segment(b'x')}", "json"),
    "P03 claims that are no object": (proof_text([1]), "json"),
    "P03 a claim twice": (proof_text(b'{"jti":"a","jti":"b"}'), "json"),
    "P03 too long": (proof_text({"x": "x" * MAX_PROOF_LENGTH}), "format"),
    "P03 an extension": (proof_text(header={"crit": ["exp"]}), "crit"),
    "P04 typ missing": (proof_text(header={"typ": None}), "typ"),
    "P04 typ JWT": (proof_text(header={"typ": "JWT"}), "typ"),
    "P04 typ at+jwt": (proof_text(header={"typ": "at+jwt"}), "typ"),
    "P04 typ in capitals": (proof_text(header={"typ": "DPoP+JWT"}), "typ"),
    "P04 typ no text": (proof_text(header={"typ": 1}), "typ"),
    "P05 alg none": (proof_text(header={"alg": "none"}), "alg"),
    "P05 alg HS256": (proof_text(header={"alg": "HS256"}), "alg"),
    "P05 alg of another curve": (proof_text(header={"alg": "ES384"}), "alg"),
    "P05 alg of another kind of key": (proof_text(header={"alg": "RS256"}), "alg"),
    "P05 alg that the key forbids": (proof_text(header={"jwk": public_jwk("ES256", alg="ES384")}), "alg"),
    "P06 jwk missing": (proof_text(header={"jwk": None}), "jwk"),
    "P06 jwk a list": (proof_text(header={"jwk": [public_jwk("ES256")]}), "jwk"),
    "P06 jwk a text": (proof_text(header={"jwk": "x"}), "jwk"),
    "P06 jwk private": (proof_text(header={"jwk": key_for("ES256").as_dict(private=True)}), "jwk"),
    "P06 jwk private in part": (proof_text(header={"jwk": public_jwk("RS256", p="AQ")}), "jwk"),
    "P06 jwk symmetric": (proof_text(header={"jwk": {"kty": "oct", "k": "AAAA"}}), "jwk"),
    "P06 jwk without x": (proof_text(header={"jwk": public_jwk("ES256", x=None)}), "jwk"),
    "P06 jwk off its curve": (proof_text(header={"jwk": public_jwk("ES256", x=segment(bytes(32)))}), "jwk"),
    "P06 jwk weak": (proof_text(header={"jwk": {"kty": "RSA", "n": segment(b"\xff" * 64), "e": "AQAB"}}), "jwk"),
    "P06 jwk huge": (proof_text(header={"jwk": public_jwk("ES256", x="A" * 4_096)}), "header"),
    "P06 jwk for encryption": (proof_text(header={"jwk": public_jwk("ES256", use="enc")}), "jwk"),
    "P21 x with padding": (proof_text(header={"jwk": public_jwk("ES256", x=f"{public_jwk('ES256')['x']}=")}), "jwk"),
    "P21 n with a leading zero": (
        proof_text(alg="RS256", header={"jwk": public_jwk("RS256", n=leading_zero("n"), kid=None)}),
        "jwk",
    ),
    "P21 e with a leading zero": (
        proof_text(alg="RS256", header={"jwk": public_jwk("RS256", e=leading_zero("e"), kid=None)}),
        "jwk",
    ),
    "P21 x with a leading zero": (
        proof_text(header={"jwk": public_jwk("ES256", x=segment(bytes(33)))}),
        "jwk",
    ),
}


@pytest.mark.parametrize(("text", "claim"), MALFORMED.values(), ids=MALFORMED)
def test_a_text_that_is_no_proof_is_refused_before_any_signature_is_checked(text: str, claim: str) -> None:
    assert part_at_fault(text) == claim


def test_p05_only_the_algorithms_of_the_receiver_are_accepted() -> None:
    with pytest.raises(InvalidDPoPProofError) as caught:
        parse_dpop_proof(proof_text(), algorithms=["RS256"])
    assert caught.value.claim == "alg"


def test_p07_a_proof_signed_by_another_key_is_refused() -> None:
    forged = proof_text(header={"jwk": public_jwk("ES256", "k2", kid=None)})
    with pytest.raises(InvalidDPoPProofError) as caught:
        checked(forged)
    assert caught.value.claim == "signature"


def test_p21_more_members_of_the_key_do_not_change_its_thumbprint() -> None:
    ours = public_jwk("ES256", kid="other", ext=True, key_ops=["verify"], use="sig", unknown=1)
    assert checked(proof_text(header={"jwk": ours})).jkt == thumbprint(public_jwk("ES256"))


FAULTS: dict[str, tuple[dict[str, object], str]] = {
    "P08 htm another": ({"htm": "POST"}, "htm"),
    "P08 htm in lower case": ({"htm": "get"}, "htm"),
    "P08 htm missing": ({"htm": "absent"}, "htm"),
    "P08 htm a number": ({"htm": 1}, "htm"),
    "P08 htm null": ({"htm": None}, "htm"),
    "P09 another host": ({"htu": "https://api.example.evil/notes"}, "htu"),
    "P09 another port": ({"htu": "https://api.example:444/notes"}, "htu"),
    "P09 another scheme": ({"htu": "http://api.example/notes"}, "htu"),
    "P09 another path": ({"htu": "https://api.example/note"}, "htu"),
    "P09 path in capitals": ({"htu": "https://api.example/Notes"}, "htu"),
    "P09 a slash more": ({"htu": "https://api.example/notes/"}, "htu"),
    "P09 a slash doubled": ({"htu": "https://api.example//notes"}, "htu"),
    "P09 a slash as an escape": ({"htu": "https://api.example%2Fnotes"}, "htu"),
    "P09 missing": ({"htu": "absent"}, "htu"),
    "P09 a list": ({"htu": [URL]}, "htu"),
    "P10 userinfo": ({"htu": "https://x@api.example/notes"}, "htu"),
    "P10 a backslash": ({"htu": "https:\\\\api.example\\notes"}, "htu"),
    "P10 a tab": ({"htu": "https://api.example/no\ttes"}, "htu"),
    "P10 a newline": ({"htu": f"{URL}\n"}, "htu"),
    "P10 a space": ({"htu": f" {URL}"}, "htu"),
    "P10 file": ({"htu": "file:///notes"}, "htu"),
    "P10 relative": ({"htu": "/notes"}, "htu"),
    "P12 301 seconds old": ({"iat": NOW - 301}, "iat"),
    "P12 61 seconds ahead": ({"iat": NOW + 61}, "iat"),
    "P12 missing": ({"iat": "absent"}, "iat"),
    "P12 NaN": ({"iat": float("nan")}, "iat"),
    "P12 infinite": ({"iat": float("inf")}, "iat"),
    "P12 true": ({"iat": True}, "iat"),
    "P12 a text": ({"iat": str(NOW)}, "iat"),
    "P12 null": ({"iat": None}, "iat"),
    "P13 missing": ({"jti": "absent"}, "jti"),
    "P13 a number": ({"jti": 1}, "jti"),
    "P13 empty": ({"jti": ""}, "jti"),
    "P13 huge": ({"jti": "j" * 257}, "jti"),
    "P23 expired": ({"exp": NOW - 60}, "exp"),
    "P23 exp a text": ({"exp": "soon"}, "exp"),
    "P23 not yet good": ({"nbf": NOW + 61}, "nbf"),
    "P23 nbf null": ({"nbf": None}, "nbf"),
    "nonce a number": ({"nonce": 1}, "nonce"),
    "nonce null": ({"nonce": None}, "nonce"),
}


@pytest.mark.parametrize(("changes", "claim"), FAULTS.values(), ids=FAULTS)
def test_a_proof_that_breaks_a_rule_is_refused_and_the_rule_is_named(changes: dict[str, object], claim: str) -> None:
    assert check_at_fault(verified(**changes)) == claim


def test_p12_a_number_that_no_float_holds_is_no_json() -> None:
    text = b'{"jti":"j-1","htm":"GET","htu":"https://api.example/notes","iat":1e999}'
    assert part_at_fault(proof_text(text)) == "json"


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": NOW - 300},
        {"iat": NOW + 60},
        {"iat": NOW + 0.5},
        {"jti": "j" * 256},
        {"exp": NOW - 59, "nbf": NOW + 60},
        {"htu": f"{URL}?a=b#c"},
        {"htu": "HTTPS://API.Example:443/./x/../%6eotes"},
        {"ath": "of a token that did not come along"},
        {"nonce": "nobody asked for one"},
    ],
)
def test_what_is_at_the_edge_of_the_rules_is_accepted(changes: dict[str, object]) -> None:
    assert validate_dpop_proof(verified(**changes), EXPECTED).jkt == "a thumbprint"


def test_the_window_is_the_receivers_to_set() -> None:
    expected = EXPECTED._replace(max_age=10, leeway=0)
    assert validate_dpop_proof(verified(iat=NOW - 10), expected)
    assert check_at_fault(verified(iat=NOW - 11), expected) == "iat"
    assert check_at_fault(verified(iat=NOW + 1), expected) == "iat"
    assert check_at_fault(verified(exp=NOW), expected) == "exp"


def test_p09_query_and_fragment_of_the_request_do_not_count() -> None:
    assert validate_dpop_proof(verified(), EXPECTED._replace(url=f"{URL}?page=2"))


@pytest.mark.parametrize("ath", ["absent", None, 1, "", access_token_hash(TOKEN[:-1]), access_token_hash(f"{TOKEN} ")])
def test_p19_a_proof_for_another_access_token_is_refused(ath: object) -> None:
    assert check_at_fault(verified(ath=ath), EXPECTED._replace(access_token=TOKEN)) == "ath"


def test_p19_the_proof_for_the_access_token_is_accepted_whatever_characters_a_header_held() -> None:
    for token in (TOKEN, "ünïcode", "\ud800"):
        expected = EXPECTED._replace(access_token=token)
        assert validate_dpop_proof(verified(ath=access_token_hash(token)), expected)


def test_p20_a_token_that_is_bound_to_another_key_is_an_invalid_token() -> None:
    proof = validate_dpop_proof(verified(), EXPECTED)
    check_binding(proof, "a thumbprint")
    with pytest.raises(InvalidTokenError):
        check_binding(proof, "another")


def test_p22_a_nonce_that_is_not_good_now_asks_for_another_try() -> None:
    expected = EXPECTED._replace(nonces=("new", "old"), nonce_required=True)
    for nonce in ("new", "old"):
        assert validate_dpop_proof(verified(nonce=nonce), expected).nonce == nonce
    for nonce in ("absent", "other", "", "\ud800"):
        with pytest.raises(UseDPoPNonceError) as caught:
            validate_dpop_proof(verified(nonce=nonce), expected)
        assert (caught.value.status, caught.value.error) == (401, "use_dpop_nonce")


def test_p22_where_a_nonce_is_optional_only_a_wrong_one_is_refused() -> None:
    expected = EXPECTED._replace(nonces=("new",))
    assert validate_dpop_proof(verified(), expected).nonce is None
    with pytest.raises(UseDPoPNonceError):
        validate_dpop_proof(verified(nonce="old"), expected)


def test_d13_a_clock_that_is_a_day_off_does_not_matter_with_a_nonce_of_the_server() -> None:
    expected = EXPECTED._replace(nonces=("new",))
    assert validate_dpop_proof(verified(iat=NOW - 86_400, nonce="new"), expected)
    assert check_at_fault(verified(iat=NOW - 86_400), expected) == "iat"
    assert check_at_fault(verified(iat=NOW - 86_400, nonce="mine"), EXPECTED) == "iat"


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("https://example.com:443/a?b#c", "https://example.com/a"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        ("https://example.com/a/./b/../c", "https://example.com/a/c"),
        ("https://example.com/a/..", "https://example.com/"),
        ("https://example.com/a/.", "https://example.com/a/"),
        ("https://example.com/../../a", "https://example.com/a"),
        ("https://example.com//a/..", "https://example.com//"),
        ("https://example.com/%7Euser/%41", "https://example.com/~user/A"),
        ("https://example.com/a/%2e%2E/b", "https://example.com/b"),
        ("https://example.com/a%2fb%e2%82%ac", "https://example.com/a%2Fb%E2%82%AC"),
        ("https://example.com/100%", "https://example.com/100%"),
        ("http://[::1]:9400/a", "http://[::1]:9400/a"),
    ],
)
def test_d06_each_address_has_one_spelling(url: str, normal: str) -> None:
    assert normalized_htu(url) == normal
    assert normalized_htu(normal) == normal


def test_p10_the_receivers_own_url_must_be_one() -> None:
    with pytest.raises(ProtocolError):
        validate_dpop_proof(verified(), EXPECTED._replace(url="https://x@api.example/notes"))


@given(st.text(max_size=200))
def test_p03_no_text_does_anything_but_pass_or_be_refused(text: str) -> None:
    with pytest.raises(InvalidDPoPProofError):
        parse_dpop_proof(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["jti", "htm", "htu", "iat", "exp", "nbf", "nonce", "ath"]), json_values))
def test_p08_p13_no_claims_do_anything_but_pass_or_be_refused(changes: dict[str, object]) -> None:
    expected = EXPECTED._replace(access_token=TOKEN, nonces=("new",))
    with pytest.raises(RequestError):
        validate_dpop_proof(VerifiedDPoPProof({**CLAIMS, **changes}, "jkt"), expected)


def test_no_repr_and_no_refusal_shows_what_a_proof_says() -> None:
    text = proof_text({**CLAIMS, "jti": "canary", "nonce": "canary", "htu": "https://canary.example/"})
    parsed = parse_dpop_proof(text)
    proof = VerifiedDPoPProof(parsed.jwt.claims, "jkt")
    shown = [repr(parsed), repr(proof), repr(DPoPProof("jkt", "canary", "canary"))]
    with pytest.raises(InvalidDPoPProofError) as caught:
        validate_dpop_proof(proof, EXPECTED)
    assert "canary" not in "".join([*shown, repr(EXPECTED._replace(access_token="canary")), str(caught.value)])
    assert "canary" not in caught.value.detail
