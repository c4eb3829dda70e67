"""Many callers, one errand."""

import asyncio

import pytest

from spa_auth.client.single_flight import SingleFlight


def test_who_asks_the_same_while_it_runs_gets_the_same_and_who_asks_later_a_new_one() -> None:
    async def run() -> None:
        flights, runs = SingleFlight(), iter(range(9))

        async def errand() -> int:
            await asyncio.sleep(0)
            return next(runs)

        assert await asyncio.gather(*(flights.join("a", errand) for _ in range(5))) == [0] * 5
        assert await flights.join("a", errand) == 1
        assert await asyncio.gather(*(flights.join(key, errand) for key in "ab")) == [2, 3]

    asyncio.run(run())


def test_an_error_goes_to_every_caller() -> None:
    async def run() -> None:
        flights = SingleFlight()

        async def errand() -> int:
            await asyncio.sleep(0)
            raise ValueError("no")

        outcomes = await asyncio.gather(*(flights.join("a", errand) for _ in range(3)), return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["no"] * 3

    asyncio.run(run())


def test_an_errand_whose_callers_all_left_ends_in_silence() -> None:
    async def run() -> None:
        flights, ended = SingleFlight(), asyncio.Event()

        async def errand() -> None:
            await ended.wait()
            raise ValueError("nobody hears this")

        caller = asyncio.ensure_future(flights.join("a", errand))
        await asyncio.sleep(0)
        caller.cancel()
        ended.set()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(run())


def test_an_errand_that_is_cancelled_itself_is_forgotten() -> None:
    async def run() -> None:
        flights = SingleFlight()

        async def errand() -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await flights.join("a", errand)
        await asyncio.sleep(0)

        async def other() -> int:
            return 7

        assert await flights.join("a", other) == 7

    asyncio.run(run())
