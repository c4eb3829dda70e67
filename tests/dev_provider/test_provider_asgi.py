import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Generator
from typing import Any

import httpx
import pytest
from dev_provider.harness import FORM, KEYS

from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.addresses import Listener, check_loopback, listen
from spa_auth.dev_provider.asgi import Server, app, events_of, serve
from spa_auth.errors import ConfigurationError


@contextlib.contextmanager
def served() -> Generator[DevProvider]:
    listener = listen("127.0.0.1", 0)
    provider = DevProvider(Options(issuer=listener.url), keys=KEYS)
    ready = threading.Event()
    server = Server(provider, stream=events_of(provider), when_ready=ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]})
    thread.start()
    try:
        assert ready.wait(10)
        yield provider
    finally:
        server.should_exit = True
        thread.join()


def test_the_provider_answers_on_a_real_socket() -> None:
    with served() as provider:
        response = httpx.get(f"{provider.issuer}.well-known/openid-configuration")
        assert response.json()["issuer"] == provider.issuer
        assert "server" not in response.headers
        assert httpx.get(f"{provider.issuer}avatars/%C3%A9.svg").status_code == 200
        refused = httpx.post(f"{provider.issuer}oauth/token", headers=dict(FORM), content=b"grant_type=x")
        assert refused.json()["error"] == "invalid_client"


def test_a_foreign_host_header_is_refused_on_the_socket_o01() -> None:
    with served() as provider:
        assert httpx.get(provider.issuer, headers={"Host": "evil.test"}).status_code == 421


def test_an_endless_body_is_cut_off() -> None:
    with served() as provider:
        assert httpx.post(f"{provider.issuer}oauth/token", content=b"a" * 1_000_000).status_code == 413


def test_a_delay_holds_one_path_for_as_many_requests_as_it_says() -> None:
    with served() as provider:
        provider.controls.next("/.well-known/jwks.json", delay=0.3)
        started = time.monotonic()
        httpx.get(f"{provider.issuer}.well-known/jwks.json")
        assert time.monotonic() - started >= 0.3
        assert provider.controls.take_delay("/.well-known/jwks.json") == 0


def test_a_delay_is_for_the_request_and_not_for_its_preflight() -> None:
    with served() as provider:
        provider.controls.next("/oauth/token", delay=0.3)
        assert httpx.options(f"{provider.issuer}oauth/token").status_code == 204
        assert provider.controls.take_delay("/oauth/token") == 0.3


def test_half_a_body_is_no_request() -> None:
    provider = DevProvider(keys=KEYS)
    told: list[str] = []
    provider.events.on_any(lambda name, _event: told.append(name))
    half: dict[str, object] = {"type": "http.request", "body": b"grant_type=refresh", "more_body": True}
    messages: list[dict[str, object]] = [half, {"type": "http.disconnect"}]
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    async def send(message: object) -> None:
        sent.append(message)

    scope = {**_scope("/oauth/token"), "method": "POST"}
    asyncio.run(_run(app(provider)(scope, receive, send)))
    assert (sent, told, messages) == ([], [], [])


def test_nobody_passes_for_a_proxy_p11() -> None:
    with served() as provider:
        for scheme in ("https", "wss", "evil"):
            assert httpx.get(provider.issuer, headers={"X-Forwarded-Proto": scheme}).status_code == 200


def test_no_attempt_at_a_websocket_makes_a_500() -> None:
    # Without a library for them, as here, uvicorn takes none by itself.
    assert Server(DevProvider(keys=KEYS)).config.ws == "none"
    with served() as provider:
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        assert httpx.get(provider.issuer, headers={**upgrade, **key}).status_code == 200


def test_a_delay_names_the_path_below_an_issuer_that_has_one() -> None:
    provider = DevProvider(Options(issuer="http://127.0.0.1:9400/tenant/"), keys=KEYS)
    provider.controls.next("/oauth/token", delay=0.1)
    asyncio.run(_run(app(provider)(_scope("/tenant/oauth/token"), _nothing, _forget)))
    assert provider.controls.take_delay("/oauth/token") == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "a b", "127.0.0.1.example.org"])
