from typing import Any

import pytest
from canary import CANARY, leaks
from flow_driver import Answer, Trace, drive, sent
from protocol_values import SERVER, json_answer
from token_factory import CLIENT_ID, NOW, id_token_claims, jwks, public_jwk, sign, verify

from spa_auth.errors import (
    ConfigurationError,
    IDTokenError,
    InvalidGrantError,
    NetworkError,
    OrganizationMismatchError,
    ProtocolError,
    SpaAuthError,
)
from spa_auth.protocol import form
from spa_auth.protocol.exchange import (
    GRANT_TYPE,
    PROTECTED_PARAMETERS,
    TOKEN_TYPES,
    Exchange,
    Exchanged,
    custom_exchange,
    exchange_request,
)
from spa_auth.protocol.flows import IDTokenRules
from spa_auth.protocol.http import Response
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope

API = "https://api.example"
EXCHANGE = Exchange("legacy-7", "urn:example:legacy", Scope("openid profile"), API, None, {"actor_token": "a"})
VERIFIED = Answer(verify)
KEYS = json_answer(jwks(public_jwk("RS256")))


def answer(**changes: object) -> Response:
    members = {"access_token": "at", "token_type": "Bearer", "expires_in": 300, "issued_token_type": TOKEN_TYPES[0]}
    return json_answer({name: value for name, value in {**members, **changes}.items() if value is not None})


def exchange(
    *answers: object,
    login: bool = False,
    trace: Trace | None = None,
    **changes: Any,  # noqa: ANN401
) -> Exchanged:
    provider = Provider(SERVER.issuer, metadata=SERVER)
    flow = custom_exchange(provider, EXCHANGE._replace(**changes), CLIENT_ID, IDTokenRules(), login=login)
    return drive(flow, answers, trace)


def test_a_token_is_exchanged_with_one_post() -> None:
    request = exchange_request(SERVER, EXCHANGE._replace(organization="org_7"), client_id="c")
    assert (request.method, request.url) == ("POST", "https://id.example/oauth/token")
    assert form.unique(form.parse(request.body.decode())) == {
        "grant_type": GRANT_TYPE,
        "client_id": "c",
        "subject_token": "legacy-7",
        "subject_token_type": "urn:example:legacy",
        "scope": "openid profile",
        "audience": API,
        "organization": "org_7",
        "actor_token": "a",
    }


@pytest.mark.parametrize(
    ("api_parameter", "sent_as"), [("audience", {"audience": API}), ("resource", {"resource": API}), ("none", {})]
)
def test_the_api_is_named_as_the_provider_wants_it(api_parameter: str, sent_as: dict[str, str]) -> None:
    request = exchange_request(SERVER, EXCHANGE, client_id="c", api_parameter=api_parameter)
    parameters = dict(form.parse(request.body.decode()))
    assert {name: parameters[name] for name in ("audience", "resource") if name in parameters} == sent_as


@pytest.mark.parametrize("name", [*sorted(PROTECTED_PARAMETERS), "Client_ID", "Subject_Token"])
def test_a03_a_caller_cannot_replace_what_the_exchange_rests_on(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        exchange_request(SERVER, EXCHANGE._replace(parameters={name: "x"}), client_id="c")


def test_a_parameter_that_is_no_text_is_refused() -> None:
    odd: Any = {"a": 1, "b": None}
    with pytest.raises(ConfigurationError) as caught:
        exchange_request(SERVER, EXCHANGE._replace(parameters=odd), client_id="c")
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize("issued", TOKEN_TYPES)
def test_an_exchange_gives_an_access_token(issued: str) -> None:
    trace: Trace = []
    exchanged = exchange(answer(issued_token_type=issued), NOW, trace=trace)
    assert (exchanged.tokens.access_token, exchanged.tokens.audience, exchanged.claims) == ("at", API, None)
    assert exchanged.tokens.scope == EXCHANGE.scope
    assert sent(trace) == ["POST https://id.example/oauth/token"]


def test_without_further_parameters_none_are_sent() -> None:
    assert exchange(answer(), NOW, parameters=None, audience=None).tokens.audience is None


def test_an_id_token_that_comes_along_is_validated() -> None:
    token = sign(id_token_claims(nonce=None))
    exchanged = exchange(answer(id_token=token), NOW, NOW, KEYS, VERIFIED, login=True)
    assert exchanged.claims == id_token_claims(nonce=None)
    with pytest.raises(IDTokenError) as caught:
        exchange(answer(id_token=sign(id_token_claims(nonce=None, aud="other"))), NOW, NOW, KEYS, VERIFIED)
    assert caught.value.claim == "aud"
    with pytest.raises(IDTokenError) as caught:
        exchange(answer(id_token=sign(id_token_claims())), NOW, NOW, KEYS, VERIFIED)
    assert caught.value.claim == "nonce"


def test_a31_the_organization_that_was_asked_for_is_demanded() -> None:
    token = sign(id_token_claims(nonce=None, org_id="org_7"))
    assert exchange(answer(id_token=token), NOW, NOW, KEYS, VERIFIED, organization="org_7").claims
    with pytest.raises(OrganizationMismatchError):
        exchange(answer(id_token=token), NOW, NOW, KEYS, VERIFIED, organization="org_8")


def test_k16_a_login_needs_an_id_token() -> None:
    with pytest.raises(ProtocolError) as caught:
        exchange(answer(), NOW, login=True)
    assert caught.value.error == "invalid_response"


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_token_type": None},
        {"issued_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"issued_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"issued_token_type": [TOKEN_TYPES[0]]},
        {"token_type": "N_A"},
        {"token_type": "n_a"},
        {"refresh_token": "rt"},
    ],
    ids=str,
)
def test_k30_what_was_not_asked_for_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ProtocolError) as caught:
        exchange(answer(**changes), NOW)
    assert caught.value.error == "invalid_response"


def test_k30_a_refresh_token_that_was_asked_for_is_kept() -> None:
    scope = Scope("openid offline_access")
    assert exchange(answer(refresh_token="rt"), NOW, scope=scope).tokens.refresh_token == "rt"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (NetworkError("Lost."), NetworkError),
        (json_answer({}, 503), NetworkError),
        (json_answer({"error": "invalid_grant"}, 400), InvalidGrantError),
        (json_answer(b"<html>"), ProtocolError),
        (json_answer([]), ProtocolError),
        (Response(302), ProtocolError),
    ],
    ids=repr,
)
def test_k21_a_token_is_posted_once_whatever_comes(reply: object, kind: type[SpaAuthError]) -> None:
    trace: Trace = []
    with pytest.raises(kind):
        exchange(reply, *([] if isinstance(reply, NetworkError) else [NOW]), trace=trace)
    assert len(sent(trace)) == 1


def test_s03_s06_neither_errors_nor_reprs_show_a_token() -> None:
    reply = json_answer({"error": "invalid_grant", "error_description": f"{CANARY} is spent"}, 400)
    with pytest.raises(InvalidGrantError) as caught:
        exchange(reply, NOW, subject_token=CANARY)
    assert leaks(caught.value) == []
    secret = EXCHANGE._replace(subject_token=CANARY, parameters={"actor_token": CANARY})
    assert CANARY not in repr(secret)
    assert CANARY not in repr(exchange(answer(access_token=CANARY), NOW))
