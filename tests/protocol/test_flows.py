import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from canary import CANARY, leaks
from flow_driver import Answer, Trace, drive, sent
from hypothesis import given
from hypothesis import strategies as st
from protocol_values import NONCE, SERVER, STATE, TRANSACTION, json_answer
from token_factory import CLIENT_ID, ISSUER, NOW, id_token_claims, jwks, public_jwk, segment, sign, verify

from spa_auth.errors import (
    AccessDeniedError,
    ConfigurationError,
    IDTokenError,
    InsufficientUserAuthenticationError,
    InvalidGrantError,
    IssuerMismatchError,
    JWTError,
    LoginRequiredError,
    NetworkError,
    NonceMismatchError,
    OrganizationMismatchError,
    ProtocolError,
    SpaAuthError,
    StateMismatchError,
    SubMismatchError,
)
from spa_auth.protocol import base64url, form
from spa_auth.protocol.access_token import Rules, access_token_claims
from spa_auth.protocol.effects import Flow, Now, Random, Send, Token, Verify
from spa_auth.protocol.flows import (
    Grant,
    IDTokenRules,
    LoginOptions,
    begin_login,
    complete_login,
    continued_claims,
    protected_request,
    renew_tokens,
    verified_jwt,
)
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.id_token import Claims
from spa_auth.protocol.jwk import ALGORITHMS
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.pkce import code_challenge
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.token import TokenSet

TOKEN_ENDPOINT = "POST https://id.example/oauth/token"
JWKS = "GET https://id.example/.well-known/jwks.json"
RULES = IDTokenRules()
API = "https://api.example"
PARAMETERS = [("code", "the-code"), ("state", STATE)]
TOKENS = TokenSet("at", "Bearer", NOW, Scope("openid"), API, "rt-1")
VERIFIED = Answer(verify)
KEYS = json_answer(jwks(public_jwk("RS256")))


def provider(server: ServerMetadata = SERVER) -> Provider:
    return Provider(ISSUER, metadata=server)


def token_answer(id_token: str | None = None, **members: object) -> Response:
    body = {"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": id_token, **members}
    return json_answer({name: value for name, value in body.items() if value is not None})


def posted(trace: Trace) -> dict[str, str]:
    """The form of the only request with a body."""
    [body] = [effect.request.body for effect in trace if isinstance(effect, Send) and effect.request.body]
    return form.unique(form.parse(body.decode()))


def login_answers(id_token: str, keys: Response = KEYS) -> list[object]:
    """What a login asks for: the time, tokens, the time twice, the time for the keys, the keys, a verdict."""
    return [NOW, token_answer(id_token), NOW, NOW, NOW, keys, VERIFIED]


# -- verified_jwt


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_token_of_each_algorithm_is_verified(alg: str) -> None:
    keys = json_answer(jwks(public_jwk(alg)))
    jwt = drive(verified_jwt(sign({"iss": ISSUER}, alg=alg), provider(), {alg}), [NOW, keys, VERIFIED])
    assert jwt.claims == {"iss": ISSUER}


def refused(token: str, *answers: object, algorithms: tuple[str, ...] = ("RS256",), keys: Response = KEYS) -> JWTError:
    trace: Trace = []
    with pytest.raises(JWTError) as caught:
        drive(verified_jwt(token, provider(), algorithms), answers or [NOW, keys, VERIFIED], trace)
    assert sum(isinstance(effect, Verify) for effect in trace) <= 4
    return caught.value


def test_i01_a_garbage_signature_is_refused() -> None:
    token = sign({"iss": ISSUER}).rpartition(".")[0]
    assert refused(f"{token}.{segment(b'garbage' * 36 + b'abcd')}").claim == "signature"
    assert refused(f"{token}.").claim == "signature"


def test_i01_a_signature_of_another_key_is_refused() -> None:
    assert refused(sign({"iss": ISSUER}, name="other", header={"kid": "k1"})).claim == "signature"


ALG_CONFUSION = {
    "I03 J02 HS256": sign({}, alg="HS256"),
    "I04 J03 ES256": sign({}, alg="ES256"),
    "I04 PS256": sign({}, alg="PS256"),
    "I02 J01 NONE": f"{segment({'alg': 'NONE'})}.{segment({})}.",
    "I02 J01 rs256": sign({}, alg="rs256", by="RS256"),
    "I02 J01 RS256 with space": sign({}, alg="RS256 ", by="RS256"),
    "J26 unknown": sign({}, alg="RS257", by="RS256"),
}


@pytest.mark.parametrize("case", ALG_CONFUSION)
def test_i02_i03_i04_j01_another_algorithm_is_refused_without_any_request(case: str) -> None:
    trace: Trace = []
    with pytest.raises(JWTError) as caught:
        drive(verified_jwt(ALG_CONFUSION[case], provider(), {"RS256"}), [], trace)
    assert caught.value.claim == "alg"
    assert trace == []


