"""ID token validation: one function per rule of OpenID Connect Core 3.1.3.7 and 12.2, in one tuple.

The signature has been verified before: the rules take the claims of a `VerifiedJWT`.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from spa_auth.errors import (
    IDTokenError,
    InsufficientUserAuthenticationError,
    JWTError,
    NonceMismatchError,
    OrganizationMismatchError,
    SubMismatchError,
)
from spa_auth.protocol import base64url
from spa_auth.protocol.jwt import VerifiedJWT, check_times, numeric_date
from spa_auth.protocol.metadata import TENANT
from spa_auth.protocol.strict_json import is_number, is_texts

DEFAULT_LEEWAY = 60
MAX_LEEWAY = 300
MAX_SUB_LENGTH = 255
# Seconds since 1970 until the year 2286; more would be milliseconds.
MAX_TIME = 10_000_000_000
Claims = Mapping[str, object]
# The hash of at_hash is that of the signature's algorithm; for Ed25519 it is SHA-512 (RFC 8032 section 5.1).
_BITS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_HASHES = {
    **{f"{family}{bits}": make for family in ("RS", "PS", "ES", "HS") for bits, make in _BITS.items()},
    "EdDSA": hashlib.sha512,
    "Ed25519": hashlib.sha512,
}


_TENANTS = 'Log in with an account of one of the "tenants", or add the tenant there.'


class Expected(NamedTuple):
    """What an ID token has to say to be accepted; times in seconds.

    `nonce` and `max_age` are None where the request had none. `previous` are the claims of the session that
    a refresh continues.

    Args:
        issuer: The issuer; with `tenants`, what it is for each of them when `{tenantid}` is filled.
        client_id: This client.
        now: The current time.
        leeway: How far clocks may differ.
        nonce: The nonce of the request.
        max_age: How long ago the user may have logged in.
        access_token: The access token that came beside it.
        previous: The claims of the session that is continued.
        organization: The organization that was asked for: its id, which begins with `org_`, or its name.
        acr_values: The authentication contexts that were asked for, with spaces between; one of them is demanded.
        trusted_audiences: Audiences that may stand beside this client.
        tenants: The tenants whose users are accepted; empty where the provider has no tenants.
    """

    issuer: str
    client_id: str
    now: float
    leeway: float = DEFAULT_LEEWAY
    nonce: str | None = None
    max_age: int | None = None
    access_token: str | None = None
    previous: Claims | None = None
    organization: str | None = None
    acr_values: str | None = None
    trusted_audiences: Collection[str] = ()
    tenants: Collection[str] = ()

    def __repr__(self) -> str:
        return f"<Expected {self.issuer} {self.client_id}>"


def validate_id_token(
    token: VerifiedJWT, expected: Expected, *, without: Collection[Callable[[VerifiedJWT, Expected], None]] = ()
) -> dict[str, object]:
    """The claims of an ID token that passes every rule.

    Args:
        token: The token, its signature verified.
        expected: What it has to say.
        without: The rules that need what is not there any more.

    Raises:
        IDTokenError: A rule is broken; `.claim` names the claim.
        InsufficientUserAuthenticationError: The user has logged in less strongly than was asked for.
    """
    for check in CHECKS:
        try:
            if check not in without:
                check(token, expected)
        except JWTError as error:
            raise id_token_error(error) from None
    return token.claims


def id_token_error(error: JWTError) -> IDTokenError:
    """The same error, as one of an ID token."""
    if isinstance(error, IDTokenError):
        return error
    return IDTokenError(error.error_description, claim=error.claim, remedy=error.remedy or None)


def check_typ(token: VerifiedJWT, _expected: Expected) -> None:
    """An ID token says it is a JWT, or nothing; other kinds of token say what they are (RFC 8725 section 3.11)."""
    typ = str(token.header.get("typ", "JWT")).lower().removeprefix("application/")
    if typ != "jwt":
        raise IDTokenError("The token is of another kind than an ID token.", claim="typ")
    # "A Logout Token MUST contain an events Claim" (OpenID Connect Back-Channel Logout 1.0 section 2.4).
    if "events" in token.claims:
        raise IDTokenError("The token is a logout token.", claim="events")


def check_iss(token: VerifiedJWT, expected: Expected) -> None:
    """The issuer is exactly the one that was asked (rule 2), of the user's tenant where there are tenants."""
    issuer = expected.issuer
    if expected.tenants:
        tid = token.claims.get("tid")
        if not isinstance(tid, str) or tid not in expected.tenants:
            raise IDTokenError("The ID token was issued for another tenant.", claim="tid", remedy=_TENANTS)
        issuer = issuer.replace(TENANT, tid)
    if token.claims.get("iss") != issuer:
        raise IDTokenError(
            "The ID token was issued by another provider.",
            claim="iss",
            remedy=f'"issuer" is set to "{issuer}"; compare it with the provider\'s discovery document.',
        )


def check_sub(token: VerifiedJWT, _expected: Expected) -> None:
    """There is a subject: text of 1 to 255 characters (section 2)."""
    sub = token.claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= MAX_SUB_LENGTH:
        raise IDTokenError("The ID token names no subject.", claim="sub")


