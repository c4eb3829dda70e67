import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from canary import CANARY, leaks
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, RSAKey
from server.issuing import ALGORITHMS, AUDIENCE, Clock, LocalIssuer, challenge_of, quiet
from token_factory import key_for, segment, sign

from spa_auth.errors import (
    ConfigurationError,
    InsufficientScopeError,
    InvalidTokenError,
    RequestError,
    UpstreamError,
)
from spa_auth.protocol.scope import Scope
from spa_auth.server import AccessToken, AccessTokenValidator

Make = Callable[[LocalIssuer], str]


def refused(issuer: LocalIssuer, token: str, **options: object) -> InvalidTokenError:
    with pytest.raises(InvalidTokenError) as raised:
        issuer.validator(**options).validate(token)
    return raised.value


def parts(issuer: LocalIssuer) -> list[str]:
    return issuer.token().split(".")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_good_token_is_accepted_with_every_algorithm(shared_issuer: LocalIssuer, alg: str) -> None:
    token = shared_issuer.validator().validate(shared_issuer.token(alg=alg), scopes=["read:notes"])
    assert token.subject == "alice"


def test_a_token_says_who_what_and_how_long(shared_issuer: LocalIssuer) -> None:
    token = shared_issuer.validator().validate(shared_issuer.token(exp=253_402_300_799, org={"id": 1}))
    assert token.issuer == shared_issuer.issuer
    assert token.client_id == "notes-page"
    assert token.expires_at == 253_402_300_799
    assert token.scope == Scope("openid read:notes")
    assert token["org"] == {"id": 1}
    assert set(token) == {"iss", "sub", "aud", "client_id", "iat", "exp", "scope", "org"}
    assert len(token) == 8
    assert repr(token) == "<AccessToken>"


def test_what_a_token_does_not_say_is_none() -> None:
    token = AccessToken({})
    assert (token.subject, token.client_id, token.expires_at, token.issuer) == (None, None, None, None)
    assert token.scope == ()
    assert AccessToken({"azp": "page"}).client_id == "page"


def test_sync_and_async_give_the_same(shared_issuer: LocalIssuer) -> None:
    validator, token = shared_issuer.validator(), shared_issuer.token()
    assert asyncio.run(validator.avalidate(token)) == validator.validate(token)


def test_v23_an_access_token_cannot_be_changed_at_any_depth(shared_issuer: LocalIssuer) -> None:
    token = cast("Any", shared_issuer.validator().validate(shared_issuer.token(org={"roles": ["a"]}, list=[[1]])))
    with pytest.raises(TypeError):
        token["sub"] = "mallory"
    with pytest.raises(TypeError):
        token["org"]["id"] = 2
    with pytest.raises(AttributeError):
        token["org"]["roles"].append("admin")
    with pytest.raises(AttributeError, match="scope"):
        token.scope = Scope("admin")
    with pytest.raises(AttributeError, match="_claims"):
        del token._claims
    assert token["list"] == ((1,),)


def test_v23_two_requests_never_share_a_claims_object(shared_issuer: LocalIssuer) -> None:
    validator, token = shared_issuer.validator(), shared_issuer.token(org={"id": 1})
    assert validator.validate(token)["org"] is not validator.validate(token)["org"]


def with_claims(issuer: LocalIssuer, payload: bytes) -> str:
    return f"{parts(issuer)[0]}.{segment(payload)}.AA"


def with_header(issuer: LocalIssuer, header: object) -> str:
    return f"{segment(header)}.{parts(issuer)[1]}.AA"


def with_signature(issuer: LocalIssuer, signature: bytes) -> str:
    return f"{issuer.token().rpartition('.')[0]}.{segment(signature)}"


