import pytest
from canary import CANARY, leaks
from flow_driver import Trace, drive, sent
from hypothesis import given
from hypothesis import strategies as st
from protocol_values import SERVER, json_answer
from token_factory import NOW, sign

from spa_auth.errors import (
    DiscoveryError,
    NetworkError,
    ProtocolError,
    ResponseError,
    SpaAuthError,
    SubMismatchError,
)
from spa_auth.protocol.effects import Send
from spa_auth.protocol.http import Response
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.token import TokenSet
from spa_auth.protocol.userinfo import (
    SCOPE_CLAIMS,
    fetch_userinfo,
    parse_userinfo_response,
    promised_claims_missing,
    userinfo_request,
)

TELLS = SERVER._replace(userinfo_endpoint="https://id.example/userinfo")
TOKENS = TokenSet("at", "Bearer", NOW, Scope("openid profile"))
CLAIMS = {"sub": "alice", "name": "Alice"}


def test_the_claims_are_fetched_with_the_access_token() -> None:
    trace: Trace = []
    provider = Provider(TELLS.issuer, metadata=TELLS)
    assert drive(fetch_userinfo(provider, TOKENS, "alice"), [json_answer(CLAIMS)], trace) == CLAIMS
    assert sent(trace) == ["GET https://id.example/userinfo"]
    [send] = [effect for effect in trace if isinstance(effect, Send)]
    assert send.request.header("authorization") == "Bearer at"
    assert not send.shared


@pytest.mark.parametrize("sub", ["mallory", "Alice", "", None, ["alice"], {"sub": "alice"}, "alice\x00"])
def test_i22_the_claims_of_another_user_are_not_used(sub: object) -> None:
    with pytest.raises(SubMismatchError) as caught:
        parse_userinfo_response(json_answer({**CLAIMS, "sub": sub}), "alice")
    assert (caught.value.error, caught.value.claim) == ("sub_mismatch", "sub")


def test_i22_claims_that_do_not_say_about_whom_they_are_are_not_used() -> None:
    with pytest.raises(SubMismatchError):
        parse_userinfo_response(json_answer({"name": "Alice"}), "alice")


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(sign(CLAIMS).encode(), content_type="application/jwt"),
        json_answer(sign(CLAIMS).encode()),
        json_answer(CLAIMS, content_type="application/jwt"),
        json_answer(CLAIMS, content_type="text/html"),
        Response(200, (), b'{"sub":"alice"}'),
        json_answer(b"<html>"),
        json_answer([CLAIMS]),
        json_answer(b'{"sub":"alice","sub":"alice"}'),
    ],
    ids=str,
)
def test_i23_only_json_is_read(answer: Response) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_userinfo_response(answer, "alice")
    assert caught.value.error == "invalid_response"


def test_i24_claims_that_lie_elsewhere_are_neither_fetched_nor_kept() -> None:
    elsewhere = {"_claim_names": {"address": "s"}, "_claim_sources": {"s": {"endpoint": "https://evil.example/"}}}
    assert parse_userinfo_response(json_answer({**CLAIMS, **elsewhere}), "alice") == CLAIMS


@pytest.mark.parametrize(
    ("answer", "challenge"),
    [
        (Response(401, (("WWW-Authenticate", 'Bearer realm="a", error="invalid_token"'),)), "invalid_token"),
        (Response(401, (("WWW-Authenticate", "Bearer"),)), None),
        (Response(403), None),
        (Response(404), None),
        (Response(204), None),
    ],
    ids=str,
)
def test_a_token_that_is_not_accepted_is_an_error_with_a_status(answer: Response, challenge: str | None) -> None:
    with pytest.raises(ResponseError) as caught:
        parse_userinfo_response(answer, "alice")
    assert (caught.value.status, caught.value.challenge_error) == (answer.status, challenge)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_an_outage_passes(status: int) -> None:
    with pytest.raises(NetworkError) as caught:
        parse_userinfo_response(Response(status), "alice")
    assert caught.value.reason == "server_error"


def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_userinfo_response(Response(302), "alice")
    assert caught.value.error == "redirect_forbidden"


def test_a_provider_may_have_no_such_endpoint() -> None:
    with pytest.raises(DiscoveryError) as caught:
        userinfo_request(SERVER, TOKENS)
    assert caught.value.claim == "userinfo_endpoint"


def test_s03_no_error_shows_the_token() -> None:
    for answer in (Response(401), Response(503), json_answer({"sub": CANARY}), json_answer(b"{")):
        with pytest.raises(SpaAuthError) as caught:
            drive(fetch_userinfo(Provider(TELLS.issuer, metadata=TELLS), TOKENS, "alice"), [answer])
        assert leaks(caught.value) == []


@pytest.mark.parametrize(
    ("claims", "scope", "missing"),
    [
        ({"sub": "a"}, "openid", ()),
        ({"sub": "a"}, "openid read:notes offline_access", ()),
        ({"sub": "a"}, "openid email", ("email", "email_verified")),
        ({"sub": "a", "email": "a@b.example"}, "openid email", ()),
        ({"sub": "a", "email_verified": False}, "openid email", ()),
        ({"sub": "a", "nickname": "al"}, "openid profile phone", SCOPE_CLAIMS["phone"]),
        ({"sub": "a"}, "profile address", (*SCOPE_CLAIMS["profile"], "address")),
    ],
)
def test_a_scope_of_which_the_id_token_says_nothing_is_reason_to_ask(
    claims: dict[str, object], scope: str, missing: tuple[str, ...]
) -> None:
    assert promised_claims_missing(claims, Scope(scope)) == missing


def test_a_claim_that_the_provider_does_not_list_is_not_promised() -> None:
    scope = Scope("openid profile email address")
    assert promised_claims_missing({"sub": "a"}, scope, ("sub", "name", "email")) == ("name", "email")
    assert promised_claims_missing({"sub": "a"}, scope, ("sub",)) == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(json_values | st.fixed_dictionaries({"sub": st.just("alice") | json_values}))
def test_any_answer_is_about_this_user_or_is_refused(members: object) -> None:
    try:
        claims = parse_userinfo_response(json_answer(members), "alice")
    except SpaAuthError:
        return
    assert claims["sub"] == "alice"
