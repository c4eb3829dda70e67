"""Signatures of keys that others bring along, checked with joserfc."""

from typing import cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from spa_auth.protocol.effects import Effect, Verify
from spa_auth.protocol.jwk import ALGORITHMS as KNOWN

_KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
ALGORITHMS: tuple[str, ...] = tuple(alg for alg in KNOWN if alg in JWSRegistry.algorithms)


def is_signed(effect: Effect) -> bool:
    """Whether a signature is that of the key; which key fits which algorithm was decided before."""
    if not isinstance(effect, Verify):
        raise TypeError(f"The provider has no answer to {type(effect).__name__}.")
    try:
        key = _KINDS[effect.key.jwk["kty"]].import_key(cast("dict[str, str | list[str]]", dict(effect.key.jwk)))
    except (JoseError, ValueError):
        return False
    # The algorithm object alone: what joserfc does around it, parse_jwt has done before, and more strictly.
    return JWSRegistry.algorithms[effect.alg].verify(effect.text, effect.signature, key)
