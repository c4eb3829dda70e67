"""A provider that runs beside a test, a script or a notebook, in a thread of its own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Self, TypeVar, cast, overload

from spa_auth.dev_provider.addresses import Listener, check_loopback, listen
from spa_auth.dev_provider.asgi import Server, events_of
from spa_auth.dev_provider.controls import Controls
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.dev_provider.options import Options
from spa_auth.dev_provider.outgoing import send
from spa_auth.dev_provider.provider import DevProvider
from spa_auth.errors import ConfigurationError

# Seconds until a server that has not come up is given up.
PATIENCE = 10.0
T = TypeVar("T")


class RunningProvider:
    """A provider that accepts connections; `run_in_thread` makes one.

    Its listeners are called in its own thread. Values of `provider.controls`, such as `deny_silent_login`, and the
    choice of the next answers may be set from any thread; what looks through its memory, such as `revoke`, goes through
    `call`.
    """

    def __init__(self, provider: DevProvider, listener: Listener) -> None:
        self.provider = provider
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._server = Server(provider, stream=events_of(provider), when_ready=self._started)
        # A daemon: a script that ends without `stop` ends all the same.
        self._thread = threading.Thread(target=self._run, name="spa_auth-dev-provider", daemon=True)

    @property
    def issuer(self) -> str:
        """The issuer identifier, which is where it listens."""
        return self.provider.issuer

    @overload
    def call(self, function: Callable[[], Awaitable[T]]) -> T: ...
    @overload
    def call(self, function: Callable[[], T]) -> T: ...
    def call(self, function: Callable[[], object]) -> object:
        """Call a function in the provider's thread, between two requests, and return what it returns.

        Args:
            function: Takes nothing; its awaitable is awaited there.

        Raises:
            RuntimeError: The provider has stopped, or this is its own thread.
        """
        loop = self._loop
        if loop is None or loop.is_closed() or threading.current_thread() is self._thread:
            raise RuntimeError("This provider has stopped, or calls itself.")
        return asyncio.run_coroutine_threadsafe(_called(function), loop).result()

    def stop(self) -> None:
        """Stop answering and wait until all is closed. Once is enough, twice does no harm."""
        self._server.should_exit = True
        if threading.current_thread() is self._thread:
            return  # a listener: it cannot wait for itself
        if self._thread.is_alive():
            self._thread.join()
        self._listener.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start answering and wait until connections are accepted.

        Raises:
            ConfigurationError: It did not come up.
        """
        self._thread.start()
        if not self._ready.wait(PATIENCE):
            self.stop()
            raise ConfigurationError(f"The provider at {self.issuer} did not start in {PATIENCE:.0f} seconds.")

    def _run(self) -> None:
        self._server.run(sockets=[self._listener.socket])

    def _started(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()


def run_in_thread(
    options: Options | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    keys: SigningKeys | None = None,
    controls: Controls | None = None,
) -> RunningProvider:
    """A provider that answers until `stop`, or until the end of the `with` block that it opens.

    An event loop may run in the thread that calls this.

    Args:
        options: Its configuration; the issuer in it gives way to the real address.
        host: The loopback address to listen on.
        port: The port; 0 takes any that is free.
        keys: Its signing keys; making new ones takes a moment, so that many tests may share some.
        controls: What is bent from the start; `provider.controls` bends it later.

    Raises:
        ConfigurationError: The address is not on loopback or is taken.
    """
    check_loopback(host)
    listener = listen(host, port)
    given = replace(Options() if options is None else options, issuer=listener.url)
    running = RunningProvider(DevProvider(given, keys=keys, controls=controls, send=send), listener)
    running.start()
    return running


async def _called(function: Callable[[], object]) -> object:
    result = function()
    return await cast("Awaitable[object]", result) if isinstance(result, Awaitable) else result
