"""The forms of a page, as a user fills them in."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import NamedTuple

from spa_auth.protocol import form
from spa_auth.protocol.http import Request


class Form(NamedTuple):
    """One form: where it goes, what is filled in, and which names it knows."""

    action: str
    values: Mapping[str, str]
    names: frozenset[str]

    def submission(self, choice: Mapping[str, str]) -> Request:
        """The request that sends this form with a user's choice."""
        headers = (("Content-Type", "application/x-www-form-urlencoded"),)
        return Request("POST", self.action, headers, form.encode({**self.values, **choice}).encode())


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str], set[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name = attributes.get("name")
        if tag == "form":
            self.forms.append((attributes.get("action") or "", {}, set()))
        elif tag in ("input", "button") and self.forms and name:
            _, values, names = self.forms[-1]
            names.add(name)
            if tag == "input":
                values[name] = attributes.get("value") or ""


def find_form(page: bytes, choice: Mapping[str, str]) -> Form | None:
    """The first form of a page that knows every name of a user's choice."""
    reader = _FormReader()
    reader.feed(page.decode())
    found = (Form(action, values, frozenset(names)) for action, values, names in reader.forms)
    return next((each for each in found if each.names.issuperset(choice)), None)
