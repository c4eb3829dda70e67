"""`auth.bind()`: elements of the page that log in, log out, and show who is logged in, by their `data-spa-auth`.

Clicks are heard on the document, and a MutationObserver sees what is added later: so an element works whenever it
comes. What a provider says becomes text, never markup.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from spa_auth.browser._js import create_proxy, has, js, js_object, to_js
from spa_auth.browser.gate import PageGate
from spa_auth.errors import NavigationError

if TYPE_CHECKING:
    from spa_auth.browser._js import Element, Event
    from spa_auth.client.auth_client import AuthClient
    from spa_auth.protocol.session import User

ATTRIBUTE = "data-spa-auth"
ERROR = f"body [{ATTRIBUTE}~=error]"
# Text put into a script or a style sheet would be run, not shown.
_ALL = f"body [{ATTRIBUTE}]:not(script, style)"
# Browsers make no click of the keys of these, so they get a role, a place in the order of Tab, and keys.
_PLAIN = ":not(button, input, summary, a[href])"
_OUR_ALT = "data-spa-auth-alt"


class Binding:
    """The elements of this page, for one client. It lives as long as the page.

    Args:
        auth: The client.
    """

    def __init__(self, auth: "AuthClient") -> None:
        self._auth = auth
        self._user: User | None = None
        self._is_shown_again = False
        self._running: set[asyncio.Future[None]] = set()
        reported = auth.reports(ERROR)
        self._actions = {"login": reported(self._log_in), "logout": reported(auth.logout)}
        self._start(reported(self._tell_result))

    def _start(self, tell_result: Callable[[], Awaitable[object]]) -> None:
        js.document.addEventListener("click", create_proxy(self._on_click))
        js.document.addEventListener("keydown", create_proxy(self._on_key))
        js.addEventListener("pageshow", create_proxy(self._on_pageshow))
        self._auth.changed.add_listener(self._on_change)
        watched = {"attributes": True, "attributeFilter": to_js([ATTRIBUTE]), "childList": True, "subtree": True}
        observer = js.MutationObserver.new(create_proxy(self._refresh))
        observer.observe(js.document.body, js_object(watched))
        self._run(tell_result())
        if has("spa_auth_gate") and PageGate().take_click():  # which no client has taken over, by its names
            self._run(self._actions["login"]())

    def _on_change(self, user: "User | None") -> None:
        self._user = user
        js.document.documentElement.setAttribute(ATTRIBUTE, "signed-out" if user is None else "signed-in")
        self._refresh()

    def _refresh(self, *_mutations: object) -> None:
        focused = js.document.activeElement
        for element in js.document.querySelectorAll(_ALL):
            for word in _words(element):
                if word in _SHOW:
                    _SHOW[word](element, self._user)
        if focused and focused.matches(f"[{ATTRIBUTE}]") and focused.hidden:
            # Whoever uses a keyboard goes on where they were, with the button that took this one's place.
            _focus(f"body [{ATTRIBUTE}~={'logout' if self._user else 'login'}]")

    def _on_click(self, event: "Event") -> None:
        for name, action in self._actions.items():
            element = event.target.closest(f"body [{ATTRIBUTE}~={name}]")
            if element:
                event.preventDefault()
                if element.getAttribute("aria-busy") != "true":
                    self._run(_busy(element, action()))

    def _on_key(self, event: "Event") -> None:
        plain = ", ".join(f"body [{ATTRIBUTE}~={name}]{_PLAIN}" for name in self._actions)
        if event.key in ("Enter", " ") and not event.repeat and event.target.matches(plain):
            event.preventDefault()  # else the space bar would scroll the page
            event.target.click()

    def _on_pageshow(self, event: "Event") -> None:
        self._is_shown_again = event.persisted

    async def _log_in(self) -> None:
        self._is_shown_again = False
        try:
            await self._auth.login_with_redirect()
        except NavigationError:
            if not self._is_shown_again:  # who went back knows that
                raise

    async def _tell_result(self) -> None:
        result = self._auth.redirect_result
        if result is not None and result.error is not None:
            raise result.error.with_traceback(None)

    def _run(self, action: Awaitable[object]) -> None:
        task = asyncio.ensure_future(_finish(action))
        self._running.add(task)  # the loop itself keeps only weak references
        task.add_done_callback(self._running.discard)


async def _finish(action: Awaitable[object]) -> None:
    await action


async def _busy(element: "Element", action: Awaitable[object]) -> None:
    # Not disabled, which would take the focus away.
    element.setAttribute("aria-busy", "true")
    element.setAttribute("aria-disabled", "true")
    try:
        await action
    finally:
        element.removeAttribute("aria-busy")
        element.removeAttribute("aria-disabled")


def _words(element: "Element") -> list[str]:
    return str(element.getAttribute(ATTRIBUTE)).split()


def _show_signed_in(element: "Element", user: "User | None") -> None:
    element.hidden = user is None


def _show_signed_out(element: "Element", user: "User | None") -> None:
    element.hidden = user is not None


def _show_login(element: "Element", user: "User | None") -> None:
    _show_signed_out(element, user)
    _make_button(element)


def _show_logout(element: "Element", user: "User | None") -> None:
    _show_signed_in(element, user)
    _make_button(element)


def _show_name(element: "Element", user: "User | None") -> None:
    name = "" if user is None else user.name
    if element.textContent != name:  # a change would be seen, and come back here
        element.textContent = name


def _show_picture(element: "Element", user: "User | None") -> None:
    address = None if user is None else user.picture  # None for any that is not safe
    element.hidden = address is None
    if not element.matches("img"):
        return
    if user is None or address is None:
        element.removeAttribute("src")
    elif element.getAttribute("src") != address:
        element.referrerPolicy = "no-referrer"
        element.setAttribute("src", address)
    if element.matches(f":not([alt]), [{_OUR_ALT}]"):
        element.setAttribute("alt", "" if user is None else user.name)
        element.setAttribute(_OUR_ALT, "")


_SHOW: dict[str, Callable[["Element", "User | None"], None]] = {
    "signed-in": _show_signed_in,
    "signed-out": _show_signed_out,
    "login": _show_login,
    "logout": _show_logout,
    "user.name": _show_name,
    "user.picture": _show_picture,
}


def _make_button(element: "Element") -> None:
    if element.matches(f"{_PLAIN}:not([role])"):
        element.setAttribute("role", "button")
    if element.matches(f"{_PLAIN}:not([tabindex])"):
        element.setAttribute("tabindex", "0")


def _focus(selector: str) -> None:
    element = js.document.querySelector(f"{selector}:not([hidden])")
    if element:
        element.focus()
