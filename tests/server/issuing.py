"""A provider of metadata and keys, served by a real HTTP server on loopback, that can be made to misbehave."""

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from token_factory import jwks, public_jwk, sign

from spa_auth.errors import RequestError
from spa_auth.protocol.challenge import Challenge, parse_challenges
from spa_auth.server import AccessTokenValidator

AUDIENCE = "https://api.example"
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
DISCOVERY = "/.well-known/openid-configuration"
Answer = Callable[[BaseHTTPRequestHandler], None]


class LocalIssuer:
    """Answers discovery and the keys, counts who asks, and signs access tokens."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}/"
        self.asked: list[str] = []
        self.delay = 0.0
        self.keys: list[Mapping[str, object]] = [public_jwk(alg, alg) for alg in ALGORITHMS]
        self.metadata: dict[str, object] = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}jwks"}
        self.answers: dict[str, Answer] = {}

    def answer(self, call: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        self.asked.append(call.path)
        time.sleep(self.delay)
        if call.path in self.answers:
            self.answers[call.path](call)
        else:
            write(call, json.dumps(self.metadata).encode() if call.path == DISCOVERY else jwks(*self.keys))

    def claims(self, **changes: object) -> dict[str, object]:
        """The claims of a good token, with changes; None takes a claim away."""
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": "alice",
            "aud": AUDIENCE,
            "client_id": "notes-page",
            "iat": int(time.time()),
            "exp": int(time.time()) + 600,
            "scope": "openid read:notes",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        *,
        alg: str = "ES256",
        header: Mapping[str, object] | None = None,
        claims: Mapping[str, object] | None = None,
        **changes: object,
    ) -> str:
        """A signed token, good but for the changes of its claims and its header."""
        changed = self.claims(**{**(claims or {}), **changes})
        return sign(changed, alg=alg, name=alg, header={"typ": "at+jwt", **(header or {})})

    def validator(self, **options: object) -> AccessTokenValidator:
        """A new validator of this issuer's tokens."""
        return AccessTokenValidator(**{"issuer": self.issuer, "audience": AUDIENCE, **options})  # type: ignore[arg-type]


def write(call: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """Send one answer."""
    call.send_response(status)
    for name, value in headers.items():
        call.send_header(name.replace("_", "-"), value)
    call.end_headers()
    with contextlib.suppress(ConnectionError):  # some tests have the client hang up
        call.wfile.write(body)


@contextlib.contextmanager
def local_issuer() -> Generator[LocalIssuer, None, None]:
    """A running LocalIssuer on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the base class has it
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 200

    with Server(("127.0.0.1", 0), Handler) as server:
        issuer = LocalIssuer(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield issuer
        server.shutdown()
        thread.join()


class Clock:
    """A clock that stands until it is moved; seconds."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def challenge_of(error: RequestError) -> Challenge:
    """The one challenge of a refusal."""
    [challenge] = parse_challenges(dict(error.headers)["WWW-Authenticate"])
    return challenge


def log_line(caplog: pytest.LogCaptureFixture) -> str:
    """The last line that the validator logged about a request."""
    lines = [record.getMessage() for record in caplog.records if record.name == "spa_auth.server"]
    return lines[-1]


def quiet() -> None:
    """For tests that refuse by the thousand."""
    logging.getLogger("spa_auth.server").setLevel(logging.CRITICAL)
