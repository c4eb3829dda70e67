"""What PyScript adds: `@when(auth.changed)`, and options in the page's configuration. The one use of `pyscript`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from spa_auth.client.changed import StateEvent

if TYPE_CHECKING:
    config: Mapping[str, Any]

    class Event:
        """pyscript.Event."""

else:
    from pyscript import Event, config


class PageStateEvent(StateEvent, Event):
    """A StateEvent that PyScript's `when` takes for one of its own events."""


def page_options() -> dict[str, object]:
    """The block "spa_auth" of pyscript.json; empty where there is none."""
    return dict(cast("Mapping[str, object]", config.get("spa_auth") or {}))
