import json

import pytest
from canary import CANARY, leaks
from hypothesis import given
from hypothesis import strategies as st
from protocol_values import SERVER, TRANSACTION, json_answer
from token_factory import ISSUER, NOW

from spa_auth.errors import (
    ClientNotPublicError,
    DiscoveryError,
    InvalidGrantError,
    NetworkError,
    OAuthError,
    ProtocolError,
    SpaAuthError,
)
from spa_auth.protocol import form
from spa_auth.protocol.authorization import AuthorizationResponse
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.token import (
    DEFAULT_LIFETIME,
    MAX_LIFETIME,
    TokenSet,
    code_request,
    parse_token_response,
    refresh_request,
)

GOOD: dict[str, object] = {"access_token": "at.one", "token_type": "Bearer", "expires_in": 600}
ASKED = Scope("openid profile")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def parse(response: Response, server: ServerMetadata = SERVER) -> TokenSet:
    return parse_token_response(response, server=server, now=NOW + 0.7, scope=ASKED, audience="https://api.example")


def parse_members(**changes: object) -> TokenSet:
    members = {**GOOD, **changes}
    return parse(json_answer({name: value for name, value in members.items() if value != "absent"}))


def failure(response: Response, server: ServerMetadata = SERVER) -> SpaAuthError:
    with pytest.raises(SpaAuthError) as caught:
        parse(response, server)
    return caught.value


def members_of(request: Request) -> dict[str, str]:
    assert request.method == "POST"
    assert request.url == SERVER.token_endpoint
    assert request.header("content-type") == "application/x-www-form-urlencoded"
    return form.unique(form.parse(request.body.decode()))


def test_a_code_is_exchanged_with_its_verifier() -> None:
    assert members_of(code_request(SERVER, AuthorizationResponse("the&code=", TRANSACTION))) == {
        "grant_type": "authorization_code",
        "client_id": TRANSACTION.client_id,
        "code": "the&code=",
        "redirect_uri": TRANSACTION.redirect_uri,
        "code_verifier": TRANSACTION.code_verifier,
    }


@pytest.mark.parametrize(
    ("api_parameter", "sent"), [("audience", None), ("resource", "https://api.example"), ("none", None)]
)
def test_a_code_is_exchanged_for_the_resource_it_was_given_for(api_parameter: str, sent: str | None) -> None:
    response = AuthorizationResponse("c", TRANSACTION._replace(audience="https://api.example"))
    members = members_of(code_request(SERVER, response, api_parameter=api_parameter))
    assert members.get("resource") == sent
    assert "audience" not in members


@pytest.mark.parametrize("api_parameter", ["audience", "resource"])
def test_a_refresh_token_is_exchanged_for_another_scope_and_api(api_parameter: str) -> None:
    request = refresh_request(
        SERVER,
        client_id="c",
        refresh_token="rt",
        scope=Scope("openid read"),
        audience="https://api.example",
        api_parameter=api_parameter,
    )
    assert members_of(request) == {
        "grant_type": "refresh_token",
        "client_id": "c",
        "refresh_token": "rt",
        "scope": "openid read",
        api_parameter: "https://api.example",
    }


def test_a_refresh_token_is_exchanged() -> None:
    assert members_of(refresh_request(SERVER, client_id="c", refresh_token="rt+/=")) == {
        "grant_type": "refresh_token",
        "client_id": "c",
        "refresh_token": "rt+/=",
    }


def test_a_provider_without_token_endpoint_is_named() -> None:
    with pytest.raises(DiscoveryError):
        refresh_request(ServerMetadata(ISSUER), client_id="c", refresh_token="r")


def test_an_answer_is_read() -> None:
    tokens = parse_members(refresh_token="rt", id_token="a.b.c", scope="openid")
    assert tokens == TokenSet("at.one", "Bearer", NOW + 600, Scope("openid"), "https://api.example", "rt", "a.b.c")


def test_what_an_answer_leaves_out_is_as_asked() -> None:
    tokens = parse_members(expires_in="absent")
    assert (tokens.scope, tokens.refresh_token, tokens.id_token) == (ASKED, None, None)
    assert DEFAULT_LIFETIME <= 300
    assert tokens.expires_at == NOW + DEFAULT_LIFETIME


def test_k29_members_that_are_named_like_internals_are_left_out() -> None:
    tokens = parse_members(expires_at=1, audience="x", __class__="x", toJSON=1, scope="openid")
    assert tokens == parse_members(scope="openid")


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "bEARER"])
def test_k10_the_token_type_has_no_case(token_type: str) -> None:
    assert parse_members(token_type=token_type).token_type == "Bearer"


