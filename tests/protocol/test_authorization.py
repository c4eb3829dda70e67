import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from canary import CANARY, leaks
from hypothesis import given
from hypothesis import strategies as st
from protocol_values import SERVER, STATE, TRANSACTION
from token_factory import ISSUER, NOW

from spa_auth.errors import (
    AccessDeniedError,
    ConfigurationError,
    DiscoveryError,
    IssuerMismatchError,
    OAuthError,
    ProtocolError,
    SpaAuthError,
    StateMismatchError,
    TransactionExpiredError,
)
from spa_auth.protocol import base64url
from spa_auth.protocol.authorization import (
    MAX_URL_LENGTH,
    PROTECTED_PARAMETERS,
    AuthorizationResponse,
    authorization_request,
    check_parameters,
    check_state,
    parse_authorization_response,
    response_state,
)
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.transaction import Transaction

GOOD = [("code", "the-code"), ("state", STATE)]
WITH_ISS = SERVER._replace(authorization_response_iss_parameter_supported=True)
texts = st.text(st.characters(exclude_categories=["Cs"]))


def query_of(url: str) -> dict[str, str]:
    values = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(value) == 1 for value in values.values())
    return {name: value[0] for name, value in values.items()}


def parse(
    parameters: list[tuple[str, str]],
    *,
    transaction: Transaction = TRANSACTION,
    server: ServerMetadata = SERVER,
    now: float = NOW,
) -> AuthorizationResponse:
    return parse_authorization_response(parameters, transaction, server, now)


def test_a01_a_login_asks_for_a_code_with_pkce_s256_state_and_nonce() -> None:
    request = authorization_request(SERVER, TRANSACTION)
    assert request.url.startswith("https://id.example/authorize?")
    assert query_of(request.url) == {
        "client_id": TRANSACTION.client_id,
        "response_type": "code",
        "redirect_uri": TRANSACTION.redirect_uri,
        "scope": "openid profile",
        "state": STATE,
        "nonce": TRANSACTION.nonce,
        "code_challenge": base64url.encode(hashlib.sha256(TRANSACTION.code_verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }


def test_m08_what_the_metadata_offers_weakens_nothing() -> None:
    """M08: code_challenge_methods_supported is not even read."""
    assert "code_challenge_methods_supported" not in ServerMetadata._fields
    assert query_of(authorization_request(SERVER, TRANSACTION).url)["code_challenge_method"] == "S256"


def test_audience_max_age_and_other_parameters_are_sent() -> None:
    transaction = TRANSACTION._replace(audience="https://api.example", max_age=0)
    query = query_of(authorization_request(SERVER, transaction, {"prompt": "login", "ui_locales": "de fr"}).url)
    assert query["audience"] == "https://api.example"
    assert query["max_age"] == "0"
    assert (query["prompt"], query["ui_locales"]) == ("login", "de fr")


@pytest.mark.parametrize(
    ("api_parameter", "sent"),
    [
        ("audience", {"audience": "https://api.example"}),
        ("resource", {"resource": "https://api.example"}),
        ("none", {}),
    ],
)
def test_the_api_is_named_as_the_provider_wants_it(api_parameter: str, sent: dict[str, str]) -> None:
    transaction = TRANSACTION._replace(audience="https://api.example")
    query = query_of(authorization_request(SERVER, transaction, api_parameter=api_parameter).url)
    assert {name: query[name] for name in ("audience", "resource") if name in query} == sent
    query = query_of(authorization_request(SERVER, TRANSACTION, api_parameter=api_parameter).url)
    assert not {"audience", "resource", "none"} & query.keys()


def test_a29_a31_what_the_answer_is_checked_for_is_asked_as_it_is_remembered() -> None:
    transaction = TRANSACTION._replace(organization="org_7", acr_values="phr phrh")
    query = query_of(authorization_request(SERVER, transaction, {"organization": "other", "acr_values": "0"}).url)
    assert (query["organization"], query["acr_values"]) == ("org_7", "phr phrh")


def test_a_query_of_the_endpoint_is_kept() -> None:
    server = SERVER._replace(authorization_endpoint="https://id.example/authorize?tenant=1")
    assert query_of(authorization_request(server, TRANSACTION).url)["tenant"] == "1"


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), texts), texts)
def test_a04_no_value_becomes_a_parameter_of_its_own(parameters: dict[str, str], redirect_uri: str) -> None:
    transaction = TRANSACTION._replace(redirect_uri=redirect_uri)
    ours = PROTECTED_PARAMETERS | {"scope", "audience", "max_age"}
    extra = {name: value for name, value in parameters.items() if name not in ours}
    sent = query_of(authorization_request(SERVER, transaction, extra).url)
    assert sent.items() >= extra.items()
    assert sent["redirect_uri"] == redirect_uri
    assert sent.keys() - extra.keys() == query_of(authorization_request(SERVER, TRANSACTION).url).keys()


