"""Responses of each kind, with the headers that their kind demands."""

from collections.abc import Mapping

from spa_auth.dev_provider.failures import EndpointError
from spa_auth.protocol.http import Headers, Response
from spa_auth.protocol.strict_json import dumps

# RFC 6749 section 5.1: "The authorization server MUST include the HTTP 'Cache-Control' response header field
# with a value of 'no-store' in any response containing tokens, credentials, or other sensitive information".
NO_STORE: Headers = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
NO_SNIFF: Headers = (("X-Content-Type-Options", "nosniff"),)
CORS: Headers = (
    # No endpoint that carries this reads a cookie, so any origin may ask what it could ask without a browser.
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce"),
)


def json_response(members: Mapping[str, object], *, status: int = 200, headers: Headers = NO_STORE) -> Response:
    """A JSON object."""
    return Response(status, (("Content-Type", "application/json"), *NO_SNIFF, *headers), dumps(members))


def json_error(error: EndpointError) -> Response:
    """An OAuth error (RFC 6749 section 5.2)."""
    body = {"error": error.error, "error_description": error.error_description}
    return json_response(body, status=error.status, headers=(*NO_STORE, *error.headers))


def redirect(location: str, *headers: tuple[str, str]) -> Response:
    """Send the browser elsewhere, by GET whatever it came with.

    A 307 would send the fields of our own form on to the application (RFC 9700 section 4.12).
    """
    fixed: Headers = (("Location", location), ("Referrer-Policy", "no-referrer"), *NO_STORE)
    return Response(303, (*fixed, *headers))


def with_cors(response: Response) -> Response:
    """The same answer, readable from every origin."""
    return response._replace(headers=(*response.headers, *CORS))


def preflight(methods: str) -> Response:
    """The answer to what a browser asks before it sends Authorization or JSON (Fetch standard, CORS-preflight)."""
    return Response(
        204,
        (
            *CORS,
            ("Access-Control-Allow-Methods", methods),
            # Clients send headers of their own here, such as Auth0-Client; "*" stands for all but Authorization.
            ("Access-Control-Allow-Headers", "Authorization, *"),
            ("Access-Control-Max-Age", "600"),
        ),
    )