def test_i03_j02_an_algorithm_that_is_allowed_by_mistake_finds_no_key() -> None:
    """HMAC with the public key, as PEM, as JWK text: no key of the set ever serves HS256."""
    assert refused(sign({}, alg="HS256"), NOW, KEYS, algorithms=("HS256", "RS256")).claim == "kid"


def test_j03_a_key_of_another_kind_is_not_even_tried() -> None:
    keys = json_answer(jwks(public_jwk("ES384"), public_jwk("EdDSA"), public_jwk("RS256", alg="PS256")))
    assert refused(sign({}), NOW, keys).claim == "kid"


def test_m22_a_key_or_address_in_the_token_is_never_used() -> None:
    header = {"jwk": public_jwk("RS256", "evil"), "jku": "https://evil.example/", "x5u": "https://evil.example/"}
    trace: Trace = []
    flow = verified_jwt(sign({}, name="evil", header={**header, "kid": "k1"}), provider(), {"RS256"})
    with pytest.raises(JWTError):
        drive(flow, [NOW, KEYS, VERIFIED], trace)
    assert sent(trace) == [JWKS]


def test_i20_without_key_id_the_few_fitting_keys_are_tried() -> None:
    keys = json_answer(jwks(*(public_jwk("RS256", name) for name in ("k2", "k3", "k1"))))
    token = sign({}, header={"kid": None})
    assert drive(verified_jwt(token, provider(), {"RS256"}), [NOW, keys, VERIFIED, VERIFIED, VERIFIED])
    assert drive(verified_jwt(token, provider(), {"RS256"}), [NOW, KEYS, VERIFIED])


def test_m14_of_two_keys_with_one_id_each_is_tried() -> None:
    keys = json_answer(jwks(public_jwk("RS256", "k2", kid="k1"), public_jwk("RS256")))
    assert drive(verified_jwt(sign({}), provider(), {"RS256"}), [NOW, keys, VERIFIED, VERIFIED])


def test_i21_m16_a_key_rotated_just_before_signing_is_fetched_once() -> None:
    known, trace = provider(), Trace()
    drive(known.find_keys("k1", "RS256"), [NOW, KEYS])
    rotated = json_answer(jwks(public_jwk("RS256", "k2")))
    assert drive(verified_jwt(sign({}, name="k2"), known, {"RS256"}), [NOW + 1, rotated, VERIFIED], trace)
    assert sent(trace) == [JWKS]


SIGNED = sign({"iss": ISSUER})


@given(st.integers(0, 2047))
def test_one_changed_bit_of_a_signature_is_enough(bit: int) -> None:
    """Property 2."""
    text, _, signature = SIGNED.rpartition(".")
    value = int.from_bytes(base64url.decode(signature)) ^ (1 << bit)
    assert refused(f"{text}.{segment(value.to_bytes(256))}").claim == "signature"


@pytest.mark.parametrize("alg", ["ES256", "ES512", "EdDSA"])
@pytest.mark.parametrize(
    "signature", [b"", bytes(64), bytes(132), b"\xff" * 64, b"0" * 63, b"\x30\x06\x02\x01\x00\x02\x01\x00"]
)
def test_j19_zero_short_and_der_signatures_are_refused(alg: str, signature: bytes) -> None:
    token = f"{segment({'alg': alg, 'kid': 'k1'})}.{segment({})}.{segment(signature)}"
    keys = json_answer(jwks(public_jwk(alg)))
    assert refused(token, algorithms=(alg,), keys=keys).claim == "signature"


MISSHAPEN: dict[str, Callable[[bytes], bytes]] = {
    "shorter": lambda signature: signature[1:],
    "longer": lambda signature: signature + b"\x00",
    "padded": lambda signature: b"\x00" + signature,
    "reversed": lambda signature: signature[::-1],
}


@pytest.mark.parametrize("change", MISSHAPEN)
@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_j20_misshapen_rsa_signatures_are_refused(alg: str, change: str) -> None:
    text, _, signature = sign({}, alg=alg).rpartition(".")
    misshapen = MISSHAPEN[change](base64url.decode(signature))
    assert refused(f"{text}.{segment(misshapen)}", algorithms=(alg,)).claim == "signature"


# -- begin_login

OPTIONS = LoginOptions(
    client_id=CLIENT_ID,
    redirect_uri="https://app.example/callback.html",
    return_to="/notes",
    scope=Scope("openid profile"),
    kind="r",
    audience=API,
    max_age=0,
    app_state={"note": 7},
    parameters={"prompt": "login"},
)
RANDOM = [b"s" * 32, b"n" * 32, b"v" * 32]


def test_a01_a02_a_login_begins_with_three_secrets_of_256_random_bits() -> None:
    trace: Trace = []
    login = drive(begin_login(provider(), OPTIONS), [*RANDOM, NOW + 0.9], trace)
    assert trace == [Random(32), Random(32), Random(32), Now()]
    transaction = login.transaction
    assert len({transaction.state[1:], transaction.nonce, transaction.code_verifier}) == 3
    assert transaction.state.startswith("r")
    assert (transaction.created_at, transaction.issuer, transaction.max_age) == (NOW, ISSUER, 0)
    assert f"code_challenge={code_challenge(transaction.code_verifier)}" in login.request.url
    assert "max_age=0" in login.request.url


