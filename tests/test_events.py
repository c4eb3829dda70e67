from collections.abc import Awaitable, Coroutine
from typing import Any

import pytest

from spa_auth.events import Emitter


class Recorder:
    """What was heard, what failed, what was spawned."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.errors: list[BaseException] = []
        self.spawned: list[Awaitable[object]] = []

    def emitter(self, *, spawn: bool = False) -> Emitter[int]:
        return Emitter(("a", "b"), on_error=self.errors.append, spawn=self.spawned.append if spawn else None)

    def hear_any(self, name: str, payload: int) -> None:
        self.heard.append((name, payload))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_listeners_hear_their_event_in_the_order_in_which_they_came(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    emitter.on("a", lambda payload: recorder.heard.append(("first", payload)))
    emitter.on("a", lambda payload: recorder.heard.append(("second", payload)))
    emitter.emit("a", 1)
    emitter.emit("b", 2)
    assert recorder.heard == [("first", 1), ("second", 1)]
    assert emitter.names == ("a", "b")


def test_once_hears_one_event_even_if_the_listener_emits_again(recorder: Recorder) -> None:
    emitter = recorder.emitter()

    def again(payload: int) -> None:
        recorder.heard.append(payload)
        emitter.emit("a", payload + 1)

    emitter.once("a", again)
    emitter.emit("a", 1)
    emitter.emit("a", 9)
    assert recorder.heard == [1]


def test_what_on_and_on_any_return_ends_the_listening_as_often_as_it_is_called(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    ends = [
        emitter.on("a", recorder.heard.append),
        emitter.once("a", recorder.heard.append),
        emitter.on_any(recorder.hear_any),
    ]
    for end in [*ends, *ends]:
        end()
    emitter.emit("a", 1)
    assert recorder.heard == []


def test_off_ends_a_listener_and_forgives_one_that_never_listened(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    listener = recorder.heard.append
    emitter.on("a", listener)
    emitter.off("a", listener)
    emitter.off("a", listener)
    emitter.emit("a", 1)
    assert recorder.heard == []


def test_off_ends_a_listener_that_was_to_hear_one_event_only(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    listener = recorder.heard.append
    emitter.once("a", listener)
    emitter.off("a", listener)
    emitter.emit("a", 1)
    assert recorder.heard == []


def test_on_any_hears_every_event_with_its_name(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    emitter.on_any(recorder.hear_any)
    emitter.emit("a", 1)
    emitter.emit("b", 2)
    assert recorder.heard == [("a", 1), ("b", 2)]


def test_a_name_that_does_not_exist_is_refused_and_the_known_ones_are_shown(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    with pytest.raises(ValueError, match=r"no event 'c'; there are: a, b"):
        emitter.on("c", print)
    with pytest.raises(ValueError, match="no event"):
        emitter.emit("c", 1)


def test_what_a_listener_raises_reaches_neither_the_flow_nor_the_other_listeners(recorder: Recorder) -> None:
    emitter = recorder.emitter()

    def fail(payload: int) -> None:
        raise KeyError(payload)

    emitter.on("a", fail)
    emitter.on("a", recorder.heard.append)
    emitter.on_any(recorder.hear_any)
    emitter.emit("a", 1)
    assert recorder.heard == [1, ("a", 1)]
    assert [type(error) for error in recorder.errors] == [KeyError]


def test_listeners_may_come_and_go_while_an_event_is_told(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    end = emitter.on("a", lambda _: end())
    emitter.on("a", recorder.heard.append)
    emitter.on("a", lambda _: emitter.on("a", recorder.heard.append))
    emitter.emit("a", 1)
    assert recorder.heard == [1]


async def listen(payload: int) -> None:
    del payload


def close(awaitable: Awaitable[object]) -> None:
    assert isinstance(awaitable, Coroutine)
    awaitable.close()


def test_an_async_listener_is_spawned(recorder: Recorder) -> None:
    emitter = recorder.emitter(spawn=True)
    emitter.on("a", listen)
    emitter.emit("a", 1)
    assert len(recorder.spawned) == 1
    close(recorder.spawned[0])


class Later:
    """An awaitable that is no coroutine."""

    def __await__(self) -> Any:  # noqa: ANN401
        return iter(())


def test_an_async_listener_is_an_error_where_nobody_can_await_it(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    emitter.on("a", listen)
    emitter.on("a", lambda _: Later())
    emitter.emit("a", 1)
    assert [type(error) for error in recorder.errors] == [TypeError, TypeError]


def test_once_hears_one_event_even_if_another_listener_emits_again(recorder: Recorder) -> None:
    emitter = recorder.emitter()
    emitter.once("a", lambda payload: emitter.emit("a", payload + 1))
    emitter.once("a", recorder.heard.append)
    emitter.emit("a", 1)
    assert recorder.heard == [2]
