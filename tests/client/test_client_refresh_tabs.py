"""Several tabs with one store: each refresh token is posted once, and what happens in one is true in all."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from client.wire import (
    OUTAGE,
    Wire,
    error_answer,
    failure,
    logged_in,
    members_changed,
    settled,
    turns,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.keeper import LOCK_PREFIX
from spa_auth.client.locking import StorageLocks, locked
from spa_auth.client.transactions import MemoryStorage
from spa_auth.errors import LoginRequiredError, NetworkError
from spa_auth.protocol.strict_json import dumps
from spa_auth.testing import FakeClock, Pair
from spa_auth.testing.crypto import RealCrypto

T = TypeVar("T")
LIFETIME = 600


def spent(wire: Wire) -> list[str]:
    """Every refresh token that was posted."""
    return [post["refresh_token"] for post in wire.posts if post["grant_type"] == "refresh_token"]


async def tabs(number: int = 2, *, locks: bool = True, **options: object) -> tuple[Wire, list[Pair], list[AuthClient]]:
    """Several tabs in which alice is logged in, with one store."""
    world, wire, _ = await logged_in(cache_location="localstorage", silent_mode="off", **options)  # type: ignore[arg-type]
    pages = [world, *(world.new_tab() for _ in range(number - 1))]
    for each in pages:
        if not locks:
            each.browser.locks = None
    return wire, pages, [await each.open() for each in pages]


def test_two_tabs_with_a_thousand_refreshes_each_never_show_the_provider_a_spent_token() -> None:
    """R05: row 100."""

    async def run() -> None:
        wire, pages, clients = await tabs()
        wire.changes["/oauth/token"] = members_changed(id_token=...)
        seen: set[str] = set()
        pages[0].provider.events.on_any(lambda name, _: seen.add(name))
        chance = random.Random(5)  # noqa: S311  an order of steps

        async def work(auth: AuthClient) -> None:
            for _ in range(1000):
                await auth.get_token_silently(cache_mode="off")
                await turns(chance.randrange(4))

        await asyncio.gather(*map(work, clients))
        assert len(spent(wire)) == len(set(spent(wire)))
        assert len(spent(wire)) > 1000
        assert all(auth.user is not None for auth in clients)
        assert seen
        assert not [name for name in seen if "revoked" in name or "error" in name], seen

    asyncio.run(run())


@pytest.mark.parametrize("locks", [True, False])
def test_what_one_tab_has_got_the_others_take_from_the_store(locks: bool) -> None:
    """R05, C9."""

    async def run() -> None:
        wire, pages, clients = await tabs(5, locks=locks)
        pages[0].clock.advance(LIFETIME)
        pages[0].browser.profile.locks.asked.clear()
        tokens = await asyncio.gather(*(auth.get_token_silently() for auth in clients for _ in range(3)))
        assert len(set(tokens)) == 1
        assert len(spent(wire)) == 1
        assert len(pages[0].browser.profile.locks.asked) == (5 if locks else 0)
        assert not [name for name in pages[0].browser.local_storage.names() if name.startswith(LOCK_PREFIX)]

    asyncio.run(run())


def test_without_web_locks_two_tabs_take_turns_all_the_same() -> None:
    """R05: the fallback."""

    async def run() -> None:
        wire, _, clients = await tabs(3, locks=False)

        async def work(auth: AuthClient) -> None:
            for _ in range(3):
                await auth.get_token_silently(cache_mode="off")

        await asyncio.gather(*map(work, clients))
        assert len(spent(wire)) == len(set(spent(wire))) >= 3
        assert all(auth.user is not None for auth in clients)

    asyncio.run(run())


def test_a_lock_that_another_tab_does_not_give_back_is_never_ignored() -> None:
    """R07: a typed error after the wait, and no refresh without the lock."""

    async def run() -> None:
        wire, pages, clients = await tabs(http_timeout=0.05)
        held, (name,) = asyncio.Event(), set(pages[0].browser.profile.locks.asked)
        holder = asyncio.ensure_future(pages[0].browser.profile.locks.run(name, held.wait))
        error = await failure(clients[1].get_token_silently(cache_mode="off"))
        assert isinstance(error, NetworkError)
        assert error.error == "timeout"
        assert spent(wire) == []
        assert await clients[1].get_token_silently()
        pages[0].clock.advance(LIFETIME - 30)
        assert await clients[1].get_token_silently()
        held.set()
        await holder
        assert await clients[1].get_token_silently(cache_mode="off")
        assert len(spent(wire)) == 1

    asyncio.run(run())


def test_when_the_holder_of_the_lock_dies_mid_refresh_one_more_attempt_is_made() -> None:
    """R06: its refresh token may be spent; then the provider refuses it, and a login is required."""

    async def run() -> None:
        wire, pages, clients = await tabs()
        wire.gate = asyncio.Event()
        dying = asyncio.ensure_future(clients[0].get_token_silently(cache_mode="off"))
        await turns()
        assert len(spent(wire)) == 1
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await settled(_outcome(dying))
        wire.gate = None
        pages[1].clock.advance(LIFETIME)
        error = await failure(clients[1].get_token_silently())
        assert isinstance(error, LoginRequiredError)
        assert len(spent(wire)) == 2
        assert isinstance(await failure(clients[1].get_token_silently()), LoginRequiredError)
        assert len(spent(wire)) == 2

    asyncio.run(run())


async def _outcome(task: "asyncio.Future[T]") -> T:
    return await task


@pytest.mark.parametrize("channels", [True, False])
def test_a_logout_in_one_tab_drops_and_revokes_what_another_gets_late(channels: bool) -> None:
    """R15, L01: also where the tabs cannot talk, as the record is gone."""

    async def run() -> None:
        world, wire, _ = await logged_in(cache_location="localstorage", silent_mode="off")
        other = world.new_tab()
        if not channels:
            world.browser.channels = other.browser.channels = None
        auth, second = await world.open(), await other.open()
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(failure(auth.get_token_silently(cache_mode="off")))
        await turns()
        gate, wire.gate = wire.gate, None
        await second.logout(open_url=False)
        revoked = wire.asked.count("POST /oauth/revoke")
        gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        await turns()
        assert (auth.user, auth.changed.reason) == (None, "other_tab")
        assert not [name for name in world.browser.local_storage.names() if ":session:" in name]
        assert wire.asked.count("POST /oauth/revoke") == revoked + 1
        assert (await world.open()).user is None

    asyncio.run(run())


def test_a_tab_that_slept_while_another_logged_out_posts_nothing_more() -> None:
    """L01, R15."""

    async def run() -> None:
        world, wire, _ = await logged_in(cache_location="localstorage", silent_mode="off")
        other = world.new_tab()
        world.browser.channels = other.browser.channels = None
        auth, second = await world.open(), await other.open()
        await second.logout(open_url=False)
        posts = len(wire.posts)
        assert isinstance(await failure(auth.get_token_silently(cache_mode="off")), LoginRequiredError)
        assert (auth.user, auth.changed.reason) == (None, "other_tab")
        assert len(wire.posts) == posts

    asyncio.run(run())


def test_invalid_grant_ends_the_session_in_every_tab_and_is_asked_for_once() -> None:
    """R08."""

    async def run() -> None:
        wire, pages, clients = await tabs(3)
        wire.answers = [error_answer("invalid_grant")]
        pages[0].clock.advance(LIFETIME)
        errors = await asyncio.gather(*(failure(auth.get_token_silently()) for auth in clients))
        assert {type(error) for error in errors} == {LoginRequiredError}
        await turns()
        assert [auth.user for auth in clients] == [None] * 3
        assert len(spent(wire)) == 1
        assert not [name for name in pages[0].browser.local_storage.names() if ":session:" in name]

    asyncio.run(run())


def test_an_outage_in_one_tab_harms_no_other() -> None:
    """R04."""

    async def run() -> None:
        wire, pages, clients = await tabs()
        pages[0].clock.advance(LIFETIME)
        wire.answers = [OUTAGE]
        outcomes = await settled(*(auth.get_token_silently() for auth in clients))
        assert [type(outcome) for outcome in outcomes] == [NetworkError, str]
        assert await clients[0].get_token_silently() == outcomes[1]
        assert all(auth.user is not None for auth in clients)

    asyncio.run(run())


def test_a_tab_that_slept_while_another_user_logged_in_goes_on_as_that_user() -> None:
    """R16: never with the tokens of the one before."""

    async def run() -> None:
        world, wire, _ = await logged_in(cache_location="localstorage", silent_mode="off")
        other = world.new_tab()
        world.browser.channels = other.browser.channels = None
        auth, second = await world.open(), await other.open()
        await other.login(second, "bob", authorization_params={"prompt": "login"})
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert isinstance(error, LoginRequiredError)
        assert auth.user is not None
        assert (auth.user.sub, auth.changed.reason) == ("bob", "user_switch")
        assert await auth.get_token_silently(cache_mode="off")
        assert len(spent(wire)) == len(set(spent(wire))) == 1

    asyncio.run(run())


def test_a_tab_where_nobody_is_logged_in_takes_the_session_of_another() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(cache_location="localstorage", silent_mode="off")
        await auth.logout(open_url=False)
        other = world.new_tab()
        world.browser.channels = other.browser.channels = None
        sleeping = await other.open()
        await world.login(await world.open())
        posts = len(wire.posts)
        assert await sleeping.get_token_silently()
        assert sleeping.user is not None
        assert len(wire.posts) == posts

    asyncio.run(run())


def test_several_apis_keep_their_refresh_tokens_apart_in_every_tab() -> None:
    """R05, R17: what one tab writes for one API does not bring back what another has spent for another."""

    async def run() -> None:
        world, wire, auth = await logged_in(cache_location="localstorage")
        second = await world.new_tab().open()
        apis = [None, "https://other.example", "https://third.example"]
        for client in (auth, second):
            for audience in apis:
                await client.get_token_silently(audience=audience)
        chance = random.Random(7)  # noqa: S311  an order of steps
        for _ in range(20):
            await asyncio.gather(
                *(
                    client.get_token_silently(audience=audience, cache_mode="off")
                    for client in (auth, second)
                    for audience in chance.sample(apis, 3)
                )
            )
        assert len(spent(wire)) == len(set(spent(wire)))
        assert auth.user is not None
        assert second.user is not None

    asyncio.run(run())


class Platform:
    """What a lease needs of a platform."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.crypto = RealCrypto()


