import base64
import hashlib
from typing import cast

import pytest
from dev_provider.harness import CALLBACK, FORM, ISSUER, VERIFIER, World, authorize_params, error_of, members

from spa_auth.dev_provider import ALICE, DEMO, Client, Options, Organization, User
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.dev_provider.token import GRANTS
from spa_auth.errors import JWTError
from spa_auth.protocol import form
from spa_auth.protocol.jwt import parse_jwt
from spa_auth.protocol.strict_json import loads_object

API = "https://api.example"
OFFLINE = "openid profile offline_access read:notes"


def test_an_access_token_for_an_api_is_what_rfc_9068_says() -> None:
    world = World()
    answer = world.tokens(resource=API, scope="openid read:notes")
    token = world.verified(answer["access_token"])
    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "RS256"
    assert token.claims.pop("jti")
    now = world.clock()
    assert token.claims == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": API,
        "client_id": "demo",
        "iat": now,
        "exp": now + 600,
        "auth_time": now,
        "scope": "openid read:notes",
    }
    assert answer["expires_in"] == 600
    assert answer["token_type"] == "Bearer"
    assert answer["scope"] == "openid read:notes"


def test_an_access_token_asked_by_audience_is_good_at_userinfo_too() -> None:
    world = World()
    access_token = world.tokens(audience=API)["access_token"]
    assert world.verified(access_token).claims["aud"] == [API, f"{ISSUER}userinfo"]
    assert members(world.userinfo(access_token))["sub"] == "alice"


def test_several_resources_are_all_in_one_token_and_a_token_request_can_pick_one() -> None:
    world = World()
    query = form.encode([("resource", "https://a.example"), ("resource", "https://b.example")])
    world.login()
    both = ["https://a.example", "https://b.example"]
    cases: list[tuple[dict[str, str], object]] = [({}, both), ({"resource": both[1]}, both[1])]
    for picked, audience in cases:
        params = form.encode({**authorize_params(), "prompt": "none"})
        location = world.visit("GET", f"/authorize?{params}&{query}").header("location") or ""
        code = dict(form.parse(location.partition("?")[2]))["code"]
        token = members(world.exchange(code, **picked))["access_token"]
        assert world.verified(token).claims["aud"] == audience


def test_the_id_token_carries_what_core_says_and_the_claims_of_the_scope() -> None:
    world = World()
    answer = world.tokens(scope="openid email profile")
    token = world.verified(answer["id_token"])
    digest = hashlib.sha256(answer["access_token"].encode()).digest()[:16]
    assert token.header["alg"] == "RS256"
    assert token.claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert token.claims["iss"] == ISSUER
    assert token.claims["aud"] == "demo"
    assert token.claims["nonce"] == "n-1"
    assert token.claims["auth_time"] == token.claims["iat"] == world.clock()
    assert token.claims["exp"] == world.clock() + 3600
    assert token.claims["sid"]
    assert token.claims["name"] == "Alice Archer"
    assert token.claims["email"] == "alice@example.com"
    assert token.claims["picture"] == f"{ISSUER}avatars/alice.svg"


def test_scopes_that_were_not_asked_release_nothing_and_openid_alone_only_the_sub() -> None:
    world = World()
    claims = world.verified(world.tokens(scope="openid")["id_token"]).claims
    assert not {"name", "email", "picture"} & set(claims)


def test_without_an_api_unknown_scopes_are_left_out_and_the_answer_says_so() -> None:
    assert World().tokens(scope="openid read:notes")["scope"] == "openid"


def test_without_openid_there_is_no_id_token() -> None:
    assert "id_token" not in World().tokens(scope="profile")


def test_without_offline_access_there_is_no_refresh_token() -> None:
    assert "refresh_token" not in World().tokens()


def test_every_start_makes_new_keys_o02() -> None:
    one, two = SigningKeys().jwks["keys"], SigningKeys().jwks["keys"]
    assert one != two
    assert "'d'" not in str(one)


def test_tokens_are_never_cached() -> None:
    response = World().token(grant_type="authorization_code", code="unknown")
    assert response.header("cache-control") == "no-store"
    assert response.header("access-control-allow-origin") == "*"


def test_a_code_used_twice_is_refused_and_its_tokens_are_revoked_o06() -> None:
    world = World()
    code = world.login(scope=OFFLINE, audience=API)["code"]
    tokens = world.tokens_of(code)
    assert world.userinfo(tokens["access_token"]).status == 200
    assert error_of(world.exchange(code)) == "invalid_grant"
    assert world.userinfo(tokens["access_token"]).status == 401
    assert error_of(world.refresh(tokens["refresh_token"])) == "invalid_grant"


