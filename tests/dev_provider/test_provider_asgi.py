import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Generator

import httpx
import pytest
from dev_provider.harness import FORM, KEYS

from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.__main__ import main
from spa_auth.dev_provider.asgi import Delays, app, check_loopback, listen, serve, server
from spa_auth.errors import ConfigurationError


@contextlib.contextmanager
def served(delays: Delays | None = None) -> Generator[str]:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        issuer = f"http://127.0.0.1:{port}/"
        running = server(DevProvider(Options(issuer=issuer), keys=KEYS), port=port, delays=delays)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield issuer
        finally:
            running.should_exit = True
            thread.join()


def test_the_provider_answers_on_a_real_socket() -> None:
    with served() as issuer:
        response = httpx.get(f"{issuer}.well-known/openid-configuration")
        assert response.json()["issuer"] == issuer
        assert "server" not in response.headers
        assert httpx.get(f"{issuer}avatars/%C3%A9.svg").status_code == 200
        refused = httpx.post(f"{issuer}oauth/token", headers=dict(FORM), content=b"grant_type=x")
        assert refused.json()["error"] == "invalid_client"


def test_a_foreign_host_header_is_refused_on_the_socket_o01() -> None:
    with served() as issuer:
        assert httpx.get(issuer, headers={"Host": "evil.test"}).status_code == 421


def test_an_endless_body_is_cut_off() -> None:
    with served() as issuer:
        assert httpx.post(f"{issuer}oauth/token", content=b"a" * 1_000_000).status_code == 413


def test_a_delay_holds_one_path_for_as_many_requests_as_it_says() -> None:
    delays = Delays()
    with served(delays) as issuer:
        delays.set("/.well-known/jwks.json", 0.3, times=1)
        started = time.monotonic()
        httpx.get(f"{issuer}.well-known/jwks.json")
        assert time.monotonic() - started >= 0.3
        assert delays.take("/.well-known/jwks.json") == 0
        delays.set("/authorize", 2)
        assert [delays.take("/authorize"), delays.take("/authorize"), delays.take("/login")] == [2, 2, 0]
        delays.clear()
        assert delays.take("/authorize") == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "a b"])
def test_only_loopback_is_listened_on_unless_a_flag_says_so_o01(host: str) -> None:
    provider = DevProvider(keys=KEYS)
    with pytest.raises(ConfigurationError, match="--allow-external"):
        serve(provider, host)
    check_loopback(provider, host, allow_external=True)


def test_an_issuer_that_others_reach_is_refused_too_o01() -> None:
    provider = DevProvider(Options(issuer="http://10.0.0.1:9400/"), keys=KEYS)
    with pytest.raises(ConfigurationError):
        check_loopback(provider, "127.0.0.1", allow_external=False)
    check_loopback(DevProvider(Options(issuer="http://[::1]:9400/"), keys=KEYS), "::1", allow_external=False)


def test_a_taken_port_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigurationError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_the_application_leaves_other_scopes_than_http_alone() -> None:
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {}

    async def send(message: object) -> None:
        sent.append(message)

    asyncio.run(_run(app(DevProvider(keys=KEYS))({"type": "lifespan"}, receive, send)))
    assert sent == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host", "0.0.0.0"],
        ["--code-lifetime", "0"],
        ["--issuer", "nonsense"],
        ["--port", "99999999"],
    ],
)
def test_the_command_says_what_is_wrong_and_ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "invalid_configuration" in capsys.readouterr().err


@pytest.mark.parametrize("delay", ["/oauth/token", "oauth=2", "/oauth/token=soon"])
def test_a_malformed_delay_is_refused(delay: str) -> None:
    with pytest.raises(SystemExit):
        main(["--delay", delay])


def test_the_command_serves_until_it_is_interrupted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "spa_auth.dev_provider", "--port", str(port), "--delay", "/userinfo=0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            issuer = f"http://127.0.0.1:{port}/"
            assert _wait_for(issuer) == 200
            process.send_signal(2)
            output, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    assert issuer in output
    assert (process.returncode, errors) == (0, "")


def _wait_for(url: str) -> int:
    for _ in range(100):
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url).status_code
        time.sleep(0.1)
    return 0


async def _run(awaitable: Awaitable[None]) -> None:
    await awaitable