def test_a29_a31_organization_and_contexts_are_remembered_as_they_are_asked() -> None:
    options = OPTIONS._replace(parameters={"organization": "org_7", "acr_values": "phr", "prompt": "login"})
    login = drive(begin_login(provider(), options), [*RANDOM, NOW])
    assert (login.transaction.organization, login.transaction.acr_values) == ("org_7", "phr")
    query = form.unique(form.parse(login.request.url.partition("?")[2]))
    assert (query["organization"], query["acr_values"], query["prompt"]) == ("org_7", "phr", "login")
    empty = OPTIONS._replace(parameters={"organization": "", "acr_values": ""})
    login = drive(begin_login(provider(), empty), [*RANDOM, NOW])
    assert (login.transaction.organization, login.transaction.acr_values) == (None, None)


def test_a_login_names_the_api_as_the_provider_wants_it() -> None:
    for name in ("audience", "resource"):
        source = Provider(ISSUER, metadata=SERVER, overrides={"api_parameter": name})
        login = drive(begin_login(source, OPTIONS), [*RANDOM, NOW])
        assert form.unique(form.parse(login.request.url.partition("?")[2]))[name] == API


def test_a_login_whose_answer_comes_to_the_page_itself_says_so() -> None:
    options = OPTIONS._replace(response_mode="web_message", silent=True)
    login = drive(begin_login(provider(), options), [*RANDOM, NOW])
    assert "response_mode=web_message" in login.request.url
    assert login.transaction.silent


def test_a02_without_randomness_nothing_begins() -> None:
    with pytest.raises(ConfigurationError):
        drive(begin_login(provider(), OPTIONS), [b""])


@pytest.mark.parametrize("name", ["state", "nonce", "code_challenge_method", "max_age"])
def test_a03_a28_protected_parameters_stop_a_login(name: str) -> None:
    with pytest.raises(ConfigurationError):
        drive(begin_login(provider(), OPTIONS._replace(parameters={name: "x"})), [*RANDOM, NOW])


def test_s06_the_reprs_of_a_login_show_no_secret() -> None:
    options = OPTIONS._replace(parameters={"id_token_hint": CANARY}, app_state=CANARY)
    login = drive(begin_login(provider(), options), [*RANDOM, NOW])
    assert CANARY not in repr(options)
    for secret in (CANARY, login.transaction.state, login.transaction.nonce, login.transaction.code_verifier):
        assert secret not in repr(login)


# -- complete_login


def complete(answers: list[object], trace: Trace, **changes: object) -> Grant:
    transaction = TRANSACTION._replace(**changes)  # type: ignore[arg-type]
    return drive(complete_login(provider(), PARAMETERS, transaction, RULES), answers, trace)


def test_a_login_ends_in_tokens_and_the_claims_of_the_user() -> None:
    trace: Trace = []
    grant = complete(login_answers(sign(id_token_claims())), trace)
    assert grant.claims == id_token_claims()
    assert grant.tokens.access_token == "at"
    assert sent(trace) == [TOKEN_ENDPOINT, JWKS]
    [post, _] = [effect for effect in trace if isinstance(effect, Send)]
    assert form.unique(form.parse(post.request.body.decode()))["code"] == "the-code"
    assert not post.shared


def test_a_login_fetches_the_metadata_first_where_it_is_not_known() -> None:
    document = {"issuer": ISSUER, "token_endpoint": SERVER.token_endpoint, "jwks_uri": SERVER.jwks_uri}
    trace: Trace = []
    answers = [json_answer(document), *login_answers(sign(id_token_claims()))]
    drive(complete_login(Provider(ISSUER), PARAMETERS, TRANSACTION, RULES), answers, trace)
    assert sent(trace) == ["GET https://id.example/.well-known/openid-configuration", TOKEN_ENDPOINT, JWKS]


def failed_login(
    answers: list[object],
    parameters: list[tuple[str, str]] = PARAMETERS,
    server: ServerMetadata | None = SERVER,
) -> tuple[SpaAuthError, list[str]]:
    trace: Trace = []
    source = Provider(ISSUER, metadata=server)
    with pytest.raises(SpaAuthError) as caught:
        drive(complete_login(source, parameters, TRANSACTION, RULES), answers, trace)
    return caught.value, sent(trace)


@pytest.mark.parametrize(
    "parameters",
    [[("code", "x")], [("code", "x"), ("state", "other")], [("error", "access_denied"), ("state", "other")]],
)
def test_a05_a06_a08_a_foreign_answer_costs_no_request_and_learns_nothing(parameters: list[tuple[str, str]]) -> None:
    error, requests = failed_login([], parameters, server=None)
    assert isinstance(error, StateMismatchError)
    assert (error.app_state, requests) == (None, [])


