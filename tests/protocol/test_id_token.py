import math

import pytest
from canary import CANARY, leaks
from hypothesis import given
from hypothesis import strategies as st
from token_factory import CLIENT_ID, ISSUER, NOW, id_token_claims
from vector_files import vectors

from spa_auth.errors import (
    IDTokenError,
    InsufficientUserAuthenticationError,
    JWTError,
    NonceMismatchError,
    OrganizationMismatchError,
    SubMismatchError,
)
from spa_auth.protocol.id_token import Expected, id_token_error, validate_id_token
from spa_auth.protocol.jwt import VerifiedJWT

NONCE = "n" * 43
LOGIN = Expected(ISSUER, CLIENT_ID, NOW, nonce=NONCE, access_token="at")
PREVIOUS = id_token_claims(auth_time=NOW - 500, azp=CLIENT_ID)
REFRESH = Expected(ISSUER, CLIENT_ID, NOW, access_token="at", previous=PREVIOUS)


def token(header: dict[str, object] | None = None, **changes: object) -> VerifiedJWT:
    return VerifiedJWT(header or {"alg": "RS256"}, id_token_claims(**changes))


def failure(jwt: VerifiedJWT, expected: Expected = LOGIN) -> IDTokenError:
    with pytest.raises(IDTokenError) as caught:
        validate_id_token(jwt, expected)
    return caught.value


def test_a_good_token_gives_its_claims() -> None:
    assert validate_id_token(token(), LOGIN) == id_token_claims()
    assert validate_id_token(token(aud=[CLIENT_ID], azp=CLIENT_ID), LOGIN)["azp"] == CLIENT_ID
    assert validate_id_token(token({"alg": "RS256", "typ": "application/JWT"}), LOGIN)
    for sub in ("s", "s" * 255):
        assert validate_id_token(token(sub=sub), LOGIN)["sub"] == sub


