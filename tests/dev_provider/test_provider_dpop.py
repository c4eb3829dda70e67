"""O12: the provider itself enforces DPoP."""

import asyncio
from typing import cast

import pytest
from dev_provider.harness import CALLBACK, FORM, ISSUER, VERIFIER, World, error_of, members
from dev_provider.prover import Prover
from token_factory import sign

from spa_auth.dev_provider import DEMO, Client, Options
from spa_auth.dev_provider.events import ErrorEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.nonces import Nonces
from spa_auth.dev_provider.store import Store
from spa_auth.errors import ConfigurationError
from spa_auth.protocol import form
from spa_auth.protocol.challenge import parse_challenges
from spa_auth.protocol.dpop_proof import access_token_hash
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.strict_json import loads_object

API = "https://api.example"
OFFLINE = "openid offline_access"
NONCES = Options(dpop_nonces="required")
NONE = (("X-Nothing", "at all"),)


def challenge_of(response: Response) -> tuple[str, str | None]:
    """The first challenge: scheme and error."""
    first = parse_challenges(response.header("www-authenticate"))[0]
    return first.scheme, first.error


def metadata(world: World) -> dict[str, object]:
    return loads_object(world.send("GET", "/.well-known/openid-configuration").body)


def test_a_proof_at_the_token_endpoint_binds_the_access_token_to_its_key() -> None:
    world = World()
    prover = Prover(world)
    answer = members(prover.exchange(world.login(audience=API)["code"]))
    assert answer["token_type"] == "DPoP"
    assert world.verified(answer["access_token"]).claims["cnf"] == {"jkt": prover.jkt}
    assert members(prover.userinfo(answer["access_token"]))["sub"] == "alice"


def test_an_opaque_token_is_bound_as_well() -> None:
    world = World()
    prover = Prover(world)
    answer = members(prover.exchange(world.login()["code"]))
    assert answer["token_type"] == "DPoP"
    assert prover.userinfo(answer["access_token"]).status == 200


def test_without_a_proof_tokens_are_bearer_tokens() -> None:
    world = World()
    answer = world.tokens(audience=API)
    assert answer["token_type"] == "Bearer"
    assert "cnf" not in world.verified(answer["access_token"]).claims


def test_every_algorithm_that_discovery_lists_works() -> None:
    world = World()
    algorithms = cast("list[str]", metadata(world)["dpop_signing_alg_values_supported"])
    assert {"ES256", "RS256", "PS256", "EdDSA", "Ed25519"} <= set(algorithms)
    for alg in algorithms:
        prover = Prover(world, alg=alg)
        answer = members(prover.exchange(world.login()["code"]))
        assert answer["token_type"] == "DPoP"
        assert prover.userinfo(answer["access_token"]).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "GET"},
        {"htm": "post"},
        {"htu": f"{ISSUER}userinfo"},
        {"htu": "http://127.0.0.1:9401/oauth/token"},
        {"htu": "http://localhost:9400/oauth/token"},
        {"htu": f"{ISSUER}oauth/token/"},
        {"iat": 0},
        {"iat": None},
        {"jti": None},
        {"jti": ""},
        {"exp": 1},
    ],
)
def test_p08_to_p13_a_proof_that_breaks_a_rule_is_a_400_and_spends_no_code(claims: dict[str, object]) -> None:
    world = World()
    prover, code = Prover(world), world.login()["code"]
    response = prover.exchange(code, prover.proof("/oauth/token", "POST", **claims))
    assert (response.status, error_of(response)) == (400, "invalid_dpop_proof")
    assert world.trace[-1] == "grant.error"
    assert prover.exchange(code).status == 200


def test_p02_p03_p07_what_is_no_proof_is_refused() -> None:
    world = World()
    prover, code = Prover(world), world.login()["code"]
    one, two = prover.proof("/oauth/token"), prover.proof("/oauth/token")
    head, claims, _ = one[1].split(".")
    forged = f"{head}.{claims}.{two[1].split('.')[2]}"
    for headers in ((one, two), (("DPoP", f"{one[1]},{two[1]}"),), (("DPoP", ""),), (("DPoP", forged),)):
        assert error_of(prover.exchange(code, *headers)) == "invalid_dpop_proof"