def test_a13_a_mix_up_is_found_before_any_post() -> None:
    error, requests = failed_login([NOW], [*PARAMETERS, ("iss", "https://evil.example/")])
    assert isinstance(error, IssuerMismatchError)
    assert requests == []
    assert error.app_state == {"note": 7}


def test_a_no_of_the_provider_carries_the_state_of_the_application() -> None:
    error, requests = failed_login([NOW], [("error", "access_denied"), ("state", STATE)])
    assert isinstance(error, AccessDeniedError)
    assert (error.app_state, requests) == ({"note": 7}, [])


def test_an_outage_at_discovery_carries_the_state_of_the_application() -> None:
    error, _ = failed_login([NetworkError("No answer.")], server=None)
    assert error.app_state == {"note": 7}


@pytest.mark.parametrize(
    "answer",
    [
        NetworkError("Lost."),
        json_answer({}, 503),
        json_answer({}, 429),
        json_answer({"error": "invalid_grant"}, 400),
        json_answer({}, 302),
        json_answer(b"<html>", content_type="text/html"),
        json_answer(b'{"access_token":'),
        json_answer([]),
        json_answer({}, 204),
        json_answer({"error": "use_dpop_nonce"}, 400),
    ],
    ids=repr,
)
def test_k01_k03_k20_k21_a_code_is_posted_once_whatever_comes(answer: object) -> None:
    last = [] if isinstance(answer, NetworkError) else [NOW]
    error, requests = failed_login([NOW, answer, *last])
    assert requests == [TOKEN_ENDPOINT]
    assert error.app_state == {"note": 7}


def test_k16_a_login_without_id_token_is_refused() -> None:
    error, _ = failed_login([NOW, token_answer(), NOW])
    assert error.error == "invalid_response"


def bad_id_tokens() -> Iterator[tuple[str, str, str]]:
    good = id_token_claims()
    yield "I01 J01 garbage signature", sign(good)[:-8] + "AAAAAAAA", "signature"
    yield "I02 none", f"{segment({'alg': 'none'})}.{segment(good)}.", "alg"
    yield "I02 no alg", f"{segment({'kid': 'k1'})}.{segment(good)}.x", "alg"
    yield "I03 HS256", sign(good, alg="HS256"), "alg"
    yield "J13 double", sign(b'{"sub":"a","sub":"b"}'), "json"
    yield "J16 UTF-16", sign(json.dumps(good).encode("utf-16")), "json"
    yield "J04 crit", sign(good, header={"crit": []}), "crit"
    yield "I16 JWE", "a.b.c.d.e", "format"
    yield "J07 padding", sign(good) + "=", "signature"
    yield "I05 iss", sign({**good, "iss": "https://evil.example/"}), "iss"
    yield "K27 aud", sign({**good, "aud": "other"}), "aud"
    yield "K27 at_hash", sign({**good, "at_hash": "x"}), "at_hash"
    yield "I08 exp", sign({**good, "exp": NOW - 61}), "exp"
    yield "K26 I11 nonce", sign({**good, "nonce": "m" * 43}), "nonce"
    yield "I15 typ", sign(good, header={"typ": "at+jwt"}), "typ"
    yield "M23 kid", sign(good, header={"kid": ["k1"]}), "kid"


@pytest.mark.parametrize(("case", "token", "claim"), [pytest.param(*case, id=case[0]) for case in bad_id_tokens()])
def test_i_rows_a_bad_id_token_ends_the_login_with_one_kind_of_error(case: str, token: str, claim: str) -> None:
    trace: Trace = []
    answers = login_answers(token)
    with pytest.raises(IDTokenError) as caught:
        complete([*answers[:4], *_enough(answers[4:], claim)], trace)
    assert caught.value.claim == claim, case
    assert sent(trace).count(TOKEN_ENDPOINT) == 1
    for part in token.split("."):
        assert len(part) < 8 or leaks(caught.value, part) == []


def _enough(answers: list[object], claim: str) -> list[object]:
    """The answers that are asked for before a fault of that claim is found."""
    return [] if claim in ("alg", "json", "crit", "format", "kid") else answers


def test_j07_padding_is_found_before_any_key_is_fetched() -> None:
    trace: Trace = []
    with pytest.raises(IDTokenError):
        complete(login_answers(sign(id_token_claims()) + "=")[:4], trace)
    assert sent(trace) == [TOKEN_ENDPOINT]


def test_k26_the_tokens_of_another_login_have_an_error_of_their_own() -> None:
    with pytest.raises(NonceMismatchError):
        complete(login_answers(sign(id_token_claims(nonce="m" * 43))), [])


