import asyncio
import contextlib
import gzip
import json
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import pytest
from server.issuing import DISCOVERY, Answer, Clock, LocalIssuer, quiet, write
from token_factory import public_jwk, sign

from spa_auth.errors import DiscoveryError, InvalidTokenError, NetworkError, UpstreamError
from spa_auth.protocol.effects import Send
from spa_auth.protocol.http import Request
from spa_auth.server import AccessTokenValidator
from spa_auth.server.transport import Transport

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


def refused_address(issuer: str, address: str) -> bool:
    """Whether an issuer may not name an address; nobody answers at any of those that it may."""
    transport, effect = Transport(issuer, timeout=0.001), Send(Request("GET", address))
    with pytest.raises((DiscoveryError, NetworkError)) as raised:
        asyncio.run(transport.asend(effect))
    return isinstance(raised.value, DiscoveryError)


INWARDS = [
    "localhost", "api.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "0.0.0.0",
    "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "224.0.0.1", "255.255.255.255",
    "[::ffff:7f00:1]", "[::ffff:808:808]", "[fd00::1]", "[fe80::1]", "[ff02::1]", "[64:ff9b::a9fe:a9fe]",
]  # fmt: skip


@pytest.mark.parametrize("host", INWARDS)
def test_m03_a_remote_provider_cannot_make_this_machine_ask_around_it(host: str) -> None:
    assert refused_address("https://id.example/", f"https://{host}/jwks")
    assert refused_address("https://10.9.9.9/", f"https://{host}/jwks")


def test_m03_a_remote_provider_is_not_asked_by_way_of_this_machine(issuer: LocalIssuer) -> None:
    with pytest.raises(DiscoveryError):
        Transport("https://id.example/", timeout=1).send(Send(Request("GET", f"{issuer.issuer}jwks")))
    assert issuer.asked == []


@pytest.mark.parametrize("host", ["10.0.0.1", "[fd00::1]", "169.254.169.254"])
def test_an_issuer_at_an_inner_address_is_asked_there_and_nowhere_else(host: str) -> None:
    assert not refused_address(f"https://{host}/", f"https://{host}:8443/jwks")
    assert refused_address(f"https://{host}/", "https://10.0.0.2/jwks")


@pytest.mark.parametrize("host", ["keys.invalid", "192.88.99.1", "[2606:4700::1]"])
def test_any_issuer_may_name_a_public_address(host: str) -> None:
    assert not refused_address("https://id.example/", f"https://{host}/jwks")


def test_m03_a_provider_on_this_machine_names_this_machine_only() -> None:
    assert not refused_address("http://127.0.0.1:1/", "http://localhost:1/jwks")
    assert refused_address("http://127.0.0.1:1/", "https://169.254.169.254/jwks")


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


def slow_head(call: BaseHTTPRequestHandler) -> None:
    with contextlib.suppress(OSError):
        for character in "HTTP/1.1 200 OK\r\n" + "X: 1\r\n" * 5:
            call.wfile.write(character.encode())
            time.sleep(0.05)


def bomb(call: BaseHTTPRequestHandler) -> None:
    assert call.headers["Accept-Encoding"] == "identity"
    write(call, gzip.compress(b" " * 100_000_000), Content_Encoding="gzip")


def raw(call: BaseHTTPRequestHandler, answer: bytes) -> None:
    call.wfile.write(answer)


MISBEHAVIOURS: dict[str, Answer] = {
    "endless": endless,
    "slow": slow_body,
    "slow head": slow_head,
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
    assert time.monotonic() - began < 2


def test_m06_a_caller_inside_an_event_loop_may_ask_and_block(issuer: LocalIssuer) -> None:
    async def run() -> str | None:
        return issuer.validator().validate(issuer.token()).subject

    assert asyncio.run(run()) == "alice"


@pytest.fixture
def stale(issuer: LocalIssuer) -> Generator[AccessTokenValidator, None, None]:
    """A validator whose keys are old, and whose provider does not answer for them until the test is over."""
    clock, over = Clock(), threading.Event()
    validator = issuer.validator(clock=clock, response_timeout=1)
    validator.validate(issuer.token())
    clock.now += 301

    def hang(_: BaseHTTPRequestHandler) -> None:
        over.wait(10)

    issuer.answers["/jwks"] = hang
    yield validator
    over.set()


def seconds_of(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_m18_m24_known_keys_never_wait_for_a_thread_that_fetches_them_anew(
    issuer: LocalIssuer, stale: AccessTokenValidator
) -> None:
    token, start = issuer.token(), threading.Barrier(20)

    def one(_: int) -> float:
        start.wait()
        return seconds_of(lambda: stale.validate(token))

    with ThreadPoolExecutor(20) as pool:
        *others, slowest = sorted(pool.map(one, range(20)))
    assert max(others) < 0.9 < slowest
    assert issuer.asked == [*BOTH, "/jwks"]


def test_m18_known_keys_never_wait_for_a_task_that_fetches_them_anew(
    issuer: LocalIssuer, stale: AccessTokenValidator
) -> None:
    token = issuer.token()

    async def one() -> float:
        began = time.monotonic()
        await stale.avalidate(token)
        return time.monotonic() - began

    async def run() -> list[float]:
        return await asyncio.gather(*(one() for _ in range(20)))

    *others, slowest = sorted(asyncio.run(run()))
    assert max(others) < 0.9 < slowest
    assert issuer.asked == [*BOTH, "/jwks"]


def test_m16_an_unknown_key_waits_for_whoever_asks(issuer: LocalIssuer) -> None:
    clock = Clock()
    validator = issuer.validator(clock=clock)
    validator.validate(issuer.token())
    clock.now += 301
    issuer.delay = 0.3
    issuer.keys = [public_jwk("ES256", "ES256"), public_jwk("ES256", "new")]

    async def run() -> None:
        await asyncio.gather(*(validator.avalidate(token) for token in (issuer.token(), signed_by(issuer, "new"))))

    asyncio.run(run())
    clock.now += 301
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(validator.validate, issuer.token())
        time.sleep(0.1)
        assert pool.submit(validator.validate, signed_by(issuer, "newer")).exception(timeout=5) is not None
        assert first.result()
    assert issuer.asked == [*BOTH, "/jwks", "/jwks", "/jwks"]


def test_m10_one_bad_key_does_not_spoil_the_set(issuer: LocalIssuer) -> None:
    bad: dict[str, object] = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "ES256"}
    issuer.keys = [{"kty": "unknown"}, bad, {}, public_jwk("ES256", "ES256")]
    assert issuer.validator().validate(issuer.token())


def test_m14_several_keys_may_share_a_kid(issuer: LocalIssuer) -> None:
    issuer.keys = [public_jwk("ES256", name, kid="same") for name in ("one", "two", "three")]
    assert issuer.validator().validate(sign(issuer.claims(), alg="ES256", name="three", header={"kid": "same"}))
