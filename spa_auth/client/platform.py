"""Everything a client has, as one value."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from spa_auth.client.changed import StateEvent

if TYPE_CHECKING:
    from spa_auth.client.ports import (
        Channels,
        Clock,
        Console,
        Crypto,
        Gate,
        Locks,
        Navigator,
        Page,
        Pause,
        Storage,
        Transport,
    )


class Platform(NamedTuple):
    """The ports of a place. One that may be None is what not every place offers; None says all there is to say."""

    transport: "Transport"
    crypto: "Crypto"
    clock: "Clock"
    console: "Console"
    navigator: "Navigator | None" = None
    session_storage: "Storage | None" = None
    local_storage: "Storage | None" = None
    page: "Page | None" = None
    gate: "Gate | None" = None
    locks: "Locks | None" = None
    channels: "Channels | None" = None
    pause: "Pause" = asyncio.sleep
    state_event: type[StateEvent] = StateEvent
