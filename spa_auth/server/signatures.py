"""Signatures, checked with joserfc."""

from typing import cast
from weakref import WeakKeyDictionary

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from spa_auth.protocol.effects import Verify
from spa_auth.protocol.jwk import Key

_KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class Signatures:
    """Checks signatures. Each key is imported once, and forgotten when its key set is.

    Which key fits which algorithm was decided before (spa_auth.protocol.jwk.Key.fits).
    """

    def __init__(self) -> None:
        self._imported: WeakKeyDictionary[Key, RSAKey | ECKey | OKPKey | None] = WeakKeyDictionary()

    def verify(self, effect: Verify) -> bool:
        """Whether the signature is that of the key; False, too, for a key or an algorithm that cannot be used."""
        try:
            key = self._imported[effect.key]
        except KeyError:
            key = self._imported[effect.key] = _import(effect.key)
        # The algorithm object alone: what joserfc does around it, parse_jwt has done before, and more strictly.
        algorithm = JWSRegistry.algorithms.get(effect.alg)
        return key is not None and algorithm is not None and algorithm.verify(effect.text, effect.signature, key)


def _import(key: Key) -> RSAKey | ECKey | OKPKey | None:
    try:
        return _KINDS[key.jwk["kty"]].import_key(cast("dict[str, str | list[str]]", dict(key.jwk)))
    except (JoseError, ValueError):  # one bad key never spoils the set (RFC 7517 section 5)
        return None
