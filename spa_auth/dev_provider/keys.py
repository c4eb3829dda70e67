"""The keys that sign, made when the provider starts: none is ever shipped or stored (threat O02)."""

from collections.abc import Mapping

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from spa_auth.errors import JWTError
from spa_auth.protocol.jwt import VerifiedJWT, parse_jwt
from spa_auth.protocol.strict_json import dumps

ALGORITHM = "RS256"
# How many keys of before stay published: a JWK Set that grows without end is one that clients stop to read.
MAX_OLDER = 10


class SigningKeys:
    """RSA keys of 2048 bits, one to begin with, new with every object.

    A fast test may share one object between several providers; an own class with the same methods signs in
    another way.
    """

    _older: tuple[RSAKey, ...] = ()

    def __init__(self) -> None:
        self._key = _new_key()

    @property
    def jwks(self) -> dict[str, object]:
        """The public halves, the newest first, as a JWK Set (RFC 7517 section 5)."""
        return {"keys": [key.as_dict(private=False) for key in (self._key, *self._older)]}

    def rotate(self) -> None:
        """Sign with a new key from now on; the last ten stay published, so that what they signed stays verifiable."""
        self._older = (self._key, *self._older)[:MAX_OLDER]
        self._key = _new_key()

    def sign(self, typ: str, claims: Mapping[str, object]) -> str:
        """The claims as a signed JWT of that `typ` (RFC 7519)."""
        header = {"alg": ALGORITHM, "typ": typ, "kid": self._key.kid}
        return jws.serialize_compact(header, dumps(claims), self._key, algorithms=[ALGORITHM])

    def verify(self, token: str) -> VerifiedJWT:
        """A token that these keys signed, whether or not it has expired.

        Raises:
            JWTError: It is not one.
        """
        jwt = parse_jwt(token)
        try:
            jws.deserialize_compact(token, KeySet([self._key, *self._older]), algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            raise JWTError("The token was not signed by this provider.", claim="signature") from None
        return VerifiedJWT(jwt.header, jwt.claims)


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
