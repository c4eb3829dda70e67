"""oauth4webapi, a client that is not ours, in Node: each flow against our provider on a socket, step by step.

The library judges every answer by the RFCs; tests/peers/oauth4webapi.mjs prints what came of each step.
"""

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
import uvicorn
from dev_provider.harness import KEYS
from peer_packages import PEERS, find_packages

from spa_auth.cli.ports import listen
from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import app
from spa_auth.dev_provider.clients import CLIENT_CREDENTIALS, CODE, DEMO, REFRESH, Client

TIME_LIMIT = 60  # seconds; a flow takes one
NONCE_LIFETIME = 60  # seconds; more than a test takes, and four of them fewer than a proof stays fresh
INITIAL_ACCESS_TOKEN = "initial-access-token"
SERVER = Client(
    client_id="server",
    client_secret="a server's secret & a sign",
    redirect_uris=("http://127.0.0.1:9/callback",),
    grant_types=(CODE, REFRESH, CLIENT_CREDENTIALS),
)


@contextlib.contextmanager
def served(prepare: Callable[[DevProvider], object] | None = None, **options: Any) -> Generator[str]:  # noqa: ANN401
    listener = listen("127.0.0.1", 0, flag="")
    provider = DevProvider(Options(issuer=listener.url, clients=(DEMO, SERVER), **options), keys=KEYS)
    if prepare is not None:
        prepare(provider)
    server = uvicorn.Server(uvicorn.Config(app(provider), lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener.url
    finally:
        server.should_exit = True
        thread.join()
        listener.socket.close()


def steps(issuer: str, flow: str) -> list[dict[str, object]]:
    """What the script printed of a flow, which it has to finish."""
    find_packages()
    node = shutil.which("node")
    assert node is not None, "These tests need Node.js; it was not found."
    command = [node, str(PEERS / "oauth4webapi.mjs"), issuer, flow]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIME_LIMIT)
    assert (done.returncode, done.stderr) == (0, ""), f"{done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_login_with_pkce_ends_with_tokens_that_everybody_can_verify() -> None:
    with served() as issuer:
        assert steps(issuer, "code") == [
            {"step": "discovery", "iss": True, "both": True},
            {"step": "tokens", "token_type": "bearer", "scope": "openid profile email", "expires_in": 600},
            {"step": "ID token", "sub": "alice"},
            {"step": "userinfo", "sub": "alice", "name": "Alice Archer", "email": "alice@example.com"},
            {"step": "access token", "sub": "alice", "client_id": "demo", "scope": "openid profile email"},
        ]


def test_a_refusal_of_the_user_and_a_missing_login_are_said_as_errors() -> None:
    with served() as issuer:
        assert steps(issuer, "denied") == [
            {"step": "denied", "error": "access_denied"},
            {"step": "silent", "error": "login_required"},
        ]


def test_an_answer_by_form_post_is_taken() -> None:
    with served() as issuer:
        assert steps(issuer, "formPost") == [{"step": "tokens", "there": True, "sub": "alice"}]


def test_a_refresh_brings_new_tokens_and_a_second_use_ends_the_family_o08() -> None:
    with served() as issuer:
        assert steps(issuer, "refresh") == [
            {"step": "refreshed", "rotated": True, "renewed": True, "sub": "alice"},
            {"step": "reused", "error": "invalid_grant"},
            {"step": "family", "error": "invalid_grant"},
        ]


def let_nonces_grow_old(provider: DevProvider) -> None:
    # A new nonce from now on, so that the second at which the test runs makes no difference.
    provider.controls.advance(NONCE_LIFETIME - time.time() % NONCE_LIFETIME)
    provider.events.on("grant.success", lambda _event: provider.controls.advance(NONCE_LIFETIME))
    provider.events.on("userinfo.success", lambda _event: provider.controls.advance(2 * NONCE_LIFETIME))


def test_dpop_goes_on_while_nonces_grow_old_p22() -> None:
    """After a grant the nonce is the one before the newest, which is still good; after userinfo it is gone."""
    options: dict[str, Any] = {"dpop_nonces": "required", "dpop_nonce_lifetime": NONCE_LIFETIME}
    with served(let_nonces_grow_old, **options) as issuer:
        assert steps(issuer, "dpop") == [
            {"step": "nonce wanted", "for": "code"},
            {"step": "tokens", "token_type": "dpop"},
            {"step": "userinfo", "sub": "alice"},
            {"step": "without proof", "error": "invalid_token"},
            {"step": "nonce wanted", "for": "refresh"},
            {"step": "refreshed", "token_type": "dpop"},
            {"step": "nonce wanted", "for": "another key"},
            {"step": "another key", "error": "invalid_grant"},
        ]


def test_introspection_tells_what_is_active() -> None:
    with served() as issuer:
        assert steps(issuer, "introspection") == [
            {"step": "access token", "active": True, "sub": "alice", "client_id": "server"},
            {"step": "refresh token", "active": True, "sub": "alice"},
            {"step": "unknown", "active": False},
        ]


def test_a_revoked_refresh_token_takes_its_access_tokens_with_it() -> None:
    with served() as issuer:
        assert steps(issuer, "revocation") == [
            {"step": "revoked", "error": "invalid_grant"},
            {"step": "access token", "active": False},
            {"step": "unknown"},
        ]


def test_a_confidential_client_gets_a_token_of_its_own() -> None:
    with served() as issuer:
        assert steps(issuer, "clientCredentials") == [
            {"step": "tokens", "token_type": "bearer", "sub": "server", "scope": "read"},
            {"step": "wrong secret", "error": "invalid_client"},
        ]


def test_an_access_token_is_exchanged_for_one_of_another_audience() -> None:
    with served() as issuer:
        assert steps(issuer, "tokenExchange") == [
            {"step": "exchanged", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "sub": "alice"},
        ]


def test_a_pushed_request_leads_to_a_login_and_no_other_one_does() -> None:
    with served(require_pushed_requests=True) as issuer:
        assert steps(issuer, "par") == [
            {"step": "pushed", "expires_in": 60},
            {"step": "tokens", "sub": "alice"},
            {"step": "not pushed", "error": "invalid_request"},
        ]


def test_a_device_waits_for_its_user_and_gets_tokens_once() -> None:
    with served() as issuer:
        assert steps(issuer, "device") == [
            {"step": "device", "expires_in": 600, "interval": 5},
            {"step": "waiting", "error": "authorization_pending"},
            {"step": "too soon", "error": "slow_down"},
            {"step": "tokens", "sub": "alice", "name": "Alice Archer"},
            {"step": "again", "error": "invalid_grant"},
        ]


def test_an_application_registers_itself_and_logs_in() -> None:
    with served(registration="protected", initial_access_tokens=(INITIAL_ACCESS_TOKEN,)) as issuer:
        assert steps(issuer, "registration") == [
            {"step": "without token", "error": "invalid_token"},
            {"step": "registered", "client_name": "A new application", "expires": 0},
            {"step": "tokens", "sub": "alice", "ours": True},
            {"step": "without secret", "secret": False, "ours": True},
        ]


def test_what_the_library_does_not_like_fails_the_test() -> None:
    with served() as issuer, pytest.raises(AssertionError, match="does not match the expected value"):
        steps(issuer.replace("127.0.0.1", "localhost"), "code")