@pytest.mark.parametrize(
    "wrong",
    [{"code_verifier": "x" * 43}, {"code_verifier": ""}, {"redirect_uri": "http://127.0.0.1/"}, {"client_id": "other"}],
)
def test_who_has_found_no_more_than_a_spent_code_ends_no_login_with_it_o06(wrong: dict[str, str]) -> None:
    world = World(Options(clients=(DEMO, Client(client_id="other", redirect_uris=(CALLBACK,)))))
    code = world.login()["code"]
    token = world.tokens_of(code)["access_token"]
    assert world.exchange(code, **wrong).status == 400
    assert world.userinfo(token).status == 200


def test_a_code_used_again_long_after_it_expired_still_revokes_o06() -> None:
    world = World()
    code = world.login(scope=OFFLINE)["code"]
    tokens = world.tokens_of(code)
    world.clock.now += 86_400
    assert error_of(world.exchange(code)) == "invalid_grant"
    assert error_of(world.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_a_code_is_good_for_its_lifetime_and_no_second_more() -> None:
    world = World()
    first, second = world.login()["code"], world.login(prompt="login")["code"]
    world.clock.now += 59
    assert world.exchange(first).status == 200
    world.clock.now += 1
    assert error_of(world.exchange(second)) == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "v" * 42}, "invalid_request"),
        ({"code_verifier": "v" * 129}, "invalid_request"),
        ({"code_verifier": "é" * 43}, "invalid_request"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": f"{CALLBACK}?"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"code": "unknown"}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
        ({"resource": API}, "invalid_target"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client"),
    ],
)
def test_a_wrong_exchange_has_the_error_of_its_specification_and_does_not_spend_the_code(
    changed: dict[str, str], error: str
) -> None:
    world = World()
    good = {
        "grant_type": "authorization_code",
        "code": world.login()["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    response = world.token(**{**good, **changed})
    assert error_of(response) == error
    assert response.status == (401 if error == "invalid_client" else 400)
    assert response.header("cache-control") == "no-store"
    assert world.token(**good).status == 200


def test_a_code_of_another_client_is_refused() -> None:
    other = Client(client_id="other", redirect_uris=(CALLBACK,))
    world = World(Options(clients=(DEMO, other)))
    code = world.login()["code"]
    assert error_of(world.exchange(code, client_id="other")) == "invalid_grant"
    assert world.exchange(code).status == 200


def test_basic_authentication_gets_a_401_with_a_challenge() -> None:
    response = World().send("POST", "/oauth/token", *FORM, ("Authorization", "Basic ZGVtbzp4"), body="client_id=demo")
    assert (response.status, error_of(response)) == (401, "invalid_client")
    assert (response.header("www-authenticate") or "").startswith("Basic ")


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/json", '{"client_id":"demo"}'),
        ("", "client_id=demo"),
        (FORM[0][1], "client_id=demo&client_id=demo"),
        (FORM[0][1], "client_id=%ff"),
    ],
)
def test_a_body_that_is_no_form_is_an_invalid_request(media_type: str, body: str) -> None:
    response = World().send("POST", "/oauth/token", ("Content-Type", media_type), body=body)
    assert (response.status, error_of(response)) == (400, "invalid_request")


def test_a_refresh_rotates_and_answers_with_tokens_of_the_same_login() -> None:
    world = World()
    first = world.tokens(scope=OFFLINE, audience=API)
    world.clock.now += 700
    second = members(world.refresh(first["refresh_token"]))
    old, new = (world.verified(tokens["id_token"]).claims for tokens in (first, second))
    assert second["refresh_token"] != first["refresh_token"]
    assert "nonce" not in new
    assert {name: new[name] for name in ("iss", "sub", "aud", "auth_time", "sid")} == {
        name: old[name] for name in ("iss", "sub", "aud", "auth_time", "sid")
    }
    assert world.verified(second["access_token"]).claims["exp"] == world.clock() + 600


def test_a_refresh_token_used_twice_ends_the_whole_family_o08() -> None:
    world = World()
    first = world.tokens(scope=OFFLINE)
    second = members(world.refresh(first["refresh_token"]))
    third = members(world.refresh(second["refresh_token"]))
    assert error_of(world.refresh(first["refresh_token"])) == "invalid_grant"
    assert error_of(world.refresh(third["refresh_token"])) == "invalid_grant"
    assert world.userinfo(third["access_token"]).status == 401