@pytest.mark.parametrize("max_age", [0, 60])
def test_a28_the_max_age_of_this_login_is_enforced(max_age: int) -> None:
    fresh = sign(id_token_claims(auth_time=NOW - max_age))
    assert complete(login_answers(fresh), [], max_age=max_age)
    for auth_time in (None, NOW - max_age - 61):
        with pytest.raises(IDTokenError) as caught:
            complete(login_answers(sign(id_token_claims(auth_time=auth_time))), [], max_age=max_age)
        assert caught.value.claim == "auth_time"


def test_a31_another_organization_than_was_asked_for_ends_the_login() -> None:
    answers = login_answers(sign(id_token_claims(org_id="org_8")))
    with pytest.raises(OrganizationMismatchError) as caught:
        complete(answers, [], organization="org_7")
    assert caught.value.app_state == {"note": 7}
    assert complete(answers, [], organization="org_8")


def test_a29_a_weaker_login_than_was_asked_for_ends_the_login() -> None:
    answers = login_answers(sign(id_token_claims(acr="0")))
    with pytest.raises(InsufficientUserAuthenticationError) as caught:
        complete(answers, [], acr_values="phr")
    assert caught.value.app_state == {"note": 7}
    assert complete(answers, [], acr_values="phr 0")


def test_i06_an_audience_that_this_client_trusts_may_stand_beside_it() -> None:
    answers = login_answers(sign(id_token_claims(aud=[CLIENT_ID, "project-1"], azp=CLIENT_ID)))
    rules = IDTokenRules(trusted_audiences=("project-1",))
    assert drive(complete_login(provider(), PARAMETERS, TRANSACTION, rules), answers).claims["azp"] == CLIENT_ID
    with pytest.raises(IDTokenError):
        complete(answers, [])


@pytest.mark.parametrize(("tid", "claim"), [("tenant-1", None), ("tenant-3", "tid")])
def test_i05_a_user_of_a_listed_tenant_logs_in(tid: str, claim: str | None) -> None:
    template = "https://login.example/{tenantid}/v2.0"
    server = SERVER._replace(issuer_template=template, tenants=("tenant-1", "tenant-2"))
    source = Provider(ISSUER, metadata=server)
    token = sign(id_token_claims(iss=template.replace("{tenantid}", tid), tid=tid))
    flow = complete_login(source, PARAMETERS, TRANSACTION, RULES)
    if claim is None:
        assert drive(flow, login_answers(token)).claims["tid"] == tid
        return
    with pytest.raises(IDTokenError) as caught:
        drive(flow, login_answers(token))
    assert caught.value.claim == claim


def test_a_code_is_exchanged_for_its_resource() -> None:
    source = Provider(ISSUER, metadata=SERVER, overrides={"api_parameter": "resource"})
    trace: Trace = []
    flow = complete_login(source, PARAMETERS, TRANSACTION._replace(audience=API), RULES)
    drive(flow, login_answers(sign(id_token_claims())), trace)
    assert posted(trace)["resource"] == API


@pytest.mark.parametrize("listed", [("ES256",), ("none",), ("HS256", "none")])
def test_i04_m08_only_an_algorithm_that_the_provider_lists_is_accepted(listed: tuple[str, ...]) -> None:
    server = SERVER._replace(id_token_signing_alg_values_supported=listed)
    error, _ = failed_login(login_answers(sign(id_token_claims()))[:4], server=server)
    assert isinstance(error, IDTokenError)
    assert error.claim == "alg"


def test_i04_nor_one_that_this_client_does_not_want() -> None:
    rules = IDTokenRules(algorithms=("ES256",))
    flow = complete_login(provider(), PARAMETERS, TRANSACTION, rules)
    with pytest.raises(IDTokenError):
        drive(flow, login_answers(sign(id_token_claims()))[:4])


def test_without_verification_of_signatures_every_other_rule_holds() -> None:
    rules = IDTokenRules(verify_signature=False)
    token = f"{segment({'alg': 'RS256'})}.{segment(id_token_claims())}."
    flow = complete_login(provider(), PARAMETERS, TRANSACTION, rules)
    assert drive(flow, login_answers(token)[:4]).claims == id_token_claims()
    for bad in (token.replace(segment({"alg": "RS256"}), segment({"alg": "none"})), sign(id_token_claims(aud="x"))):
        flow = complete_login(provider(), PARAMETERS, TRANSACTION, rules)
        with pytest.raises(IDTokenError):
            drive(flow, login_answers(bad)[:4])


def test_i19_a_leeway_of_0_is_0() -> None:
    flow = complete_login(provider(), PARAMETERS, TRANSACTION, IDTokenRules(leeway=0))
    with pytest.raises(IDTokenError):
        drive(flow, login_answers(sign(id_token_claims(exp=NOW))))


@pytest.mark.parametrize("jwks_answer", [NetworkError("No answer."), json_answer(b"<html>"), json_answer({"keys": []})])
def test_m18_without_keys_nobody_is_logged_in(jwks_answer: object) -> None:
    answers: list[object] = [*login_answers(sign(id_token_claims()))[:5], jwks_answer]
    error, requests = failed_login(answers)
    assert requests == [TOKEN_ENDPOINT, JWKS]
    assert error.app_state == {"note": 7}


