import asyncio
import contextlib
import gzip
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import pytest
from server.issuing import DISCOVERY, Answer, Clock, LocalIssuer, quiet, write
from token_factory import public_jwk, sign

from spa_auth.errors import InvalidTokenError, UpstreamError
from spa_auth.server import AccessTokenValidator

BOTH = [DISCOVERY, "/jwks"]


def unavailable(validator: AccessTokenValidator, token: str) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        validator.validate(token)
    error = raised.value
    assert error.status == 503
    assert int(dict(error.headers)["Retry-After"]) > 0
    assert "WWW-Authenticate" not in dict(error.headers)
    return error


def signed_by(issuer: LocalIssuer, name: str) -> str:
    return sign(issuer.claims(), alg="ES256", name=name, header={"typ": "at+jwt"})


def test_m17_a_hundred_cold_tasks_make_one_discovery_and_one_key_fetch(issuer: LocalIssuer) -> None:
    issuer.delay = 0.05
    validator, token = issuer.validator(), issuer.token()

    async def run() -> None:
        await asyncio.gather(*(validator.avalidate(token) for _ in range(100)))

    asyncio.run(run())
    assert issuer.asked == BOTH


def test_m17_a_hundred_cold_threads_make_one_discovery_and_one_key_fetch(issuer: LocalIssuer) -> None:
    issuer.delay = 0.05
    validator, token = issuer.validator(), issuer.token()
    start = threading.Barrier(100)

    def one(_: int) -> str | None:
        start.wait()
        return validator.validate(token).subject

    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(one, range(100))) == {"alice"}
    assert issuer.asked == BOTH


def test_m17_all_who_wait_for_a_failing_fetch_fail_with_it(issuer: LocalIssuer) -> None:
    quiet()
    issuer.delay = 0.1
    issuer.answers[DISCOVERY] = lambda call: write(call, b"", 500)
    validator, token = issuer.validator(), issuer.token()

    async def run() -> list[object]:
        return await asyncio.gather(*(validator.avalidate(token) for _ in range(50)), return_exceptions=True)

    assert {type(result) for result in asyncio.run(run())} == {UpstreamError}
    with ThreadPoolExecutor(50) as pool:
        for result in [pool.submit(validator.validate, token) for _ in range(50)]:
            assert isinstance(result.exception(), UpstreamError)
    assert len(issuer.asked) <= 2


def test_a_caller_that_is_cancelled_leaves_the_others_alone(issuer: LocalIssuer) -> None:
    issuer.delay = 0.1
    validator, token = issuer.validator(), issuer.token()

    async def run() -> str | None:
        first = asyncio.create_task(validator.avalidate(token))
        second = asyncio.create_task(validator.avalidate(token))
        await asyncio.sleep(0.05)
        first.cancel()
        return (await second).subject

    assert asyncio.run(run()) == "alice"


def test_an_event_loop_that_ends_while_it_asks_does_no_harm(issuer: LocalIssuer) -> None:
    issuer.delay = 0.2
    validator, token = issuer.validator(), issuer.token()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(validator.avalidate(token), 0.05)

    asyncio.run(leave())
    assert asyncio.run(validator.avalidate(token)).subject == "alice"
    assert validator.validate(token).subject == "alice"


def test_known_keys_cost_no_request(issuer: LocalIssuer) -> None:
    validator = issuer.validator()
    for _ in range(20):
        validator.validate(issuer.token())
    assert issuer.asked == BOTH


def test_keys_are_fetched_anew_when_their_time_is_over(issuer: LocalIssuer) -> None:
    clock = Clock()
    validator = issuer.validator(clock=clock, jwks_cache_duration=120)
    validator.validate(issuer.token())
    clock.now += 119
    validator.validate(issuer.token())
    assert issuer.asked == BOTH
    clock.now += 2
    validator.validate(issuer.token())
    assert issuer.asked == [*BOTH, "/jwks"]


def test_m15_a_flood_of_unknown_key_ids_makes_one_more_fetch(issuer: LocalIssuer) -> None:
    quiet()
    validator = issuer.validator()
    validator.validate(issuer.token())
    for number in range(1_000):
        with pytest.raises(InvalidTokenError):
            validator.validate(issuer.token(header={"kid": f"invented-{number}"}))
    assert issuer.asked == [*BOTH, "/jwks"]
    assert validator.validate(issuer.token())


def test_m16_a_rotated_key_is_found_at_its_first_use(issuer: LocalIssuer) -> None:
    validator = issuer.validator()
    validator.validate(issuer.token())
    issuer.keys = [public_jwk("ES256", "new")]
    assert validator.validate(signed_by(issuer, "new"))
    assert issuer.asked == [*BOTH, "/jwks"]


def test_m18_known_keys_serve_through_an_outage_and_then_it_is_503(issuer: LocalIssuer) -> None:
    clock = Clock()
    validator, token = issuer.validator(clock=clock), issuer.token(exp=int(clock.now) + 100_000)
    validator.validate(token)
    issuer.answers["/jwks"] = lambda call: write(call, b"", 500)
    for _ in range(6):
        clock.now += 600
        assert validator.validate(token)
    clock.now += 600
    unavailable(validator, token)


def test_m18_an_unknown_key_in_an_outage_is_503_as_nobody_can_tell(issuer: LocalIssuer) -> None:
    validator = issuer.validator()
    validator.validate(issuer.token())
    issuer.answers["/jwks"] = lambda call: write(call, b"", 500)
    for _ in range(3):
        unavailable(validator, signed_by(issuer, "new"))
    assert issuer.asked == [*BOTH, "/jwks"]


