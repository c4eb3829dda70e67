import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from canary import CANARY, leaks
from hypothesis import given
from hypothesis import strategies as st
from timing import grows_linearly
from token_factory import NOW, id_token_claims, segment, sign
from vector_files import vectors

import spa_auth
from spa_auth.errors import JWTError
from spa_auth.protocol import base64url
from spa_auth.protocol.jwk import ALGORITHMS
from spa_auth.protocol.jwt import (
    MAX_HEADER_LENGTH,
    MAX_NUMERIC_DATE,
    MAX_TOKEN_LENGTH,
    UnverifiedJWT,
    VerifiedJWT,
    check_times,
    numeric_date,
    parse_jwt,
)

HEADER: dict[str, object] = {"alg": "RS256", "kid": "k1"}
CLAIMS: dict[str, object] = {"iss": "https://id.example/", "sub": "alice"}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def token(header: object = HEADER, claims: object = CLAIMS, signature: bytes = b"signature") -> str:
    return f"{segment(header)}.{segment(claims)}.{segment(signature)}"


def claim_at_fault(text: str) -> str:
    with pytest.raises(JWTError) as caught:
        parse_jwt(text)
    assert caught.value.error == "invalid_token"
    return caught.value.claim


def test_a_token_is_taken_apart() -> None:
    header = {**HEADER, "typ": "JWT"}
    text = token(header)
    assert parse_jwt(text) == UnverifiedJWT(
        header, CLAIMS, text.rpartition(".")[0].encode(), b"signature", "RS256", "k1"
    )


def test_a_real_token_is_taken_apart() -> None:
    jwt = parse_jwt(sign(id_token_claims(), header={"kid": None}))
    assert (jwt.claims, jwt.alg, jwt.kid) == (id_token_claims(), "RS256", None)


@pytest.mark.parametrize("vector", vectors("jws"), ids=lambda vector: vector["source"])
def test_the_examples_of_rfc_7515_are_read_where_they_are_signed_claims(vector: dict[str, str]) -> None:
    signed_claims = vector["alg"] != "none" and ".eyJpc3Mi" in vector["token"]
    if not signed_claims:
        assert claim_at_fault(vector["token"]) in ("alg", "json")
        return
    jwt = parse_jwt(vector["token"])
    assert jwt.alg == vector["alg"]
    assert jwt.claims == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}


