"""Errors where people look: in an element of the Document."""

from spa_auth.browser._js import JsError, js


class DocumentPage:
    """The port `Page` over document.querySelector and textContent; a text is never read as HTML."""

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
