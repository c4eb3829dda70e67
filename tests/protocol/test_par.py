import pytest
from canary import CANARY, leaks
from flow_driver import Trace, drive, sent
from hypothesis import given
from hypothesis import strategies as st
from protocol_values import SERVER, json_answer
from token_factory import CLIENT_ID

from spa_auth.errors import ConfigurationError, DiscoveryError, NetworkError, OAuthError, ProtocolError, SpaAuthError
from spa_auth.protocol import form
from spa_auth.protocol.effects import Send
from spa_auth.protocol.flows import LoginOptions, LoginRequest, begin_login
from spa_auth.protocol.http import Response
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.par import par_request, parse_par_response, push
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.transaction import REDIRECT

PAR = SERVER._replace(pushed_authorization_request_endpoint="https://id.example/oauth/par")
REQUIRED = PAR._replace(require_pushed_authorization_requests=True)
REQUEST_URI = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"
PUSHED = json_answer({"request_uri": REQUEST_URI, "expires_in": 60}, 201)
OPTIONS = LoginOptions(CLIENT_ID, "https://app.example/callback.html", "/", Scope("openid"), REDIRECT)
BEGINNING: list[object] = [b"s" * 32, b"n" * 32, b"v" * 32, 0]


def begin(server: ServerMetadata, use_par: bool | str, *answers: object, trace: Trace | None = None) -> LoginRequest:
    provider = Provider(server.issuer, metadata=server)
    return drive(begin_login(provider, OPTIONS._replace(use_par=use_par)), [*BEGINNING, *answers], trace)


def test_what_is_asked_is_posted_as_a_form() -> None:
    request = par_request(PAR, {"client_id": "c", "scope": "a b"})
    assert (request.method, request.url, request.body) == (
        "POST",
        "https://id.example/oauth/par",
        b"client_id=c&scope=a%20b",
    )
    assert request.header("content-type") == "application/x-www-form-urlencoded"
    assert parse_par_response(PUSHED, PAR) == REQUEST_URI


@pytest.mark.parametrize(("server", "use_par"), [(REQUIRED, "auto"), (REQUIRED, True), (PAR, True)])
def test_a_login_is_pushed_where_it_must_be_or_is_asked_to_be(server: ServerMetadata, use_par: bool | str) -> None:
    trace: Trace = []
    login = begin(server, use_par, PUSHED, trace=trace)
    assert sent(trace) == ["POST https://id.example/oauth/par"]
    assert dict(form.parse(login.request.url.partition("?")[2])) == {"client_id": CLIENT_ID, "request_uri": REQUEST_URI}
    [post] = [effect.request for effect in trace if isinstance(effect, Send)]
    pushed = form.unique(form.parse(post.body.decode()))
    assert pushed["state"] == login.transaction.state
    assert pushed["code_challenge_method"] == "S256"


@pytest.mark.parametrize("use_par", ["auto", False])
def test_else_it_goes_through_the_browser(use_par: bool | str) -> None:
    assert "code_challenge=" in begin(PAR, use_par).request.url


def test_a33_a_login_that_must_be_pushed_is_never_sent_otherwise() -> None:
    with pytest.raises(ConfigurationError):
        begin(REQUIRED, False)
    with pytest.raises(DiscoveryError) as caught:
        begin(SERVER, True)
    assert caught.value.claim == "pushed_authorization_request_endpoint"
    for answer in (NetworkError("Lost."), json_answer({}, 503), json_answer({"error": "invalid_request"}, 400)):
        with pytest.raises(SpaAuthError):
            begin(PAR, True, answer)


GOOD = {"request_uri": REQUEST_URI, "expires_in": 60}
HOSTILE = {
    "200": json_answer(GOOD, 200),
    "204": Response(204),
    "302": Response(302, (("Location", "https://evil.example/"),)),
    "307": json_answer(GOOD, 307),
    "HTML": json_answer(b"<html>", 201, "text/html"),
    "a list": json_answer([], 201),
    "truncated": json_answer(b'{"request_uri":"urn', 201),
    "twice": json_answer(b'{"request_uri":"urn:a:b","request_uri":"urn:a:c","expires_in":9}', 201),
    "no request_uri": json_answer({"expires_in": 60}, 201),
    "no text": json_answer({**GOOD, "request_uri": 1}, 201),
    "an address": json_answer({**GOOD, "request_uri": "https://evil.example/request.jwt"}, 201),
    "a script": json_answer({**GOOD, "request_uri": "javascript:alert(1)"}, 201),
    "a prefix only": json_answer({**GOOD, "request_uri": "urn:ietf:"}, 201),
    "a space": json_answer({**GOOD, "request_uri": "urn:ietf:a b"}, 201),
    "no lifetime": json_answer({"request_uri": REQUEST_URI}, 201),
    "lifetime 0": json_answer({**GOOD, "expires_in": 0}, 201),
    "lifetime below 0": json_answer({**GOOD, "expires_in": -1}, 201),
    "lifetime true": json_answer({**GOOD, "expires_in": True}, 201),
    "lifetime a text": json_answer({**GOOD, "expires_in": "60"}, 201),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a33_an_answer_that_breaks_a_rule_is_one_error(case: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_par_response(HOSTILE[case], PAR)
    assert caught.value.error == "par_error"


def test_a_no_of_the_provider_has_its_own_code_and_an_outage_passes() -> None:
    with pytest.raises(OAuthError) as refused:
        parse_par_response(json_answer({"error": "invalid_redirect_uri"}, 400), PAR)
    assert (refused.value.error, refused.value.status) == ("invalid_redirect_uri", 400)
    with pytest.raises(NetworkError) as passing:
        parse_par_response(Response(503, (("Retry-After", "7"),)), PAR)
    assert (passing.value.reason, passing.value.remedy) == ("server_error", "Try again in 7 seconds.")


def test_s03_no_error_repeats_what_was_pushed() -> None:
    answer = json_answer({"error": "invalid_request", "error_description": f"bad {CANARY}"}, 400)
    for name in ("state", "nonce", "id_token_hint"):
        with pytest.raises(OAuthError) as caught:
            drive(push(PAR, {"client_id": "c", name: CANARY}), [answer])
        assert leaks(caught.value) == []
        assert caught.value.error_description == "bad [...]"


@given(st.integers(100, 599), st.binary())
def test_any_answer_gives_a_name_or_one_of_our_errors(status: int, body: bytes) -> None:
    try:
        assert parse_par_response(Response(status, (), body), PAR).startswith("urn:")
    except SpaAuthError:
        return
