"""Errors in words, where people look. An exception in an async click handler is otherwise seen by nobody."""

import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, cast

from spa_auth.client.context import Context
from spa_auth.errors import SpaAuthError

Handler = Callable[..., object]


def reports(context: Context, target: str) -> Callable[[Handler], Callable[..., Coroutine[Any, Any, object]]]:
    """Wrap handlers so that what they raise is shown; see `AuthClient.reports`."""

    def wrap(handler: Handler) -> Callable[..., Coroutine[Any, Any, object]]:
        accepted = _accepted_arguments(handler)

        @functools.wraps(handler)
        async def reported(*arguments: object) -> object:
            _show(context, target, "")
            try:
                result = handler(*arguments[:accepted])
                return await cast("Awaitable[object]", result) if isinstance(result, Awaitable) else result
            except Exception as error:  # noqa: BLE001  whatever it is, somebody should see it
                _show(context, target, describe(error))
                context.platform.console.error(error)
                context.emit("error", error=error)
                return None

        return reported

    return wrap


def describe(error: BaseException) -> str:
    """What to show for an error: its words and its remedy, or its class where it is not one of ours."""
    if isinstance(error, SpaAuthError):
        text = error.error_description or error.error.replace("_", " ")
        return f"{text} {error.remedy} ({error.error})".replace("  ", " ")
    return f"{type(error).__name__}: {error}"


def _show(context: Context, target: str, text: str) -> None:
    if context.platform.page is not None:
        context.platform.page.report(target, text)


def _accepted_arguments(handler: Handler) -> int:
    function = getattr(handler, "__func__", handler)
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & 0x04:  # CO_VARARGS
        return 255
    return int(code.co_argcount) - (function is not handler)
