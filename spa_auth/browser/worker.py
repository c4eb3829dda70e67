"""Python in a worker with the client of its page: `serve_broker(auth)` there, `await connect_broker()` here.

The worker asks its page for a line by postMessage, and the page hands over a MessagePort: so no other page or worker
hears what goes over it. A worker that no page of ours has made has no such page: it makes a client of its own, by
`create_auth_client`, and logs in by link.
"""

import asyncio
from typing import TYPE_CHECKING

from spa_auth.browser._js import create_proxy, has, js, js_object, to_js
from spa_auth.browser.channels import Line
from spa_auth.browser.platform import browser_platform
from spa_auth.client.broker import Broker, BrokeredClient
from spa_auth.errors import ConfigurationError, LoginTimeoutError

if TYPE_CHECKING:
    from spa_auth.browser._js import Event, Port, Worker
    from spa_auth.client.auth_client import AuthClient

HELLO, PORT = "spa_auth:hello", "spa_auth:port"
ASK_INTERVAL = 0.1
# PyScript makes its workers some time after this page's own Python may run.
FIND_INTERVAL, FIND_TIME = 0.05, 60


class BrokerService:
    """Serves workers with a client, until it is closed."""

    def __init__(self, auth: "AuthClient") -> None:
        self._auth = auth
        self._workers: list[Worker] = []
        self._brokers: dict[str, Broker] = {}
        self._proxy = create_proxy(self._hear)
        self._finding: asyncio.Task[None] | None = None

    def add(self, worker: "Worker") -> None:
        """Serve a worker, which asks for it by `connect_broker`."""
        if worker not in self._workers:
            self._workers.append(worker)
            worker.addEventListener("message", self._proxy)

    def find(self) -> None:
        """Serve the workers of this page's PyScript tags, as they come."""
        self._finding = asyncio.ensure_future(self._find())

    def close(self) -> None:
        """Serve nobody any more."""
        if self._finding is not None:
            self._finding.cancel()
        for worker in self._workers:
            worker.removeEventListener("message", self._proxy)
        for broker in self._brokers.values():
            broker.close()
        self._workers, self._brokers = [], {}
        self._proxy.destroy()

    async def _find(self) -> None:
        for _ in range(round(FIND_TIME / FIND_INTERVAL)):
            tags = list(js.document.querySelectorAll("script[worker]"))
            for tag in tags:
                if worker := getattr(tag, "xworker", None):
                    self.add(worker)
            if tags and all(getattr(tag, "xworker", None) for tag in tags):
                return
            await asyncio.sleep(FIND_INTERVAL)

    def _hear(self, event: "Event") -> None:
        number = getattr(event.data, "id", None)
        is_ours = getattr(event.data, "type", None) == HELLO and isinstance(number, str)
        if not is_ours or number in self._brokers or not self._is_meant(event.data):
            return
        channel = js.MessageChannel.new()
        self._brokers[str(number)] = self._auth.serve(lambda listener: Line(channel.port1, listener))
        worker: Worker = event.target
        worker.postMessage(js_object({"type": PORT, "id": number}), to_js([channel.port2]))

    def _is_meant(self, data: object) -> bool:
        client_id = getattr(data, "client_id", None)
        return not client_id or client_id == self._auth.get_configuration()["client_id"]


def serve_broker(auth: "AuthClient", *workers: "Worker") -> BrokerService:
    """Let workers of this page use a client; each calls `await connect_broker()`.

    Args:
        auth: The client.
        workers: JavaScript's Worker objects; without any, those of the page's `<script type="py" worker>` tags.
    """
    service = BrokerService(auth)
    for worker in workers:
        service.add(worker)
    if not workers:
        service.find()
    return service


async def connect_broker(*, client_id: str | None = None, timeout: float = 60) -> "AuthClient":
    """The client of a worker that uses the one of its page.

    Args:
        client_id: Which client, where the page serves several.
        timeout: How long the page may take, in seconds.

    Raises:
        ConfigurationError: This is no worker.
        LoginTimeoutError: The page does not call `serve_broker`.
    """
    if has("document"):
        raise ConfigurationError(
            "This is a page, not a worker.", remedy="Use create_auth_client here, and serve_broker for the workers."
        )
    try:
        port = await asyncio.wait_for(_port(client_id), timeout)
    except TimeoutError:
        raise LoginTimeoutError(
            f"The page of this worker has not answered within {timeout} seconds.",
            remedy="Call serve_broker(auth) on the page.",
        ) from None
    return await BrokeredClient.connect(browser_platform(), lambda listener: Line(port, listener))


async def _port(client_id: str | None) -> "Port":
    answer: asyncio.Future[Port] = asyncio.get_running_loop().create_future()
    number = js.crypto.randomUUID()

    def hear(event: "Event") -> None:
        if getattr(event.data, "type", None) == PORT and getattr(event.data, "id", None) == number:
            event.stopImmediatePropagation()  # PyScript would write it to the console
            if not answer.done():
                answer.set_result(event.ports[0])

    proxy = create_proxy(hear)
    js.addEventListener("message", proxy, True)
    try:
        while not answer.done():
            js.postMessage(js_object({"type": HELLO, "id": number, "client_id": client_id or ""}))
            await asyncio.wait({answer}, timeout=ASK_INTERVAL)
        return answer.result()
    finally:
        js.removeEventListener("message", proxy, True)
        proxy.destroy()
