"""What the API answers when it refuses a request, and what its log says about that.

The answer has fixed texts: it does not say which check failed, and nothing of the token is in it (RFC 6750
section 3.1). The reason is for the log, in one line, where all that came from outside is escaped and cut.
"""

import logging
from typing import TypeVar

from spa_auth.errors import (
    InsufficientScopeError,
    InvalidRequestError,
    InvalidTokenError,
    JWTError,
    RequestError,
    SpaAuthError,
    UpstreamError,
)
from spa_auth.protocol.challenge import build_challenge
from spa_auth.protocol.http import Headers
from spa_auth.protocol.jwt import parse_jwt
from spa_auth.protocol.key_set import COOLDOWN
from spa_auth.protocol.scope import Scope
from spa_auth.server.access_token import AccessToken
from spa_auth.server.options import ValidatorOptions

_Error = TypeVar("_Error", bound=RequestError)
logger = logging.getLogger("spa_auth.server")
_MAX_SHOWN = 100
_JSON: Headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
_REMEDIES = {
    "aud": "If that is this API, set audience={aud}; else have the page ask for audience={audience}.",
    "iss": "If that is your provider, set issuer={iss}; else the page and this API use different providers.",
    "typ": "Send the access token, not the ID token or any other.",
    "alg": "If your provider signs so on purpose, add it to algorithms=.",
    "kid": "The page and this API must use the same provider; a token from before it was restarted is worth nothing.",
    "signature": "The page and this API must use the same provider.",
    "exp": "Have the page get a new token; where it is new, set the clock, or clock_skew=.",
    "nbf": "Set the clock of this machine, or clock_skew=.",
    "iat": "Set the clock of this machine, or clock_skew=.",
    "cnf": "Have the provider issue bearer tokens to this client: bound ones are not accepted yet.",
    "format": "Have the page name the audience {audience}: without it many providers give opaque tokens.",
}
_ID_TOKEN_CLAIMS = ("nonce", "at_hash", "c_hash", "events")


class Refusals:
    """Makes the errors of one API, and logs each.

    Args:
        options: What the API expects of a token. Its first audience is the realm of the challenges.
    """

    def __init__(self, options: ValidatorOptions) -> None:
        self._options = options
        self._realm = options.audiences[0]

    def no_token(self, required: Scope) -> InvalidTokenError:
        """401 without an error code, as "the request lacks any authentication information" (RFC 6750 section 3.1)."""
        return self._logged(
            logging.INFO,
            InvalidTokenError(
                "This needs an access token.",
                detail="The request has no bearer token. Have the page send it with fetch_with_auth.",
                headers=self._challenge({"scope": str(required)} if required else {}),
            ),
        )

    def malformed(self, detail: str) -> InvalidRequestError:
        """400: the Authorization header cannot be read (RFC 6750 section 3.1)."""
        text = "The Authorization header is malformed."
        headers = self._challenge({"error": "invalid_request", "error_description": text})
        return self._logged(logging.WARNING, InvalidRequestError(text, detail=detail, headers=headers))

    def insufficient_scope(self, token: AccessToken, required: Scope) -> InsufficientScopeError:
        """403: the token is good, but for less than this (RFC 6750 section 3.1)."""
        text = "The access token does not allow this."
        error = InsufficientScopeError(
            text,
            detail=f"The token allows scope={_shown(str(token.scope))}, this needs scope={_shown(str(required))}. "
            f"Have the page ask for scope={_shown(str(token.scope.missing(required)))} too.",
            headers=self._challenge(
                {"error": "insufficient_scope", "error_description": text, "scope": str(required)},
            ),
        )
        error.required = required
        return self._logged(logging.WARNING, error)

    def of(self, error: SpaAuthError, token: object) -> RequestError:
        """What to answer where a token was not accepted, or could not be judged."""
        if isinstance(error, RequestError):
            return error
        return self._invalid_token(error, token) if isinstance(error, JWTError) else self._upstream(error)

    def _invalid_token(self, error: JWTError, token: object) -> InvalidTokenError:
        text = "The access token is not accepted."
        headers = self._challenge({"error": "invalid_token", "error_description": text})
        return self._logged(
            logging.WARNING, InvalidTokenError(text, detail=self._reason(error, token), headers=headers)
        )

    def _upstream(self, error: SpaAuthError) -> UpstreamError:
        # The token may well be good: 401 would make the page throw it away and log the user in again.
        detail = " ".join(part for part in (f"({error.error})", error.error_description, error.remedy) if part)
        headers = (*_JSON, ("Retry-After", str(COOLDOWN)))
        text = "The access token cannot be checked at present."
        return self._logged(logging.ERROR, UpstreamError(text, detail=detail, headers=headers))

    def _reason(self, error: JWTError, token: object) -> str:
        facts = _facts(token)
        expected = {"audience": _shown(" or ".join(self._options.audiences)), "issuer": _shown(self._options.issuer)}
        remedy = _REMEDIES.get("typ" if error.claim in _ID_TOKEN_CLAIMS else error.claim, "")
        return " ".join(
            (
                f"({error.claim}) {error.error_description}",
                "The token has " + (", ".join(f"{name}={fact}" for name, fact in facts.items()) or "no readable parts"),
                "and this API expects " + ", ".join(f"{name}={value}" for name, value in expected.items()) + ".",
                remedy.format_map({"aud": "the token's aud", "iss": "the token's iss", **expected, **facts}),
            )
        ).rstrip()

    def _challenge(self, parameters: dict[str, str]) -> Headers:
        return (*_JSON, ("WWW-Authenticate", build_challenge("Bearer", {"realm": self._realm, **parameters})))

    def _logged(self, level: int, error: _Error) -> _Error:
        logger.log(level, "%s %s %s", error.status, error.error, error.detail)
        return error


def _facts(token: object) -> dict[str, str]:
    """The parts of a token that tell what kind it is, ready to be shown; none where it cannot be read."""
    try:
        jwt = parse_jwt(token) if isinstance(token, str) else None
    except JWTError:
        return {}
    if jwt is None:
        return {}
    parts = {**jwt.header, **{name: jwt.claims.get(name) for name in ("iss", "aud")}}
    return {name: _shown(parts[name]) for name in ("iss", "aud", "alg", "typ", "kid") if parts.get(name) is not None}


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
