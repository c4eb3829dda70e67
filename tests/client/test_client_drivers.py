"""One flow, three drivers: the page's, the server's in both colours, and a list of answers. All do the same."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import pytest
from client.wire import CALLBACK, OUTAGE, Wire, error_answer, page

from spa_auth.client.driver import Driver
from spa_auth.errors import InvalidGrantError, NetworkError, SpaAuthError
from spa_auth.protocol import form
from spa_auth.protocol.effects import Effect, Flow, Random, Send, Verify
from spa_auth.protocol.flows import Grant, IDTokenRules, LoginOptions, LoginRequest, begin_login, complete_login
from spa_auth.protocol.http import Response
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.transaction import REDIRECT
from spa_auth.protocol.url import parse_url
from spa_auth.server.drivers import adrive, drive
from spa_auth.server.instruments import Instruments
from spa_auth.testing import Pair

T = TypeVar("T")
Run = Callable[[Pair, Flow[Any]], object]


class Record(NamedTuple):
    """What a flow asked for, and what it was answered."""

    effects: list[Effect]
    answers: list[object]


def recorded(flow: Flow[T], record: Record) -> Flow[T]:
    """The same flow, written down."""
    try:
        effect = next(flow)
        while True:
            record.effects.append(effect)
            try:
                answer = yield effect
            except SpaAuthError as error:
                record.answers.append(error)
                effect = flow.throw(error)
            else:
                record.answers.append(answer)
                effect = flow.send(answer)
    except StopIteration as end:
        value: T = end.value
        return value


def shape(effect: Effect) -> object:
    """An effect without what is random in it."""
    if isinstance(effect, Send):
        names = [name for name, _ in form.parse(effect.request.body.decode())]
        headers = [name for name, _ in effect.request.headers]
        return (effect.request.method, effect.request.url, headers, names, effect.max_bytes, effect.shared)
    if isinstance(effect, Verify):
        return (effect.alg, effect.key.kid)
    return effect if isinstance(effect, Random) else type(effect)


def whole_login(run: "Run", world: Pair, record: Record, came_back: list[str]) -> Grant:
    """From discovery to validated tokens; the user logs in between, unless they have come back already."""
    provider = Provider(world.provider.issuer)
    options = LoginOptions("demo", CALLBACK, "/", Scope("openid profile"), REDIRECT)
    request = cast("LoginRequest", run(world, recorded(begin_login(provider, options), record)))
    if not came_back:
        came_back.append(asyncio.run(visit(world, request.request.url)))
    query = form.parse(parse_url(came_back[0]).query)
    flow = complete_login(provider, query, request.transaction, IDTokenRules())
    return cast("Grant", run(world, recorded(flow, record)))


async def visit(world: Pair, url: str) -> str:
    """Where a user who logs in ends up."""
    world.browser.choice = {"user": "alice"}
    return await world.browser.load_in_tab(url)


async def fetched(world: Pair, effect: Send) -> Response:
    """The provider's answer, as the page's own transport gives it."""
    return await world.browser.platform.transport.send(effect.request, timeout=5, max_bytes=effect.max_bytes)


def by_page(world: Pair, flow: Flow[T]) -> T:
    """Drive as a page does."""
    return asyncio.run(Driver(world.browser.platform, 5).run(flow))


def by_server(world: Pair, flow: Flow[T]) -> T:
    """Drive as a server does."""
    return drive(flow, lambda effect: asyncio.run(fetched(world, effect)), Instruments(world.clock))


def by_async_server(world: Pair, flow: Flow[T]) -> T:
    """Drive as an async server does."""
    return asyncio.run(adrive(flow, lambda effect: fetched(world, effect), Instruments(world.clock)))


DRIVERS: list[Run] = [by_page, by_server, by_async_server]


@pytest.mark.parametrize("failure", [None, error_answer("invalid_grant"), error_answer("server_error", 503), OUTAGE])
def test_every_driver_lets_a_flow_ask_for_the_same_in_the_same_order(failure: Response | NetworkError | None) -> None:
    """One code exchange, good or failing, by all drivers and then by the answers that the first of them got."""
    records: list[Record] = []
    outcomes: list[object] = []
    for run in DRIVERS:
        world = page()
        wire = Wire(world)
        wire.answers = [] if failure is None else [failure]
        record = Record([], [])
        outcomes.append(outcome(run, world, record))
        records.append(record)
        assert len(wire.posts) == 1
    traces = [[shape(effect) for effect in record.effects] for record in records]
    assert traces[0] == traces[1] == traces[2]
    assert len(traces[0]) > 5
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[0] == expected(failure)


def outcome(run: Run, world: Pair, record: Record) -> object:
    """What a driver gave, or the class of what it raised."""
    try:
        grant = whole_login(run, world, record, [])
    except SpaAuthError as error:
        return type(error)
    assert grant.claims is not None
    return (grant.claims["sub"], str(grant.tokens.scope))


def expected(failure: Response | NetworkError | None) -> object:
    """What every driver has to make of an answer."""
    if failure is None:
        return ("alice", "openid profile")
    if isinstance(failure, NetworkError) or failure.status == 503:
        return NetworkError
    return InvalidGrantError


def test_a_list_of_recorded_answers_gives_the_very_same_effects_and_grant() -> None:
    world, first, again, came_back = page(), Record([], []), Record([], []), list[str]()
    grant = whole_login(by_page, world, first, came_back)
    answers = iter(first.answers)

    def by_list(_world: Pair, flow: Flow[T]) -> T:
        return drive(flow, lambda _: cast("Response", next(answers)), lambda _: next(answers))

    assert whole_login(by_list, world, again, came_back) == grant
    assert [shape(effect) for effect in again.effects] == [shape(effect) for effect in first.effects]
    assert requests(again) == requests(first)


def requests(record: Record) -> list[Send]:
    """Every request, to the last letter."""
    return [effect for effect in record.effects if isinstance(effect, Send)]