SECRET_ANSWERS: list[list[object]] = [
    [NOW, token_answer(f"{CANARY}.{CANARY}.{CANARY}"), NOW, NOW],
    [NOW, token_answer(sign(id_token_claims(sub=CANARY))), NOW, NOW, NOW, KEYS, VERIFIED],
    [NOW, json_answer(f'{{"access_token":"{CANARY}'.encode()), NOW],
    [NOW, json_answer({"error": "invalid_grant", "error_description": CANARY * 4}, 400), NOW],
    [NOW, NetworkError("No answer.")],
]


@pytest.mark.parametrize("answers", SECRET_ANSWERS)
def test_s03_no_error_of_a_login_shows_a_secret(answers: list[object]) -> None:
    transaction = TRANSACTION._replace(code_verifier=CANARY, nonce=CANARY)
    with pytest.raises(SpaAuthError) as caught:
        drive(complete_login(provider(), [("code", CANARY), ("state", STATE)], transaction, RULES), answers)
    assert leaks(caught.value) == []


def test_s06_the_repr_of_a_grant_shows_no_token() -> None:
    grant = complete(login_answers(sign(id_token_claims())), [])
    assert grant.tokens.id_token is not None
    assert grant.tokens.id_token not in repr(grant)
    assert "alice" not in repr(grant)


# -- Refreshing: renew_tokens, then continued_claims.

PREVIOUS = id_token_claims(auth_time=NOW - 500)


class Refreshed(NamedTuple):
    tokens: TokenSet
    claims: Claims | None


def refresh_flow() -> Flow[Refreshed]:
    known = provider()
    tokens = yield from renew_tokens(known, TOKENS, "rt-1", CLIENT_ID)
    return Refreshed(tokens, (yield from continued_claims(known, tokens, PREVIOUS, CLIENT_ID, RULES)))


def refresh(answers: list[object], trace: Trace | None = None) -> Refreshed:
    return drive(refresh_flow(), answers, trace)


def test_an_echo_of_the_spent_token_in_an_error_text_is_not_repeated() -> None:
    """S03: the provider says what it was sent; the error does not."""
    answer = json_answer({"error": "invalid_grant", "error_description": "rt-1 is spent."}, 400)
    with pytest.raises(InvalidGrantError) as caught:
        refresh([answer, NOW])
    assert caught.value.error_description == "[...] is spent."


def test_r03_r10_a_refresh_may_bring_neither_id_token_nor_refresh_token() -> None:
    trace: Trace = []
    grant = refresh([token_answer(), NOW], trace)
    assert grant.claims is None
    assert (grant.tokens.refresh_token, grant.tokens.audience, grant.tokens.scope) == ("rt-1", API, Scope("openid"))
    assert sent(trace) == [TOKEN_ENDPOINT]


@pytest.mark.parametrize(
    ("api_parameter", "audience", "sent_as"),
    [
        ("audience", None, {}),
        ("audience", "https://other.example", {"audience": "https://other.example"}),
        ("resource", None, {"resource": API}),
        ("resource", "https://other.example", {"resource": "https://other.example"}),
        ("none", "https://other.example", {}),
    ],
)
def test_r20_a_refresh_names_another_api_only_where_it_is_asked_to(
    api_parameter: str, audience: str | None, sent_as: dict[str, str]
) -> None:
    source = Provider(ISSUER, metadata=SERVER, overrides={"api_parameter": api_parameter})
    trace: Trace = []
    flow = renew_tokens(source, TOKENS, "rt-1", CLIENT_ID, audience=audience)
    renewed = drive(flow, [token_answer(), NOW], trace)
    assert renewed.audience == (audience or API)
    form_sent = posted(trace)
    assert {name: form_sent[name] for name in ("audience", "resource", "scope") if name in form_sent} == sent_as


def test_r11_a_refresh_for_another_scope_keeps_what_is_granted() -> None:
    trace: Trace = []
    flow = renew_tokens(provider(), TOKENS, "rt-1", CLIENT_ID, scope=Scope("openid read write"))
    renewed = drive(flow, [token_answer(scope="openid read", refresh_token="rt-2"), NOW], trace)
    assert posted(trace)["scope"] == "openid read write"
    assert (renewed.scope, renewed.refresh_token) == (Scope("openid read"), "rt-2")


def test_a31_a_refresh_into_another_organization_is_refused() -> None:
    answer = token_answer(sign(id_token_claims(nonce=None, org_id="org_8")))
    source = provider()
    tokens = drive(renew_tokens(source, TOKENS, "rt-1", CLIENT_ID), [answer, NOW])
    flow = continued_claims(source, tokens, {**PREVIOUS, "org_id": "org_7"}, CLIENT_ID, RULES)
    with pytest.raises(OrganizationMismatchError):
        drive(flow, [NOW, NOW, KEYS, VERIFIED])


