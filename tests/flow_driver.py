"""Drives a flow with a list of answers: no network, no clock, no patching."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from spa_auth.protocol.effects import Effect, Flow, Send

T = TypeVar("T")
Trace = list[Effect]


class Answer(NamedTuple):
    """An answer that depends on the effect."""

    make: Callable[[Effect], object]


def drive(flow: Flow[T], answers: Iterable[object], trace: Trace | None = None) -> T:
    """The value of a flow that gets these answers, one for each effect; none may be left over.

    Args:
        flow: The flow.
        answers: An exception is thrown into the flow; an `Answer` is asked what to say.
        trace: Where to note every effect that the flow asked for, also if it fails.
    """
    waiting = list(answers)
    seen: Trace = [] if trace is None else trace
    try:
        effect = next(flow)
        while True:
            seen.append(effect)
            assert waiting, f"nothing answers {effect!r}"
            effect = _step(flow, effect, waiting.pop(0))
    except StopIteration as end:
        assert not waiting, f"{len(waiting)} answers were not asked for"
        value: T = end.value
        return value


def sent(trace: Trace) -> list[str]:
    """The method and address of every request in a trace."""
    return [f"{effect.request.method} {effect.request.url}" for effect in trace if isinstance(effect, Send)]


def _step(flow: Flow[T], effect: Effect, answer: object) -> Effect:
    if isinstance(answer, BaseException):
        return flow.throw(answer)
    return flow.send(answer.make(effect) if isinstance(answer, Answer) else answer)
