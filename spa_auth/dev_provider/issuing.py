"""Tokens, made and remembered (RFC 6749 section 5.1, RFC 9068, OpenID Connect Core 2)."""

from dataclasses import replace

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.claims import access_token_claims, id_token_claims
from spa_auth.dev_provider.clients import REFRESH, Client
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.records import AccessToken, ClientCredentials, Grant, RefreshToken
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.scope import Scope

OFFLINE_ACCESS = "offline_access"


def requested_audiences(service: Service, grant: Grant, params: Parameters) -> tuple[str, ...]:
    """The APIs that a token request names, or all of the grant where it names none.

    Raises:
        EndpointError: `invalid_target`; one was not part of the authorization request (RFC 8707 section 2.2).
    """
    audience = () if service.options.resource_only else params.all("audience")
    named = tuple(dict.fromkeys((*params.all("resource"), *audience)))
    if not set(named) <= set(grant.audiences):
        raise EndpointError("invalid_target", "The login was not for this API.")
    return named or grant.audiences


def login_response(
    service: Service,
    call: Call,
    client: Client,
    grant: Grant,
    *,
    audiences: tuple[str, ...],
    nonce: str | None = None,
) -> dict[str, object]:
    """The answer that ends a login: an access token, an ID token for openid, a refresh token for offline_access.

    Args:
        service: Who issues.
        call: The token request; its `jkt` is what the tokens get bound to.
        client: Whom the tokens are for.
        grant: What the user gave.
        audiences: The APIs of the access token.
        nonce: What the ID token has to repeat.
    """
    jkt = refresh_jkt(call, client)
    grant = service.grants.replace(replace(grant, jkt=jkt))
    access_token = issue_access_token(service, grant, grant.scope, audiences, jkt=call.jkt)
    refresh_token = None
    if OFFLINE_ACCESS in grant.scope and REFRESH in client.grant_types:
        expires_at = service.now() + service.options.refresh_token_lifetime
        refresh_token = issue_refresh_token(service, grant, expires_at, jkt=jkt)
    return token_response(service, grant, access_token, refresh_token, nonce)


def refresh_jkt(call: Call, client: Client) -> str | None:
    """What a refresh token gets bound to.

    RFC 9449 section 5: "Refresh tokens issued to confidential clients [...] are not bound to the DPoP proof public
    key because they are already sender-constrained".
    """
    return call.jkt if client.is_public else None


def issue_access_token(
    service: Service,
    grant: Grant,
    scope: Scope,
    audiences: tuple[str, ...],
    *,
    jkt: str | None = None,
    until: int | None = None,
) -> AccessToken:
    """A JWT for the APIs (RFC 9068), or, where no API was named, an opaque token for the userinfo endpoint.

    Args:
        service: Who issues.
        grant: What the user gave.
        scope: What the token allows.
        audiences: The APIs.
        jkt: The thumbprint of the key that it is bound to; None makes a Bearer token.
        until: The second in which it ends at the latest.
    """
    token = _new_access_token(service, grant, scope, _with_userinfo(service, grant, audiences))
    ends = token.expires_at if until is None else min(token.expires_at, until)
    token = replace(token, jkt=jkt, expires_at=ends)
    if audiences:
        token = replace(token, key=service.keys.sign("at+jwt", access_token_claims(service, grant, token)))
    service.access_tokens.put(token, token.expires_at)
    service.emit("access_token.issued" if audiences else "access_token.saved", TokenEvent(token))
    return token


def issue_refresh_token(service: Service, grant: Grant, expires_at: int, *, jkt: str | None = None) -> RefreshToken:
    """A refresh token; `jkt` is the thumbprint of the key that has to be shown with it."""
    token = RefreshToken(
        key=service.secret(),
        grant_id=grant.grant_id,
        client_id=grant.client_id,
        jkt=jkt,
        issued_at=service.now(),
        expires_at=expires_at,
    )
    # Kept as long as its family: only then is its reuse seen (RFC 9700 section 4.14.2).
    service.refresh_tokens.put(token, expires_at)
    service.emit("refresh_token.saved", TokenEvent(token))
    return token


def id_token(service: Service, grant: Grant, access_token: AccessToken, nonce: str | None) -> str:
    """The ID token beside an access token, signed."""
    return service.keys.sign("JWT", id_token_claims(service, grant, access_token, nonce))


def token_response(
    service: Service, grant: Grant, access_token: AccessToken, refresh_token: RefreshToken | None, nonce: str | None
) -> dict[str, object]:
    """The members of a successful answer to a login or a refresh."""
    members = access_token_members(service, access_token)
    if "openid" in access_token.scope:
        members["id_token"] = id_token(service, grant, access_token, nonce)
    if refresh_token is not None:
        members["refresh_token"] = refresh_token.key
    return members


def access_token_members(service: Service, token: AccessToken | ClientCredentials) -> dict[str, object]:
    """The members of every successful answer (RFC 6749 section 5.1); the granted scope is always told."""
    return {
        "access_token": token.key,
        "token_type": token_type(token),
        "expires_in": token.expires_at - service.now(),
        "scope": str(token.scope),
    }


def token_type(token: AccessToken | ClientCredentials) -> str:
    """How a token is presented (RFC 6749 section 7.1, RFC 9449 section 5)."""
    return "Bearer" if token.jkt is None else "DPoP"


def _new_access_token(service: Service, grant: Grant, scope: Scope, audiences: tuple[str, ...]) -> AccessToken:
    return AccessToken(
        key=service.secret(),
        jti=service.secret(),
        grant_id=grant.grant_id,
        client_id=grant.client_id,
        scope=scope,
        audiences=audiences,
        format="jwt" if audiences else "opaque",
        issued_at=service.now(),
        expires_at=service.now() + service.options.access_token_lifetime,
    )


def _with_userinfo(service: Service, grant: Grant, audiences: tuple[str, ...]) -> tuple[str, ...]:
    # Who asks by `audience` gets one token for the API and for the userinfo endpoint; RFC 8707 would need two.
    return (*audiences, service.url("/userinfo")) if grant.userinfo_too and audiences else audiences
