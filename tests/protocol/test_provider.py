import pytest
from flow_driver import Trace, drive, sent
from protocol_values import SERVER, json_answer
from token_factory import ISSUER, NOW, jwks, public_jwk

from spa_auth.errors import DiscoveryError, JWTError, NetworkError, ProtocolError, SpaAuthError
from spa_auth.protocol.effects import Send
from spa_auth.protocol.key_set import COOLDOWN, LIFETIME, MAX_STALE
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.provider import Provider

DISCOVERY = "https://id.example/.well-known/openid-configuration"
JWKS = "https://id.example/.well-known/jwks.json"
DOCUMENT = json_answer({"issuer": ISSUER, "jwks_uri": JWKS})
KEYS = json_answer(jwks(public_jwk("RS256")))
NEW_KEYS = json_answer(jwks(public_jwk("RS256", "k2")))
OUTAGE = NetworkError("No answer.")


def known_provider() -> Provider:
    """A provider whose key k1 was fetched just now."""
    provider = Provider(ISSUER, metadata=SERVER)
    drive(provider.find_keys("k1", "RS256"), [NOW, KEYS])
    return provider


def kid_of(provider: Provider, kid: str, *answers: object) -> tuple[list[str | None], list[str]]:
    trace: Trace = []
    keys = drive(provider.find_keys(kid, "RS256"), answers, trace)
    return [key.kid for key in keys], sent(trace)


def failure(provider: Provider, kid: str, *answers: object) -> tuple[SpaAuthError, list[str]]:
    trace: Trace = []
    with pytest.raises(SpaAuthError) as caught:
        drive(provider.find_keys(kid, "RS256"), answers, trace)
    return caught.value, sent(trace)


def test_metadata_is_fetched_once_and_shared() -> None:
    provider, trace = Provider(ISSUER), list[object]()
    effects: Trace = []
    server = drive(provider.metadata(), [DOCUMENT], effects)
    assert sent(effects) == [f"GET {DISCOVERY}"]
    assert isinstance(effects[0], Send)
    assert effects[0].shared
    assert drive(provider.metadata(), trace) is server


def test_metadata_that_is_known_is_not_fetched() -> None:
    assert drive(Provider(ISSUER, metadata=SERVER).metadata(), []) is SERVER


def test_the_traits_follow_from_metadata_and_from_what_the_application_knows() -> None:
    document = json_answer({"issuer": ISSUER, "scopes_supported": ["openid"]})
    traits = drive(Provider(ISSUER).traits(), [document])
    assert (traits.offline_scope, traits.silent, traits.api_parameter) == ("", "callback_page", "audience")
    provider = Provider(ISSUER, is_auth0=True, overrides={"api_parameter": "resource"})
    traits = drive(provider.traits(), [document])
    assert (traits.offline_scope, traits.silent, traits.api_parameter) == ("offline_access", "web_message", "resource")
    assert drive(provider.traits(), []) == traits


def test_with_tenants_their_metadata_are_asked_for() -> None:
    template = "https://login.example/{tenantid}/v2.0"
    trace: Trace = []
    provider = Provider(template, tenants=("tenant-1", "tenant-2"))
    server = drive(provider.metadata(), [json_answer({"issuer": template})], trace)
    assert sent(trace) == ["GET https://login.example/common/v2.0/.well-known/openid-configuration"]
    assert server.issuers == (
        template,
        "https://login.example/tenant-1/v2.0",
        "https://login.example/tenant-2/v2.0",
    )


def test_unusable_metadata_is_asked_for_again() -> None:
    provider = Provider(ISSUER)
    with pytest.raises(DiscoveryError):
        drive(provider.metadata(), [json_answer([])])
    assert drive(provider.metadata(), [DOCUMENT]).issuer == ISSUER


def test_keys_are_fetched_when_first_needed() -> None:
    provider = Provider(ISSUER)
    assert kid_of(provider, "k1", NOW, DOCUMENT, KEYS) == (["k1"], [f"GET {DISCOVERY}", f"GET {JWKS}"])
    assert kid_of(provider, "k1", NOW + LIFETIME - 1) == (["k1"], [])


def test_m16_i21_a_rotated_key_costs_one_fetch() -> None:
    assert kid_of(known_provider(), "k2", NOW, NEW_KEYS) == (["k2"], [f"GET {JWKS}"])


def test_m15_an_unknown_key_costs_one_fetch_in_a_cooldown() -> None:
    provider = known_provider()
    error, requests = failure(provider, "invented", NOW, KEYS)
    assert isinstance(error, JWTError)
    assert (error.claim, requests) == ("kid", [f"GET {JWKS}"])
    assert failure(provider, "invented too", NOW + COOLDOWN - 1)[1] == []
    assert kid_of(provider, "k1", NOW + COOLDOWN - 1) == (["k1"], [])
    assert failure(provider, "invented", NOW + COOLDOWN, KEYS)[1] == [f"GET {JWKS}"]


