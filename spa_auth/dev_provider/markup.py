"""HTML in which every value is escaped (threat O09)."""

import html
from collections.abc import Iterable


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def markup(template: str, **values: str) -> Markup:
    """The template with its values in place, each escaped unless it is Markup itself."""
    return Markup(
        template.format_map({key: v if isinstance(v, Markup) else html.escape(v) for key, v in values.items()})
    )


def joined(parts: Iterable[Markup]) -> Markup:
    """The parts, one after the other."""
    return Markup("".join(parts))
