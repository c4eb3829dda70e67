"""Several uvicorn servers in one process: ready together, stopped together."""

import asyncio
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from types import FrameType

import uvicorn

from spa_auth.cli.ports import Listener

# Seconds that open connections are given when everything stops.
GRACE = 2
POLL = 0.02

ASGIApp = Callable[..., object]


class OneOfSeveral(uvicorn.Server):
    """A server that leaves signals to `serve`, which handles them once for all."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


def serve(
    apps: Mapping[Listener, ASGIApp],
    *,
    when_ready: Callable[[], None],
    when_stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serve every app on its listener until Ctrl-C or a polite kill, then return.

    Args:
        apps: What to serve where.
        when_ready: Called once, when all of them accept connections.
        when_stopping: Called when they are told to stop; it ends answers that would go on for ever.
    """
    asyncio.run(_serve(apps, when_ready, when_stopping))


async def _serve(
    apps: Mapping[Listener, ASGIApp], when_ready: Callable[[], None], when_stopping: Callable[[], None]
) -> None:
    servers = {listener: OneOfSeveral(_config(app)) for listener, app in apps.items()}
    with _stopping_on_signals(list(servers.values()), when_stopping):
        async with asyncio.TaskGroup() as group:
            for listener, server in servers.items():
                group.create_task(server.serve(sockets=[listener.socket]))
            if await _all_started(list(servers.values())):
                when_ready()


async def _all_started(servers: list[OneOfSeveral]) -> bool:
    """Wait until all servers are up; False when they are told to stop before."""
    while not any(server.should_exit for server in servers):
        if all(server.started for server in servers):
            return True
        await asyncio.sleep(POLL)
    return False


@contextmanager
def _stopping_on_signals(servers: list[OneOfSeveral], when_stopping: Callable[[], None]) -> Generator[None, None, None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        when_stopping()
        for server in servers:
            server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _config(app: ASGIApp) -> uvicorn.Config:
    # log_config: uvicorn's own would take over the logging of the whole process.
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
    )