FAULTS: dict[str, tuple[VerifiedJWT, str]] = {
    "I14 typ at+jwt": (token({"typ": "at+jwt"}), "typ"),
    "I14 I15 typ logout+jwt": (token({"typ": "logout+jwt"}), "typ"),
    "I14 typ dpop+jwt": (token({"typ": "application/dpop+jwt"}), "typ"),
    "I14 typ empty": (token({"typ": ""}), "typ"),
    "I15 a logout token without typ": (
        token(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
        "events",
    ),
    "I05 iss missing": (token(iss=None), "iss"),
    "I05 iss other": (token(iss="https://evil.example/"), "iss"),
    "I05 iss without slash": (token(iss=ISSUER[:-1]), "iss"),
    "I05 iss other case": (token(iss=ISSUER.upper()), "iss"),
    "I05 iss a list": (token(iss=[ISSUER]), "iss"),
    "J24 iss with NUL": (token(iss=ISSUER + "\x00"), "iss"),
    "I13 sub missing": (token(sub=None), "sub"),
    "I13 sub empty": (token(sub=""), "sub"),
    "I13 sub an object": (token(sub={"a": 1}), "sub"),
    "I13 sub a number": (token(sub=7), "sub"),
    "I13 sub too long": (token(sub="s" * 256), "sub"),
    "I06 aud missing": (token(aud=None), "aud"),
    "I06 aud other": (token(aud="other"), "aud"),
    "I06 aud a number": (token(aud=1), "aud"),
    "I06 aud empty": (token(aud=[]), "aud"),
    "I06 aud with an untrusted other": (token(aud=[CLIENT_ID, "other"], azp=CLIENT_ID), "aud"),
    "I06 aud a prefix": (token(aud=CLIENT_ID[:-1]), "aud"),
    "I06 aud longer": (token(aud=CLIENT_ID + "2"), "aud"),
    "I06 aud other case": (token(aud=CLIENT_ID.upper()), "aud"),
    "I06 aud nested": (token(aud=[[CLIENT_ID]]), "aud"),
    "I06 aud an object": (token(aud={CLIENT_ID: 1}), "aud"),
    "I06 aud of other things than texts": (token(aud=[CLIENT_ID, 7], azp=CLIENT_ID), "aud"),
    "I07 azp other": (token(azp="other"), "azp"),
    "I07 azp a list": (token(azp=[CLIENT_ID]), "azp"),
    "I08 exp missing": (token(exp=None), "exp"),
    "I08 exp past": (token(exp=NOW - 61), "exp"),
    "I08 exp a text": (token(exp=str(NOW + 300)), "exp"),
    "I08 exp true": (token(exp=True), "exp"),
    "I08 exp NaN": (token(exp=math.nan), "exp"),
    "I08 exp infinite": (token(exp=math.inf), "exp"),
    "I08 exp absurd": (token(exp=1e13), "exp"),
    "I08 exp a list": (token(exp=[]), "exp"),
    "I09 iat missing": (token(iat=None), "iat"),
    "I09 iat future": (token(iat=NOW + 61), "iat"),
    "I10 nbf future": (token(nbf=NOW + 61), "nbf"),
    "I10 nbf a text": (token(nbf="now"), "nbf"),
    "I11 nonce missing": (token(nonce=None), "nonce"),
    "I11 nonce of another login": (token(nonce="m" * 43), "nonce"),
    "I11 nonce a list": (token(nonce=[NONCE]), "nonce"),
    "A28 auth_time no date": (token(auth_time="x"), "auth_time"),
    "session_expiry a text": (token(session_expiry=str(NOW + 9)), "session_expiry"),
    "session_expiry true": (token(session_expiry=True), "session_expiry"),
    "session_expiry null": (token(session_expiry=[]), "session_expiry"),
    "session_expiry in milliseconds": (token(session_expiry=NOW * 1000), "session_expiry"),
    "session_expiry 1e10": (token(session_expiry=10_000_000_000), "session_expiry"),
    "session_expiry at the login": (token(session_expiry=NOW), "session_expiry"),
    "session_expiry before the login": (token(session_expiry=NOW - 1), "session_expiry"),
    "session_expiry NaN": (token(session_expiry=math.nan), "session_expiry"),
    "I12 at_hash wrong": (token(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"),
    "I12 at_hash empty": (token(at_hash=""), "at_hash"),
    "I12 at_hash no text": (token(at_hash=True), "at_hash"),
    "I12 at_hash of an unknown algorithm": (token({"alg": "XX256"}, at_hash="x"), "at_hash"),
    "I12 at_hash without algorithm": (token({"typ": "JWT"}, at_hash="x"), "at_hash"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_i_rows_every_fault_is_refused_and_its_claim_is_named(case: str) -> None:
    """I05 to I15, A28, J24: one table, an id in each name."""
    jwt, claim = FAULTS[case]
    error = failure(jwt)
    assert error.claim == claim
    assert error.error == ("nonce_mismatch" if claim == "nonce" else "invalid_token")


def test_k26_i11_a_token_of_another_login_has_an_error_of_its_own() -> None:
    assert type(failure(token(nonce="other"))) is NonceMismatchError


def test_k27_a_token_for_another_client_or_with_another_access_token_is_refused() -> None:
    assert failure(token(aud="other-client")).claim == "aud"
    assert failure(token(at_hash="77QmUPtjPfzWtF2AnpK9RQ")).claim == "at_hash"


@pytest.mark.parametrize("vector", vectors("at_hash"), ids=lambda vector: f"{vector['source']} {vector['alg']}")
def test_i12_the_access_token_hashes_of_the_specifications(vector: dict[str, str]) -> None:
    expected = LOGIN._replace(access_token=vector["access_token"])
    assert validate_id_token(token({"alg": vector["alg"]}, at_hash=vector["at_hash"]), expected)
    assert failure(token({"alg": vector["alg"]}, at_hash=vector["at_hash"] + "A"), expected).claim == "at_hash"


def test_i12_a_hash_without_access_token_cannot_be_checked() -> None:
    assert failure(token(at_hash="x"), LOGIN._replace(access_token=None)).claim == "at_hash"


@pytest.mark.parametrize("leeway", [0, 60])
def test_i08_i19_the_end_is_exact_and_a_leeway_of_0_is_0(leeway: float) -> None:
    expected = LOGIN._replace(leeway=leeway)
    assert validate_id_token(token(exp=NOW - leeway + 1), expected)
    assert failure(token(exp=NOW - leeway), expected).claim == "exp"


@pytest.mark.parametrize(("max_age", "leeway"), [(0, 0), (0, 60), (3600, 0), (3600, 60)])
def test_a28_max_age_is_enforced_also_where_it_is_0(max_age: int, leeway: float) -> None:
    expected = LOGIN._replace(max_age=max_age, leeway=leeway)
    assert validate_id_token(token(auth_time=NOW - max_age - leeway), expected)
    assert failure(token(auth_time=NOW - max_age - leeway - 1), expected).claim == "auth_time"
    assert failure(token(), expected).claim == "auth_time"


def test_a_clock_that_is_off_is_named_in_the_remedy() -> None:
    assert "clock" in failure(token(exp=NOW - 7200)).remedy
    assert "clock" not in failure(token(exp=NOW - 100)).remedy


def test_a_wrong_issuer_names_the_setting() -> None:
    assert f'"issuer" is set to "{ISSUER}"' in failure(token(iss="https://evil.example/")).remedy


def test_a_login_without_nonce_wants_none() -> None:
    expected = LOGIN._replace(nonce=None)
    assert validate_id_token(token(nonce=None), expected)
    assert failure(token(), expected).claim == "nonce"


# -- refreshed tokens (OpenID Connect Core 12.2)


def test_a_refreshed_token_continues_the_session() -> None:
    assert validate_id_token(token(nonce=None, auth_time=NOW - 500), REFRESH)
    assert validate_id_token(token(nonce=None), REFRESH)


def test_a_refreshed_token_may_repeat_the_nonce_of_the_login_and_no_other() -> None:
    """Core 12.2: "if it is present, its value MUST be the same as in the ID Token issued" at login."""
    assert validate_id_token(token(nonce=NONCE), REFRESH)
    assert type(failure(token(nonce="m" * 43), REFRESH)) is NonceMismatchError
    without = REFRESH._replace(previous=id_token_claims(nonce=None))
    assert failure(token(nonce=NONCE), without).claim == "nonce"


def test_r01_a_refreshed_token_of_another_user_is_refused() -> None:
    error = failure(token(nonce=None, sub="mallory"), REFRESH)
    assert type(error) is SubMismatchError
    assert error.error == "sub_mismatch"


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"iss": "https://evil.example/"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"azp": "other"}, "azp"),
        ({"auth_time": NOW - 10}, "auth_time"),
        ({"events": {}}, "events"),
    ],
)
def test_r02_i15_a_refreshed_token_of_another_issuer_client_login_or_kind_is_refused(
    changes: dict[str, object], claim: str
) -> None:
    assert failure(token(None, **{"nonce": None, **changes}), REFRESH).claim == claim


def test_r02_the_authorized_party_stays() -> None:
    previous = REFRESH._replace(previous={**PREVIOUS, "azp": "other"})
    assert failure(token(nonce=None, azp=CLIENT_ID), previous).claim == "azp"


@pytest.mark.parametrize("name", ["org_id", "org_name"])
@pytest.mark.parametrize("now", [None, "org_8"])
def test_a31_a_refreshed_token_stays_in_the_organization(name: str, now: object) -> None:
    previous = REFRESH._replace(previous={**PREVIOUS, name: "org_7"})
    assert validate_id_token(token(None, nonce=None, **{name: "org_7"}), previous)
    error = failure(token(None, nonce=None, **{name: now}), previous)
    assert (type(error), error.error, error.claim) == (OrganizationMismatchError, "organization_mismatch", name)


# -- what the request asked for


@pytest.mark.parametrize(
    ("asked", "claims"),
    [
        ("org_7", {"org_id": "org_7"}),
        (" org_7 ", {"org_id": "org_7", "org_name": "acme"}),
        ("acme", {"org_id": "org_7", "org_name": "acme"}),
        ("Acme", {"org_name": "aCME"}),
        ("acme", {"org_name": "Acme"}),
    ],
)
def test_an_organization_is_known_by_its_id_or_by_its_name_in_any_case(asked: str, claims: dict[str, object]) -> None:
    assert validate_id_token(token(None, **claims), LOGIN._replace(organization=asked))


@pytest.mark.parametrize(
    ("asked", "claims", "claim"),
    [
        ("org_7", {}, "org_id"),
        ("org_7", {"org_id": "org_8"}, "org_id"),
        ("org_7", {"org_id": "ORG_7"}, "org_id"),
        ("org_7", {"org_id": "org_70"}, "org_id"),
        ("org_7", {"org_id": ["org_7"]}, "org_id"),
        ("org_7", {"org_name": "org_7"}, "org_id"),
        ("acme", {}, "org_name"),
        ("acme", {"org_name": "acme2"}, "org_name"),
        ("acme", {"org_name": ["acme"]}, "org_name"),
        ("acme", {"org_id": "acme"}, "org_name"),
        ("", {}, "org_name"),
    ],
)
def test_a31_another_organization_or_none_is_refused(asked: str, claims: dict[str, object], claim: str) -> None:
    error = failure(token(None, **claims), LOGIN._replace(organization=asked))
    assert (type(error), error.error, error.claim) == (OrganizationMismatchError, "organization_mismatch", claim)


def test_a29_one_of_the_contexts_that_were_asked_for_is_reached() -> None:
    expected = LOGIN._replace(acr_values="phr phrh")
    for acr in ("phr", "phrh"):
        assert validate_id_token(token(acr=acr), expected)
    assert validate_id_token(token(acr="0"), LOGIN)


@pytest.mark.parametrize("acr", [None, "", "0", "ph", "phr phrh", "PHR", ["phr"], 1])
def test_a29_a_weaker_login_is_refused(acr: object) -> None:
    with pytest.raises(InsufficientUserAuthenticationError) as caught:
        validate_id_token(token(acr=acr), LOGIN._replace(acr_values="phr phrh"))
    assert caught.value.error == "insufficient_user_authentication"
    assert "phr phrh" in caught.value.remedy


def test_i06_further_audiences_are_accepted_if_they_are_trusted_and_this_client_is_the_authorized_party() -> None:
    expected = LOGIN._replace(trusted_audiences=("project-1", "project-2"))
    aud = [CLIENT_ID, "project-1", "project-2"]
    assert validate_id_token(token(aud=aud, azp=CLIENT_ID), expected)["aud"] == aud
    assert validate_id_token(token(aud=CLIENT_ID), expected)
    assert failure(token(aud=[*aud, "project-3"], azp=CLIENT_ID), expected).claim == "aud"
    assert failure(token(aud=["project-1"], azp=CLIENT_ID), expected).claim == "aud"
    assert failure(token(aud="project-1", azp=CLIENT_ID), expected).claim == "aud"
    assert failure(token(aud=aud), expected).claim == "azp"
    assert failure(token(aud=aud, azp="project-1"), expected).claim == "azp"


TENANTS = LOGIN._replace(issuer="https://login.example/{tenantid}/v2.0", tenants=("tenant-1", "tenant-2"))


def test_the_issuer_of_a_tenant_is_the_template_filled_with_the_tenant_of_the_token() -> None:
    for tid in TENANTS.tenants:
        assert validate_id_token(token(iss=f"https://login.example/{tid}/v2.0", tid=tid), TENANTS)
    assert validate_id_token(token(tid="tenant-1"), LOGIN._replace(tenants=("tenant-1",)))


@pytest.mark.parametrize(
    ("iss", "tid", "claim"),
    [
        ("https://login.example/tenant-3/v2.0", "tenant-3", "tid"),
        ("https://login.example/tenant-1/v2.0", "tenant-2", "iss"),
        ("https://login.example/tenant-3/v2.0", "tenant-1", "iss"),
        ("https://login.example/tenant-1/v2.0", None, "tid"),
        ("https://login.example/tenant-1/v2.0", ["tenant-1"], "tid"),
        ("https://login.example/tenant-1/v2.0", "", "tid"),
        ("https://login.example/TENANT-1/v2.0", "TENANT-1", "tid"),
        ("https://evil.example/tenant-1/v2.0", "tenant-1", "iss"),
        ("https://login.example/tenant-1/v2.0/", "tenant-1", "iss"),
        ("https://login.example/{tenantid}/v2.0", "tenant-1", "iss"),
        ("https://login.example/{tenantid}/v2.0", "{tenantid}", "tid"),
    ],
)
def test_i05_m04_a_tenant_that_is_not_listed_or_another_issuer_is_refused(iss: str, tid: object, claim: str) -> None:
    assert failure(token(iss=iss, tid=tid), TENANTS).claim == claim


def test_r02_a_refreshed_token_is_of_the_same_tenant() -> None:
    previous = id_token_claims(iss="https://login.example/tenant-1/v2.0", tid="tenant-1")
    expected = TENANTS._replace(nonce=None, previous=previous)
    assert validate_id_token(token(iss=previous["iss"], tid="tenant-1", nonce=None), expected)
    other = token(iss="https://login.example/tenant-2/v2.0", tid="tenant-2", nonce=None)
    assert failure(other, expected).claim == "iss"


@pytest.mark.parametrize("ceiling", [NOW + 1, NOW + 3600.5, 9_999_999_999])
def test_the_end_of_a_session_may_be_named(ceiling: float) -> None:
    assert validate_id_token(token(session_expiry=ceiling), LOGIN)["session_expiry"] == ceiling


def test_i17_claims_that_are_named_like_internals_are_plain_data() -> None:
    odd = {"__proto__": {"sub": "x"}, "__class__": "y", "__raw": "z"}
    assert validate_id_token(token(None, **odd), LOGIN) == {**id_token_claims(), **odd}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(
    ["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "nonce", "auth_time", "at_hash", "events", "acr", "name"]
)


@given(st.dictionaries(names, json_values), st.sampled_from([LOGIN, REFRESH, LOGIN._replace(max_age=60)]))
def test_i06_i08_any_claims_are_accepted_or_refused_with_one_error(
    claims: dict[str, object], expected: Expected
) -> None:
    try:
        accepted = validate_id_token(VerifiedJWT({"alg": "RS256"}, {**id_token_claims(), **claims}), expected)
    except IDTokenError:
        return
    assert (accepted["iss"], accepted["sub"]) == (ISSUER, claims.get("sub", "alice"))
    assert accepted["aud"] in (CLIENT_ID, [CLIENT_ID])


@given(st.sets(st.sampled_from(sorted(FAULTS)), max_size=4))
def test_a_token_is_accepted_only_without_any_fault(cases: set[str]) -> None:
    """Property 3: any subset of faults, accepted only if it is empty."""
    header: dict[str, object] = {"alg": "RS256"}
    claims = id_token_claims()
    for case in cases:
        jwt, _ = FAULTS[case]
        header |= jwt.header
        good = id_token_claims()
        claims |= {name: value for name, value in jwt.claims.items() if good.get(name) != value}
        for name in good.keys() - jwt.claims.keys():
            claims.pop(name, None)
    try:
        validate_id_token(VerifiedJWT(header, claims), LOGIN)
    except IDTokenError:
        assert cases
        return
    assert not cases


def test_an_error_of_any_token_becomes_one_of_an_id_token() -> None:
    error = id_token_error(JWTError("Text.", claim="kid", remedy="Do this."))
    assert (error.error_description, error.claim, error.remedy) == ("Text.", "kid", "Do this.")
    assert id_token_error(JWTError("Text.", claim="kid")).remedy == IDTokenError.remedy
    assert id_token_error(error) is error


def test_s03_no_error_shows_a_claim_or_what_was_expected() -> None:
    expected = LOGIN._replace(nonce=CANARY, access_token=CANARY)
    for name in ("nonce", "at_hash", "aud", "azp", "iss", "exp", "sub"):
        value: object = [CANARY] if name == "sub" else CANARY + "x"
        assert leaks(failure(token(None, **{"nonce": CANARY, name: value}), expected)) == []


def test_s06_the_repr_of_what_is_expected_shows_no_secret() -> None:
    expected = Expected(ISSUER, CLIENT_ID, NOW, nonce=CANARY, access_token=CANARY, previous={"sub": CANARY})
    assert repr(expected) == f"<Expected {ISSUER} {CLIENT_ID}>"
