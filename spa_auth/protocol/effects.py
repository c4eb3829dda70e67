"""What a flow may ask of the world. A driver performs an effect and sends the answer back into the flow.

    def drive(flow):
        effect = next(flow)
        while True:                      # until StopIteration, whose value is the flow's result
            effect = flow.send(perform(effect))

What a driver raises while it performs an effect is thrown into the flow at its `yield`.
"""

from collections.abc import Generator
from typing import NamedTuple, TypeVar, cast

from spa_auth.errors import ConfigurationError
from spa_auth.protocol.base64url import encode
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.jwk import Key
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import MAX_BYTES
from spa_auth.protocol.token import TokenSet

T = TypeVar("T")


class Send(NamedTuple):
    """Send a request, follow no redirect, and answer with the Response.

    Args:
        request: What to send.
        max_bytes: The largest body to read; None for any size.
        shared: Whether flows that ask the same at the same time may share one answer.
        optional: Whether the flow can go on with what it knows; a driver that would have to wait may then answer None.
    """

    request: Request
    max_bytes: int | None = MAX_BYTES
    shared: bool = False
    optional: bool = False


class Verify(NamedTuple):
    """Check a signature with a key that fits the algorithm, and answer True or False. The repr shows no token."""

    alg: str
    key: Key
    text: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"<Verify {self.alg}>"


class Now(NamedTuple):
    """Answer with the current time, in seconds since 1970."""


class Random(NamedTuple):
    """Answer with that many bytes from the system's secure source."""

    length: int


class Token(NamedTuple):
    """Answer with a TokenSet for an API, from the cache unless `refresh` says that it is not accepted any more."""

    audience: str | None
    scope: Scope
    refresh: bool = False


Effect = Send | Verify | Now | Random | Token
Flow = Generator[Effect, object, T]


def send(request: Request, *, max_bytes: int | None = MAX_BYTES, shared: bool = False) -> Flow[Response]:
    """The response to a request; see `Send`."""
    return cast("Response", (yield Send(request, max_bytes, shared)))


def now() -> Flow[float]:
    """The current time in seconds."""
    return cast("float", (yield Now()))


def random_text(length: int) -> Flow[str]:
    """That many random bytes as base64url.

    Raises:
        ConfigurationError: `insecure_context`; the platform gave fewer.
    """
    data = cast("bytes", (yield Random(length)))
    if len(data) < length:
        raise ConfigurationError("This platform has no secure randomness.", error="insecure_context")
    return encode(data)


def verify(alg: str, key: Key, text: bytes, signature: bytes) -> Flow[bool]:
    """Whether a signature is that of the key."""
    return (yield Verify(alg, key, text, signature)) is True


def token(audience: str | None, scope: Scope, *, refresh: bool = False) -> Flow[TokenSet]:
    """Tokens for an API; see `Token`."""
    return cast("TokenSet", (yield Token(audience, scope, refresh)))