def test_keys_that_are_kept_for_no_time_serve_at_once() -> None:
    provider = Provider(ISSUER, metadata=SERVER, lifetime=0)
    assert kid_of(provider, "k1", NOW, KEYS) == (["k1"], [f"GET {JWKS}"])
    assert kid_of(provider, "k1", NOW + 1, KEYS) == (["k1"], [f"GET {JWKS}"])


def test_stale_keys_serve_whoever_does_not_ask_for_new_ones() -> None:
    provider = known_provider()
    trace: Trace = []
    assert [key.kid for key in drive(provider.find_keys("k1", "RS256"), [NOW + LIFETIME, None], trace)] == ["k1"]
    assert isinstance(trace[-1], Send)
    assert trace[-1].optional
    assert kid_of(provider, "k1", NOW + LIFETIME, KEYS) == (["k1"], [f"GET {JWKS}"])


def test_a_request_for_a_key_that_is_not_known_is_not_optional() -> None:
    trace: Trace = []
    drive(known_provider().find_keys("k2", "RS256"), [NOW, NEW_KEYS], trace)
    assert isinstance(trace[-1], Send)
    assert not trace[-1].optional


def test_a_stale_key_that_the_provider_has_withdrawn_is_not_used_any_more() -> None:
    error, _ = failure(known_provider(), "k1", NOW + LIFETIME, NEW_KEYS)
    assert isinstance(error, JWTError)


def test_m18_keys_that_live_long_serve_through_an_outage_too() -> None:
    provider = Provider(ISSUER, metadata=SERVER, lifetime=10 * MAX_STALE)
    kid_of(provider, "k1", NOW, KEYS)
    assert kid_of(provider, "k1", NOW + 10 * MAX_STALE, OUTAGE) == (["k1"], [f"GET {JWKS}"])


FAILURES = [
    OUTAGE,
    json_answer(b"<html>"),
    json_answer({"keys": 1}),
    json_answer(b"", 500),
    json_answer(b"", 302),
    ProtocolError("Elsewhere.", error="redirect_forbidden"),
]


@pytest.mark.parametrize("answer", FAILURES, ids=repr)
def test_m18_without_keys_a_failed_fetch_is_an_outage_and_no_bad_token(answer: object) -> None:
    provider = Provider(ISSUER, metadata=SERVER)
    error, _ = failure(provider, "k1", NOW, answer)
    assert not isinstance(error, JWTError)
    again, requests = failure(provider, "k1", NOW + COOLDOWN - 1)
    assert isinstance(again, NetworkError)
    assert requests == []
    assert kid_of(provider, "k1", NOW + COOLDOWN, KEYS) == (["k1"], [f"GET {JWKS}"])


@pytest.mark.parametrize("answer", FAILURES, ids=repr)
def test_m18_known_keys_serve_through_an_outage_and_not_for_ever(answer: object) -> None:
    provider = known_provider()
    assert kid_of(provider, "k1", NOW + LIFETIME, answer) == (["k1"], [f"GET {JWKS}"])
    assert kid_of(provider, "k1", NOW + LIFETIME + 1) == (["k1"], [])
    error, _ = failure(provider, "k1", NOW + LIFETIME + MAX_STALE + 1, answer)
    assert not isinstance(error, JWTError)


def test_m06_the_error_of_unusable_keys_names_jwks_uri() -> None:
    error, _ = failure(Provider(ISSUER, metadata=SERVER), "k1", NOW, json_answer(b"<html>"))
    assert isinstance(error, DiscoveryError)
    assert error.claim == "jwks_uri"


def test_m02_a_redirect_keeps_its_own_error() -> None:
    error, _ = failure(Provider(ISSUER, metadata=SERVER), "k1", NOW, json_answer(b"", 302))
    assert error.error == "redirect_forbidden"


def test_a_failed_discovery_counts_for_the_cooldown_too() -> None:
    provider = Provider(ISSUER)
    error, requests = failure(provider, "k1", NOW, OUTAGE)
    assert (error, requests) == (OUTAGE, [f"GET {DISCOVERY}"])
    assert failure(provider, "k1", NOW + 1)[1] == []


def test_a_provider_without_keys_is_named() -> None:
    error, _ = failure(Provider(ISSUER, metadata=ServerMetadata(ISSUER)), "k1", NOW)
    assert isinstance(error, DiscoveryError)
    assert error.claim == "jwks_uri"


def test_a_set_without_usable_keys_has_no_key() -> None:
    error, _ = failure(Provider(ISSUER, metadata=SERVER), "k1", NOW, json_answer({"keys": []}))
    assert isinstance(error, JWTError)
    assert error.claim == "kid"