@pytest.mark.parametrize("token_type", ["mac", "Bearer ", "DPoP", "N_A", "Bearer\r\nX: y"])
def test_k09_f06_k12_a_token_of_an_unknown_type_is_not_used(token_type: str) -> None:
    error = failure(json_answer({**GOOD, "token_type": token_type}))
    assert error.error == "unsupported_token_type"


@pytest.mark.parametrize("token_type", ["absent", "", None, 1, ["Bearer"], {}])
def test_k08_a_token_without_type_is_refused(token_type: object) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_members(token_type=token_type)
    assert caught.value.error == "invalid_response"


@pytest.mark.parametrize(
    "access_token",
    [
        "absent",
        "",
        None,
        1,
        [],
        {},
        "a b",
        "a\r\nX-Evil: b",
        "ä",
        "a,b",
        "=",
        "a=b",
        "a\n",
        "x" * 16_385,
        "x" * 1_000_000,
    ],
)
def test_k07_f06_an_access_token_that_no_header_can_carry_is_refused(access_token: object) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_members(access_token=access_token)
    assert caught.value.error == "invalid_response"
    if isinstance(access_token, str) and access_token not in ("", "=", "absent"):
        assert leaks(caught.value, (access_token * 3)[:64]) == []


@pytest.mark.parametrize("access_token", ["a", "a.b.c", "A-z_0~1+/==", "x" * 16_384])
def test_what_a_header_can_carry_is_accepted(access_token: str) -> None:
    assert parse_members(access_token=access_token).access_token == access_token


@pytest.mark.parametrize(
    ("expires_in", "lifetime"),
    [(0, 0), (1, 1), (3600, 3600), ("3600", 3600), ("0", 0), (10**18, MAX_LIFETIME), ("9999999999", MAX_LIFETIME)],
)
def test_k13_k14_a_lifetime_is_a_number_or_digits_and_has_an_upper_limit(expires_in: object, lifetime: int) -> None:
    assert parse_members(expires_in=expires_in).expires_at == NOW + lifetime


@pytest.mark.parametrize(
    "expires_in", [-1, "-1", 3600.0, 1e30, True, False, None, "", " 1", "1e3", "3600.0", "٣", "1" * 11, [], [60], {}]
)
def test_k14_any_other_lifetime_is_refused(expires_in: object) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_members(expires_in=expires_in)
    assert caught.value.error == "invalid_response"


@pytest.mark.parametrize("expires_in", ["NaN", "Infinity", "1e999", "1" * 5000])
def test_k14_numbers_that_are_none_are_refused(expires_in: str) -> None:
    body = f'{{"access_token":"a","token_type":"Bearer","expires_in":{expires_in}}}'.encode()
    assert failure(json_answer(body)).error == "invalid_response"


@pytest.mark.parametrize("scope", [None, 1, ["openid"], {}, 'a"b', "a\tb", "ä"])
def test_k15_an_illegal_scope_is_refused(scope: object) -> None:
    with pytest.raises(ProtocolError):
        parse_members(scope=scope)


@pytest.mark.parametrize("scope", ["openid", "openid profile admin", ""])
def test_k15_r11_what_was_granted_is_what_counts(scope: str) -> None:
    assert parse_members(scope=scope).scope == Scope(scope)


@pytest.mark.parametrize("name", ["refresh_token", "id_token"])
@pytest.mark.parametrize("value", [None, "", 1, [], {}])
def test_k17_a_token_that_is_no_text_is_refused(name: str, value: object) -> None:
    with pytest.raises(ProtocolError):
        parse_members(**{name: value})


@pytest.mark.parametrize("content_type", ["text/html", "text/json", "", "application/jsonp", "application/json-seq"])
def test_k03_an_answer_that_is_not_called_json_is_refused(content_type: str) -> None:
    assert failure(json_answer(GOOD, content_type=content_type)).error == "invalid_response"
    assert parse(json_answer(GOOD, content_type="application/json;charset=UTF-8")).access_token == "at.one"


def test_k03_an_answer_without_content_type_is_refused() -> None:
    assert failure(Response(200, (), json.dumps(GOOD).encode())).error == "invalid_response"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"7",
        b'{"access_token":"a",',
        b'{"access_token":"a","access_token":"b","token_type":"Bearer"}',
        json.dumps(GOOD).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"a":"' + b"a" * 1_048_576 + b'"}',
    ],
)
def test_k04_k05_k06_j16_a_body_that_is_no_strict_json_object_is_refused(body: bytes) -> None:
    assert failure(json_answer(body)).error == "invalid_response"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_k01_a_redirect_is_refused(status: int) -> None:
    assert failure(json_answer(GOOD, status)).error == "redirect_forbidden"