def test_what_others_could_reach_is_refused_unless_a_flag_says_so_o01(host: str) -> None:
    with pytest.raises(ConfigurationError, match="--allow-external"):
        check_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
def test_every_address_of_this_machine_only_is_good(host: str) -> None:
    check_loopback(host, "http://localhost:9400/", "http://[::1]:9400/")


def test_nobody_serves_at_an_address_or_under_an_issuer_that_others_reach_o01() -> None:
    inside, outside = DevProvider(keys=KEYS), DevProvider(Options(issuer="http://10.0.0.1:9400/"), keys=KEYS)
    for provider, host in ((inside, "0.0.0.0"), (outside, "127.0.0.1")):
        listener = Listener(host, listen("127.0.0.1", 0).socket)
        with pytest.raises(ConfigurationError, match="Other machines could reach"):
            serve(provider, listener)
        assert listener.socket.fileno() == -1


def test_no_answer_waits_for_the_acknowledgement_of_its_headers() -> None:
    with listen("127.0.0.1", 0).socket as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"Port {port} of 127\.0\.0\.1 is taken.*--port PORT"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("no.such.host.invalid", 0)])
def test_an_address_that_cannot_be_had_is_said_in_words(host: str, port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"Cannot listen on {host}, port {port}"):
        listen(host, port)


@pytest.mark.parametrize("port", [-1, 65_536, 99_999_999])
def test_a_port_that_cannot_be_is_said_in_words(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{port} is no port.*--port PORT"):
        listen("127.0.0.1", port)


def test_an_address_of_version_6_stands_in_brackets() -> None:
    for host in ("::1", "[::1]"):
        listener = listen(host, 0)
        with listener.socket:
            assert listener.url == f"http://[::1]:{listener.port}/"


def test_the_application_leaves_other_scopes_than_http_alone() -> None:
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {}

    async def send(message: object) -> None:
        sent.append(message)

    asyncio.run(_run(app(DevProvider(keys=KEYS))({"type": "lifespan"}, receive, send)))
    assert sent == []


@pytest.mark.parametrize(
    ("client", "status"),
    [
        (("127.0.0.1", 1), 200),
        (("127.8.8.8", 1), 200),
        (("::1", 1), 200),
        (("::ffff:127.0.0.1", 1), 200),
        (("192.0.2.7", 1), 404),
        (("::ffff:192.0.2.7", 1), 404),
        (("fe80::1%eth0", 1), 404),
        (("", 0), 404),
        (None, 404),
    ],
)
def test_the_controls_are_there_for_connections_of_this_machine_only_o13(
    client: tuple[str, int] | None, status: int
) -> None:
    def answer(path: str, provider: DevProvider) -> list[Any]:
        sent: list[Any] = []

        async def send(message: object) -> None:
            sent.append(message)

        # The Host header says 127.0.0.1, whoever sends it.
        headers = [(b"host", b"127.0.0.1:9400"), (b"authorization", b"Bearer " + b"k" * 32)]
        scope = {**_scope(path), "headers": headers, "client": client}
        asyncio.run(_run(app(provider)(scope, _nothing, send)))
        return sent

    provider = DevProvider(keys=KEYS, control_token="k" * 32)
    for path in ("/control", "/control/none"):
        sent = answer(path, provider)
        assert sent[0]["status"] == (status if path == "/control" else 404)
        if status == 404:
            assert sent == answer(path, DevProvider(keys=KEYS))


async def _run(awaitable: Awaitable[None]) -> None:
    await awaitable


def _scope(path: str) -> dict[str, object]:
    headers = [(b"host", b"127.0.0.1:9400")]
    return {"type": "http", "method": "GET", "scheme": "http", "path": path, "query_string": b"", "headers": headers}


async def _nothing() -> dict[str, object]:
    return {"type": "http.request"}


async def _forget(_message: object) -> None:
    return