# What is wrong, and the check that has to notice it, by the ids of the threat catalogue.
REFUSED: dict[str, tuple[str, Make]] = {
    "j01 alg none": ("alg", lambda i: ".".join([segment({"alg": "none"}), parts(i)[1], ""])),
    "j01 alg nOnE": ("alg", lambda i: ".".join([segment({"alg": "nOnE"}), parts(i)[1], ""])),
    "j01 alg none, signed": ("alg", lambda i: i.token(header={"alg": "none"})),
    "j01 alg in another case": ("alg", lambda i: i.token(alg="ES256", header={"alg": "es256"})),
    "j02 public key as hmac secret": ("alg", lambda i: sign(i.claims(), alg="HS256")),
    "j03 alg of another kind of key": ("kid", lambda i: i.token(alg="ES256", header={"alg": "RS256"})),
    "j03 alg of another curve": ("kid", lambda i: i.token(alg="ES384", header={"alg": "ES256"})),
    "j03 alg of the same key, other padding": ("signature", lambda i: i.token(alg="RS256", header={"alg": "PS256"})),
    "j04 crit unknown": ("crit", lambda i: i.token(header={"crit": ["exp"]})),
    "j04 crit empty": ("crit", lambda i: i.token(header={"crit": []})),
    "j04 crit alg": ("crit", lambda i: i.token(header={"crit": ["alg"]})),
    "j05 b64 false": ("crit", lambda i: i.token(header={"b64": False})),
    "j05 detached payload": ("json", lambda i: f"{parts(i)[0]}..{parts(i)[2]}"),
    "j06 json serialization": ("format", lambda i: json.dumps({"payload": parts(i)[1], "signature": parts(i)[2]})),
    "j06 polyglot": ("header", lambda i: "{" + i.token()),
    "j07 padding": ("signature", lambda i: i.token() + "="),
    "j07 white space": ("signature", lambda i: i.token() + "\n"),
    "j07 plus and slash": ("claims", lambda i: f"{parts(i)[0]}.++//.{parts(i)[2]}"),
    "j08 bytes literal": ("header", lambda i: f"b'{i.token()}'"),
    "j08 quoted": ("header", lambda i: f'"{i.token()}"'),
    "j09 no dot": ("format", lambda _: "opaque"),
    "j09 one dot": ("format", lambda i: ".".join(parts(i)[:2])),
    "j09 four dots": ("format", lambda i: f"{i.token()}.a.b"),
    "j09 a million dots": ("format", lambda _: "." * 1_000_000),
    "j10 oversize token": ("format", lambda i: i.token(fill="a" * 16_384)),
    "j10 oversize header": ("header", lambda i: i.token(header={"fill": "a" * 4_096})),
    "j12 nesting bomb": ("json", lambda i: with_claims(i, b"[" * 5000)),
    "j13 doubled claim": ("json", lambda i: with_claims(i, b'{"sub":"a","sub":"b"}')),
    "j13 doubled header in disguise": ("json", lambda i: with_header(i, b'{"alg":"ES256","a\\u006cg":"none"}')),
    "j14 nan": ("json", lambda i: with_claims(i, b'{"exp":NaN}')),
    "j14 infinite": ("json", lambda i: with_claims(i, b'{"exp":1e999}')),
    "j14 long integer": ("json", lambda i: with_claims(i, b'{"exp":' + b"9" * 4000 + b"}")),
    "j16 utf-16": ("json", lambda i: with_claims(i, "{}".encode("utf-16"))),
    "j16 byte order mark": ("json", lambda i: with_claims(i, "{}".encode("utf-8-sig"))),
    "j16 invalid utf-8": ("json", lambda i: with_claims(i, b'{"a":"\xff"}')),
    "j16 lone surrogate": ("json", lambda i: i.token(sub="\ud800")),
    "j17 header is a list": ("json", lambda i: with_header(i, [1])),
    "j17 payload is a text": ("json", lambda i: with_claims(i, b'"x"')),
    "j18 alg is a number": ("alg", lambda i: i.token(header={"alg": 1})),
    "j18 typ is a list": ("typ", lambda i: i.token(header={"typ": ["at+jwt"]})),
    "j18 kid is an object": ("kid", lambda i: i.token(header={"kid": {"a": 1}})),
    "j19 r = s = 0": ("signature", lambda i: with_signature(i, bytes(64))),
    "j19 r above the order": ("signature", lambda i: with_signature(i, b"\xff" * 64)),
    "j19 DER": ("signature", lambda i: with_signature(i, bytes.fromhex("3006020101020101"))),
    "j20 short RSA signature": ("signature", lambda i: i.token(alg="RS256")[:-4]),
    "j20 long RSA signature": ("signature", lambda i: i.token(alg="RS256") + "AAAA"),
    "j20 no signature": ("signature", lambda i: i.token().rpartition(".")[0] + "."),
    "m22 key in the token": ("signature", lambda i: _signed_by_own_key(i, "jwk")),
    "m22 jku in the token": ("signature", lambda i: _signed_by_own_key(i, "jku")),
    "m22 x5u in the token": ("signature", lambda i: _signed_by_own_key(i, "x5u")),
    "m23 kid is a path": ("kid", lambda i: i.token(header={"kid": "../../etc/passwd"})),
    "m23 kid is long": ("kid", lambda i: i.token(header={"kid": "a" * 257})),
    "v05 other issuer": ("iss", lambda i: i.token(iss="https://evil.example/")),
    "v05 no slash": ("iss", lambda i: i.token(iss=i.issuer.rstrip("/"))),
    "v05 longer": ("iss", lambda i: i.token(iss=f"{i.issuer}.evil.example")),
    "v05 list": ("iss", lambda i: i.token(iss=[i.issuer])),
    "v05 missing": ("iss", lambda i: i.token(iss=None)),
    "v07 other audience": ("aud", lambda i: i.token(aud="https://other.example")),
    "v07 longer": ("aud", lambda i: i.token(aud=f"{AUDIENCE}/admin")),
    "v07 shorter": ("aud", lambda i: i.token(aud=AUDIENCE[:-1])),
    "v07 case": ("aud", lambda i: i.token(aud=AUDIENCE.upper())),
    "v07 missing": ("aud", lambda i: i.token(aud=None)),
    "v07 empty": ("aud", lambda i: i.token(aud=[])),
    "v07 nested": ("aud", lambda i: i.token(aud=[[AUDIENCE]])),
    "v07 an object": ("aud", lambda i: i.token(aud={AUDIENCE: True})),
    "v07 a number": ("aud", lambda i: i.token(aud=1)),
    "v08 ID token": ("nonce", lambda i: i.token(header={"typ": "JWT"}, nonce="n")),
    "v08 ID token by at_hash": ("at_hash", lambda i: i.token(header={"typ": None}, at_hash="h")),
    "v09 logout token": ("typ", lambda i: i.token(header={"typ": "logout+jwt"})),
    "v09 DPoP proof": ("typ", lambda i: i.token(header={"typ": "dpop+jwt"})),
    "v09 unknown kind": ("typ", lambda i: i.token(header={"typ": "x"})),
    "v10 subject is an object": ("sub", lambda i: i.token(sub={"a": 1})),
    "v11 expired": ("exp", lambda i: i.token(exp=1)),
    "v11 no exp": ("exp", lambda i: i.token(exp=None)),
    "v11 exp is a text": ("exp", lambda i: i.token(exp="9999999999")),
    "v11 exp is true": ("exp", lambda i: i.token(exp=True)),
    "v11 exp is absurd": ("exp", lambda i: i.token(exp=1e17)),
    "v12 not yet": ("nbf", lambda i: i.token(nbf=9_999_999_999)),
    "v12 nbf is a text": ("nbf", lambda i: i.token(nbf="1")),
    "v13 issued in the future": ("iat", lambda i: i.token(iat=9_999_999_999)),
    "v16 scope with a tab": ("scope", lambda i: i.token(scope="openid\tread:notes")),
    "v16 scope is a number": ("scope", lambda i: i.token(scope=1)),
    "v17 scope and scp differ": ("scope", lambda i: i.token(scp="admin")),
    "v19 certificate-bound": ("cnf", lambda i: i.token(cnf={"x5t#S256": "a"})),
    "v19 bound to something": ("cnf", lambda i: i.token(cnf={})),
    "v19 bound to a text": ("cnf", lambda i: i.token(cnf="x")),
    "v20 DPoP-bound": ("cnf", lambda i: i.token(cnf={"jkt": "a"})),
}  # fmt: skip