def check_aud(token: VerifiedJWT, expected: Expected) -> None:
    """The token is for this client, and for no audience beside it that is not trusted (rule 3)."""
    aud = token.claims.get("aud")
    named = [aud] if isinstance(aud, str) else aud
    trusted = {expected.client_id, *expected.trusted_audiences}
    if not is_texts(named) or expected.client_id not in named or not trusted.issuperset(named):
        raise IDTokenError("The ID token was issued to another client.", claim="aud")


def check_azp(token: VerifiedJWT, expected: Expected) -> None:
    """The authorized party is this client; with several audiences it has to be named (rules 4 and 5)."""
    implied = expected.client_id if token.claims["aud"] in (expected.client_id, [expected.client_id]) else None
    if token.claims.get("azp", implied) != expected.client_id:
        raise IDTokenError("The ID token was issued to another client.", claim="azp")


def check_lifetime(token: VerifiedJWT, expected: Expected) -> None:
    """The token is valid now, and says when it was issued (rules 9 and 10)."""
    check_times(token.claims, expected.now, expected.leeway)
    if "iat" not in token.claims:
        raise IDTokenError("The ID token does not say when it was issued.", claim="iat")


def check_nonce(token: VerifiedJWT, expected: Expected) -> None:
    """The nonce is that of the request (rule 11); a refreshed token has the same or none (section 12.2)."""
    nonce = token.claims.get("nonce")
    asked = (expected.nonce,) if expected.previous is None else (None, expected.previous.get("nonce"))
    if nonce not in asked:
        raise NonceMismatchError("The ID token answers another login.", claim="nonce")


def check_auth_time(token: VerifiedJWT, expected: Expected) -> None:
    """The user logged in no longer ago than was asked for (rule 13)."""
    auth_time = numeric_date(token.claims, "auth_time")
    if expected.max_age is None:
        return
    if auth_time is None or expected.now > auth_time + expected.max_age + expected.leeway:
        raise IDTokenError("The user has not logged in recently enough.", claim="auth_time")


def check_acr(token: VerifiedJWT, expected: Expected) -> None:
    """The user has logged in as strongly as was asked for (RFC 9470 section 5)."""
    if expected.acr_values is not None and token.claims.get("acr") not in expected.acr_values.split(" "):
        raise InsufficientUserAuthenticationError(
            "The user has not logged in as strongly as was asked for.",
            remedy=f'Ask the provider\'s administrator how users reach one of the acr_values "{expected.acr_values}".',
        )


def check_organization(token: VerifiedJWT, expected: Expected) -> None:
    """The user has logged in to the organization that was asked for: an id as it is, a name in any case."""
    if expected.organization is None:
        return
    asked = expected.organization.strip()
    if asked.startswith("org_"):
        found, claim = token.claims.get("org_id"), "org_id"
    else:
        asked, found, claim = asked.lower(), token.claims.get("org_name"), "org_name"
        found = found.lower() if isinstance(found, str) else None
    if found != asked:
        raise OrganizationMismatchError("The ID token is not of the organization that was asked for.", claim=claim)


def check_session_expiry(token: VerifiedJWT, _expected: Expected) -> None:
    """The end of the session, where the provider names it, is a time in seconds after the login."""
    if "session_expiry" not in token.claims:
        return
    ceiling, iat = token.claims["session_expiry"], numeric_date(token.claims, "iat") or 0
    if not is_number(ceiling) or not iat < ceiling < MAX_TIME:
        raise IDTokenError("The ID token names an end of the session that is no time.", claim="session_expiry")


def check_at_hash(token: VerifiedJWT, expected: Expected) -> None:
    """The access token beside it is the one it was issued with, where it says so (section 3.1.3.6)."""
    if "at_hash" not in token.claims:
        return
    make = _HASHES.get(str(token.header.get("alg")))
    if make is None or expected.access_token is None:
        raise IDTokenError("The ID token's access token hash cannot be checked.", claim="at_hash")
    digest = make(expected.access_token.encode()).digest()
    if token.claims["at_hash"] != base64url.encode(digest[: len(digest) // 2]):
        raise IDTokenError("The ID token belongs to another access token.", claim="at_hash")


def check_continuity(token: VerifiedJWT, expected: Expected) -> None:
    """A refreshed token is about the same user, login and client (section 12.2)."""
    if expected.previous is None:
        return
    if token.claims["sub"] != expected.previous["sub"]:
        raise SubMismatchError("The provider answered for another user.", claim="sub")
    organization = "org_id" if "org_id" in expected.previous else "org_name"
    if token.claims.get(organization) != expected.previous.get(organization):
        raise OrganizationMismatchError("The provider changed the organization while refreshing.", claim=organization)
    for name in ("iss", "auth_time", "azp"):
        if name in token.claims and name in expected.previous and token.claims[name] != expected.previous[name]:
            raise IDTokenError(f"The provider changed {name} while refreshing.", claim=name)


CHECKS: tuple[Callable[[VerifiedJWT, Expected], None], ...] = (
    check_typ,
    check_iss,
    check_sub,
    check_aud,
    check_azp,
    check_lifetime,
    check_nonce,
    check_auth_time,
    check_acr,
    check_organization,
    check_session_expiry,
    check_at_hash,
    check_continuity,
)
