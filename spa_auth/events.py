"""One small emitter: `on`, `once`, `off`, `on_any`. A listener's exception never breaks the flow that emits."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Generic, NamedTuple, TypeVar, cast

Payload = TypeVar("Payload")
Listener = Callable[[Payload], object]
AnyListener = Callable[[str, Payload], object]


class _Entry(NamedTuple, Generic[Payload]):
    listener: Listener[Payload]
    once: bool


class Emitter(Generic[Payload]):
    """Calls listeners by the name of an event, in the order in which they were added.

    Args:
        names: The names that exist; `on` refuses any other, so that a typing error does not stay silent.
        on_error: Called with the exception of a listener.
        spawn: Called with the awaitable that an async listener returned; without it, async listeners are refused.
    """

    def __init__(
        self,
        names: Iterable[str],
        *,
        on_error: Callable[[BaseException], object],
        spawn: Callable[[Awaitable[object]], object] | None = None,
    ) -> None:
        self._listeners: dict[str, list[_Entry[Payload]]] = {name: [] for name in names}
        self._any: list[AnyListener[Payload]] = []
        self._on_error = on_error
        self._spawn = spawn

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that can be listened to."""
        return tuple(self._listeners)

    def on(self, name: str, listener: Listener[Payload]) -> Callable[[], None]:
        """Call `listener(payload)` at every event of that name. Returns a function that ends this.

        Raises:
            ValueError: There is no event of that name.
        """
        return self._add(name, _Entry(listener, once=False))

    def once(self, name: str, listener: Listener[Payload]) -> Callable[[], None]:
        """Call `listener(payload)` at the next event of that name only."""
        return self._add(name, _Entry(listener, once=True))

    def off(self, name: str, listener: Listener[Payload]) -> None:
        """Stop calling this listener; nothing happens where it was not called."""
        entries = self._known(name)
        for entry in [entry for entry in entries if entry.listener == listener][:1]:
            entries.remove(entry)

    def on_any(self, listener: AnyListener[Payload]) -> Callable[[], None]:
        """Call `listener(name, payload)` at every event. Returns a function that ends this."""
        self._any.append(listener)
        return lambda: self._any.remove(listener) if listener in self._any else None

    def emit(self, name: str, payload: Payload) -> None:
        """Tell every listener; what a listener raises goes to `on_error`."""
        entries = self._known(name)
        for entry in tuple(entries):
            if entry.once and entry not in entries:
                continue  # a listener before it told the same event
            if entry.once:
                entries.remove(entry)
            self._call(entry.listener, payload)
        for any_listener in tuple(self._any):
            self._call(any_listener, name, payload)

    def _add(self, name: str, entry: "_Entry[Payload]") -> Callable[[], None]:
        self._known(name).append(entry)
        return lambda: self.off(name, entry.listener)

    def _known(self, name: str) -> "list[_Entry[Payload]]":
        if name not in self._listeners:
            raise ValueError(f"There is no event {name!r}; there are: {', '.join(self._listeners)}.")
        return self._listeners[name]

    def _call(self, listener: Callable[..., object], *arguments: object) -> None:
        try:
            result = listener(*arguments)
            if isinstance(result, Awaitable):
                self._await(cast("Awaitable[object]", result))
        except Exception as error:  # noqa: BLE001  a listener is foreign code: what it raises must not reach the flow
            self._on_error(error)

    def _await(self, awaitable: Awaitable[object]) -> None:
        if self._spawn is not None:
            self._spawn(awaitable)
            return
        if isinstance(awaitable, Coroutine):
            awaitable.close()  # Python would warn that nobody awaited it
        raise TypeError("This emitter takes no async listeners.")
