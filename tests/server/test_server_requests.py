import asyncio
import json
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from server.issuing import AUDIENCE, LocalIssuer, challenge_of, log_line, quiet

from spa_auth.errors import (
    ConfigurationError,
    InsufficientScopeError,
    InvalidRequestError,
    InvalidTokenError,
    RequestError,
    UpstreamError,
)
from spa_auth.protocol.http import Request
from spa_auth.server import AccessTokenValidator


def with_authorization(*values: str) -> Request:
    return Request("GET", "/notes", tuple(("authorization", value) for value in values))


def answer(validator: AccessTokenValidator, request: Request, scopes: tuple[str, ...] = ()) -> RequestError:
    with pytest.raises(RequestError) as raised:
        validator.validate_request(request, scopes=scopes)
    with pytest.raises(RequestError) as again:
        asyncio.run(validator.avalidate_request(request, scopes=scopes))
    assert (raised.value.status, raised.value.headers) == (again.value.status, again.value.headers)
    return raised.value


def refusal(validator: AccessTokenValidator, token: str) -> RequestError:
    with pytest.raises(RequestError) as raised:
        asyncio.run(validator.avalidate(token, scopes=["admin"]))
    return raised.value


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER", "Bearer   "])
def test_a_good_token_is_read_whatever_the_case_of_the_scheme(shared_issuer: LocalIssuer, scheme: str) -> None:
    request = with_authorization(f"{scheme} {shared_issuer.token()}")
    validator = shared_issuer.validator()
    assert validator.validate_request(request, scopes=["read:notes"]).subject == "alice"
    assert asyncio.run(validator.avalidate_request(request)).subject == "alice"


@pytest.mark.parametrize("values", [(), ("Basic YTpi",), ("DPoP abc",), ("Bearerish abc",), ("Negotiate",)])
def test_v01_without_a_token_the_challenge_names_no_error(shared_issuer: LocalIssuer, values: tuple[str, ...]) -> None:
    error = answer(shared_issuer.validator(), with_authorization(*values), ("read:notes",))
    assert isinstance(error, InvalidTokenError)
    assert challenge_of(error) == ("bearer", {"realm": AUDIENCE, "scope": "read:notes"})


@pytest.mark.parametrize(
    "value", ["", " ", "Bearer", "Bearer ", "Bearer\tabc", "Bearer a b", "Bearer a,b", "Bearer ä", "Bearer =a",
              "Bearer a\nb", ",", "Bearer,", "\x00", "Bearer \u0000"],
)  # fmt: skip
def test_v02_a_malformed_header_is_400(shared_issuer: LocalIssuer, value: str) -> None:
    error = answer(shared_issuer.validator(), with_authorization(value))
    assert isinstance(error, InvalidRequestError)
    assert challenge_of(error).error == "invalid_request"


def test_v03_two_authorization_headers_are_400(shared_issuer: LocalIssuer) -> None:
    good = f"Bearer {shared_issuer.token()}"
    for values in ((good, good), (good, "Basic YTpi"), ("", "")):
        assert answer(shared_issuer.validator(), with_authorization(*values)).status == 400


def test_v04_a_token_in_the_query_is_not_looked_at(shared_issuer: LocalIssuer) -> None:
    request = Request("GET", f"/notes?access_token={shared_issuer.token()}")
    assert answer(shared_issuer.validator(), request).status == 401


@settings(deadline=None)
@given(st.lists(st.text(max_size=30) | st.from_regex(r"[Bb]earer .{0,20}"), max_size=3))
def test_v24_no_header_raises_anything_that_is_not_ours(
    shared_validator: AccessTokenValidator, values: list[str]
) -> None:
    quiet()
    with pytest.raises(RequestError) as raised:
        shared_validator.validate_request(with_authorization(*values))
    assert raised.value.status in (400, 401)


def test_h02_each_kind_of_failure_has_its_status_and_its_class(issuer: LocalIssuer) -> None:
    validator, token = issuer.validator(), issuer.token()
    table = {
        "no token": answer(validator, with_authorization()),
        "malformed": answer(validator, with_authorization("Bearer")),
        "bad token": answer(validator, with_authorization("Bearer abc")),
        "expired": answer(validator, with_authorization(f"Bearer {issuer.token(exp=1)}")),
        "no scope": answer(validator, with_authorization(f"Bearer {token}"), ("admin",)),
        "no keys": answer(LocalIssuer(1).validator(), with_authorization(f"Bearer {LocalIssuer(1).token()}")),
    }
    assert {name: (error.status, type(error)) for name, error in table.items()} == {
        "no token": (401, InvalidTokenError),
        "malformed": (400, InvalidRequestError),
        "bad token": (401, InvalidTokenError),
        "expired": (401, InvalidTokenError),
        "no scope": (403, InsufficientScopeError),
        "no keys": (503, UpstreamError),
    }
    for error in table.values():
        headers = dict(error.headers)
        assert headers["Cache-Control"] == "no-store", "H04"
        assert headers["Content-Type"] == "application/json"
        assert ("WWW-Authenticate" in headers) == (error.status != 503)
        assert set(json.loads(error.body)) == {"error", "error_description"}


