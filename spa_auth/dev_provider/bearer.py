"""Bearer tokens of management endpoints: read from the header, refused with a challenge (RFC 6750)."""

import re

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.failures import EndpointError
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
        raise _challenge("invalid_token", "A token is needed.", 401, "Bearer")
    match = _BEARER.fullmatch(lines[0])
    if match is None or len(lines) > 1:
        raise _challenge("invalid_request", "The Authorization header is malformed.", 400)
    return match[1]


def refused_token(text: str) -> EndpointError:
    """The answer to a token that is not good here."""
    return _challenge("invalid_token", text, 401)


def _challenge(error: str, text: str, status: int, challenge: str = "") -> EndpointError:
    value = challenge or f'Bearer error="{error}", error_description="{text}"'
    return EndpointError(error, text, status=status, headers=(("WWW-Authenticate", value),))