def test_p14_a_proof_is_accepted_once_and_the_memory_of_it_is_swept_away() -> None:
    world = World()
    prover = Prover(world)
    proof = prover.proof("/oauth/token")
    assert prover.exchange(world.login()["code"], proof).status == 200
    assert world.trace.count("replay_detection.saved") == 1
    assert error_of(prover.exchange(world.login()["code"], proof)) == "invalid_dpop_proof"
    assert world.trace.count("replay_detection.saved") == 1
    world.clock.now += 900
    world.send("GET", "/")
    assert "replay_detection.destroyed" in world.trace


def test_p17_o06_o08_of_two_requests_at_once_with_one_proof_code_or_refresh_token_one_wins() -> None:
    world = World()
    prover = Prover(world)
    refresh_token = members(prover.exchange(world.login(scope="openid offline_access")["code"]))["refresh_token"]
    code = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    same, one, two, three, four = (prover.proof("/oauth/token") for _ in range(5))
    for first, second, params in (
        (same, same, {**code, "code": world.login()["code"]}),
        (one, two, {**code, "code": world.login()["code"]}),
        (three, four, {"grant_type": "refresh_token", "refresh_token": refresh_token}),
    ):
        body = form.encode({"client_id": "demo", **params}).encode()
        requests = [Request("POST", f"{ISSUER}oauth/token", (*FORM, proof), body) for proof in (first, second)]
        assert sorted(response.status for response in asyncio.run(at_once(world, requests))) == [200, 400]


async def at_once(world: World, requests: list[Request]) -> list[Response]:
    return await asyncio.gather(*map(world.provider.handle, requests))


def test_p18_a_proof_is_remembered_for_as_long_as_it_could_be_accepted() -> None:
    world = World()
    prover = Prover(world)
    proof = prover.proof("/oauth/token", iat=int(world.clock()) + 60)
    assert prover.exchange(world.login()["code"], proof).status == 200
    world.clock.now += 360
    assert "used before" in str(loads_object(prover.exchange(world.login()["code"], proof).body))


def test_p18_a_proof_with_a_nonce_is_remembered_for_as_long_as_the_nonce_is_good() -> None:
    world = World(Options(dpop_nonces="required", dpop_nonce_lifetime=3_000))
    prover = Prover(world)
    prover.exchange("unknown")
    proof = prover.proof("/oauth/token")
    assert prover.exchange(world.login()["code"], proof).status == 200
    world.clock.now += 3_000
    assert "used before" in str(loads_object(prover.exchange(world.login()["code"], proof).body))


def test_p16_a_full_memory_refuses_new_proofs_and_forgets_none() -> None:
    world = World()
    world.provider._service.replay_detections = Store(world.clock, capacity=1)
    prover = Prover(world)
    first = prover.proof("/oauth/token")
    assert prover.exchange(world.login()["code"], first).status == 200
    for headers in ((), (first,)):
        assert error_of(prover.exchange(world.login()["code"], *headers)) == "invalid_dpop_proof"
    world.clock.now += 900
    assert prover.exchange(world.login()["code"]).status == 200


def test_two_keys_may_use_the_same_jti() -> None:
    world = World()
    for name in ("k1", "k2"):
        prover = Prover(world, name)
        assert prover.exchange(world.login()["code"], prover.proof("/oauth/token", jti="j")).status == 200


def test_p11_the_address_is_the_issuers_whatever_the_host_header_says() -> None:
    world = World()
    prover, host = Prover(world), ("Host", "localhost:9400")
    mine = prover.proof("/oauth/token", htu="http://localhost:9400/oauth/token")
    code = world.login()["code"]
    assert error_of(prover.exchange(code, host, mine)) == "invalid_dpop_proof"
    assert prover.exchange(code, host, prover.proof("/oauth/token")).status == 200


