"""What a flow may ask of this machine, without any network."""

import secrets
from collections.abc import Callable

from spa_auth.protocol.effects import Effect, Now, Random, Verify
from spa_auth.server.signatures import Signatures


class Instruments:
    """Answers every effect but `Send`, at once.

    Args:
        clock: The current time, in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._signatures = Signatures()

    def __call__(self, effect: Effect) -> object:
        """The answer to one effect."""
        if isinstance(effect, Verify):
            return self._signatures.verify(effect)
        if isinstance(effect, Now):
            return self._clock()
        if isinstance(effect, Random):
            return secrets.token_bytes(effect.length)
        raise TypeError(f"A server has no answer to {type(effect).__name__}.")