def _signed_by_own_key(issuer: LocalIssuer, member: str) -> str:
    own = key_for("ES256", "mallory")
    offer = own.as_dict(private=False) if member == "jwk" else f"{issuer.issuer}mallory.json"
    return sign(issuer.claims(), alg="ES256", name="mallory", header={"kid": "ES256", member: offer})


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_token_is_refused_by_the_check_that_is_meant(
    shared_issuer: LocalIssuer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    claim, make = REFUSED[name]
    error = refused(shared_issuer, make(shared_issuer))
    assert error.detail.startswith(f"({claim})"), error.detail
    assert caplog.messages[-1] == f"401 invalid_token {error.detail}"


@pytest.mark.parametrize("name", REFUSED)
def test_v25_every_bad_token_gets_the_same_answer(shared_issuer: LocalIssuer, name: str) -> None:
    quiet()
    error = refused(shared_issuer, REFUSED[name][1](shared_issuer))
    assert error.status == 401
    assert challenge_of(error).parameters == {
        "realm": AUDIENCE,
        "error": "invalid_token",
        "error_description": "The access token is not accepted.",
    }
    assert json.loads(error.body) == {
        "error": "invalid_token",
        "error_description": "The access token is not accepted.",
    }


def test_m22_a_key_address_in_the_token_is_never_asked(issuer: LocalIssuer) -> None:
    refused(issuer, _signed_by_own_key(issuer, "jku"))
    assert not any("mallory" in path for path in issuer.asked)


def test_m04_v05_a_token_of_another_issuer_costs_no_request(issuer: LocalIssuer) -> None:
    refused(issuer, issuer.token(iss="https://evil.example/"))
    refused(issuer, issuer.token(iss="http://169.254.169.254/"))
    assert issuer.asked == []


def test_j25_a_malformed_token_costs_no_request(issuer: LocalIssuer) -> None:
    for token in ("", "a.b.c", "." * 100, issuer.token(header={"alg": "HS256"})):
        refused(issuer, token)
    assert issuer.asked == []


def test_v06_a_token_signed_with_another_issuers_key_is_refused(
    issuer: LocalIssuer, shared_issuer: LocalIssuer
) -> None:
    issuer.keys = [key_for("ES256", "other").as_dict(private=False)]
    assert refused(issuer, sign(issuer.claims(), alg="ES256", name="ES256")).detail.startswith("(kid)")
    issuer.keys = [{**key_for("ES256", "other").as_dict(private=False), "kid": "ES256"}]
    assert refused(issuer, sign(issuer.claims(), alg="ES256", name="ES256")).detail.startswith("(signature)")
    assert refused(issuer, shared_issuer.token()).detail.startswith("(iss)")


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", None])
def test_v09_a_token_that_says_it_is_an_access_token_or_nothing_else_is_accepted(
    shared_issuer: LocalIssuer, typ: str | None
) -> None:
    assert shared_issuer.validator().validate(shared_issuer.token(header={"typ": typ}))


def test_several_audiences_on_either_side_need_one_in_common(shared_issuer: LocalIssuer) -> None:
    validator = shared_issuer.validator(audience=["https://a.example", AUDIENCE])
    assert validator.validate(shared_issuer.token(aud=["https://other.example", AUDIENCE]))


def test_v11_v12_times_are_judged_to_the_second_with_tolerance_at_both_ends(shared_issuer: LocalIssuer) -> None:
    clock = Clock()
    clock.now = 1_800_000_000
    times = {"iat": 1_800_000_000, "exp": 1_800_000_600, "nbf": 1_800_000_000}
    validator, token = shared_issuer.validator(clock=clock, clock_tolerance=10), shared_issuer.token(claims=times)
    verdicts: dict[float, bool] = {}
    for now in (1_799_999_989, 1_799_999_990, 1_800_000_609, 1_800_000_609.9, 1_800_000_610):
        clock.now = now
        try:
            verdicts[now] = bool(validator.validate(token))
        except InvalidTokenError:
            verdicts[now] = False
    assert list(verdicts.values()) == [False, True, True, True, False]


def test_clock_skew_moves_the_clock(shared_issuer: LocalIssuer) -> None:
    clock = Clock()
    late = shared_issuer.token(iat=int(clock.now) - 300, exp=int(clock.now) + 300)
    assert shared_issuer.validator(clock=clock, clock_skew=-100).validate(late)
    refused(shared_issuer, late, clock=clock, clock_skew=400)
    early = shared_issuer.token(iat=int(clock.now) + 400, exp=int(clock.now) + 900)
    assert shared_issuer.validator(clock=clock, clock_skew=400).validate(early)
    refused(shared_issuer, early, clock=clock)


def test_algorithms_can_be_narrowed(shared_issuer: LocalIssuer) -> None:
    assert shared_issuer.validator(algorithms="ES256").validate(shared_issuer.token(alg="ES256"))
    assert refused(shared_issuer, shared_issuer.token(alg="RS256"), algorithms=["ES256"]).detail.startswith("(alg)")


def test_j10_the_longest_token_can_be_set(shared_issuer: LocalIssuer) -> None:
    token = shared_issuer.token()
    assert shared_issuer.validator(max_token_length=len(token)).validate(token)
    refused(shared_issuer, token, max_token_length=len(token) - 1)


@pytest.mark.parametrize(
    ("granted", "needed", "enough"),
    [
        ("read:notes write:notes", ["read:notes"], True),
        ("read:notes", ["read:notes", "write:notes"], False),
        ("read:notes", "read:notes", True),
        ("read:notes write:notes", "write:notes read:notes", True),
        ("read:notes:all", ["read:notes"], False),
        ("read:note", ["read:notes"], False),
        ("READ:NOTES", ["read:notes"], False),
        ("", ["read:notes"], False),
        (None, ["read:notes"], False),
        (None, [], True),
        ("  read:notes  ", ["read:notes"], True),
    ],
)
def test_v16_scopes_are_compared_word_by_word(
    shared_issuer: LocalIssuer, granted: str | None, needed: list[str], enough: bool
) -> None:
    validator, token = shared_issuer.validator(), shared_issuer.token(scope=granted)
    if enough:
        assert validator.validate(token, scopes=needed)
        return
    with pytest.raises(InsufficientScopeError) as raised:
        validator.validate(token, scopes=needed)
    assert raised.value.status == 403
    assert raised.value.required == Scope(needed)
    assert challenge_of(raised.value).parameters["scope"] == str(Scope(needed))


@pytest.mark.parametrize("scopes", [[""], " ", ["a\tb"], ['a"b'], ["ä"]])
def test_v16_a_demand_that_no_token_can_meet_is_a_fault_of_the_program(
    shared_issuer: LocalIssuer, scopes: list[str]
) -> None:
    with pytest.raises(ConfigurationError):
        shared_issuer.validator().validate(shared_issuer.token(), scopes=scopes)


def test_scp_is_read_where_there_is_no_scope(shared_issuer: LocalIssuer) -> None:
    token = shared_issuer.token(scope=None, scp=["read:notes", "openid"])
    assert shared_issuer.validator().validate(token, scopes=["read:notes"])


@settings(deadline=None)
@given(
    st.one_of(st.text(), st.text(alphabet="ABab01-_.="), st.binary().map(lambda data: base64.b64encode(data).decode()))
)
def test_v24_no_text_raises_anything_that_is_not_ours(shared_validator: AccessTokenValidator, text: str) -> None:
    quiet()
    with pytest.raises(InvalidTokenError):
        shared_validator.validate(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3),
    max_leaves=5,
)
MEMBERS = st.sampled_from(
    ["iss", "aud", "sub", "exp", "nbf", "iat", "scope", "scp", "client_id", "azp", "cnf", "jti", "act"]
)


