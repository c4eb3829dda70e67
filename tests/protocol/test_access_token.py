import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_factory import ISSUER, NOW

from spa_auth.errors import JWTError
from spa_auth.protocol.access_token import Rules, token_scope, validate_access_token
from spa_auth.protocol.jwt import VerifiedJWT
from spa_auth.protocol.scope import Scope

API = "https://api.example"
RULES = Rules(ISSUER, (API, "second"))
CLAIMS: dict[str, object] = {"iss": ISSUER, "aud": API, "sub": "alice", "exp": NOW + 300, "iat": NOW, "scope": "a b"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def token(header: dict[str, object] | None = None, **changes: object) -> VerifiedJWT:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value != "absent"}
    return VerifiedJWT(header or {"alg": "RS256", "typ": "at+jwt"}, claims)


def claim_at_fault(jwt: VerifiedJWT, rules: Rules = RULES) -> str:
    with pytest.raises(JWTError) as caught:
        validate_access_token(jwt, rules, NOW)
    assert caught.value.error == "invalid_token"
    return caught.value.claim


@pytest.mark.parametrize("typ", [{}, {"typ": "JWT"}, {"typ": "jwt"}, {"typ": "at+jwt"}, {"typ": "application/AT+JWT"}])
def test_j23_a_good_token_gives_its_claims(typ: dict[str, object]) -> None:
    assert validate_access_token(token({"alg": "RS256", **typ}), RULES, NOW) == CLAIMS


def test_one_of_several_audiences_is_enough() -> None:
    assert validate_access_token(token(aud=["other", API]), RULES, NOW)
    assert validate_access_token(token(aud="second"), RULES, NOW)
    assert validate_access_token(token(sub="s" * 255), RULES, NOW)


def test_a_token_without_subject_and_scope_is_accepted() -> None:
    assert token_scope(validate_access_token(token(sub="absent", scope="absent"), RULES, NOW)) == Scope()


FAULTS: dict[str, tuple[VerifiedJWT, str]] = {
    "V09 typ logout+jwt": (token({"typ": "logout+jwt"}), "typ"),
    "V09 typ dpop+jwt": (token({"typ": "dpop+jwt"}), "typ"),
    "V09 typ empty": (token({"typ": ""}), "typ"),
    "V09 typ twice prefixed": (token({"typ": "application/application/at+jwt"}), "typ"),
    "V08 an ID token by its nonce": (token({"typ": "JWT"}, nonce="x"), "nonce"),
    "V08 an ID token by its at_hash": (token({"alg": "RS256"}, at_hash="x"), "at_hash"),
    "V08 an ID token by its c_hash": (token({"typ": "JWT"}, c_hash="x"), "c_hash"),
    "V08 a logout token by its events": (token({"typ": "JWT"}, events={}), "events"),
    "V05 iss other": (token(iss="https://evil.example/"), "iss"),
    "V05 iss without slash": (token(iss=ISSUER[:-1]), "iss"),
    "V05 iss missing": (token(iss="absent"), "iss"),
    "V05 iss a list": (token(iss=[ISSUER]), "iss"),
    "V07 aud missing": (token(aud="absent"), "aud"),
    "V07 aud other": (token(aud="https://other.example"), "aud"),
    "V07 aud a substring": (token(aud="https://api"), "aud"),
    "V07 aud longer": (token(aud=API + "/"), "aud"),
    "V07 aud other case": (token(aud=API.upper()), "aud"),
    "V07 aud nested": (token(aud=[[API]]), "aud"),
    "V07 aud an object": (token(aud={API: 1}), "aud"),
    "V07 aud empty": (token(aud=[]), "aud"),
    "V07 aud null": (token(aud=None), "aud"),
    "V07 aud a number": (token(aud=[1]), "aud"),
    "V10 sub a number": (token(sub=1), "sub"),
    "V10 sub too long": (token(sub="s" * 256), "sub"),
    "V10 sub null": (token(sub=None), "sub"),
    "V19 cnf x5t#S256": (token(cnf={"x5t#S256": "x"}), "cnf"),
    "V19 cnf a text": (token(cnf="x"), "cnf"),
    "V19 cnf empty": (token(cnf={}), "cnf"),
    "V19 cnf null": (token(cnf=None), "cnf"),
    "V20 cnf jkt": (token(cnf={"jkt": "x"}), "cnf"),
    "V16 scope with a tab": (token(scope="a\tb"), "scope"),
    "V16 scope a number": (token(scope=1), "scope"),
    "V16 scope null": (token(scope=None), "scope"),
    "V17 scope and scp differ": (token(scp=["a", "c"]), "scope"),
    "V17 scp of wrong types": (token(scope="absent", scp=["a", 1]), "scp"),
    "V11 exp past": (token(exp=NOW - 60), "exp"),
    "V11 exp missing": (token(exp="absent"), "exp"),
    "V11 exp a text": (token(exp="x"), "exp"),
    "V12 nbf future": (token(nbf=NOW + 61), "nbf"),
    "V13 iat future": (token(iat=NOW + 61), "iat"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_v_rows_every_fault_is_refused_and_its_claim_is_named(case: str) -> None:
    """V05, V07 to V13, V16, V17, V19, V20: one table, an id in each name."""
    jwt, claim = FAULTS[case]
    assert claim_at_fault(jwt) == claim


def test_v11_leeway_0_is_0_and_the_end_is_exact() -> None:
    strict = RULES._replace(leeway=0)
    assert validate_access_token(token(exp=NOW + 1), strict, NOW)
    assert claim_at_fault(token(exp=NOW), strict) == "exp"
    assert validate_access_token(token(exp=NOW - 59), RULES, NOW)


@pytest.mark.parametrize(
    ("claims", "scope"),
    [
        ({}, ""),
        ({"scope": "a b"}, "a b"),
        ({"scp": "a b"}, "a b"),
        ({"scp": ["a", "b"]}, "a b"),
        ({"scope": ["a", "b"]}, "a b"),
        ({"scope": "a b", "scp": ["b", "a"]}, "a b"),
        ({"scope": ""}, ""),
    ],
)
def test_v16_v17_the_scope_is_a_set_of_words_under_either_name(claims: dict[str, object], scope: str) -> None:
    assert token_scope(claims) == Scope(scope)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "scp", "cnf", "nbf", "nonce"]), json_values))
def test_v24_any_claims_are_accepted_or_refused_with_one_error(changes: dict[str, object]) -> None:
    try:
        claims = validate_access_token(VerifiedJWT({}, {**CLAIMS, **changes}), RULES, NOW)
    except JWTError:
        return
    assert claims["iss"] == ISSUER
    assert API in str(claims["aud"]) or "second" in str(claims["aud"])
    assert token_scope(claims).is_legal