def test_another_login_of_the_same_user_survives_a_reuse_o08() -> None:
    world = World()
    reused, other = world.tokens(scope=OFFLINE), world.tokens(scope=OFFLINE)
    world.refresh(reused["refresh_token"])
    world.refresh(reused["refresh_token"])
    assert world.refresh(other["refresh_token"]).status == 200


def test_rotation_does_not_prolong_the_family() -> None:
    world = World(Options(refresh_token_lifetime=100))
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    world.clock.now += 99
    token = members(world.refresh(token))["refresh_token"]
    world.clock.now += 1
    assert error_of(world.refresh(token)) == "invalid_grant"


def test_a_refresh_can_ask_for_less_scope_but_not_for_more_and_the_next_one_for_all_again() -> None:
    world = World()
    first = world.tokens(scope=OFFLINE, audience=API)
    assert error_of(world.refresh(first["refresh_token"], scope="openid write:notes")) == "invalid_scope"
    second = members(world.refresh(first["refresh_token"], scope="read:notes"))
    assert second["scope"] == "read:notes"
    assert "id_token" not in second
    assert members(world.refresh(second["refresh_token"]))["scope"] == OFFLINE


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"refresh_token": ""}, "invalid_request"),
        ({"refresh_token": "unknown"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_grant"),
        ({"audience": "https://other.example"}, "invalid_target"),
    ],
)
def test_a_wrong_refresh_is_refused_and_does_not_spend_the_token(changed: dict[str, str], error: str) -> None:
    world = World(Options(clients=(DEMO, Client(client_id="other"))))
    token = world.tokens(scope=OFFLINE, audience=API)["refresh_token"]
    assert error_of(world.token(**{"grant_type": "refresh_token", "refresh_token": token, **changed})) == error
    assert world.refresh(token).status == 200


def test_userinfo_tells_what_the_scope_releases() -> None:
    world = World()
    claims = members(world.userinfo(world.tokens(scope="openid email")["access_token"]))
    assert claims == {"sub": "alice", "email": "alice@example.com", "email_verified": True}


def test_the_scheme_of_the_authorization_header_has_no_case() -> None:
    world = World()
    token = world.tokens()["access_token"]
    assert world.send("POST", "/userinfo", ("authorization", f"bEARER {token}")).status == 200


@pytest.mark.parametrize(
    ("headers", "status", "challenge"),
    [
        ((), 401, "Bearer"),
        ((("Authorization", "Bearer unknown"),), 401, 'Bearer error="invalid_token"'),
        ((("Authorization", "Basic eDp5"),), 400, 'Bearer error="invalid_request"'),
        ((("Authorization", "Bearer a b"),), 400, 'Bearer error="invalid_request"'),
        ((("Authorization", "Bearer a"), ("Authorization", "Bearer b")), 400, 'Bearer error="invalid_request"'),
    ],
)
def test_userinfo_refuses_with_the_challenge_of_rfc_6750(
    headers: tuple[tuple[str, str], ...], status: int, challenge: str
) -> None:
    world = World()
    response = world.send("GET", "/userinfo", *headers)
    assert response.status == status
    assert (response.header("www-authenticate") or "").startswith(challenge)
    assert world.trace == ["userinfo.error"]


def test_userinfo_refuses_expired_tokens_those_for_an_api_only_and_those_without_openid() -> None:
    world = World()
    expired = world.tokens()["access_token"]
    world.clock.now += 600
    assert world.userinfo(expired).status == 401
    assert world.userinfo(world.tokens(resource=API)["access_token"]).status == 401
    without_openid = world.userinfo(world.tokens(scope="profile")["access_token"])
    assert without_openid.status == 403
    assert 'scope="openid"' in (without_openid.header("www-authenticate") or "")


