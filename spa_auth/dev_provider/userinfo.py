"""The userinfo endpoint (OpenID Connect Core 5.3), a resource of its own (RFC 6750, RFC 9449 section 7)."""

from spa_auth.dev_provider.answers import json_response
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.claims import released_claims
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.presented import Presented, check_possession, presented_token, refused_access
from spa_auth.dev_provider.records import AccessToken, Grant
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Response


@endpoint("userinfo")
async def userinfo(service: Service, call: Call, seen: Seen) -> Response:
    """Answer with the claims that the token's scope releases, or with a challenge."""
    presented = presented_token(service, call)
    token = _find_token(service, presented)
    seen.client = service.client(token.client_id)
    check_possession(service, call, presented, token)
    grant = _find_grant(service, presented, token)
    return json_response({**released_claims(service, grant, token.scope), "sub": grant.user.sub})


def _find_token(service: Service, presented: Presented) -> AccessToken:
    token = service.access_tokens.get(presented.token)
    if token is None:
        text = "The access token is unknown, expired or revoked."
        raise refused_access(service, "invalid_token", text, scheme=presented.scheme)
    return token


def _find_grant(service: Service, presented: Presented, token: AccessToken) -> Grant:
    grant = service.grants.get(token.grant_id)
    meant_for_us = token.format == "opaque" or service.url("/userinfo") in token.audiences
    scheme = presented.scheme
    if grant is None or not meant_for_us:
        raise refused_access(service, "invalid_token", "The access token is for another audience.", scheme=scheme)
    if "openid" not in token.scope:
        text = "The scope openid is needed."
        raise refused_access(service, "insufficient_scope", text, status=403, scheme=scheme, scope="openid")
    return grant
