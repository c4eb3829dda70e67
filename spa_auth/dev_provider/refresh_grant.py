"""grant_type=refresh_token, with rotation and reuse detection (RFC 6749 section 6, RFC 9700 section 4.14.2)."""

from dataclasses import replace

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.issuing import (
    issue_access_token,
    issue_refresh_token,
    refresh_jkt,
    requested_audiences,
    token_response,
)
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.records import Grant, RefreshToken
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.scope import Scope


def refresh(service: Service, call: Call, client: Client, params: Parameters) -> dict[str, object]:
    """Give new tokens for a refresh token, once; the answer brings the next one, unless tokens are not rotated.

    Raises:
        EndpointError: `invalid_request`, `invalid_grant`, `invalid_scope` or `invalid_target`. Where the token
            was used before, its whole family is revoked (threat O08).
    """
    token = _find_token(service, client, params)
    _check_key(call, token)
    _refuse_reuse(service, call, client, token, params)
    grant = _find_grant(service, token)
    scope = _requested_scope(grant, params)
    audiences = requested_audiences(service, grant, params)
    following = _following_token(service, call, client, grant, token)
    access_token = issue_access_token(service, grant, scope, audiences, jkt=call.jkt)
    # OpenID Connect Core 12.2: the new ID token "SHOULD NOT have a nonce Claim".
    return token_response(service, grant, access_token, following, None)


def _find_token(service: Service, client: Client, params: Parameters) -> RefreshToken:
    if "refresh_token" not in params:
        raise EndpointError("invalid_request", "refresh_token is missing.")
    token = service.refresh_tokens.get(params["refresh_token"])
    if token is None or token.client_id != client.client_id:
        raise EndpointError("invalid_grant", "The refresh token is unknown, expired, revoked or another client's.")
    return token


def _check_key(call: Call, token: RefreshToken) -> None:
    # RFC 9449 section 5: the binding "MUST be validated when the refresh token is later presented". It comes before
    # the look for a reuse: who has no key must not be able to end the session of somebody who has.
    if token.jkt not in (None, call.jkt):
        raise EndpointError("invalid_grant", "The refresh token is bound to a key that the DPoP proof does not show.")


def _refuse_reuse(service: Service, call: Call, client: Client, token: RefreshToken, params: Parameters) -> None:
    overlap = service.options.rotation_overlap
    # Not before its use either: clocks go back, and a spent token would be good again until they are where they were.
    if token.consumed_at is None or 0 <= service.now() - token.consumed_at < overlap:
        return
    # RFC 9700 section 4.14.2: the server "cannot determine which party submitted the invalid refresh token,
    # but it will revoke the active refresh token".
    service.revoke(token.grant_id, service.context(call, client=client, params=params), "refresh_reuse")
    raise EndpointError("invalid_grant", "The refresh token was used before; its whole family is revoked.")


def _find_grant(service: Service, token: RefreshToken) -> Grant:
    grant = service.grants.get(token.grant_id)
    if grant is None:
        raise EndpointError("invalid_grant", "The login that the refresh token came of was revoked.")
    return grant


def _requested_scope(grant: Grant, params: Parameters) -> Scope:
    scope = Scope(params.get("scope", str(grant.scope)))
    # RFC 6749 section 6: "MUST NOT include any scope not originally granted by the resource owner".
    if not grant.scope.covers(scope):
        raise EndpointError("invalid_scope", "The login did not grant this scope.")
    return scope


def _following_token(
    service: Service, call: Call, client: Client, grant: Grant, token: RefreshToken
) -> RefreshToken | None:
    if not service.options.rotate_refresh_tokens:
        return None
    if token.consumed_at is None:
        consumed = service.refresh_tokens.replace(replace(token, consumed_at=service.now()))
        service.emit("refresh_token.consumed", TokenEvent(consumed))
    # RFC 10017, on refresh tokens in browsers: rotation must not prolong the life of the first one.
    return issue_refresh_token(service, grant, token.expires_at, jkt=refresh_jkt(call, client))