def test_discovery_lists_what_works_at_both_addresses_for_every_origin() -> None:
    world = World()
    openid = world.send("GET", "/.well-known/openid-configuration")
    document = loads_object(openid.body)
    assert document["issuer"] == ISSUER
    assert document["authorization_endpoint"] == f"{ISSUER}authorize"
    assert document["token_endpoint"] == f"{ISSUER}oauth/token"
    assert document["jwks_uri"] == f"{ISSUER}.well-known/jwks.json"
    assert document["code_challenge_methods_supported"] == ["S256"]
    methods = ["none", "client_secret_basic", "client_secret_post"]
    assert document["token_endpoint_auth_methods_supported"] == methods
    assert document["authorization_response_iss_parameter_supported"] is True
    assert world.send("GET", "/.well-known/oauth-authorization-server").body == openid.body
    assert openid.header("access-control-allow-origin") == "*"
    addresses = [str(value) for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) >= 7
    for address in addresses:
        assert world.send("GET", address).status != 404
    assert set(cast("list[str]", document["grant_types_supported"])) == set(GRANTS)
    assert document["introspection_endpoint_auth_methods_supported"] == methods[1:]
    assert document["revocation_endpoint_auth_methods_supported"] == methods


def test_a_forged_signature_is_no_id_token_hint() -> None:
    world = World()
    head, body, _ = str(world.tokens()["id_token"]).split(".")
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(bytes(256)).rstrip(b'=').decode()}"
    location = world.authorize(id_token_hint=forged, prompt="none").header("location") or ""
    assert "error=invalid_request" in location


