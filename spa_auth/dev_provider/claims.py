"""What tokens say: ID tokens (OpenID Connect Core 2), access tokens (RFC 9068 section 2.2), and their introspection."""

import hashlib

from spa_auth.dev_provider.assets import picture_url
from spa_auth.dev_provider.records import AccessToken, ClientCredentials, Grant
from spa_auth.dev_provider.service import Service
from spa_auth.protocol import base64url
from spa_auth.protocol.scope import Scope


def id_token_claims(service: Service, grant: Grant, access_token: AccessToken, nonce: str | None) -> dict[str, object]:
    """The claims of the ID token beside an access token (OpenID Connect Core 2, 3.1.3.6, and 12.2 for a refresh)."""
    now = service.now()
    released = {} if service.options.thin_id_tokens else released_claims(service, grant, grant.scope)
    return {
        **released,
        **_organization_claims(service, grant),
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


def access_token_claims(service: Service, grant: Grant, token: AccessToken) -> dict[str, object]:
    """The claims of an access token, whether they stand in it (RFC 9068) or are told by introspection (RFC 7662)."""
    return {
        **grant.user.rights,
        **_organization_claims(service, grant),
        **_common_claims(service, token),
        "sub": grant.user.sub,
        "auth_time": grant.auth_time,
    }


def client_credentials_claims(service: Service, token: ClientCredentials) -> dict[str, object]:
    """The claims of a token that an application got for itself.

    RFC 9068 section 2.2: "the value of sub SHOULD correspond to an identifier the authorization server uses to
    indicate the client application".
    """
    return {**_common_claims(service, token), "sub": token.client_id}


def released_claims(service: Service, grant: Grant, scope: Scope) -> dict[str, object]:
    """What a scope tells of the user, with the address of a picture where the user has none."""
    claims = grant.user.released(scope)
    if "profile" in scope:
        claims.setdefault("picture", picture_url(service, grant.user.sub))
    return claims


def at_hash(access_token: str) -> str:
    """The left half of the token's SHA-256, in base64url (OpenID Connect Core 3.1.3.6)."""
    return base64url.encode(hashlib.sha256(access_token.encode("ascii")).digest()[:16])


def _common_claims(service: Service, token: AccessToken | ClientCredentials) -> dict[str, object]:
    audiences = token.audiences[0] if len(token.audiences) == 1 else list(token.audiences)
    return {
        "iss": service.options.issuer,
        **({"aud": audiences} if audiences else {}),
        "client_id": token.client_id,
        "iat": token.issued_at,
        "exp": token.expires_at,
        "jti": token.jti,
        "scope": str(token.scope),
        # RFC 9449 section 6.1: the confirmation claim binds the token to a key.
        **({} if token.jkt is None else {"cnf": {"jkt": token.jkt}}),
    }


def _organization_claims(service: Service, grant: Grant) -> dict[str, object]:
    organization = service.options.organization(grant.organization or "")
    return {} if organization is None else {"org_id": organization.org_id, "org_name": organization.name}
