"""Performs what flows ask for, with the ports of a platform."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from spa_auth.client.platform import Platform
from spa_auth.client.single_flight import SingleFlight
from spa_auth.errors import SpaAuthError
from spa_auth.protocol.effects import Effect, Flow, Now, Random, Send, Token, Verify
from spa_auth.protocol.http import Response
from spa_auth.protocol.token import TokenSet

T = TypeVar("T")


class Driver:
    """Drives flows over a platform.

    Args:
        platform: The ports.
        http_timeout: How long one request may take, in seconds.
        tokens: Answers the effect `Token`, under its own lock.
    """

    def __init__(
        self, platform: Platform, http_timeout: float, tokens: Callable[[Token], Awaitable[TokenSet]] | None = None
    ) -> None:
        self._platform = platform
        self._http_timeout = http_timeout
        self._tokens = tokens
        self._flights = SingleFlight()

    async def run(self, flow: Flow[T]) -> T:
        """The value of a flow; what it raises, this raises."""
        try:
            effect = next(flow)
            while True:
                try:
                    answer = await self._perform(effect)
                except SpaAuthError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(answer)
        except StopIteration as end:
            value: T = end.value
            return value

    async def _perform(self, effect: Effect) -> object:
        match effect:
            case Send():
                return await self._send(effect)
            case Verify(alg, key, text, signature):
                return await self._platform.crypto.verify(alg, key, text, signature)
            case Now():
                return self._platform.clock()
            case Random(length):
                return self._platform.crypto.random(length)
            case _:
                assert self._tokens is not None  # noqa: S101  a fault of ours, not of a caller
                return await self._tokens(effect)

    async def _send(self, effect: Send) -> Response:
        def send() -> "Awaitable[Response]":
            return self._platform.transport.send(effect.request, timeout=self._http_timeout, max_bytes=effect.max_bytes)

        if effect.shared:
            return await self._flights.join(effect.request, send)  # type: ignore[arg-type]
        return await send()