@settings(deadline=None)
@given(
    st.dictionaries(MEMBERS, JSON, max_size=4),
    st.dictionaries(st.sampled_from(["typ", "kid", "x5c", "jwk", "cty"]), JSON),
)
def test_v24_no_signed_claims_raise_anything_that_is_not_ours(
    shared_issuer: LocalIssuer,
    shared_validator: AccessTokenValidator,
    claims: dict[str, object],
    header: dict[str, object],
) -> None:
    quiet()
    token = sign({**shared_issuer.claims(), **claims}, alg="ES256", name="ES256", header={"typ": "at+jwt", **header})
    with contextlib.suppress(InvalidTokenError):
        assert shared_validator.validate(token)["aud"] in (AUDIENCE, (AUDIENCE,), claims.get("aud"))


@pytest.mark.parametrize("token", [None, b"a.b.c", 1, [], {}])
def test_v24_what_is_no_text_at_all_is_refused_as_a_bad_token(shared_issuer: LocalIssuer, token: object) -> None:
    refused(shared_issuer, cast("str", token))


@settings(deadline=None)
@given(st.data())
def test_j22_a_change_of_any_character_is_noticed(
    shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator, data: st.DataObject
) -> None:
    quiet()
    token = shared_issuer.token()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCXYZabcxyz0189-_.=").filter(lambda character: character != token[place]))
    with pytest.raises(RequestError):
        shared_validator.validate(token[:place] + other + token[place + 1 :])


