"""JSON Web Keys that may verify a signature (RFC 7517, RFC 7518, RFC 8037, RFC 8725)."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from spa_auth.protocol import base64url
from spa_auth.protocol.http import Request, Response, refuse_redirect
from spa_auth.protocol.strict_json import StrictJSONError, dumps, is_array, is_object, loads_object

MAX_KEYS = 100
MAX_BYTES = 524_288


class Algorithm(NamedTuple):
    """What a key must be to be used with an algorithm (RFC 7518 section 3.1)."""

    kty: str
    crv: str | None = None


# RFC 8725 section 3.1: an algorithm is bound to one kind of key, so that no key serves under another name.
ALGORITHMS: Mapping[str, Algorithm] = {
    **{f"{family}{bits}": Algorithm("RSA") for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": Algorithm("EC", "P-256"),
    "ES384": Algorithm("EC", "P-384"),
    "ES512": Algorithm("EC", "P-521"),
    "EdDSA": Algorithm("OKP", "Ed25519"),
    "Ed25519": Algorithm("OKP", "Ed25519"),
}


class _Curve(NamedTuple):
    size: int
    prime: int
    b: int


_CURVES = {
    "P-256": _Curve(
        32, 2**256 - 2**224 + 2**192 + 2**96 - 1, 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    ),
    "P-384": _Curve(
        48,
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    "P-521": _Curve(
        66,
        2**521 - 1,
        0x51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    ),
}
_THUMBPRINT_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
# Keys of the faulty generator of CVE-2017-15361 are powers of 65537 modulo each of these primes.
_ROCA_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
                103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167)  # fmt: skip


class Key:
    """One public key for signatures. Two keys are equal only if they are the same object.

    So whoever verifies may remember what it imported by the key itself, and forget it with the key.
    """

    __slots__ = ("__weakref__", "alg", "jwk", "kid")

    def __init__(self, jwk: Mapping[str, str], kid: str | None, alg: str | None) -> None:
        self.jwk = jwk
        self.kid = kid
        self.alg = alg

    def fits(self, alg: str) -> bool:
        """Whether this key may verify signatures of that algorithm (RFC 8725 section 3.1)."""
        needed = ALGORITHMS.get(alg)
        return (
            needed is not None
            and self.jwk["kty"] == needed.kty
            and self.jwk.get("crv") == needed.crv
            and self.alg in (None, alg)
        )


def jwks_request(jwks_uri: str) -> Request:
    """Ask for the keys of a provider (RFC 7517 section 5)."""
    return Request("GET", jwks_uri, (("Accept", "application/json"),))


def parse_jwks_response(response: Response) -> tuple[Key, ...]:
    """Every usable key of a JWK Set; the others are passed over (RFC 7517 section 5).

    Raises:
        StrictJSONError: The answer is not a JWK Set.
    """
    refuse_redirect(response)
    if response.status != 200:
        raise StrictJSONError(f"The keys were answered with status {response.status}.")
    entries = loads_object(response.body, max_bytes=MAX_BYTES).get("keys")
    if not is_array(entries) or len(entries) > MAX_KEYS:
        raise StrictJSONError("The answer is not a set of keys.")
    return tuple(key for key in map(parse_jwk, entries) if key is not None)


def parse_jwk(entry: object) -> Key | None:
    """The key if it is public, strong and meant for signatures; else None."""
    if not is_object(entry) or not _is_for_signatures(entry):
        return None
    kid, alg, jwk = entry.get("kid"), entry.get("alg"), public_members(entry)
    if not isinstance(kid, str | None) or not isinstance(alg, str | None) or alg not in (None, *ALGORITHMS):
        return None
    # "d" is the private exponent of each of these kinds; a published one is worth nothing (RFC 7517 section 9).
    if jwk is None or "d" in entry or not _is_strong(jwk):
        return None
    return Key(jwk, kid, alg)


def public_members(jwk: Mapping[str, object]) -> dict[str, str] | None:
    """The members that make up a public key, in the order of RFC 7638; None where one is missing or no text."""
    names = _THUMBPRINT_MEMBERS.get(str(jwk.get("kty")), ("kty",))
    members = {name: value for name in names if isinstance(value := jwk.get(name), str)}
    return members if len(members) == len(names) > 1 else None


def thumbprint(jwk: Mapping[str, object]) -> str:
    """The SHA-256 thumbprint of a public key, in base64url (RFC 7638 section 3).

    Raises:
        ValueError: The kind of key is unknown, or a required member is missing.
    """
    members = public_members(jwk)
    if members is None:
        raise ValueError("not a public key")
    return base64url.encode(hashlib.sha256(dumps(members)).digest())


def _is_for_signatures(entry: Mapping[str, object]) -> bool:
    key_ops = entry.get("key_ops")
    return entry.get("use") in (None, "sig") and (key_ops is None or (is_array(key_ops) and "verify" in key_ops))


def _is_strong(jwk: Mapping[str, str]) -> bool:
    try:
        numbers = {name: base64url.decode(value) for name, value in jwk.items() if name not in ("kty", "crv")}
    except ValueError:
        return False
    if jwk["kty"] == "RSA":
        return _is_strong_rsa(int.from_bytes(numbers["n"]), int.from_bytes(numbers["e"]))
    if jwk["kty"] == "EC":
        return _is_on_curve(_CURVES.get(jwk["crv"]), numbers["x"], numbers["y"])
    return jwk["crv"] == "Ed25519" and len(numbers["x"]) == 32


def _is_strong_rsa(modulus: int, exponent: int) -> bool:
    return (
        2048 <= modulus.bit_length() <= 8192
        and modulus % 2 == 1
        and 3 <= exponent < 2**32
        and exponent % 2 == 1
        and not _is_roca(modulus)
    )


def _is_roca(modulus: int) -> bool:
    return all(modulus % prime in {pow(65537, power, prime) for power in range(prime)} for prime in _ROCA_PRIMES)


def _is_on_curve(curve: _Curve | None, x: bytes, y: bytes) -> bool:
    if curve is None or len(x) != curve.size or len(y) != curve.size:
        return False
    u, v = int.from_bytes(x), int.from_bytes(y)
    return max(u, v) < curve.prime and (v * v - u * u * u + 3 * u - curve.b) % curve.prime == 0