def lease(storage: MemoryStorage, platform: Platform, seconds: float = 5) -> StorageLocks:
    """A lock over that storage."""
    return StorageLocks(storage, platform, lease=seconds)  # type: ignore[arg-type]


def test_of_many_who_write_a_lease_at_once_one_works_at_a_time() -> None:
    async def run() -> None:
        storage, platform = MemoryStorage(), Platform()
        working: list[int] = []

        def task(number: int) -> Callable[[], Awaitable[int]]:
            async def work() -> int:
                working.append(number)
                assert len(working) == 1
                await asyncio.sleep(0.01)
                assert working == [number]
                working.clear()
                return number

            return work

        numbers = await asyncio.gather(*(lease(storage, platform).run("x", task(number)) for number in range(6)))
        assert numbers == list(range(6))
        assert storage.names() == []

    asyncio.run(run())


@pytest.mark.parametrize("record", ["", "{", "5", '{"holder":"x"}', '{"holder":"x","until":"soon"}', "old", "future"])
def test_a_lease_that_is_damaged_past_or_of_a_wrong_clock_holds_nobody_up(record: str) -> None:
    """R06."""

    async def run() -> None:
        storage, platform = MemoryStorage(), Platform()
        until = {"old": -1, "future": 99_999}.get(record)
        known = record if until is None else dumps({"holder": "x", "until": platform.clock() + until}).decode()
        storage.set("x", known)

        async def task() -> int:
            return 7

        assert await asyncio.wait_for(lease(storage, platform).run("x", task), 2) == 7

    asyncio.run(run())


def test_a_holder_that_was_too_slow_does_not_remove_the_lease_of_the_next() -> None:
    async def run() -> None:
        storage, platform = MemoryStorage(), Platform()
        late = asyncio.Event()
        slow = asyncio.ensure_future(lease(storage, platform).run("x", late.wait))
        await asyncio.sleep(0.1)
        platform.clock.advance(6)
        held = asyncio.Event()
        following = asyncio.ensure_future(lease(storage, platform).run("x", held.wait))
        await asyncio.sleep(0.2)
        late.set()
        await slow
        assert storage.names() == ["x"]
        held.set()
        await following
        assert storage.names() == []

    asyncio.run(run())


def test_a_task_that_fails_gives_its_lock_back_and_its_error_on() -> None:
    async def run() -> None:
        storage, platform = MemoryStorage(), Platform()

        async def fail() -> None:
            raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            await locked(lease(storage, platform), "x", fail, timeout=2)
        assert storage.names() == []

    asyncio.run(run())
