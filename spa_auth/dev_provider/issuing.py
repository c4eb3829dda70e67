"""Tokens, made and remembered (RFC 6749 section 5.1, RFC 9068, OpenID Connect Core 2)."""

import hashlib

from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.records import AccessToken, Grant, RefreshToken
from spa_auth.dev_provider.service import Service
from spa_auth.protocol import base64url
from spa_auth.protocol.scope import Scope

OFFLINE_ACCESS = "offline_access"


def requested_audiences(grant: Grant, params: Parameters) -> tuple[str, ...]:
    """The APIs that a token request names, or all of the grant where it names none.

    Raises:
        EndpointError: `invalid_target`; one was not part of the authorization request (RFC 8707 section 2.2).
    """
    named = tuple(dict.fromkeys((*params.all("resource"), *params.all("audience"))))
    if not set(named) <= set(grant.audiences):
        raise EndpointError("invalid_target", "The login was not for this API.")
    return named or grant.audiences


def issue_access_token(service: Service, grant: Grant, scope: Scope, audiences: tuple[str, ...]) -> AccessToken:
    """A JWT for the APIs (RFC 9068), or, where no API was named, an opaque token for the userinfo endpoint."""
    expires_at = service.now() + service.options.access_token_lifetime
    if grant.userinfo_too and audiences:
        # Who asks by `audience` gets one token for the API and for the userinfo endpoint; RFC 8707 would need two.
        audiences = (*audiences, service.url("/userinfo"))
    key = _jwt(service, grant, scope, audiences, expires_at) if audiences else service.secret()
    token = AccessToken(
        key=key,
        grant_id=grant.grant_id,
        client_id=grant.client_id,
        scope=scope,
        audiences=audiences,
        format="jwt" if audiences else "opaque",
        expires_at=expires_at,
    )
    service.access_tokens.put(token, expires_at)
    service.emit("access_token.issued" if audiences else "access_token.saved", TokenEvent(token))
    return token


def issue_refresh_token(service: Service, grant: Grant, expires_at: int) -> RefreshToken:
    """A refresh token that is good once."""
    token = RefreshToken(
        key=service.secret(), grant_id=grant.grant_id, client_id=grant.client_id, expires_at=expires_at
    )
    # Kept as long as its family: only then is its reuse seen (RFC 9700 section 4.14.2).
    service.refresh_tokens.put(token, expires_at)
    service.emit("refresh_token.saved", TokenEvent(token))
    return token


def id_token(service: Service, grant: Grant, access_token: AccessToken, nonce: str | None) -> str:
    """The ID token beside an access token (OpenID Connect Core 2, 3.1.3.6, and 12.2 for a refresh)."""
    now = service.now()
    claims: dict[str, object] = {
        "iss": service.options.issuer,
        "sub": grant.user.sub,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + service.options.id_token_lifetime,
        "auth_time": grant.auth_time,
        "sid": grant.sid,
        "at_hash": at_hash(access_token.key),
        **({} if nonce is None else {"nonce": nonce}),
    }
    return service.keys.sign("JWT", {**released_claims(service, grant, grant.scope), **claims})


def token_response(
    service: Service, grant: Grant, access_token: AccessToken, refresh_token: RefreshToken | None, nonce: str | None
) -> dict[str, object]:
    """The members of a successful answer (RFC 6749 section 5.1); the granted scope is always told."""
    members: dict[str, object] = {
        "access_token": access_token.key,
        "token_type": "Bearer",
        "expires_in": access_token.expires_at - service.now(),
        "scope": str(access_token.scope),
    }
    if "openid" in access_token.scope:
        members["id_token"] = id_token(service, grant, access_token, nonce)
    if refresh_token is not None:
        members["refresh_token"] = refresh_token.key
    return members


def released_claims(service: Service, grant: Grant, scope: Scope) -> dict[str, object]:
    """What a scope tells of the user, with the address of a picture where the user has none."""
    claims = grant.user.released(scope)
    if "profile" in scope:
        claims.setdefault("picture", service.url(f"/avatars/{grant.user.sub}.svg"))
    return claims


def at_hash(access_token: str) -> str:
    """The left half of the token's SHA-256, in base64url (OpenID Connect Core 3.1.3.6)."""
    return base64url.encode(hashlib.sha256(access_token.encode("ascii")).digest()[:16])


def _jwt(service: Service, grant: Grant, scope: Scope, audiences: tuple[str, ...], expires_at: int) -> str:
    claims: dict[str, object] = {
        "iss": service.options.issuer,
        "sub": grant.user.sub,
        "aud": audiences[0] if len(audiences) == 1 else list(audiences),
        "client_id": grant.client_id,
        "iat": service.now(),
        "exp": expires_at,
        "jti": service.secret(),
        "auth_time": grant.auth_time,
        "scope": str(scope),
    }
    return service.keys.sign("at+jwt", {**grant.user.rights, **claims})