def test_j02_a_token_signed_with_the_text_of_the_public_key_is_refused(shared_issuer: LocalIssuer) -> None:
    public = cast("RSAKey", key_for("RS256", "RS256"))
    for secret in (public.as_pem(private=False), json.dumps(shared_issuer.keys[0]).encode()):
        text = f"{segment({'alg': 'HS256', 'kid': 'RS256', 'typ': 'at+jwt'})}.{segment(shared_issuer.claims())}"
        signature = segment(hmac.new(secret, text.encode(), hashlib.sha256).digest())
        assert refused(shared_issuer, f"{text}.{signature}").detail.startswith("(alg)")


def test_a_secret_in_a_token_appears_in_no_error(shared_issuer: LocalIssuer) -> None:
    for token in (
        shared_issuer.token(sub=CANARY, exp=1),
        f"{CANARY}.{CANARY}.{CANARY}",
        shared_issuer.token(scope=CANARY, nonce=CANARY, header={"typ": None}),
        f"{shared_issuer.token().rpartition('.')[0]}.{CANARY}",
    ):
        assert leaks(refused(shared_issuer, token)) == []


def test_no_frame_of_ours_keeps_the_token_of_an_error(shared_issuer: LocalIssuer) -> None:
    token = shared_issuer.token(exp=1)
    error = refused(shared_issuer, token)
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    ours = [frame for frame in frames if "spa_auth/server" in frame.filename]
    assert ours
    assert not any(token in value for frame in ours for value in (frame.locals or {}).values())
    assert error.__context__ is None