def test_a_provider_that_comes_back_is_used_again(issuer: LocalIssuer) -> None:
    clock = Clock()
    validator = issuer.validator(clock=clock)
    issuer.answers["/jwks"] = lambda call: write(call, b"", 500)
    unavailable(validator, issuer.token())
    unavailable(validator, issuer.token())
    del issuer.answers["/jwks"]
    clock.now += 31
    assert validator.validate(issuer.token())


def test_nobody_there_is_503(caplog: pytest.LogCaptureFixture) -> None:
    issuer = LocalIssuer(1)
    error = unavailable(issuer.validator(), issuer.token())
    assert "http://127.0.0.1:1 cannot be reached" in error.detail
    assert caplog.records[-1].levelname == "ERROR"
    assert caplog.messages[-1] == f"503 temporarily_unavailable {error.detail}"


@pytest.mark.parametrize("found", ["https://other.example/", None, 1, "ISSUER/", "issuer"])
def test_m01_metadata_of_another_issuer_is_not_used(issuer: LocalIssuer, found: object) -> None:
    if isinstance(found, str) and "://" not in found:
        found = {"ISSUER/": issuer.issuer + "/", "issuer": issuer.issuer.rstrip("/")}[found]
    issuer.metadata["issuer"] = found
    error = unavailable(issuer.validator(), issuer.token())
    assert "names itself otherwise" in error.detail
    assert issuer.asked == [DISCOVERY]


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_m02_redirects_are_not_followed(issuer: LocalIssuer, path: str, status: int) -> None:
    issuer.answers[path] = lambda call: write(call, b"", status, Location=f"{issuer.issuer}elsewhere")
    unavailable(issuer.validator(), issuer.token())
    assert "/elsewhere" not in issuer.asked


@pytest.mark.parametrize("jwks_uri", ["http://keys.example/", "file:///etc/passwd", "data:,{}", "ftp://a/", 1, [], ""])
def test_m02_m07_an_unsafe_address_of_the_keys_is_not_asked(issuer: LocalIssuer, jwks_uri: object) -> None:
    issuer.metadata["jwks_uri"] = jwks_uri
    assert "jwks_uri" in unavailable(issuer.validator(), issuer.token()).detail


def test_m03_a_remote_provider_cannot_make_this_machine_ask_itself(issuer: LocalIssuer) -> None:
    from spa_auth.errors import DiscoveryError
    from spa_auth.protocol.effects import Send
    from spa_auth.protocol.http import Request
    from spa_auth.server.transport import Transport

    with pytest.raises(DiscoveryError):
        Transport(1, loopback=False).send(Send(Request("GET", f"{issuer.issuer}jwks")))
    assert issuer.asked == []


def test_m07_metadata_without_keys_is_503_with_the_reason(issuer: LocalIssuer) -> None:
    del issuer.metadata["jwks_uri"]
    assert "lists no jwks_uri" in unavailable(issuer.validator(), issuer.token()).detail


def endless(call: BaseHTTPRequestHandler) -> None:
    write(call, b"")
    with contextlib.suppress(OSError):
        while True:
            call.wfile.write(b" " * 65_536)


def slow_body(call: BaseHTTPRequestHandler) -> None:
    write(call, b"")
    with contextlib.suppress(OSError):
        for _ in range(100):
            call.wfile.write(b" ")
            time.sleep(0.05)


def bomb(call: BaseHTTPRequestHandler) -> None:
    assert call.headers["Accept-Encoding"] == "identity"
    write(call, gzip.compress(b" " * 100_000_000), Content_Encoding="gzip")


def raw(call: BaseHTTPRequestHandler, answer: bytes) -> None:
    call.wfile.write(answer)


MISBEHAVIOURS: dict[str, Answer] = {
    "endless": endless,
    "slow": slow_body,
    "silent": lambda _: time.sleep(1),
    "bomb": bomb,
    "html": lambda call: write(call, b"<html>"),
    "deep": lambda call: write(call, b"[" * 10_000),
    "doubled": lambda call: write(call, b'{"issuer":"a","issuer":"b","keys":[],"keys":[]}'),
    "list": lambda call: write(call, b"[]"),
    "empty": lambda call: write(call, b""),
    "404": lambda call: write(call, b"{}", 404),
    "keys is a text": lambda call: write(call, b'{"keys":"a"}'),
    "too many keys": lambda call: write(call, json.dumps({"keys": [None] * 101}).encode()),
    "broken": lambda call: raw(call, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    "no http": lambda call: raw(call, b"hello\r\n\r\n"),
}


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_m06_a_misbehaving_provider_is_503_in_good_time(issuer: LocalIssuer, path: str, name: str) -> None:
    issuer.answers[path] = MISBEHAVIOURS[name]
    token, began = issuer.token(), time.monotonic()
    unavailable(issuer.validator(response_timeout=0.3), token)
    with pytest.raises(UpstreamError):
        asyncio.run(issuer.validator(response_timeout=0.3).avalidate(token))
    assert time.monotonic() - began < 5


def test_m10_one_bad_key_does_not_spoil_the_set(issuer: LocalIssuer) -> None:
    bad: dict[str, object] = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "ES256"}
    issuer.keys = [{"kty": "unknown"}, bad, {}, public_jwk("ES256", "ES256")]
    assert issuer.validator().validate(issuer.token())


def test_m14_several_keys_may_share_a_kid(issuer: LocalIssuer) -> None:
    issuer.keys = [public_jwk("ES256", name, kid="same") for name in ("one", "two", "three")]
    assert issuer.validator().validate(sign(issuer.claims(), alg="ES256", name="three", header={"kid": "same"}))
