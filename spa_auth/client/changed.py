"""`auth.changed`: not a moment but a state, so nobody can be too late to hear of it."""

from collections.abc import Awaitable, Callable
from typing import cast

from spa_auth.client.background import Background
from spa_auth.protocol.session import User

Listener = Callable[[User | None], object]


class StateEvent:
    """Calls each listener at once with the current user, and again after every change.

    `.reason` says why the last change came: login, logout, other_tab, refresh_denied, ceiling, user_switch or
    provider; None before the first.
    """

    def __init__(self, current: Callable[[], User | None], on_error: Callable[[BaseException], object]) -> None:
        self.reason: str | None = None
        self._current = current
        self._on_error = on_error
        self._listeners: list[Listener] = []
        self._background = Background(on_error)

    def add_listener(self, listener: Listener) -> None:
        """Call `listener(user)` now and after every change; `user` is None when nobody is logged in."""
        if listener not in self._listeners:
            self._listeners.append(listener)
            self._call(listener)

    def remove_listener(self, *listeners: Listener) -> None:
        """Stop calling these listeners; without any, all of them."""
        self._listeners = [kept for kept in self._listeners if listeners and kept not in listeners]

    def __call__(self, listener: Listener) -> Listener:
        """The same as `add_listener`, as a decorator."""
        self.add_listener(listener)
        return listener

    def trigger(self, reason: str) -> None:
        """Tell every listener that the user has changed."""
        self.reason = reason
        for listener in tuple(self._listeners):
            self._call(listener)

    def _call(self, listener: Listener) -> None:
        try:
            result = listener(self._current())
        except Exception as error:  # noqa: BLE001  a listener is foreign code and must not break the login
            self._on_error(error)
            return
        if isinstance(result, Awaitable):
            self._background(cast("Awaitable[object]", result))
