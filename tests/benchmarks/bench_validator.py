"""How long the validation of an access token takes, beside the bare signature check that is its floor.

Prints medians; nothing is asserted. Run: .venv/bin/python tests/benchmarks/bench_validator.py
"""

import contextlib
import json
import logging
import statistics
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from spa_auth.errors import InvalidTokenError
from spa_auth.protocol import base64url
from spa_auth.server import AccessTokenValidator

AUDIENCE = "https://api.example"
ROUNDS, CALLS = 15, 400
SigningKey = RSAKey | ECKey


def main() -> None:
    """Print the table."""
    logging.getLogger("spa_auth.server").setLevel(logging.CRITICAL)
    keys: dict[str, SigningKey] = {
        "RS256": RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True),
        "ES256": ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, auto_kid=True),
    }
    print(f"{f'microseconds, median of {ROUNDS} rounds':<44}{'floor':>8}{'time':>8}{'ratio':>8}")
    with key_server([key.as_dict(private=False) for key in keys.values()]) as issuer:
        validator = AccessTokenValidator(issuer=issuer, audience=AUDIENCE)
        for alg, key in keys.items():
            token = access_token(issuer, alg, key)
            compare(
                bare_check(key, token),
                {
                    f"{alg} validate, {len(token)} characters": partial(validator.validate, token),
                    f"{alg} validate, one scope": partial(validator.validate, token, scopes="read:notes"),
                },
            )
        floor = bare_check(keys["RS256"], access_token(issuer, "RS256", keys["RS256"]))
        compare(floor, {"refuse a junk token of 1 MB": partial(refuse, validator, "A" * 1_000_000)})


def compare(floor: Callable[[], object], subjects: Mapping[str, Callable[[], object]]) -> None:
    """Time all of them in turns, so that a slow moment of the machine meets all alike, and print a row each."""
    rounds = [[timed(run) for run in (floor, *subjects.values())] for _ in range(ROUNDS)]
    floor_time, *times = (statistics.median(column) for column in zip(*rounds, strict=True))
    for name, value in zip(subjects, times, strict=True):
        print(f"{name:<44}{floor_time:>8.1f}{value:>8.1f}{value / floor_time:>8.2f}")


def timed(run: Callable[[], object]) -> float:
    """Microseconds per call."""
    began = time.perf_counter()
    for _ in range(CALLS):
        run()
    return (time.perf_counter() - began) / CALLS * 1e6


def refuse(validator: AccessTokenValidator, token: str) -> None:
    """Have a token refused."""
    with contextlib.suppress(InvalidTokenError):
        validator.validate(token)


def access_token(issuer: str, alg: str, key: SigningKey) -> str:
    """A token of usual size."""
    now = int(time.time())
    claims = {
        "iss": issuer,
        "sub": "auth0|6502f4b0a1b2c3d4e5f60718",
        "aud": [AUDIENCE, f"{issuer}userinfo"],
        "iat": now,
        "exp": now + 3600,
        "client_id": "k3yQ0aVn1xT8uZr5",
        "jti": "1d3c9a52-6a6f-4a52-9b0e-0f6d3d5e8b11",
        "scope": "openid profile email read:notes write:notes",
        "permissions": ["read:notes", "write:notes"],
    }
    return jws.serialize_compact({"alg": alg, "typ": "at+jwt", "kid": key.kid}, json.dumps(claims), key, [alg])


def bare_check(key: SigningKey, token: str) -> Callable[[], object]:
    """Nothing but cryptography's check of the token's signature, with all else prepared."""
    head, _, tail = token.rpartition(".")
    text, signature = head.encode(), base64url.decode(tail)
    public = key.public_key
    if isinstance(public, rsa.RSAPublicKey):
        return partial(public.verify, signature, text, padding.PKCS1v15(), hashes.SHA256())
    half = len(signature) // 2
    der = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
    return partial(public.verify, der, text, ec.ECDSA(hashes.SHA256()))


@contextlib.contextmanager
def key_server(keys: Sequence[Mapping[str, object]]) -> Generator[str, None, None]:
    """A provider of nothing but metadata and keys; its issuer identifier."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            jwks = self.path == "/jwks"
            body = json.dumps({"keys": keys} if jwks else {"issuer": issuer, "jwks_uri": f"{issuer}jwks"}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the base class has it
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield issuer
        server.shutdown()


if __name__ == "__main__":
    main()
