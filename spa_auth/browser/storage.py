"""Texts in the Web Storage API."""

from typing import TYPE_CHECKING, cast

from spa_auth.browser._js import JsError, js

if TYPE_CHECKING:
    from spa_auth.browser._js import Area


class WebStorage:
    """The port `Storage` over sessionStorage or localStorage. A blocked or full storage reads as empty.

    Args:
        area: "sessionStorage" or "localStorage".
    """

    def __init__(self, area: str) -> None:
        self._name = area

    def get(self, name: str) -> str | None:
        """The text of that name, by getItem."""
        try:
            text = self._area.getItem(name)
        except (JsError, AttributeError):
            return None
        return text if isinstance(text, str) else None

    def set(self, name: str, text: str) -> None:
        """Keep a text, by setItem; nothing happens where there is no room."""
        try:
            self._area.setItem(name, text)
        except (JsError, AttributeError):
            return

    def remove(self, name: str) -> None:
        """Forget a text, by removeItem."""
        try:
            self._area.removeItem(name)
        except (JsError, AttributeError):
            return

    def names(self) -> list[str]:
        """Every name in use."""
        try:
            return list(js.Object.keys(self._area).to_py())
        except (JsError, AttributeError):
            return []

    @property
    def _area(self) -> "Area":
        # Where cookies are blocked, even asking for it throws a SecurityError.
        return cast("Area", getattr(js, self._name))