MUTATIONS: dict[str, tuple[str, str]] = {
    "J01 alg none": (token({"alg": "none"}), "alg"),
    "J01 alg nOnE": (token({"alg": "nOnE"}), "alg"),
    "J01 alg empty": (token({"alg": ""}), "alg"),
    "J01 I02 alg missing": (token({}), "alg"),
    "J18 I02 alg a list": (token({"alg": ["RS256"]}), "alg"),
    "J18 alg a number": (token({"alg": 1}), "alg"),
    "J18 alg null": (token({"alg": None}), "alg"),
    "J18 typ a list": (token({**HEADER, "typ": ["JWT"]}), "typ"),
    "J18 typ null": (token({**HEADER, "typ": None}), "typ"),
    "J18 M23 kid an object": (token({**HEADER, "kid": {}}), "kid"),
    "J18 M23 kid null": (token({**HEADER, "kid": None}), "kid"),
    "M23 kid a list": (token({**HEADER, "kid": ["k1"]}), "kid"),
    "M23 kid too long": (token({**HEADER, "kid": "k" * 257}), "kid"),
    "J04 crit unknown": (token({**HEADER, "crit": ["x"], "x": 1}), "crit"),
    "J04 crit empty": (token({**HEADER, "crit": []}), "crit"),
    "J04 crit alg": (token({**HEADER, "crit": ["alg"]}), "crit"),
    "J04 crit twice": (token({**HEADER, "crit": ["x", "x"]}), "crit"),
    "J04 crit no list": (token({**HEADER, "crit": "x"}), "crit"),
    "J04 crit null": (token({**HEADER, "crit": None}), "crit"),
    "J05 b64 false": (token({**HEADER, "b64": False, "crit": ["b64"]}), "crit"),
    "J05 b64 without crit": (token({**HEADER, "b64": False}), "crit"),
    "J05 detached payload": (f"{segment(HEADER)}..{segment(b'x')}", "json"),
    "J06 JSON serialization": (json.dumps({"payload": segment(CLAIMS), "signatures": []}), "format"),
    "J06 JSON with two dots": ('{"payload":"a.b.c"}', "header"),
    "J07 padding": (token().replace(".", "=.", 1), "header"),
    "J07 padding of the signature": (token() + "=", "signature"),
    "J07 white space": (token() + "\n", "signature"),
    "J07 standard alphabet": (f"{segment(HEADER)}.{segment(CLAIMS)}.+/+/", "signature"),
    "J07 bits past the end": (f"{segment(HEADER)}.{segment(CLAIMS)}.AB", "signature"),
    "J08 b'...'": (f"b'{token()}'", "header"),
    "J08 quoted": (f'"{token()}"', "header"),
    "J08 Bearer": (f"Bearer {token()}", "header"),
    "J09 no dot": ("abc", "format"),
    "J09 one dot": ("abc.def", "format"),
    "J09 four dots, a JWE": (token() + ".a.b", "format"),
    "J09 three dots": (token() + ".", "format"),
    "J09 a million dots": ("." * 1_000_000, "format"),
    "J09 dots only": ("..", "json"),
    "J10 token too long": (token(signature=b"x" * MAX_TOKEN_LENGTH), "format"),
    "J10 header too long": (token({**HEADER, "x": "x" * MAX_HEADER_LENGTH}), "header"),
    "J12 nesting": (token(claims=b'{"a":' * 40 + b"1" + b"}" * 40), "json"),
    "J13 a claim twice": (token(claims=b'{"sub":"a","sub":"b"}'), "json"),
    "J13 alg twice": (token(b'{"alg":"none","\\u0061lg":"RS256"}'), "json"),
    "J14 NaN": (token(claims=b'{"exp":NaN}'), "json"),
    "J14 1e999": (token(claims=b'{"exp":1e999}'), "json"),
    "J15 5000 digits": (token(claims=b'{"exp":' + b"1" * 5000 + b"}"), "json"),
    "J16 UTF-16": (token(claims='{"sub":"a"}'.encode("utf-16")), "json"),
    "J16 byte order mark": (token(claims=b'\xef\xbb\xbf{"sub":"a"}'), "json"),
    "J16 surrogate": (token(claims=b'{"sub":"\\ud800"}'), "json"),
    "J16 not UTF-8": (token(b'{"alg":"RS256\xff"}'), "json"),
    "J17 header a list": (token([HEADER]), "json"),
    "J17 header null": (token(b"null"), "json"),
    "J17 claims a text": (token(claims="text"), "json"),
    "J17 claims a list": (token(claims=[CLAIMS]), "json"),
    "not ASCII": ("ä.ö.ü", "header"),
    "half a character": ("\ud800.a.b", "header"),
    "empty": ("", "format"),
}


@pytest.mark.parametrize("case", MUTATIONS)
def test_j_rows_malformed_tokens_are_refused_and_the_claim_at_fault_is_named(case: str) -> None:
    """J01, J04 to J10, J12 to J18, I02, I18, M23: one table, an id in each name."""
    text, claim = MUTATIONS[case]
    assert claim_at_fault(text) == claim