def test_tokens_of_a_forgotten_login_are_refused() -> None:
    world = World()
    tokens, code = world.tokens(scope=OFFLINE), world.login()["code"]
    for grant in world.provider._service.grants:
        world.provider._service.grants.remove(grant.key)
    assert error_of(world.exchange(code)) == "invalid_grant"
    assert error_of(world.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_a_code_that_nobody_exchanges_is_destroyed_at_its_expiry() -> None:
    world = World()
    code = world.login()["code"]
    world.clock.now += 60
    assert error_of(world.exchange(code)) == "invalid_grant"
    assert world.trace.count("authorization_code.destroyed") == 1


def test_a_code_that_was_exchanged_is_kept_for_as_long_as_its_tokens_live_o06() -> None:
    world = World()
    code = world.login(scope=OFFLINE)["code"]
    world.tokens_of(code)
    world.clock.now += 13 * 86_400
    world.events.clear()
    world.exchange(code)
    assert "authorization_code.destroyed" in world.trace
    assert world.trace[-2:] == ["grant.revoked", "grant.error"]


def test_where_refresh_tokens_are_not_rotated_the_same_one_stays_good() -> None:
    world = World(Options(rotate_refresh_tokens=False))
    token = world.tokens(scope=OFFLINE)["refresh_token"]
    world.events.clear()
    for _ in range(3):
        assert "refresh_token" not in members(world.refresh(token))
    assert not [name for name in world.trace if name.startswith("refresh_token.")]


def test_a_spent_refresh_token_is_answered_again_for_the_seconds_of_the_overlap_o08() -> None:
    world = World(Options(rotation_overlap=10))
    spent = world.tokens(scope=OFFLINE)["refresh_token"]
    lost = members(world.refresh(spent))["refresh_token"]
    world.clock.now += 9
    again = members(world.refresh(spent))["refresh_token"]
    assert len({spent, lost, again}) == 3
    assert world.trace.count("refresh_token.consumed") == 1
    assert world.refresh(again).status == 200


@pytest.mark.parametrize("overlap", [0, 10])
def test_a_clock_that_goes_back_makes_no_spent_refresh_token_good_again_o08(overlap: int) -> None:
    world = World(Options(rotation_overlap=overlap))
    spent = world.tokens(scope="openid offline_access")["refresh_token"]
    world.provider.controls.advance(3600)
    members(world.refresh(spent))
    world.provider.controls.reset()
    assert error_of(world.refresh(spent)) == "invalid_grant"
    assert "grant.revoked" in world.trace


def test_after_the_overlap_a_spent_refresh_token_ends_the_family_o08() -> None:
    world = World(Options(rotation_overlap=10))
    spent = world.tokens(scope=OFFLINE)["refresh_token"]
    following = members(world.refresh(spent))["refresh_token"]
    world.clock.now += 10
    assert error_of(world.refresh(spent)) == "invalid_grant"
    assert error_of(world.refresh(following)) == "invalid_grant"


def test_discovery_lists_the_claims_of_organizations_and_of_users_where_there_are_any() -> None:
    ann = User("ann", {"groups": ["staff"], "name": "Ann"})
    options = Options(users=(ann,), organizations=(Organization(org_id="org_1", name="acme"),))
    plain, full = (
        cast("list[str]", loads_object(world.send("GET", "/.well-known/openid-configuration").body)["claims_supported"])
        for world in (World(), World(options))
    )
    assert full == [*plain, "org_id", "org_name", "groups"]


def test_a_thin_id_token_leaves_the_profile_to_userinfo() -> None:
    ann = User("ann", {**ALICE.claims, "groups": ["staff"]})
    world = World(Options(thin_id_tokens=True, users=(ann,)))
    answer = world.tokens("ann")
    names = set(world.verified(answer["id_token"]).claims)
    assert names == {"iss", "sub", "aud", "iat", "exp", "auth_time", "sid", "at_hash", "nonce"}
    assert {"name", "email", "picture", "groups"} <= set(members(world.userinfo(answer["access_token"])))


def test_rights_are_in_access_tokens_and_other_claims_of_no_scope_in_id_tokens_only() -> None:
    ann = User("ann", {**ALICE.claims, "groups": ["staff"], "roles": ["editor"], "entitlements": [], "shoe": 43})
    world = World(Options(users=(ann,)))
    answer = world.tokens("ann", audience=API, scope="openid")
    access, identity = (world.verified(answer[name]).claims for name in ("access_token", "id_token"))
    assert {name: access[name] for name in ("groups", "roles", "entitlements")} == {
        "groups": ["staff"],
        "roles": ["editor"],
        "entitlements": [],
    }
    assert not {"shoe", "name"} & set(access)
    assert (identity["shoe"], identity["groups"]) == (43, ["staff"])
    assert members(world.userinfo(answer["access_token"]))["shoe"] == 43


def test_the_organization_of_a_login_is_in_its_tokens_and_in_those_of_its_refreshes() -> None:
    world = World(Options(organizations=(Organization(org_id="org_1", name="acme"),)))
    first = world.tokens(audience=API, scope=OFFLINE, organization="acme")
    for answer in (first, members(world.refresh(first["refresh_token"]))):
        for name in ("access_token", "id_token"):
            told = world.verified(answer[name]).claims
            assert (told["org_id"], told["org_name"]) == ("org_1", "acme")
    assert "org_id" not in world.verified(world.tokens(audience=API)["access_token"]).claims


def test_where_only_resource_is_read_an_audience_in_a_token_request_is_passed_over() -> None:
    world = World(Options(resource_only=True))
    first = world.tokens(resource=API, scope=OFFLINE)
    answer = members(world.refresh(first["refresh_token"], audience="https://other.example"))
    assert world.verified(answer["access_token"]).claims["aud"] == API


def test_after_a_rotation_a_new_key_signs_and_the_old_ones_verify_still() -> None:
    keys = SigningKeys()
    old = keys.sign("JWT", {"sub": "alice"})
    keys.rotate()
    new = keys.sign("JWT", {"sub": "bob"})
    assert [keys.verify(token).claims["sub"] for token in (old, new)] == ["alice", "bob"]
    published = cast("list[dict[str, str]]", keys.jwks["keys"])
    assert [key["kid"] for key in published] == [parse_jwt(token).kid for token in (new, old)]
    assert {key["alg"] for key in published} == {"RS256"}
    with pytest.raises(JWTError):
        SigningKeys().verify(new)


def test_an_access_token_may_come_in_the_form_of_a_post() -> None:
    world = World()
    token = world.tokens()["access_token"]
    assert members(world.send("POST", "/userinfo", *FORM, body=f"access_token={token}"))["sub"] == "alice"
    assert world.trace[-1] == "userinfo.success"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (FORM, "access_token={token}&access_token={token}", 400),
        ((*FORM, ("Authorization", "Bearer x")), "access_token={token}", 400),
        (FORM, "access_token=%ff", 400),
        (FORM, "access_token=", 401),
        (FORM, "access_token=unknown", 401),
        ((("Content-Type", "text/plain"),), "access_token={token}", 401),
    ],
)
def test_an_access_token_in_a_body_comes_once_and_in_a_form(
    headers: tuple[tuple[str, str], ...], body: str, status: int
) -> None:
    world = World()
    response = world.send("POST", "/userinfo", *headers, body=body.replace("{token}", world.tokens()["access_token"]))
    assert response.status == status
    assert (response.header("www-authenticate") or "").startswith("Bearer")
    assert world.trace[-1] == "userinfo.error"


def test_an_access_token_in_a_query_is_none() -> None:
    world = World()
    assert world.send("GET", f"/userinfo?access_token={world.tokens()['access_token']}").status == 401