def test_one_validator_serves_many_event_loops(issuer: LocalIssuer) -> None:
    validator, token = issuer.validator(jwks_cache_duration=0), issuer.token()
    for _ in range(3):
        assert asyncio.run(validator.avalidate(token)).subject == "alice"


def test_the_providers_weakest_accepted_keys_are_strong_ones(issuer: LocalIssuer) -> None:
    """M11, M12, M13: private, symmetric, weak and foreign-purpose keys are never used."""
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, {"kid": "weak"})
    good = cast("dict[str, object]", ECKey.generate_key("P-256", {"kid": "a"}).as_dict(private=False))
    bad: list[object] = [
        None,
        {"kty": "oct", "k": "AAAA", "kid": "oct"},
        key_for("ES256", "ES256").as_dict(private=True),
        weak.as_dict(private=False),
        {**good, "use": "enc"},
        {**good, "key_ops": ["sign"]},
        {**good, "alg": "ES384"},
        {**good, "kty": "FOO"},
        {**good, "x": good["y"]},
    ]
    issuer.keys = cast("list[Mapping[str, object]]", bad)
    assert refused(issuer, issuer.token()).detail.startswith("(kid)")
    issuer.keys += [key_for("ES256", "ES256").as_dict(private=False)]
    assert issuer.validator().validate(issuer.token())


def test_a_validator_is_typed_to_take_what_it_documents(shared_issuer: LocalIssuer) -> None:
    validator = AccessTokenValidator(issuer=shared_issuer.issuer, audience=AUDIENCE)
    token: AccessToken = validator.validate(shared_issuer.token(), scopes=("read:notes",))
    assert token.subject == "alice"


def test_an_unusable_provider_is_503_and_not_401(issuer: LocalIssuer) -> None:
    issuer.metadata["issuer"] = "https://other.example/"
    with pytest.raises(UpstreamError):
        issuer.validator().validate(issuer.token())
