"""oauth4webapi, a client that is not ours, in Node: each flow against our provider on a socket, step by step.

The library judges every answer by the RFCs; tests/peers/oauth4webapi.mjs prints what came of each step.
"""

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Generator

import pytest
from dev_provider.harness import KEYS
from peer_packages import PEERS, find_packages

from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import listen, server

TIME_LIMIT = 60  # seconds; a flow takes one
Step = dict[str, object]


@contextlib.contextmanager
def served(prepare: Callable[[DevProvider], object] = lambda _provider: None, **options: object) -> Generator[str]:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        issuer = f"http://127.0.0.1:{port}/"
        provider = DevProvider(Options(issuer=issuer, **options), keys=KEYS)  # type: ignore[arg-type]
        prepare(provider)
        running = server(provider, port=port)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield issuer
        finally:
            running.should_exit = True
            thread.join()


def steps(issuer: str, flow: str) -> list[Step]:
    """What the script printed of a flow, which it has to finish."""
    find_packages()
    node = shutil.which("node")
    assert node is not None, "These tests need Node.js; it was not found."
    command = [node, str(PEERS / "oauth4webapi.mjs"), issuer, flow]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIME_LIMIT)
    assert (done.returncode, done.stderr) == (0, ""), f"{done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_login_with_pkce_ends_with_tokens_and_userinfo() -> None:
    with served() as issuer:
        assert steps(issuer, "code") == [
            {"step": "discovery", "iss": True},
            {"step": "tokens", "token_type": "bearer", "scope": "openid profile email", "expires_in": 600},
            {"step": "id_token", "sub": "alice"},
            {"step": "userinfo", "sub": "alice", "name": "Alice Archer", "email": "alice@example.com"},
        ]


def test_a_refusal_of_the_user_and_a_missing_login_are_said_as_errors() -> None:
    with served() as issuer:
        assert steps(issuer, "denied") == [
            {"step": "denied", "error": "access_denied"},
            {"step": "silent", "error": "login_required"},
        ]


def test_a_refresh_brings_new_tokens_and_a_second_use_ends_the_family_o08() -> None:
    with served() as issuer:
        assert steps(issuer, "refresh") == [
            {"step": "refreshed", "rotated": True, "renewed": True, "sub": "alice"},
            {"step": "reused", "error": "invalid_grant"},
            {"step": "family", "error": "invalid_grant"},
        ]


def test_what_the_library_does_not_like_fails_the_test() -> None:
    with served() as issuer, pytest.raises(AssertionError, match="does not match the expected value"):
        steps(issuer.replace("127.0.0.1", "localhost"), "code")