def test_a04_app_state_and_return_to_never_leave_the_browser() -> None:
    transaction = TRANSACTION._replace(app_state=CANARY, return_to=f"/{CANARY}", code_verifier=CANARY)
    assert CANARY not in authorization_request(SERVER, transaction).url


@pytest.mark.parametrize("name", sorted(PROTECTED_PARAMETERS))
def test_a03_protected_parameters_are_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        authorization_request(SERVER, TRANSACTION, {name: "x", "prompt": "login"})
    assert caught.value.faults == (f"{name} cannot be set in authorization_params.",)


@pytest.mark.parametrize(
    "name", ["State", "REDIRECT_URI", "state[]", "nonce[0]", " state", "redirect.uri", "redirect uri"]
)
def test_a03_a_name_that_a_lenient_server_reads_as_a_protected_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        authorization_request(SERVER, TRANSACTION, {name: "x", "prompt": "login", "ui_locales": "de", "ext.state": "y"})
    assert caught.value.faults == (f"{name} cannot be set in authorization_params.",)


def test_a03_the_list_of_protected_parameters_is_whole() -> None:
    wanted = {
        "client_id", "state", "nonce", "response_type", "response_mode", "code_challenge", "code_challenge_method",
        "request", "request_uri", "dpop_jkt", "redirect_uri",
    }  # fmt: skip
    assert wanted <= PROTECTED_PARAMETERS


