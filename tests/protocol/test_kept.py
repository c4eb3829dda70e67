import pytest
from flow_driver import Answer, Trace, drive, sent
from protocol_values import SERVER, json_answer
from token_factory import CLIENT_ID, ISSUER, NOW, id_token_claims, jwks, public_jwk, segment, sign, verify

from spa_auth.errors import IDTokenError, NetworkError
from spa_auth.protocol.flows import IDTokenRules
from spa_auth.protocol.id_token import Claims
from spa_auth.protocol.kept import kept_claims
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.provider import Provider

VERIFIED = Answer(verify)
KEYS = json_answer(jwks(public_jwk("RS256")))
RULES = IDTokenRules()


def kept(token: str, *, server: ServerMetadata = SERVER, rules: IDTokenRules = RULES, now: float = NOW) -> Claims:
    answers: list[object] = [NOW, KEYS, VERIFIED] if rules.verify_signature else []
    return drive(kept_claims(Provider(ISSUER, metadata=server), token, CLIENT_ID, rules), [*answers, now])


def failure(token: str, **changes: ServerMetadata) -> str:
    with pytest.raises(IDTokenError) as caught:
        kept(token, **changes)  # type: ignore[arg-type]
    return caught.value.claim


@pytest.mark.parametrize("now", [NOW, NOW + 300, NOW + 86_400 * 30])
def test_a_token_that_was_accepted_once_still_says_who_is_logged_in(now: float) -> None:
    claims = id_token_claims(at_hash="of another token", nonce="m" * 43)
    assert kept(sign(claims), now=now) == claims


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"iss": "https://evil.example/"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"azp": "other"}, "azp"),
        ({"sub": ""}, "sub"),
        ({"iat": NOW + 90}, "iat"),
        ({"exp": "never"}, "exp"),
        ({"exp": None}, "exp"),
        ({"events": {}}, "events"),
        ({"session_expiry": "never"}, "session_expiry"),
    ],
)
def test_s20_every_other_rule_holds(changes: dict[str, object], claim: str) -> None:
    assert failure(sign(id_token_claims(**changes))) == claim


def test_s20_claims_that_were_changed_in_the_store_are_not_the_providers() -> None:
    header, _, signature = sign(id_token_claims()).split(".")
    assert failure(f"{header}.{segment(id_token_claims(sub='mallory'))}.{signature}") == "signature"
    assert failure(sign(id_token_claims(), name="other", header={"kid": "k1"})) == "signature"


def test_s20_a_token_without_signature_is_refused_before_any_request() -> None:
    trace: Trace = []
    token = f"{segment({'alg': 'none'})}.{segment(id_token_claims())}."
    with pytest.raises(IDTokenError):
        drive(kept_claims(Provider(ISSUER, metadata=SERVER), token, CLIENT_ID, RULES), [], trace)
    assert sent(trace) == []


def test_without_verification_of_signatures_every_other_rule_holds() -> None:
    rules = IDTokenRules(verify_signature=False)
    assert kept(f"{segment({'alg': 'RS256'})}.{segment(id_token_claims())}.", rules=rules) == id_token_claims()
    with pytest.raises(IDTokenError):
        kept(f"{segment({'alg': 'RS256'})}.{segment(id_token_claims(aud='x'))}.", rules=rules)


def test_the_tenants_and_further_audiences_of_this_client_hold_for_it_too() -> None:
    template = "https://login.example/{tenantid}/v2.0"
    server = SERVER._replace(issuer_template=template, tenants=("tenant-1",))
    claims = id_token_claims(iss=template.replace("{tenantid}", "tenant-1"), tid="tenant-1")
    assert kept(sign(claims), server=server) == claims
    assert failure(sign({**claims, "tid": "tenant-2"}), server=server) == "tid"
    several = id_token_claims(aud=[CLIENT_ID, "project-1"], azp=CLIENT_ID)
    assert kept(sign(several), rules=IDTokenRules(trusted_audiences=["project-1"])) == several
    assert failure(sign(several)) == "aud"


def test_m18_without_keys_nobody_is_taken_for_anyone() -> None:
    flow = kept_claims(Provider(ISSUER, metadata=SERVER), sign(id_token_claims()), CLIENT_ID, RULES)
    with pytest.raises(NetworkError):
        drive(flow, [NOW, NetworkError("No answer.")])


def test_an_end_that_no_clock_reaches_is_no_end() -> None:
    assert failure(sign(id_token_claims(exp=10**15))) == "exp"