def test_where_dpop_is_off_proofs_are_passed_over_and_discovery_says_nothing() -> None:
    world = World(Options(dpop="off", dpop_nonces="required"))
    assert "dpop_signing_alg_values_supported" not in metadata(world)
    prover = Prover(world)
    for headers in ((), (("DPoP", "garbage"),)):
        response = prover.exchange(world.login()["code"], *headers)
        answer = members(response)
        assert answer["token_type"] == "Bearer"
        assert response.header("dpop-nonce") is None
        assert prover.userinfo(answer["access_token"], ("DPoP", "garbage"), scheme="Bearer").status == 200
        assert prover.userinfo(answer["access_token"]).status == 400
    assert world.send("GET", "/userinfo").header("www-authenticate") == "Bearer"


def test_where_dpop_is_required_nobody_gets_tokens_without_a_proof() -> None:
    world = World(Options(dpop="required"))
    code = world.login()["code"]
    assert error_of(world.exchange(code)) == "invalid_dpop_proof"
    answer = members(Prover(world).exchange(code))
    assert (answer["token_type"], challenge_of(world.send("GET", "/userinfo"))) == ("DPoP", ("dpop", None))


def test_a_client_that_registered_bound_tokens_gets_no_others() -> None:
    bound = Client(client_id="bound", redirect_uris=(CALLBACK,), dpop_bound_access_tokens=True)
    world = World(Options(clients=(DEMO, bound)))
    code = world.login(client_id="bound")["code"]
    assert error_of(world.exchange(code, client_id="bound")) == "invalid_dpop_proof"
    assert members(Prover(world, client_id="bound").exchange(code))["token_type"] == "DPoP"
    with pytest.raises(ConfigurationError, match="bound demands DPoP"):
        Options(clients=(bound,), dpop="off")


def test_a_missing_nonce_is_asked_for_and_the_second_try_succeeds() -> None:
    world = World(NONCES)
    prover, code = Prover(world), world.login()["code"]
    refused = prover.exchange(code)
    assert (refused.status, error_of(refused)) == (400, "use_dpop_nonce")
    assert refused.header("dpop-nonce")
    assert "DPoP-Nonce" in (refused.header("access-control-expose-headers") or "")
    assert prover.exchange(code).status == 200


def test_the_event_of_a_nonce_that_is_asked_for_is_marked_as_no_fault() -> None:
    world = World(NONCES)
    prover = Prover(world)
    prover.exchange("unknown")
    prover.exchange("unknown")
    errors = [cast("ErrorEvent", event).error for name, event in world.events if name == "grant.error"]
    marks = [(cast("EndpointError", error).error, cast("EndpointError", error).is_challenge) for error in errors]
    assert marks == [("use_dpop_nonce", True), ("invalid_grant", False)]


def test_p22_a_nonce_is_good_until_the_next_but_one_and_every_answer_brings_the_newest() -> None:
    world = World(NONCES)
    prover = Prover(world)
    prover.exchange("unknown")
    first = prover.nonce
    world.clock.now += 300
    second = prover.exchange(world.login()["code"], prover.proof("/oauth/token", nonce=first))
    assert second.status == 200
    assert second.header("dpop-nonce") not in (None, first)
    world.clock.now += 300
    response = prover.exchange(world.login()["code"], prover.proof("/oauth/token", nonce=first))
    assert error_of(response) == "use_dpop_nonce"
    assert error_of(prover.exchange("unknown")) == "invalid_grant"


def test_p22_a_nonce_of_another_provider_is_not_good_here() -> None:
    world, other = World(NONCES), World(NONCES)
    foreign = Prover(other)
    foreign.exchange("unknown")
    prover = Prover(world, nonce=foreign.nonce)
    assert error_of(prover.exchange(world.login()["code"])) == "use_dpop_nonce"


def test_p22_a_nonce_cannot_be_foretold() -> None:
    mine, theirs = Nonces(b"a" * 32, 300), Nonces(b"b" * 32, 300)
    assert mine.good(600) == (mine.newest(600), mine.newest(599))
    assert not set(mine.good(600)) & {theirs.newest(600), theirs.newest(599), mine.newest(900)}