@pytest.mark.parametrize("name", ["max_age", "scope", "audience"])
def test_a28_what_the_answer_is_checked_for_cannot_be_asked_past_the_transaction(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is an option of its own"):
        check_parameters({name: "0"})


def test_all_faults_of_parameters_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_parameters({"state": "x", "nonce": "x", "max_age": 1, "prompt": 7})
    assert len(caught.value.faults) == 5


def test_a_provider_without_authorization_endpoint_is_named() -> None:
    with pytest.raises(DiscoveryError) as caught:
        authorization_request(ServerMetadata(ISSUER), TRANSACTION)
    assert caught.value.claim == "authorization_endpoint"


def test_a35_the_longest_address_is_asked_and_none_that_is_longer() -> None:
    short = len(authorization_request(SERVER, TRANSACTION, {"login_hint": ""}).url)
    longest = {"login_hint": "x" * (MAX_URL_LENGTH - short)}
    assert len(authorization_request(SERVER, TRANSACTION, longest).url) == MAX_URL_LENGTH
    with pytest.raises(ConfigurationError, match=str(MAX_URL_LENGTH + 1)):
        authorization_request(SERVER, TRANSACTION, {"login_hint": longest["login_hint"] + "x"})


def test_an_answer_with_code_and_state_is_accepted() -> None:
    assert parse(GOOD) == AuthorizationResponse("the-code", TRANSACTION)
    assert parse([*GOOD, ("iss", ISSUER)], server=WITH_ISS).code == "the-code"
    assert parse([*GOOD, ("session_state", "x")]).code == "the-code"


STATES: dict[str, list[tuple[str, str]]] = {
    "A07 missing": [("code", "x")],
    "A07 empty": [("code", "x"), ("state", "")],
    "A07 twice": [*GOOD, ("state", STATE)],
    "A07 two": [*GOOD, ("state", "x")],
    "A07 other case": [("code", "x"), ("state", STATE.upper())],
    "A07 padded": [("code", "x"), ("state", f"{STATE} ")],
    "A07 longer": [("code", "x"), ("state", f"{STATE}=")],
    "A06 another": [("code", "x"), ("state", "r" + "X" * 43)],
    "A08 with an error": [("error", "access_denied"), ("error_description", "no"), ("state", "other")],
    "A08 an error without state": [("error", "login_required")],
    "A18 with tokens": [("access_token", "x"), ("state", "other")],
}


@pytest.mark.parametrize("case", STATES)
def test_a06_a07_a08_state_comes_before_all_else(case: str) -> None:
    for parameters in (STATES[case], [*STATES[case], ("code", "y"), ("iss", "https://evil.example/")]):
        with pytest.raises(StateMismatchError) as caught:
            parse(parameters, now=NOW + 10_000, server=WITH_ISS)
        assert caught.value.error == "state_mismatch"
        assert caught.value.app_state is None
    with pytest.raises(StateMismatchError):
        check_state(STATES[case], TRANSACTION)


def test_the_one_state_of_an_answer_is_found() -> None:
    assert response_state([("a", "b"), ("state", "x")]) == "x"
    check_state(GOOD, TRANSACTION)


def test_a21_an_answer_after_15_minutes_is_too_late() -> None:
    with pytest.raises(TransactionExpiredError):
        parse(GOOD, now=NOW + 901)


@pytest.mark.parametrize("name", ["code", "iss", "error", "error_description", "anything"])
def test_a11_parameters_that_come_twice_are_refused(name: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse([("state", STATE), ("code", "x"), (name, "1"), (name, "1")])
    assert caught.value.error == "invalid_response"


NEAR_MISSES = [
    "",
    "https://id.example",
    "https://ID.example/",
    "https://id.example:443/",
    "https://id.example//",
    "http://id.example/",
    "https://id.example/x",
    "https://id.example.evil.example/",
    "https://user@id.example/",
    "https://xn--d-0ga.example/",
    "https://\u0456d.example/",
    " https://id.example/",
    "https://evil.example/",
]


@pytest.mark.parametrize("iss", NEAR_MISSES)
@pytest.mark.parametrize("server", [SERVER, WITH_ISS])
@pytest.mark.parametrize("rest", [[("code", "x")], [("error", "access_denied")]])
def test_a13_a15_another_issuer_is_refused_before_code_or_error_are_read(
    iss: str, server: ServerMetadata, rest: list[tuple[str, str]]
) -> None:
    with pytest.raises(IssuerMismatchError) as caught:
        parse([("state", STATE), ("iss", iss), *rest], server=server)
    assert caught.value.error == "issuer_mismatch"


@pytest.mark.parametrize("tid", ["tenant-1", "tenant-2"])
def test_a13_each_listed_tenant_of_the_provider_may_answer(tid: str) -> None:
    server = WITH_ISS._replace(
        issuer_template="https://login.example/{tenantid}/v2.0", tenants=("tenant-1", "tenant-2")
    )
    assert parse([*GOOD, ("iss", f"https://login.example/{tid}/v2.0")], server=server).code == "the-code"
    for other in ("tenant-3", "{tenantid}", f"{tid}/x"):
        with pytest.raises(IssuerMismatchError):
            parse([*GOOD, ("iss", f"https://login.example/{other}/v2.0")], server=server)


def test_a14_an_issuer_that_was_announced_has_to_be_there() -> None:
    with pytest.raises(IssuerMismatchError):
        parse(GOOD, server=WITH_ISS)


@pytest.mark.parametrize("iss", [[], [("iss", ISSUER)], [("iss", "https://other.example/")]])
def test_a16_a_login_at_one_provider_is_not_completed_at_another(iss: list[tuple[str, str]]) -> None:
    with pytest.raises(IssuerMismatchError):
        parse([*GOOD, *iss], transaction=TRANSACTION._replace(issuer="https://other.example/"))


@pytest.mark.parametrize("name", ["access_token", "id_token", "token_type", "response"])
def test_a18_tokens_in_the_address_are_refused(name: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse([*GOOD, (name, CANARY)])
    assert caught.value.error == "unsupported_response"
    assert leaks(caught.value) == []


@pytest.mark.parametrize("parameters", [[], [("code", "")], [("error_description", "x")]])
def test_a10_an_answer_without_code_and_error_is_refused(parameters: list[tuple[str, str]]) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse([("state", STATE), *parameters])
    assert caught.value.error == "invalid_response"


def test_a_no_of_the_provider_is_its_own_error_with_a_clean_text() -> None:
    """A09: what the provider writes is shown as text of RFC 6749 only."""
    with pytest.raises(AccessDeniedError) as caught:
        parse(
            [("state", STATE), ("error", "access_denied"), ("error_description", 'No "way"\r\n\u202e'), ("code", "x")]
        )
    assert caught.value.error_description == "No way"
    with pytest.raises(OAuthError) as other:
        parse([("state", STATE), ("error", "a b\n")])
    assert other.value.error == "server_error"


@given(st.lists(st.tuples(st.sampled_from(["code", "state", "iss", "error", "error_description", "x"]), st.text())))
def test_a07_any_answer_ends_in_a_code_or_in_an_error_of_ours(parameters: list[tuple[str, str]]) -> None:
    for answer in (parameters, [("state", STATE), *parameters]):
        try:
            response = parse(answer)
        except SpaAuthError:
            continue
        assert [value for name, value in answer if name == "code"] == [response.code]


def test_s06_the_reprs_show_neither_code_nor_query() -> None:
    assert repr(parse(GOOD)) == f"<AuthorizationResponse {ISSUER}>"
    assert repr(authorization_request(SERVER, TRANSACTION)) == "<AuthorizationRequest https://id.example/authorize>"


@pytest.mark.parametrize("place", ["code", "state", "iss", "error", "error_description", "access_token"])
def test_s03_no_error_of_an_answer_shows_what_came(place: str) -> None:
    secret = CANARY * 3  # longer than any word of a message
    for start in ([("state", STATE)], [("state", secret)], []):
        with pytest.raises(SpaAuthError) as caught:
            parse([*start, ("iss", ISSUER), ("x", "1"), (place, secret), ("x", "2")])
        assert leaks(caught.value, secret) == []