def test_a_refresh_may_bring_both() -> None:
    answer = token_answer(sign(id_token_claims(nonce=None)), refresh_token="rt-2")
    grant = refresh([answer, NOW, NOW, NOW, KEYS, VERIFIED])
    assert grant.tokens.refresh_token == "rt-2"
    assert grant.claims == id_token_claims(nonce=None)


def test_a_refreshed_id_token_may_repeat_the_nonce() -> None:
    answer = token_answer(sign(id_token_claims(nonce=NONCE)))
    assert refresh([answer, NOW, NOW, NOW, KEYS, VERIFIED]).claims == id_token_claims()


def test_r01_a_refresh_for_another_user_is_refused() -> None:
    answer = token_answer(sign(id_token_claims(nonce=None, sub="mallory")))
    with pytest.raises(SubMismatchError):
        refresh([answer, NOW, NOW, NOW, KEYS, VERIFIED])


@pytest.mark.parametrize(
    ("changes", "header", "claim"),
    [
        ({"iss": "https://evil.example/"}, {}, "iss"),
        ({"aud": "other"}, {}, "aud"),
        ({"azp": "other"}, {}, "azp"),
        ({"auth_time": NOW}, {}, "auth_time"),
        ({"events": {}}, {}, "events"),
        ({}, {"typ": "logout+jwt"}, "typ"),
        ({}, {"typ": "at+jwt"}, "typ"),
        ({"at_hash": "x"}, {}, "at_hash"),
    ],
)
def test_r02_i15_a_refresh_that_does_not_continue_the_login_is_refused(
    changes: dict[str, object], header: dict[str, object], claim: str
) -> None:
    answer = token_answer(sign(id_token_claims(**{"nonce": None, **changes}), header=header))
    with pytest.raises(IDTokenError) as caught:
        refresh([answer, NOW, NOW, NOW, KEYS, VERIFIED])
    assert caught.value.claim == claim


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (NetworkError("Lost."), NetworkError),
        (json_answer({}, 503), NetworkError),
        (json_answer({}, 429), NetworkError),
        (json_answer({"error": "invalid_grant"}, 400), InvalidGrantError),
        (json_answer({"error": "use_dpop_nonce"}, 400), SpaAuthError),
        (json_answer({}, 302), ProtocolError),
    ],
    ids=repr,
)
def test_r04_r08_k21_a_refresh_token_is_posted_once_and_only_invalid_grant_ends_it(
    answer: object, kind: type[SpaAuthError]
) -> None:
    trace: Trace = []
    with pytest.raises(kind) as caught:
        refresh([answer, *([] if isinstance(answer, NetworkError) else [NOW])], trace)
    assert sent(trace) == [TOKEN_ENDPOINT]
    assert isinstance(caught.value, InvalidGrantError) is (kind is InvalidGrantError)


# -- access_token_claims

ACCESS_CLAIMS: dict[str, object] = {"iss": ISSUER, "aud": API, "sub": "alice", "exp": NOW + 300, "scope": "a"}
ACCESS_RULES = Rules(ISSUER, (API,))


def access_token(**changes: object) -> str:
    return sign({**ACCESS_CLAIMS, **changes}, header={"typ": "at+jwt"})


def test_an_access_token_is_validated() -> None:
    flow = access_token_claims(access_token(), provider(), ACCESS_RULES, ("RS256",))
    assert drive(flow, [NOW, KEYS, VERIFIED, NOW]) == ACCESS_CLAIMS


@pytest.mark.parametrize("iss", ["https://evil.example/", ISSUER[:-1], ISSUER.upper(), None, [ISSUER]])
def test_v05_m04_a_token_of_another_issuer_costs_no_request(iss: object) -> None:
    with pytest.raises(JWTError) as caught:
        drive(access_token_claims(access_token(iss=iss), provider(), ACCESS_RULES, ("RS256",)), [])
    assert caught.value.claim == "iss"


@pytest.mark.parametrize("token", ["", "a.b.c", "." * 100_000, sign({}, alg="HS256"), "x" * 20_000])
def test_j25_v24_what_is_no_token_costs_no_request(token: str) -> None:
    with pytest.raises(JWTError):
        drive(access_token_claims(token, provider(), ACCESS_RULES, ("RS256",)), [])


def test_j10_the_longest_token_can_be_set() -> None:
    flow = access_token_claims(access_token(), provider(), ACCESS_RULES._replace(max_length=100), ("RS256",))
    with pytest.raises(JWTError) as caught:
        drive(flow, [])
    assert caught.value.claim == "format"


def test_v06_a_token_that_another_key_signed_opens_no_api() -> None:
    token = sign(ACCESS_CLAIMS, name="other", header={"kid": "k1"})
    with pytest.raises(JWTError) as caught:
        drive(access_token_claims(token, provider(), ACCESS_RULES, ("RS256",)), [NOW, KEYS, VERIFIED])
    assert caught.value.claim == "signature"