def test_s03_no_frame_of_ours_keeps_the_token_of_a_refusal(
    shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator
) -> None:
    good, bad = shared_issuer.token(), shared_issuer.token(exp=1)
    headers = [f"Bearer {bad}", f"Bearer {good}", f"DPoP {good}", f"Bearer  {good}, {good}", f"Bearer {good} {good}"]
    requests = [with_authorization(value) for value in headers]
    requests.append(with_authorization(f"Bearer {good}", f"Bearer {good}"))
    refusals = [answer(shared_validator, request, ("admin",)) for request in requests]
    assert [error.status for error in refusals] == [401, 403, 401, 400, 400, 400]
    for error in (*refusals, *[refusal(shared_validator, token) for token in (bad, good)]):
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
        ours = [frame for frame in frames if "spa_auth/server" in frame.filename]
        assert ours
        assert not any("eyJ" in value for frame in ours for value in (frame.locals or {}).values())


def test_s03_a_demand_that_no_token_can_meet_is_found_before_the_token_is_read(
    shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        shared_validator.validate_request(with_authorization(f"Bearer {shared_issuer.token()}"), scopes=" ")
    frames = traceback.TracebackException.from_exception(raised.value, capture_locals=True).stack
    ours = [frame for frame in frames if "spa_auth/server" in frame.filename]
    assert not any("eyJ" in value for frame in ours for value in (frame.locals or {}).values())


TRICKS = st.text(alphabet=st.sampled_from('"\\\r\n\x00\x7f\x1b ;,ä\u202e€ab'), min_size=1, max_size=40)


@settings(deadline=None)
@given(TRICKS, TRICKS)
def test_h01_nothing_of_a_token_reaches_the_answer(
    shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator, first: str, second: str
) -> None:
    quiet()
    token = shared_issuer.token(iss=first, aud=second, scope=first, header={"kid": second, "typ": first})
    with pytest.raises(InvalidTokenError) as raised:
        shared_validator.validate(token)
    with pytest.raises(InvalidTokenError) as reference:
        shared_validator.validate("a")
    assert raised.value.headers == reference.value.headers
    assert raised.value.body == reference.value.body


def test_h01_an_audience_of_odd_characters_makes_a_legal_header(shared_issuer: LocalIssuer) -> None:
    error = answer(shared_issuer.validator(audience='a"b\\c\r\nd€'), with_authorization())
    assert dict(error.headers)["WWW-Authenticate"] == 'Bearer realm="a\\"b\\\\cd"'


@settings(deadline=None)
@given(TRICKS, TRICKS)
def test_h06_the_log_is_one_line_of_ascii_without_token_or_signature(
    shared_issuer: LocalIssuer, shared_validator: AccessTokenValidator, first: str, second: str
) -> None:
    quiet()
    token = shared_issuer.token(aud=[first * 20], sub=second, header={"kid": second, "typ": "at+jwt"}, alg="RS256")
    with pytest.raises(InvalidTokenError) as raised:
        shared_validator.validate(token)
    line = raised.value.detail
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 1_200
    assert not any(part in line for part in token.split("."))


@pytest.mark.parametrize(
    ("changes", "header", "words"),
    [
        ({"aud": "https://other.example"}, {}, ["(aud)", "aud='https://other.example'", f"audience='{AUDIENCE}'",
                                                "set audience='https://other.example'"]),
        ({"iss": "https://other.example/"}, {}, ["(iss)", "set issuer='https://other.example/'"]),
        ({"exp": 1}, {}, ["(exp)", " s ago", "new token"]),
        ({}, {"typ": "logout+jwt"}, ["(typ)", "typ='logout+jwt'", "access token"]),
        ({"nonce": "n"}, {"typ": None}, ["(nonce)", "not the ID token"]),
        ({}, {"alg": "HS512"}, ["(alg)", "alg='HS512'", "algorithms="]),
        ({}, {"kid": "k\n9"}, ["(kid)", "kid='k\\n9'", "same provider"]),
        ({"cnf": {"jkt": "a"}}, {}, ["(cnf)", "bearer tokens"]),
    ],
)  # fmt: skip
def test_the_log_names_what_came_what_was_expected_and_what_to_do(
    shared_issuer: LocalIssuer,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, object],
    header: dict[str, object],
    words: list[str],
) -> None:
    answer(
        shared_issuer.validator(), with_authorization(f"Bearer {shared_issuer.token(header=header, claims=changes)}")
    )
    line = log_line(caplog)
    assert line.startswith("401 invalid_token ")
    for word in words:
        assert word in line, line


def test_the_log_names_the_scope_that_is_missing(shared_issuer: LocalIssuer, caplog: pytest.LogCaptureFixture) -> None:
    answer(shared_issuer.validator(), with_authorization(f"Bearer {shared_issuer.token()}"), ("read:notes", "admin"))
    assert log_line(caplog).startswith("403 insufficient_scope The token allows scope='openid read:notes'")
    assert "ask for scope='admin' too" in log_line(caplog)


def test_the_log_tells_an_opaque_token_from_a_jwt(shared_issuer: LocalIssuer, caplog: pytest.LogCaptureFixture) -> None:
    answer(shared_issuer.validator(), with_authorization("Bearer 7Fjfp0ZBr1KtDRbnfVdmIw"))
    assert "no readable parts" in log_line(caplog)
    assert f"name the audience '{AUDIENCE}'" in log_line(caplog)
    assert "7Fjfp0ZBr1KtDRbnfVdmIw" not in caplog.text


def test_a_request_without_token_is_logged_below_warning(
    shared_issuer: LocalIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    answer(shared_issuer.validator(), with_authorization())
    assert caplog.records[-1].levelname == "INFO"


def test_a_long_claim_is_cut_in_the_log(shared_issuer: LocalIssuer, caplog: pytest.LogCaptureFixture) -> None:
    answer(shared_issuer.validator(), with_authorization(f"Bearer {shared_issuer.token(aud='a' * 5000)}"))
    assert len(log_line(caplog)) < 1_000
