"""JSON Web Tokens in compact form, taken apart but not trusted (RFC 7515, RFC 7519, RFC 8725).

`parse_jwt` checks all that costs nothing before anyone spends time on a signature. What it returns is an
`UnverifiedJWT`; only the flow `verified_jwt` turns one into a `VerifiedJWT`.
"""

from typing import NamedTuple

from spa_auth.errors import JWTError
from spa_auth.protocol import base64url
from spa_auth.protocol.strict_json import StrictJSONError, is_number, loads_object

MAX_TOKEN_LENGTH = 16_384
MAX_HEADER_LENGTH = 4_096
MAX_IDENTIFIER_LENGTH = 256
MAX_NUMERIC_DATE = 253_402_300_799  # the last second of the year 9999


class UnverifiedJWT(NamedTuple):
    """The parts of a token that nobody has verified. Its repr shows no claim."""

    header: dict[str, object]
    claims: dict[str, object]
    signing_input: bytes
    signature: bytes
    alg: str
    kid: str | None

    def __repr__(self) -> str:
        return f"<UnverifiedJWT {self.alg}>"


class VerifiedJWT(NamedTuple):
    """A token whose signature was verified; what its claims say is still to be judged."""

    header: dict[str, object]
    claims: dict[str, object]

    def __repr__(self) -> str:
        return "<VerifiedJWT>"


def parse_jwt(token: str, *, max_length: int = MAX_TOKEN_LENGTH) -> UnverifiedJWT:
    """Take a signed token in compact form apart (RFC 7515 section 7.1).

    Args:
        token: The text as it came.
        max_length: The longest token to look at, in characters.

    Raises:
        JWTError: It is not one signed token in exactly one reading; `.claim` says which part is wrong.
    """
    if len(token) > max_length or token.count(".") != 2:
        raise JWTError("The token is not a signed JWT in compact form.", claim="format")
    header_text, claims_text, signature_text = token.split(".")
    if len(header_text) > MAX_HEADER_LENGTH:
        raise JWTError("The header of the token is too long.", claim="header")
    header = _object(header_text, "header")
    alg, kid = _check_header(header)
    return UnverifiedJWT(
        header,
        _object(claims_text, "claims"),
        f"{header_text}.{claims_text}".encode(),
        _decode(signature_text, "signature"),
        alg,
        kid,
    )


def numeric_date(claims: dict[str, object], name: str) -> float | None:
    """A NumericDate claim in seconds, None where it is absent (RFC 7519 section 2).

    Raises:
        JWTError: The claim is not a finite number between 1970 and 9999.
    """
    if name not in claims:
        return None
    value = claims[name]
    if not is_number(value) or not 0 <= value <= MAX_NUMERIC_DATE:
        raise JWTError(f"The claim {name} is not a date.", claim=name)
    return value


def check_times(claims: dict[str, object], now: float, leeway: float) -> None:
    """Judge exp, nbf and iat (RFC 7519 section 4.1); exp is required.

    "The processing of the 'exp' claim requires that the current date/time MUST be before the expiration
    date/time": a token is refused from the second of its exp on, leeway added.

    Raises:
        JWTError: The token is not valid now. The text says by how many seconds, and where the clock of
            this device seems wrong, `.remedy` says so.
    """
    expires_at, not_before, issued_at = (numeric_date(claims, name) for name in ("exp", "nbf", "iat"))
    if expires_at is None:
        raise JWTError("The token has no exp.", claim="exp")
    if now >= expires_at + leeway:
        raise _time_error("exp", f"The token expired {now - expires_at:.0f} s ago.", now - expires_at)
    for name, earliest in (("nbf", not_before), ("iat", issued_at)):
        if earliest is not None and earliest > now + leeway:
            text = f"The token is valid only {earliest - now:.0f} s from now."
            raise _time_error(name, text, earliest - now)


def _time_error(claim: str, text: str, seconds: float) -> JWTError:
    # Nobody issues tokens that are an hour off: then it is the clock of the device that is wrong.
    remedy = f"Set the clock of this device: it is about {seconds / 3600:.1f} hours off." if seconds >= 3600 else None
    return JWTError(text, claim=claim, remedy=remedy)


def _check_header(header: dict[str, object]) -> tuple[str, str | None]:
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(alg, str) or alg.lower() in ("", "none"):
        raise JWTError("The token is not signed.", claim="alg")
    if "kid" in header and (not isinstance(kid, str) or len(kid) > MAX_IDENTIFIER_LENGTH):
        raise JWTError("The key id of the token is malformed.", claim="kid")
    if "typ" in header and not isinstance(typ, str):
        raise JWTError("The type of the token is malformed.", claim="typ")
    # "If any of the listed extension Header Parameters are not understood ... then the JWS is invalid"
    # (RFC 7515 section 4.1.11): none is understood here, and `b64` may only come with `crit`.
    if "crit" in header or "b64" in header:
        raise JWTError("The token demands an extension.", claim="crit")
    return alg, kid if isinstance(kid, str) else None


def _object(text: str, part: str) -> dict[str, object]:
    try:
        return loads_object(_decode(text, part))
    except StrictJSONError as error:
        raise JWTError(error.error_description, claim="json") from None


def _decode(text: str, part: str) -> bytes:
    try:
        return base64url.decode(text)
    except ValueError:
        raise JWTError("The token is not canonical base64url.", claim=part) from None