def test_where_nonces_are_optional_only_a_wrong_one_is_refused_and_a_right_one_is_offered() -> None:
    world = World(Options(dpop_nonces="optional"))
    prover = Prover(world)
    response = prover.exchange(world.login()["code"])
    assert response.status == 200
    code = world.login()["code"]
    assert error_of(prover.exchange(code, prover.proof("/oauth/token", nonce="mine"))) == "use_dpop_nonce"
    assert prover.nonce == response.header("dpop-nonce")
    assert prover.exchange(code).status == 200


def test_where_nonces_are_off_none_is_given_and_any_is_passed_over() -> None:
    world = World()
    prover = Prover(world)
    response = prover.exchange(world.login()["code"], prover.proof("/oauth/token", nonce="mine"))
    assert (response.status, response.header("dpop-nonce")) == (200, None)


def test_a_client_without_dpop_hears_of_no_nonce() -> None:
    world = World(Options(dpop_nonces="optional"))
    assert world.exchange(world.login()["code"]).header("dpop-nonce") is None


def test_d13_a_clock_that_is_a_day_off_works_with_a_nonce() -> None:
    world = World(NONCES)
    prover, code = Prover(world), world.login()["code"]
    prover.exchange("unknown")
    late = int(world.clock()) - 86_400
    assert prover.exchange(code, prover.proof("/oauth/token", iat=late)).status == 200


def test_a_code_with_a_dpop_jkt_demands_its_key_and_is_not_spent_by_others() -> None:
    world = World()
    prover, thief = Prover(world), Prover(world, "k2")
    code = world.login(dpop_jkt=prover.jkt)["code"]
    assert error_of(world.exchange(code)) == "invalid_grant"
    assert error_of(thief.exchange(code)) == "invalid_grant"
    assert prover.exchange(code).status == 200


def test_the_refresh_token_of_a_page_is_bound_to_its_key() -> None:
    world = World()
    prover, thief = Prover(world), Prover(world, "k2")
    token = members(prover.exchange(world.login(scope=OFFLINE)["code"]))["refresh_token"]
    assert error_of(world.refresh(token)) == "invalid_grant"
    assert error_of(thief.refresh(token)) == "invalid_grant"
    following = members(prover.refresh(token))
    assert following["token_type"] == "DPoP"
    assert error_of(thief.refresh(following["refresh_token"])) == "invalid_grant"
    assert prover.refresh(following["refresh_token"]).status == 200


def test_o08_who_has_no_key_cannot_end_the_family_with_a_spent_token() -> None:
    world = World()
    prover = Prover(world)
    spent = members(prover.exchange(world.login(scope=OFFLINE)["code"]))["refresh_token"]
    good = members(prover.refresh(spent))["refresh_token"]
    assert error_of(world.refresh(spent)) == "invalid_grant"
    assert "grant.revoked" not in world.trace
    good = members(prover.refresh(good))["refresh_token"]
    assert error_of(prover.refresh(spent)) == "invalid_grant"
    assert error_of(prover.refresh(good)) == "invalid_grant"


def test_the_refresh_token_of_a_client_with_a_secret_is_not_bound() -> None:
    web = Client(client_id="web", client_secret="s3cret", redirect_uris=(CALLBACK,))
    world = World(Options(clients=(DEMO, web)))
    code = world.login(client_id="web", scope=OFFLINE)["code"]
    prover, other = Prover(world, client_id="web"), Prover(world, "k2", client_id="web")
    params = {"redirect_uri": CALLBACK, "code_verifier": "v" * 43, "client_secret": "s3cret"}
    answer = members(prover.token(grant_type="authorization_code", code=code, **params))
    refreshed = members(other.refresh(answer["refresh_token"], client_secret="s3cret"))
    assert (answer["token_type"], refreshed["token_type"]) == ("DPoP", "DPoP")
    plain = world.refresh(refreshed["refresh_token"], client_id="web", client_secret="s3cret")
    assert members(plain)["token_type"] == "Bearer"


