import pytest
from canary import CANARY, leaks
from flow_driver import Trace, drive, sent
from protocol_values import SERVER, json_answer

from spa_auth.errors import DiscoveryError, NetworkError, OAuthError, ProtocolError, SpaAuthError
from spa_auth.protocol import form
from spa_auth.protocol.http import Response
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.revocation import (
    ACCESS_TOKEN,
    REFRESH_TOKEN,
    parse_revocation_response,
    revocation_request,
    revoke_token,
)

REVOKES = SERVER._replace(revocation_endpoint="https://id.example/oauth/revoke")


@pytest.mark.parametrize("hint", [REFRESH_TOKEN, ACCESS_TOKEN])
def test_a_token_is_revoked_with_one_post(hint: str) -> None:
    request = revocation_request(REVOKES, token="rt-1", token_type_hint=hint, client_id="c")
    assert (request.method, request.url) == ("POST", "https://id.example/oauth/revoke")
    assert dict(form.parse(request.body.decode())) == {"token": "rt-1", "token_type_hint": hint, "client_id": "c"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[1"])
def test_the_body_of_a_yes_is_not_looked_at(body: bytes) -> None:
    trace: Trace = []
    provider = Provider(REVOKES.issuer, metadata=REVOKES)
    drive(revoke_token(provider, "rt-1", REFRESH_TOKEN, "c"), [Response(200, (), body)], trace)
    assert sent(trace) == ["POST https://id.example/oauth/revoke"]


@pytest.mark.parametrize(
    ("answer", "kind", "error"),
    [
        (Response(503, (("Retry-After", "120"),)), NetworkError, "server_error"),
        (Response(503), NetworkError, "server_error"),
        (Response(429), NetworkError, "server_error"),
        (NetworkError("Too slow.", reason="timeout"), NetworkError, "network_error"),
        (Response(302, (("Location", "https://evil.example/"),)), ProtocolError, "redirect_forbidden"),
        (json_answer({"error": "unsupported_token_type"}, 400), OAuthError, "unsupported_token_type"),
        (json_answer({"error": "invalid_request"}, 400), OAuthError, "invalid_request"),
        (Response(404), ProtocolError, "invalid_response"),
        (Response(204), ProtocolError, "invalid_response"),
    ],
    ids=str,
)
def test_l03_each_way_to_fail_has_its_error_and_nothing_is_sent_twice(
    answer: object, kind: type[SpaAuthError], error: str
) -> None:
    trace: Trace = []
    with pytest.raises(kind) as caught:
        drive(revoke_token(Provider(REVOKES.issuer, metadata=REVOKES), "rt-1", REFRESH_TOKEN, "c"), [answer], trace)
    assert caught.value.error == error
    assert len(sent(trace)) == 1


@pytest.mark.parametrize(
    ("retry_after", "remedy"),
    [
        ("120", "Try again in 120 seconds."),
        ("Fri, 31 Dec 2027 23:59:59 GMT", "Try again later."),
        ("1" * 11, "Try again later."),
        ("-1", "Try again later."),
    ],
)
def test_l03_an_outage_says_when_to_try_again(retry_after: str, remedy: str) -> None:
    with pytest.raises(NetworkError) as caught:
        parse_revocation_response(Response(503, (("Retry-After", retry_after),)), REVOKES)
    assert caught.value.remedy == remedy


def test_a_provider_may_revoke_nothing() -> None:
    with pytest.raises(DiscoveryError) as caught:
        revocation_request(SERVER, token="rt-1", token_type_hint=REFRESH_TOKEN, client_id="c")
    assert caught.value.claim == "revocation_endpoint"


def test_s03_no_error_repeats_the_token() -> None:
    answer = json_answer({"error": "invalid_request", "error_description": f"{CANARY} is odd"}, 400)
    with pytest.raises(OAuthError) as caught:
        drive(revoke_token(Provider(REVOKES.issuer, metadata=REVOKES), CANARY, REFRESH_TOKEN, "c"), [answer])
    assert leaks(caught.value) == []