def test_j10_the_limits_are_exact() -> None:
    """16 KiB for a token, 4 KiB for its header; base64url makes four characters of three bytes."""
    header = json.dumps(HEADER).encode()
    longest = header + b" " * (4096 // 4 * 3 - len(header))
    assert parse_jwt(token(longest)).alg == "RS256"
    assert claim_at_fault(token(longest + b" ")) == "header"
    assert parse_jwt(token({**HEADER, "kid": "k" * 256})).kid == "k" * 256
    text = token(claims=b'{"sub":"a"}', signature=b"")
    assert parse_jwt(text + "A" * (16_384 - len(text))).claims == {"sub": "a"}
    assert claim_at_fault(text + "A" * (16_385 - len(text))) == "format"


def test_j10_the_longest_token_can_be_set() -> None:
    text = token()
    assert parse_jwt(text, max_length=len(text))
    with pytest.raises(JWTError):
        parse_jwt(text, max_length=len(text) - 1)


def test_m22_i17_members_that_name_keys_or_internals_are_plain_data() -> None:
    header = {**HEADER, "jku": "https://evil.example/", "x5u": "https://evil.example/", "jwk": {"kty": "oct"}}
    claims = {"__proto__": {"a": 1}, "__class__": "x", "__raw": "y"}
    jwt = parse_jwt(token(header, claims))
    assert (jwt.header, jwt.claims) == (header, claims)
    assert type(jwt.claims) is dict


@given(
    st.one_of(
        st.text(),
        st.text("AQgwx_-.=+/ \n", max_size=40),
        st.builds(token, json_values, json_values, st.binary()),
        st.builds(token, st.binary(), st.binary(), st.binary()),
    )
)
def test_j06_j22_only_our_error_and_what_is_accepted_is_what_was_signed(text: str) -> None:
    """J22: the parts that were read are exactly the parts that will be verified."""
    try:
        jwt = parse_jwt(text)
    except JWTError:
        return
    header, claims, signature = text.split(".")
    assert jwt.signing_input == f"{header}.{claims}".encode()
    assert base64url.encode(jwt.signature) == signature
    assert json.loads(base64url.decode(header)) == jwt.header
    assert json.loads(base64url.decode(claims)) == jwt.claims


@given(st.data())
def test_one_changed_character_changes_what_is_read_or_is_refused(data: st.DataObject) -> None:
    text = token()
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters().filter(lambda other: other != text[place]))
    try:
        changed = parse_jwt(text[:place] + character + text[place + 1 :])
    except JWTError:
        return
    original = parse_jwt(text)
    assert (changed.signing_input, changed.signature) != (original.signing_input, original.signature)


@pytest.mark.parametrize(
    "text",
    [
        f"{CANARY}.{CANARY}.{CANARY}",
        token({**HEADER, "kid": [CANARY]}),
        token(claims=f'{{"a":"{CANARY}"'.encode()),
        token(claims=f'{{"a":"{CANARY}'.encode() + b'\xff"}'),
    ],
)
def test_j11_s03_the_error_shows_nothing_of_the_token(text: str) -> None:
    with pytest.raises(JWTError) as caught:
        parse_jwt(text)
    for secret in (CANARY, *(part for part in text.split(".") if len(part) > 8)):
        assert leaks(caught.value, secret) == []


def test_s06_the_reprs_show_no_claim() -> None:
    assert repr(parse_jwt(token(claims={"sub": CANARY}))) == "<UnverifiedJWT RS256>"
    assert repr(VerifiedJWT({"kid": CANARY}, {"sub": CANARY})) == "<VerifiedJWT>"


@pytest.mark.parametrize("unit", ["a", ".", "=", "eyJ", "\n"])
def test_tokens_are_read_in_linear_time(unit: str) -> None:
    def read(size: int) -> None:
        try:
            parse_jwt(unit * size, max_length=10_000_000)
        except JWTError:
            return

    assert grows_linearly(read, 100_000)


# -- dates


@pytest.mark.parametrize("value", [0, 1, 1.5, NOW, MAX_NUMERIC_DATE])
def test_a_date_is_a_number_of_seconds(value: float) -> None:
    assert numeric_date({"exp": value}, "exp") == value
    assert numeric_date({}, "exp") is None


@pytest.mark.parametrize(
    "value", [None, True, False, "1800000000", -1, MAX_NUMERIC_DATE + 1, 1e13, math.inf, math.nan, [], {}, [NOW]]
)
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_i08_j14_v11_what_is_no_date_is_refused(name: str, value: object) -> None:
    with pytest.raises(JWTError) as caught:
        check_times({"exp": NOW + 300, name: value}, NOW, 60)
    assert caught.value.claim == name