def test_a_page_that_begins_with_dpop_later_gets_a_bound_refresh_token() -> None:
    world = World()
    prover = Prover(world)
    following = members(prover.refresh(world.tokens(scope=OFFLINE)["refresh_token"]))
    assert error_of(world.refresh(following["refresh_token"])) == "invalid_grant"


def bound_token(world: World) -> tuple[Prover, str]:
    prover = Prover(world)
    return prover, str(members(prover.exchange(world.login()["code"]))["access_token"])


def test_p01_a_bound_token_without_a_proof_is_refused() -> None:
    world = World()
    prover, token = bound_token(world)
    response = prover.userinfo(token, *NONE)
    assert (response.status, error_of(response)) == (401, "invalid_dpop_proof")
    assert challenge_of(response) == ("dpop", "invalid_dpop_proof")
    assert world.trace[-1] == "userinfo.error"


def test_p19_a_proof_for_another_token_is_refused() -> None:
    world = World()
    prover, token = bound_token(world)
    for ath in (None, access_token_hash("other"), access_token_hash(token[:-1])):
        response = prover.userinfo(token, prover.proof("/userinfo", "GET", ath=ath))
        assert (response.status, challenge_of(response)) == (401, ("dpop", "invalid_dpop_proof"))


def test_p20_a_proof_of_another_key_makes_an_invalid_token() -> None:
    world = World()
    _, token = bound_token(world)
    response = Prover(world, "k2").userinfo(token)
    assert (response.status, challenge_of(response)) == (401, ("dpop", "invalid_token"))


def test_p24_a_bound_token_is_never_a_bearer_token() -> None:
    world = World()
    prover, token = bound_token(world)
    for headers in (NONE, ()):
        response = prover.userinfo(token, *headers, scheme="Bearer")
        assert (response.status, challenge_of(response)) == (401, ("dpop", "invalid_token"))


def test_p24_a_bearer_token_is_bound_to_no_key_and_comes_with_no_proof() -> None:
    world = World()
    prover, token = Prover(world), world.tokens()["access_token"]
    assert challenge_of(prover.userinfo(token)) == ("dpop", "invalid_token")
    response = prover.userinfo(token, scheme="Bearer")
    assert (response.status, challenge_of(response)) == (401, ("bearer", "invalid_token"))
    assert prover.userinfo(token, *NONE, scheme="Bearer").status == 200


def test_p22_userinfo_asks_for_a_nonce_with_a_challenge() -> None:
    world = World(Options(dpop_nonces="optional"))
    prover, token = bound_token(world)
    proof = prover.proof("/userinfo", "GET", ath=access_token_hash(token), nonce="mine")
    response = prover.userinfo(token, proof)
    assert (response.status, challenge_of(response)) == (401, ("dpop", "use_dpop_nonce"))
    assert response.header("dpop-nonce")
    assert prover.userinfo(token).status == 200


def test_p14_a_proof_is_good_once_at_userinfo_too() -> None:
    world = World()
    prover, token = bound_token(world)
    proof = prover.proof("/userinfo", "GET", ath=access_token_hash(token))
    assert prover.userinfo(token, proof).status == 200
    assert challenge_of(prover.userinfo(token, proof)) == ("dpop", "invalid_dpop_proof")


def test_userinfo_offers_both_schemes_and_says_which_algorithms_it_takes() -> None:
    world = World()
    bearer, dpop = parse_challenges(world.send("GET", "/userinfo").header("www-authenticate"))
    assert (bearer.scheme, dpop.scheme) == ("bearer", "dpop")
    assert dpop.parameters["algs"].split() == metadata(world)["dpop_signing_alg_values_supported"]


def test_p06_a_private_key_in_a_proof_is_refused_and_shown_nowhere() -> None:
    world = World()
    prover = Prover(world)
    jwk = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "canary"}
    text = sign({"jti": "j"}, alg="ES256", header={"typ": "dpop+jwt", "kid": None, "jwk": jwk})
    response = prover.exchange(world.login()["code"], ("DPoP", text))
    assert error_of(response) == "invalid_dpop_proof"
    assert b"canary" not in response.body