def test_v08_an_id_token_opens_no_api_even_if_its_audience_fits() -> None:
    flow = access_token_claims(sign(id_token_claims(aud=API)), provider(), ACCESS_RULES, ("RS256",))
    with pytest.raises(JWTError) as caught:
        drive(flow, [NOW, KEYS, VERIFIED, NOW])
    assert caught.value.claim == "nonce"


# -- kinds of tokens (property 4: each opens what it was made for, and nothing else)

LOGOUT_EVENT: dict[str, object] = {"http://schemas.openid.net/event/backchannel-logout": {}}
KINDS: dict[str, tuple[str, set[str]]] = {
    "ID token": (sign(id_token_claims(), header={"typ": "JWT"}), {"login"}),
    "ID token without typ": (sign(id_token_claims()), {"login"}),
    "access token": (access_token(aud=CLIENT_ID, nonce=NONCE, iat=NOW), {"api"}),
    "access token called JWT": (sign({**ACCESS_CLAIMS, "aud": CLIENT_ID}, header={"typ": "JWT"}), {"api"}),
    "logout token": (sign(id_token_claims(events=LOGOUT_EVENT), header={"typ": "logout+jwt"}), set()),
    "logout token without typ": (sign(id_token_claims(events=LOGOUT_EVENT, nonce=None)), set()),
    "DPoP proof": (sign(id_token_claims(htm="GET", htu=API), header={"typ": "dpop+jwt"}), set()),
}


@pytest.mark.parametrize("kind", KINDS)
def test_i15_v08_v09_each_kind_of_token_opens_only_what_it_was_made_for(kind: str) -> None:
    token, opens = KINDS[kind]
    found: set[str] = set()
    api = access_token_claims(token, provider(), Rules(ISSUER, (CLIENT_ID,)), ("RS256",))
    login = complete_login(provider(), PARAMETERS, TRANSACTION, RULES)
    for name, flow, answers in (("api", api, [NOW, KEYS, VERIFIED, NOW]), ("login", login, login_answers(token))):
        try:
            drive(flow, answers)
        except JWTError:
            continue
        found.add(name)
    assert found == opens


# -- protected_request

REQUEST = Request("POST", "https://api.example/notes", (("X-A", "b"),), b"body")
CHALLENGE = (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
NEW_TOKENS = TOKENS._replace(access_token="at-2")


def test_a_request_carries_the_token_and_nothing_else_changes() -> None:
    trace: Trace = []
    response = drive(protected_request(REQUEST, API, Scope("a")), [TOKENS, Response(200)], trace)
    assert response == Response(200)
    request = REQUEST._replace(headers=(("X-A", "b"), ("Authorization", "Bearer at")))
    assert trace == [Token(API, Scope("a")), Send(request, max_bytes=None)]


def test_f07_an_authorization_of_the_caller_is_replaced() -> None:
    trace: Trace = []
    request = REQUEST._replace(headers=(("authorization", "Basic x"), ("X-A", "b")))
    drive(protected_request(request, API, Scope()), [TOKENS, Response(200)], trace)
    [send] = [effect for effect in trace if isinstance(effect, Send)]
    assert send.request.headers == (("X-A", "b"), ("Authorization", "Bearer at"))


def test_f08_f09_a_token_that_is_not_accepted_is_renewed_once_and_the_body_sent_again() -> None:
    for last in (Response(200), Response(401, CHALLENGE)):
        trace: Trace = []
        answers = [TOKENS, Response(401, CHALLENGE), NEW_TOKENS, last]
        assert drive(protected_request(REQUEST, API, Scope("a")), answers, trace) is last
        assert [effect for effect in trace if isinstance(effect, Token)] == [
            Token(API, Scope("a")),
            Token(API, Scope("a"), refresh=True),
        ]
        sends = [effect.request for effect in trace if isinstance(effect, Send)]
        assert [send.body for send in sends] == [b"body", b"body"]
        assert [send.header("authorization") for send in sends] == ["Bearer at", "Bearer at-2"]


@pytest.mark.parametrize(
    "response",
    [
        Response(401),
        Response(401, (("WWW-Authenticate", "Bearer"),)),
        Response(401, (("WWW-Authenticate", 'Bearer error="insufficient_user_authentication"'),)),
        Response(403, (("WWW-Authenticate", 'Bearer error="insufficient_scope"'),)),
        Response(403, CHALLENGE),
        Response(401, (("WWW-Authenticate", "x" * 100_000),)),
        Response(500),
        Response(302),
    ],
    ids=str,
)
def test_f08_f11_any_other_answer_is_the_answer(response: Response) -> None:
    assert drive(protected_request(REQUEST, API, Scope()), [TOKENS, response]) is response


def test_without_a_session_nothing_is_sent() -> None:
    trace: Trace = []
    with pytest.raises(LoginRequiredError):
        drive(protected_request(REQUEST, API, Scope()), [LoginRequiredError()], trace)
    assert sent(trace) == []
