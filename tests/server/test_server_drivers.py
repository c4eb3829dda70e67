import asyncio
from collections.abc import Callable, Generator

import pytest
from token_factory import public_jwk

from spa_auth.errors import NetworkError
from spa_auth.protocol import effects
from spa_auth.protocol.effects import Effect, Flow, Now, Random, Send, Token, Verify
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.jwk import Key, parse_jwk
from spa_auth.protocol.scope import Scope
from spa_auth.server.drivers import adrive, drive
from spa_auth.server.instruments import Instruments

ASK = Request("GET", "https://id.example/")
Run = Callable[[Flow[str], "Callable[[Send], Response]"], str]
answer = Instruments(lambda: 1_800_000_000)


def run_sync(flow: Flow[str], send: Callable[[Send], Response]) -> str:
    return drive(flow, send, answer)


def run_async(flow: Flow[str], send: Callable[[Send], Response]) -> str:
    async def asend(effect: Send) -> Response:
        await asyncio.sleep(0)
        return send(effect)

    return asyncio.run(adrive(flow, asend, answer))


both_colours = pytest.mark.parametrize("run", [run_sync, run_async])


def asking_twice() -> Flow[str]:
    response = yield from effects.send(ASK)
    now = yield from effects.now()
    try:
        yield from effects.send(ASK, max_bytes=10, shared=True)
    except NetworkError as error:
        return f"{response.status} {now} {error.reason}"
    return "not reached"


@both_colours
def test_a_flow_is_given_every_answer_and_every_error(run: Run) -> None:
    asked: list[Send] = []

    def send(effect: Send) -> Response:
        asked.append(effect)
        if len(asked) == 2:
            raise NetworkError("No answer.", reason="timeout")
        return Response(204)

    assert run(asking_twice(), send) == "204 1800000000 timeout"
    assert asked == [Send(ASK), Send(ASK, 10, shared=True)]


@both_colours
def test_what_is_no_error_of_ours_ends_the_flow(run: Run) -> None:
    def send(_: Send) -> Response:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(asking_twice(), send)


@both_colours
def test_a_flow_may_end_without_asking_anything(run: Run) -> None:
    def at_once() -> Generator[Effect, object, str]:
        yield from ()
        return "done"

    assert run(at_once(), lambda _: Response(500)) == "done"


def test_the_instruments_tell_the_time_and_make_randomness() -> None:
    assert answer(Now()) == 1_800_000_000
    first, second = answer(Random(32)), answer(Random(32))
    assert isinstance(first, bytes)
    assert len(first) == 32
    assert first != second


def test_a_server_has_no_tokens_of_its_own_to_send() -> None:
    with pytest.raises(TypeError, match="Token"):
        answer(Token(None, Scope()))


@pytest.mark.parametrize("alg", ["ES257", "none", ""])
def test_an_algorithm_that_joserfc_does_not_have_verifies_nothing(alg: str) -> None:
    key = parse_jwk(public_jwk("ES256"))
    assert key is not None
    assert answer(Verify(alg, key, b"", bytes(64))) is False


def test_a_key_that_joserfc_cannot_import_verifies_nothing() -> None:
    key = Key({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, None, None)
    assert answer(Verify("ES256", key, b"", bytes(64))) is False
