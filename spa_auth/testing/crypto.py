"""The crypto port on CPython: the system's randomness, joserfc's signatures."""

import secrets

from joserfc.errors import JoseError
from joserfc.jwk import import_key
from joserfc.jws import JWSRegistry

from spa_auth.protocol.jwk import ALGORITHMS, Key


class RealCrypto:
    """Verifies real signatures."""

    def random(self, length: int) -> bytes:
        """That many bytes from the system's secure source."""
        return secrets.token_bytes(length)

    async def verify(self, alg: str, key: Key, text: bytes, signature: bytes) -> bool:
        """Whether the signature is that of the key."""
        try:
            algorithm = JWSRegistry(algorithms=list(ALGORITHMS)).get_alg(alg)
            return algorithm.verify(text, signature, import_key(dict(key.jwk)))
        except (JoseError, ValueError):
            return False
