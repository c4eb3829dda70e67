"""gate.js, which was there before Python: its one function, and the attribute of <html> that it sets."""

from spa_auth.browser._js import JsError, js


class PageGate:
    """The port `Gate` over what gate.js has put into the page."""

    def serves(self, issuer: str, client_id: str) -> bool:
        """Whether its script names this client, by data-issuer and data-client-id."""
        script = js.document.querySelector("script[data-client-id]")
        if not script:
            return False
        return (script.getAttribute("data-issuer"), script.getAttribute("data-client-id")) == (issuer, client_id)

    def take_click(self) -> bool:
        """Whether a click waits, by calling window.spa_auth_gate."""
        try:
            return js.spa_auth_gate() is True
        except (JsError, TypeError):  # an element with that id, where the gate did not load
            return False

    def show(self, *, signed_in: bool) -> None:
        """Set <html data-spa-auth>."""
        js.document.documentElement.setAttribute("data-spa-auth", "signed-in" if signed_in else "signed-out")
