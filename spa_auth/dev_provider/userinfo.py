"""The userinfo endpoint (OpenID Connect Core 5.3), a resource of its own (RFC 6750)."""

import re

from spa_auth.dev_provider.answers import json_response
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.claims import released_claims
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.records import AccessToken, Grant
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Response, header_values

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")


@endpoint("userinfo")
async def userinfo(service: Service, call: Call, seen: Seen) -> Response:
    """Answer with the claims that the token's scope releases, or with a challenge of RFC 6750 section 3."""
    token = _find_token(service, call)
    grant = _find_grant(service, token)
    seen.client = service.client(token.client_id)
    return json_response({**released_claims(service, grant, token.scope), "sub": grant.user.sub})


def _find_token(service: Service, call: Call) -> AccessToken:
    lines = header_values(call.request.headers, "authorization")
    if not lines:
        # RFC 6750 section 3.1: without authentication information there "SHOULD NOT" be an error code.
        raise _challenge("invalid_token", "An access token is needed.", 401, "Bearer")
    match = _BEARER.fullmatch(lines[0])
    if match is None or len(lines) > 1:
        raise _challenge("invalid_request", "The Authorization header is malformed.", 400)
    token = service.access_tokens.get(match[1])
    if token is None:
        raise _challenge("invalid_token", "The access token is unknown, expired or revoked.", 401)
    return token


def _find_grant(service: Service, token: AccessToken) -> Grant:
    grant = service.grants.get(token.grant_id)
    meant_for_us = token.format == "opaque" or service.url("/userinfo") in token.audiences
    if grant is None or not meant_for_us:
        raise _challenge("invalid_token", "The access token is for another audience.", 401)
    if "openid" not in token.scope:
        raise _challenge("insufficient_scope", "The scope openid is needed.", 403)
    return grant


def _challenge(error: str, text: str, status: int, challenge: str = "") -> EndpointError:
    scope = ', scope="openid"' if error == "insufficient_scope" else ""
    value = challenge or f'Bearer error="{error}", error_description="{text}"{scope}'
    return EndpointError(error, text, status=status, headers=(("WWW-Authenticate", value),))
