"""Errors where people look: in an element of the Document."""

from typing import TYPE_CHECKING

from spa_auth.browser._js import JsError, js

if TYPE_CHECKING:
    from spa_auth.client.auth_client import AuthClient


class DocumentPage:
    """The port `Page` over document.querySelector and textContent; a text is never read as HTML."""

    def __init__(self) -> None:
        self._binding: object = None

    def report(self, target: str, text: str) -> None:
        """Show a text in the element that a selector names, as an alert; "" hides it."""
        try:
            element = js.document.querySelector(target)
        except JsError:  # not a selector
            return
        if not element:
            return
        # The role comes before the text: screen readers announce what changes in an alert.
        element.setAttribute("role", "alert")
        element.hidden = not text
        element.textContent = text

    def bind(self, auth: "AuthClient") -> None:
        """Make elements with `data-spa-auth` log in, log out, and show the user; a second time changes nothing."""
        if self._binding is None:
            from spa_auth.browser.bind import Binding

            self._binding = Binding(auth)
