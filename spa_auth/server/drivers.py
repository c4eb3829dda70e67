"""Drive flows: two small loops, one for each colour of function, that perform what the flow asks for."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from spa_auth.errors import SpaAuthError
from spa_auth.protocol.effects import Effect, Flow, Send
from spa_auth.protocol.http import Response

T = TypeVar("T")


def drive(flow: Flow[T], send: Callable[[Send], Response | None], answer: Callable[[Effect], object]) -> T:
    """The value of a flow; what it raises, this raises.

    Args:
        flow: What to run.
        send: Performs `Send`, or answers None to an optional one. A SpaAuthError of it is thrown into the flow, any
            other exception ends it.
        answer: Performs every other effect, at once.
    """
    try:
        effect = next(flow)
        while True:
            try:
                result = send(effect) if isinstance(effect, Send) else answer(effect)
            except SpaAuthError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


async def adrive(flow: Flow[T], send: Callable[[Send], Awaitable[Response]], answer: Callable[[Effect], object]) -> T:
    """As `drive`, where `send` is async."""
    try:
        effect = next(flow)
        while True:
            try:
                result = await send(effect) if isinstance(effect, Send) else answer(effect)
            except SpaAuthError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