@pytest.mark.parametrize("status", [100, 201, 202, 204, 206, 400, 401, 404, 418, 501])
def test_k18_tokens_come_with_status_200_only(status: int) -> None:
    error = failure(json_answer(GOOD, status))
    assert type(error) is ProtocolError
    assert str(status) in error.error_description


def test_k18_an_error_with_status_200_is_no_login() -> None:
    assert failure(json_answer({**GOOD, "error": "invalid_grant"})).error == "invalid_response"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error":"invalid_grant"}', json.dumps(GOOD).encode()])
def test_k20_r04_a_provider_out_of_order_has_decided_nothing(status: int, body: bytes) -> None:
    error = failure(json_answer(body, status))
    assert isinstance(error, NetworkError)
    assert (error.error, error.reason) == ("server_error", "server_error")


def test_r08_a_spent_grant_is_an_error_of_its_own() -> None:
    error = failure(json_answer({"error": "invalid_grant", "error_description": "Reuse."}, 400))
    assert isinstance(error, InvalidGrantError)
    assert (error.error_description, error.status) == ("Reuse.", 400)


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client"])
def test_a_provider_that_wants_a_secret_is_told_from_one_that_knows_public_clients(code: str) -> None:
    answer = json_answer({"error": code}, 401)
    error = failure(answer, SERVER._replace(token_endpoint_auth_methods_supported=("client_secret_basic",)))
    assert isinstance(error, ClientNotPublicError)
    assert error.error == code
    assert type(failure(answer)) is OAuthError


@pytest.mark.parametrize("code", [None, 1, ["invalid_grant"], "a b", "", "x" * 100, 'a"'])
def test_k19_an_illegal_code_is_server_error_and_no_decision(code: object) -> None:
    error = failure(json_answer({"error": code, "error_description": ["x"]}, 400))
    assert type(error) is OAuthError
    assert (error.error, error.error_description) == ("server_error", "")


def test_k19_a_hostile_text_is_filtered_and_cut() -> None:
    error = failure(
        json_answer({"error": "invalid_request", "error_description": "<b>\r\nü\x00" + "no " * 100_000}, 400)
    )
    assert error.error_description.startswith("<b>no no")
    assert len(error.error_description) <= 512


def test_s03_a_text_that_echoes_a_token_does_not_show_it() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9CANARY"
    error = failure(json_answer({"error": "invalid_grant", "error_description": f"Unknown token {token}."}, 400))
    assert leaks(error, token) == []


def test_s03_an_unusable_answer_is_not_quoted() -> None:
    for body in (f'{{"access_token":"{CANARY}'.encode(), f'{{"access_token":"{CANARY}\xff"}}'.encode("latin-1")):
        assert leaks(failure(json_answer(body))) == []
    assert leaks(failure(json_answer({**GOOD, "access_token": f"{CANARY} x"}))) == []


def test_s06_the_repr_shows_no_token() -> None:
    tokens = parse_members(access_token=CANARY, refresh_token=CANARY, id_token=CANARY)
    assert repr(tokens) == "<TokenSet Bearer audience='https://api.example' scope='openid profile'>"


def test_a_token_is_fresh_until_its_end_less_the_margin() -> None:
    tokens = parse_members(expires_in=60)
    assert tokens.is_fresh(NOW + 59.9)
    assert not tokens.is_fresh(NOW + 60)
    assert tokens.is_fresh(NOW + 29.9, 30)
    assert not tokens.is_fresh(NOW + 30, 30)


members = st.sampled_from(["access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token", "error"])


@given(
    st.one_of(
        st.binary(),
        st.dictionaries(members, json_values).map(lambda changes: json.dumps({**GOOD, **changes}).encode()),
    ),
    st.sampled_from([200, 204, 302, 400, 401, 500, 503]),
)
def test_k05_k07_k14_any_answer_ends_in_typed_tokens_or_in_an_error_of_ours(body: bytes, status: int) -> None:
    try:
        tokens = parse(json_answer(body, status))
    except SpaAuthError:
        return
    assert status == 200
    assert isinstance(tokens.access_token, str)
    assert tokens.token_type == "Bearer"
    assert NOW <= tokens.expires_at <= NOW + MAX_LIFETIME
    assert tokens.scope.is_legal
    assert isinstance(tokens.refresh_token, str | None)
    assert isinstance(tokens.id_token, str | None)


@pytest.mark.parametrize(
    ("headers", "remedy"),
    [((), "Try again later."), ((("Retry-After", "30"),), "Try again in 30 seconds.")],
)
def test_k20_an_outage_says_when_to_try_again(headers: tuple[tuple[str, str], ...], remedy: str) -> None:
    assert failure(Response(503, headers)).remedy == remedy
