"""Bearer tokens of management endpoints: read from the header, refused with a challenge (RFC 6750)."""

import re

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.protocol.challenge import build_challenge
from spa_auth.protocol.http import header_values

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")


def bearer_token(call: Call) -> str:
    """The token of the Authorization header (RFC 6750 section 2.1).

    Raises:
        EndpointError: `invalid_token` or `invalid_request`, with a challenge of RFC 6750 section 3.
    """
    lines = header_values(call.request.headers, "authorization")
    if not lines:
        # RFC 6750 section 3.1: without authentication information there "SHOULD NOT" be an error code.
        headers = (("WWW-Authenticate", "Bearer"),)
        raise EndpointError("invalid_token", "A token is needed.", status=401, headers=headers)
    match = _BEARER.fullmatch(lines[0])
    if match is None or len(lines) > 1:
        raise _refusal("invalid_request", "The Authorization header is malformed.", 400)
    return match[1]


def refused_token(text: str) -> EndpointError:
    """The answer to a token that is not good here."""
    return _refusal("invalid_token", text, 401)


def _refusal(error: str, text: str, status: int) -> EndpointError:
    challenge = build_challenge("Bearer", {"error": error, "error_description": text})
    return EndpointError(error, text, status=status, headers=(("WWW-Authenticate", challenge),))
