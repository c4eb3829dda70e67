"""DPoP proofs, judged by whoever receives them (RFC 9449 section 4.3): an authorization server or an API.

A text becomes an `UnverifiedDPoPProof`, that a `VerifiedDPoPProof` once its signature is checked, and that a
`DPoPProof` once all it says is judged. Whether the proof was seen before is the receiver's memory to tell.
The browser wheel leaves this module out.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection
from typing import NamedTuple

from spa_auth.errors import InvalidDPoPProofError, InvalidTokenError, JWTError, ProtocolError, UseDPoPNonceError
from spa_auth.protocol import base64url, effects
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.http import Headers, header_values
from spa_auth.protocol.htu import normalized_htu
from spa_auth.protocol.jwk import ALGORITHMS, Key, parse_jwk, thumbprint
from spa_auth.protocol.jwt import UnverifiedJWT, numeric_date, parse_jwt
from spa_auth.protocol.strict_json import is_object

MAX_PROOF_LENGTH = 8_192
MAX_JTI_LENGTH = 256
_PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class UnverifiedDPoPProof(NamedTuple):
    """A proof taken apart, and the key that it brings along. Its repr shows no claim."""

    jwt: UnverifiedJWT
    key: Key

    def __repr__(self) -> str:
        return f"<UnverifiedDPoPProof {self.jwt.alg}>"


class VerifiedDPoPProof(NamedTuple):
    """A proof that was signed with the key that it brings along; what it says is still to be judged."""

    claims: dict[str, object]
    jkt: str

    def __repr__(self) -> str:
        return f"<VerifiedDPoPProof {self.jkt}>"


class DPoPProof(NamedTuple):
    """A proof that keeps every rule: whoever sent this request has the private key of `jkt`.

    Args:
        jkt: The thumbprint of the key (RFC 7638).
        jti: The proof's own identifier, to be accepted once.
        nonce: The nonce that it carries; None where it carries none.
    """

    jkt: str
    jti: str
    nonce: str | None

    def __repr__(self) -> str:
        return f"<DPoPProof {self.jkt}>"


class Expected(NamedTuple):
    """The request that a proof must be for, and when.

    Args:
        method: The method of the request.
        url: Its URL as the client knows it, which is never built from the Host header alone.
        now: The current time, in seconds since 1970.
        access_token: The access token that came along; None where the request is for one.
        nonces: The nonces that are good now; None where this server gives none, and looks at none.
        nonce_required: Whether a proof must carry one of them.
        max_age: How old a proof may be, in seconds.
        leeway: How far the clock of the client may be ahead, in seconds.
    """

    method: str
    url: str
    now: float
    access_token: str | None = None
    nonces: Collection[str] | None = None
    nonce_required: bool = False
    max_age: float = 300
    leeway: float = 60

    def __repr__(self) -> str:
        return f"<Expected {self.method}>"


def find_dpop_proof(headers: Headers) -> str | None:
    """The text of the proof that came with a request; None where there is none (RFC 9449 section 4.3, check 1).

    Raises:
        InvalidDPoPProofError: "There is not more than one DPoP HTTP request header field."
    """
    values = header_values(headers, "dpop")
    if len(values) > 1:
        raise _refusal("header", "There is more than one DPoP header.")
    return values[0] if values else None


def verified_dpop_proof(text: str, algorithms: Collection[str] = tuple(ALGORITHMS)) -> Flow[VerifiedDPoPProof]:
    """Take a proof apart and verify its signature with the key in its own header.

    Args:
        text: The value of the DPoP header.
        algorithms: The algorithms to accept.

    Raises:
        InvalidDPoPProofError: It is no proof, or another key signed it.
    """
    jwt, key = parse_dpop_proof(text, algorithms)
    if not (yield from effects.verify(jwt.alg, key, jwt.signing_input, jwt.signature)):
        raise _refusal("signature", "The proof was not signed with the key that it brings along.")
    return VerifiedDPoPProof(jwt.claims, thumbprint(key.jwk))


def parse_dpop_proof(text: str, algorithms: Collection[str] = tuple(ALGORITHMS)) -> UnverifiedDPoPProof:
    """Take a proof apart (RFC 9449 section 4.3, checks 2 to 5 and 7).

    Args:
        text: The value of the DPoP header.
        algorithms: The algorithms to accept; those that `spa_auth.protocol.jwk` does not know never are.

    Raises:
        InvalidDPoPProofError: It is no proof; `.claim` says which part is wrong.
    """
    try:
        jwt = parse_jwt(text, max_length=MAX_PROOF_LENGTH)
    except JWTError as error:
        raise _refusal(error.claim, error.error_description) from None
    # RFC 9449 section 11.5: without this, another kind of signed JWT could be passed off as a proof.
    if jwt.header.get("typ") != "dpop+jwt":
        raise _refusal("typ", "The typ of the proof is not dpop+jwt.")
    key = _public_key(jwt.header.get("jwk"))
    if jwt.alg not in algorithms or not key.fits(jwt.alg):
        raise _refusal("alg", "The alg of the proof is not accepted, or does not fit its key.")
    return UnverifiedDPoPProof(jwt, key)


def validate_dpop_proof(proof: VerifiedDPoPProof, expected: Expected) -> DPoPProof:
    """The proof, once every claim is judged (RFC 9449 section 4.3, checks 3 and 8 to 12).

    Raises:
        InvalidDPoPProofError: It breaks a rule; `.claim` names it.
        UseDPoPNonceError: It needs another nonce than it has; "the same again with the new nonce" is the answer.
    """
    for check in CHECKS:
        check(proof, expected)
    return DPoPProof(proof.jkt, str(proof.claims["jti"]), _nonce(proof))


def check_htm(proof: VerifiedDPoPProof, expected: Expected) -> None:
    """The method is that of the request, in the same case (RFC 9110 section 9.1)."""
    if proof.claims.get("htm") != expected.method:
        raise _refusal("htm", "The proof is for another method.")


def check_htu(proof: VerifiedDPoPProof, expected: Expected) -> None:
    """The URL is that of the request, "ignoring any query and fragment parts"."""
    htu = proof.claims.get("htu")
    if not isinstance(htu, str) or _normalized(htu) != normalized_htu(expected.url):
        raise _refusal("htu", "The proof is for another URL.")


def check_jti(proof: VerifiedDPoPProof, _expected: Expected) -> None:
    """The identifier is a text that somebody can remember (RFC 9449 section 11.1)."""
    jti = proof.claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= MAX_JTI_LENGTH:
        raise _refusal("jti", f"The jti of the proof is not a text of 1 to {MAX_JTI_LENGTH} characters.")


def check_nonce(proof: VerifiedDPoPProof, expected: Expected) -> None:
    """The nonce is one of those that are good now (RFC 9449 sections 8 and 9)."""
    nonce = _nonce(proof)
    if expected.nonces is None or (nonce is None and not expected.nonce_required):
        return
    if nonce is None or not _is_one_of(nonce, expected.nonces):
        raise UseDPoPNonceError("The DPoP proof needs the nonce of this answer.")


def check_times(proof: VerifiedDPoPProof, expected: Expected) -> None:
    """The proof was made just now, and is as good as it says itself (RFC 7519 sections 4.1.4 and 4.1.5)."""
    issued_at, expires_at, not_before = (_date(proof, name) for name in ("iat", "exp", "nbf"))
    now, leeway = expected.now, expected.leeway
    if issued_at is None:
        raise _refusal("iat", "The proof has no iat.")
    # "as determined by either the iat claim or a server managed timestamp via the nonce claim": a nonce of ours
    # tells the time better than the clock of a device that is wrong.
    if not _has_nonce_of_ours(proof, expected) and not -expected.max_age <= issued_at - now <= leeway:
        raise _refusal("iat", f"The proof was made {now - issued_at:.0f} s ago.")
    if expires_at is not None and now >= expires_at + leeway:
        raise _refusal("exp", f"The proof expired {now - expires_at:.0f} s ago.")
    if not_before is not None and now < not_before - leeway:
        raise _refusal("nbf", f"The proof is good in {not_before - now:.0f} s only.")


def check_ath(proof: VerifiedDPoPProof, expected: Expected) -> None:
    """The proof is for the access token that came along; where none did, ath says nothing."""
    if expected.access_token is None:
        return
    ath = proof.claims.get("ath")
    if not isinstance(ath, str) or not _is_one_of(ath, (access_token_hash(expected.access_token),)):
        raise _refusal("ath", "The proof is for another access token.")


def check_binding(proof: DPoPProof, jkt: str) -> None:
    """The key of a proof is the one that an access token is bound to (RFC 9449 section 4.3, check 12b).

    Raises:
        InvalidTokenError: It is another key.
    """
    if proof.jkt != jkt:
        raise InvalidTokenError("The access token is bound to another key.", detail="jkt")


def access_token_hash(access_token: str) -> str:
    """`ath`: the SHA-256 of an access token in base64url (RFC 9449 section 4.2)."""
    # A header can carry more than ASCII; such a text is no access token, and its digest is in no honest proof.
    return base64url.encode(hashlib.sha256(access_token.encode(errors="surrogatepass")).digest())


CHECKS: tuple[Callable[[VerifiedDPoPProof, Expected], None], ...] = (
    check_htm,
    check_htu,
    check_jti,
    check_nonce,
    check_times,
    check_ath,
)


def _refusal(claim: str, detail: str) -> InvalidDPoPProofError:
    return InvalidDPoPProofError("The DPoP proof is not accepted.", claim=claim, detail=detail)


def _public_key(jwk: object) -> Key:
    # Check 7: "The jwk JOSE Header Parameter does not contain a private key."
    key = parse_jwk(jwk) if is_object(jwk) and _PRIVATE_MEMBERS.isdisjoint(jwk) else None
    if key is None or not _has_one_thumbprint(key):
        raise _refusal("jwk", "The jwk of the proof is not a public key for signatures.")
    return key


def _has_one_thumbprint(key: Key) -> bool:
    # RFC 7518 section 2, Base64urlUInt: "the minimum number of octets". With zeros before its numbers an RSA key
    # would have other thumbprints; providers publish such keys, but a client makes its own.
    return not any(base64url.decode(key.jwk.get(name, "")).startswith(b"\0") for name in ("n", "e"))


def _nonce(proof: VerifiedDPoPProof) -> str | None:
    if "nonce" not in proof.claims:
        return None
    nonce = proof.claims["nonce"]
    if not isinstance(nonce, str):
        raise _refusal("nonce", "The nonce of the proof is not a text.")
    return nonce


def _has_nonce_of_ours(proof: VerifiedDPoPProof, expected: Expected) -> bool:
    nonce = _nonce(proof)
    return nonce is not None and _is_one_of(nonce, expected.nonces or ())


def _is_one_of(text: str, expected: Collection[str]) -> bool:
    given = text.encode(errors="surrogatepass")
    return any(hmac.compare_digest(given, candidate.encode()) for candidate in expected)


def _date(proof: VerifiedDPoPProof, name: str) -> float | None:
    try:
        return numeric_date(proof.claims, name)
    except JWTError as error:
        raise _refusal(name, error.error_description) from None


def _normalized(htu: str) -> str | None:
    try:
        return normalized_htu(htu)
    except ProtocolError:
        return None
