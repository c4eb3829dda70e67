"""Real keys and real signatures, made by joserfc, for tests that need tokens good and bad."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from spa_auth.protocol.effects import Effect, Verify

ISSUER = "https://id.example/"
CLIENT_ID = "notes-page"
NOW = 1_800_000_000


@cache
def key_for(alg: str, name: str = "k1") -> Key:
    """A private key for an algorithm; the same one for the same name."""
    if alg.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg], {"kid": name})
    if alg.startswith("Ed"):
        return OKPKey.generate_key("Ed25519", {"kid": name})
    if alg.startswith("HS"):
        return OctKey.generate_key(512, {"kid": name})
    return RSAKey.generate_key(2048, {"kid": name})


def public_jwk(alg: str, name: str = "k1", /, **members: object) -> dict[str, object]:
    """The public half of `key_for`, with more members; None takes a member away."""
    jwk = {**key_for(alg, name).as_dict(private=False), **members}
    return {member: value for member, value in jwk.items() if value is not None}


def import_key(jwk: Mapping[str, object]) -> Key:
    """A public key as joserfc has it."""
    kinds: dict[object, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    return cast("Key", kinds[jwk["kty"]].import_key(dict(jwk)))


def jwks(*keys: Mapping[str, object]) -> bytes:
    """A JWK Set."""
    return json.dumps({"keys": keys}).encode()


def segment(value: object) -> str:
    """JSON, or bytes as they are, in base64url."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(
    claims: object, *, alg: str = "RS256", name: str = "k1", header: Mapping[str, object] | None = None, by: str = ""
) -> str:
    """A signed token.

    Args:
        claims: The payload, a JSON value or bytes.
        alg: The algorithm in the header.
        name: The name of the key that signs.
        header: More members of the header; None takes a member away.
        by: The algorithm that really signs, where it is another one.
    """
    members = {"alg": alg, "kid": name, **(header or {})}
    text = f"{segment({name: value for name, value in members.items() if value is not None})}.{segment(claims)}"
    used = by or alg
    algorithm = cast("Any", JWSRegistry.algorithms[used])
    return f"{text}.{segment(algorithm.sign(text.encode(), key_for(used, name)))}"


def id_token_claims(**changes: object) -> dict[str, object]:
    """The claims of a good ID token, with changes; None takes a claim away."""
    claims = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": CLIENT_ID,
        "exp": NOW + 300,
        "iat": NOW,
        "nonce": "n" * 43,
        "name": "Alice",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def verify(effect: Effect) -> bool:
    """What a real platform answers to `Verify`."""
    assert isinstance(effect, Verify)
    algorithm = cast("Any", JWSRegistry.algorithms[effect.alg])
    return bool(algorithm.verify(effect.text, effect.signature, import_key(effect.key.jwk)))