def test_i08_v11_there_has_to_be_an_end() -> None:
    with pytest.raises(JWTError) as caught:
        check_times({"iat": NOW}, NOW, 60)
    assert caught.value.claim == "exp"


@pytest.mark.parametrize("leeway", [0, 60, 0.5])
def test_v11_v12_the_boundaries_are_exact_to_the_second_and_leeway_0_is_0(leeway: float) -> None:
    """V11: exp == now is too late. V12: nbf == now is in time. I19: a leeway of 0 is honoured."""
    check_times({"exp": NOW - leeway + 0.001}, NOW, leeway)
    check_times({"exp": NOW + 300, "nbf": NOW + leeway, "iat": NOW + leeway}, NOW, leeway)
    for claim, value in (("exp", NOW - leeway), ("nbf", NOW + leeway + 0.001), ("iat", NOW + leeway + 0.001)):
        with pytest.raises(JWTError) as caught:
            check_times({"exp": NOW + 300, claim: value}, NOW, leeway)
        assert caught.value.claim == claim


times = st.integers(0, 4_000_000_000)


@given(now=times, exp=times, nbf=st.none() | times, iat=st.none() | times, leeway=st.integers(0, 300))
def test_the_verdict_on_times_is_that_of_interval_arithmetic(
    now: int, exp: int, nbf: int | None, iat: int | None, leeway: int
) -> None:
    claims: dict[str, object] = {"exp": exp}
    claims |= {name: value for name, value in (("nbf", nbf), ("iat", iat)) if value is not None}
    is_valid = max(nbf or 0, iat or 0) - leeway <= now < exp + leeway

    def judge(more: int) -> bool:
        try:
            check_times(claims, now, leeway + more)
        except JWTError:
            return False
        return True

    assert judge(0) is is_valid
    assert judge(1) >= judge(0)


def failure(judge: Callable[[], object]) -> JWTError:
    with pytest.raises(JWTError) as caught:
        judge()
    return caught.value


def test_a_clock_that_is_hours_off_is_named_as_such() -> None:
    late = failure(lambda: check_times({"exp": NOW}, NOW + 5 * 3600, 60))
    early = failure(lambda: check_times({"exp": NOW, "iat": NOW - 300}, NOW - 5 * 3600, 60))
    usual = failure(lambda: check_times({"exp": NOW}, NOW + 90, 60))
    assert "1.0 hours" in failure(lambda: check_times({"exp": NOW}, NOW + 3600, 60)).remedy
    assert failure(lambda: check_times({"exp": NOW}, NOW + 3599, 60)).remedy == ""
    assert "clock of this device" in late.remedy
    assert "4.9 hours" in early.remedy
    assert usual.error_description == "The token expired 90 s ago."
    assert usual.remedy == ""


ENCRYPTED: tuple[dict[str, object], ...] = (
    {"alg": "RSA1_5", "enc": "A128CBC-HS256"},
    {"alg": "RSA-OAEP", "enc": "A256GCM", "zip": "DEF"},
    {"alg": "dir", "enc": "A256GCM"},
    {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31 - 1, "p2s": "c2FsdA"},
    {"alg": "ECDH-ES", "enc": "A256GCM", "epk": {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}},
)


@pytest.mark.parametrize("header", ENCRYPTED)
def test_j21_nothing_is_ever_decrypted_or_unpacked(header: dict[str, object]) -> None:
    five = ".".join([segment(header), "a2V5", "aXY", segment(b"x" * 9_000), "dGFn"])
    assert claim_at_fault(five) == "format"
    assert parse_jwt(token(header)).alg not in ALGORITHMS


def test_j21_no_module_can_decrypt_or_unpack() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(spa_auth.__file__).parent.rglob("*.py")]
    imports = [line for text in sources for line in re.findall(r"(?m)^ *(?:from|import) .*", text)]
    assert len(imports) > 500
    assert [line for line in imports if re.search(r"\b(jwe|zlib|gzip|zipfile)\b", line)] == []
