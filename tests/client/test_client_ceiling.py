"""The end that a provider sets to a session: nothing goes on beyond it, and only a login that is seen begins anew."""

import asyncio

import pytest
from client.test_client_mrrt import claims_changed
from client.wire import ISSUER, Api, Wire, failure, logged_in, moments, page, turns

from spa_auth.client.auth_client import AuthClient
from spa_auth.errors import LoginRequiredError
from spa_auth.testing import Pair

END = 3600
MARK = f"spa_auth:ceiling:{ISSUER}:demo"


async def limited(window: bool = True, **options: object) -> tuple[Pair, Wire, AuthClient]:
    """A page on which alice is logged in for an hour at most."""
    world = page(window=window, **options)  # type: ignore[arg-type]
    wire = Wire(world)
    limit(world, wire)
    return world, wire, await world.login(await world.open())


def limit(world: Pair, wire: Wire, end: float = END) -> None:
    """From now on say that the session ends then."""
    until = int(world.clock() + end)
    wire.changes["/oauth/token"] = lambda response: claims_changed(response, session_expiry=until)


def test_at_its_end_the_session_is_over_for_whoever_asks(window: bool) -> None:
    """R19: the first caller and every later one."""

    async def run() -> None:
        world, wire, auth = await limited(window)
        seen: list[str | None] = []
        auth.changed.add_listener(lambda user: seen.append(None if user is None else user.sub))
        world.clock.advance(END - 40)
        assert await auth.is_authenticated()
        world.clock.advance(15)
        asked = len(wire.asked)
        assert auth.user is None
        assert (seen, auth.changed.reason) == (["alice", None], "ceiling")
        assert await auth.get_user() is None
        assert not await auth.is_authenticated()
        assert await auth.get_id_token_claims() is None
        assert await auth.get_token_silently(cache_mode="cache-only") is None
        for _ in range(2):
            assert isinstance(await failure(auth.get_token_silently()), LoginRequiredError)
        await auth.check_session()
        assert len(wire.asked) == asked

    asyncio.run(run())


@pytest.mark.parametrize("question", ["get_token_silently", "get_id_token_claims", "is_authenticated", "get_user"])
def test_every_verb_sees_the_end_first(question: str) -> None:
    async def run() -> None:
        world, wire, auth = await limited()
        world.clock.advance(END)
        asked = len(wire.asked)
        try:
            assert not await getattr(auth, question)()
        except LoginRequiredError:
            assert question == "get_token_silently"
        assert auth.changed.reason == "ceiling"
        assert len(wire.asked) == asked

    asyncio.run(run())


def test_no_token_of_the_session_is_used_beyond_its_end_though_it_would_last_longer(window: bool) -> None:
    """R19: also by what reads the cache without asking who is logged in."""

    async def run() -> None:
        world = page(window=window)
        wire, api = Wire(world), Api(world)
        limit(world, wire, 200)
        auth = await world.login(await world.open())
        world.clock.advance(200)
        if window:
            assert await auth.get_token_with_popup(cache_mode="cache-only") is None
        limit(world, wire, 200)
        auth = await world.login(auth)
        world.clock.advance(200)
        assert isinstance(await failure(auth.fetch_with_auth("/notes")), LoginRequiredError)
        assert api.tokens == []

    asyncio.run(run())


def test_a_refresh_does_not_move_the_end(window: bool) -> None:
    """R19: pinned at login."""

    async def run() -> None:
        world, wire, auth = await limited(window)
        limit(world, wire, 9 * END)
        for _ in range(5):
            world.clock.advance(END / 5 - 20)
            await auth.get_token_silently(cache_mode="off")
        assert auth.user is not None
        world.clock.advance(100)
        assert auth.user is None

    asyncio.run(run())


def test_after_the_end_no_page_logs_in_silently_until_somebody_logs_in() -> None:
    """Though the provider would still know the user."""

    async def run() -> None:
        world, wire, auth = await limited()
        world.clock.advance(END)
        assert auth.user is None
        assert world.browser.local_storage.get(MARK) is not None
        world.browser.local_storage.set(f"spa_auth:hint:{ISSUER}:demo", '{"v":1,"until":99999999999}')
        asked = len(wire.asked)
        world.browser.choice = None
        auth = await world.open()
        assert auth.user is None
        assert isinstance(await failure(auth.get_token_silently()), LoginRequiredError)
        assert len(wire.asked) == asked
        wire.changes.clear()
        assert isinstance(await failure(auth.check_sso_session()), LoginRequiredError)
        assert auth.user is None
        limit(world, wire)
        auth = await world.login(auth)
        assert auth.user is not None
        assert world.browser.local_storage.get(MARK) is None
        assert (await world.open()).user is not None

    asyncio.run(run())


def test_a_silent_login_under_way_when_the_end_comes_begins_no_new_session() -> None:
    """R19."""

    async def run() -> None:
        world, wire, auth = await limited()
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(failure(auth.get_token_silently(audience="https://other.example")))
        await turns(80)
        wire.changes.clear()  # the new login would have no end
        world.clock.advance(END)
        wire.gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        assert auth.changed.reason == "ceiling"
        assert auth.user is None

    asyncio.run(run())


def test_a_stored_session_past_its_end_is_not_loaded() -> None:
    """R19, S20."""

    async def run() -> None:
        world, _, auth = await limited(cache_location="localstorage")
        assert auth.user is not None
        world.clock.advance(END)
        auth = await world.open()
        assert auth.user is None
        assert not [name for name in world.browser.local_storage.names() if ":session:" in name]

    asyncio.run(run())


def test_renewal_ahead_of_time_ends_with_the_session(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await limited(window, auto_renew=True)
        reasons: list[str | None] = []
        auth.changed.add_listener(lambda _: reasons.append(auth.changed.reason))
        await turns()
        world.clock.advance(END)
        await asyncio.sleep(0.05)
        assert reasons[-1] == "ceiling"
        posts = len(wire.posts)
        world.clock.advance(END)
        await asyncio.sleep(0.05)
        assert len(wire.posts) == posts
        auth.close()

    asyncio.run(run())


@pytest.mark.parametrize("end", ["soon", 10**11, -5, None, True])
def test_an_end_that_is_no_time_is_refused(end: object) -> None:
    async def run() -> None:
        world = page(window=False)
        wire = Wire(world)
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, session_expiry=end)
        auth = await world.open()
        events = moments(auth)
        await failure(world.login(auth))
        assert auth.user is None
        assert events[-1].error == "invalid_token"

    asyncio.run(run())


def test_a_session_without_an_end_goes_on(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        world.clock.advance(9 * END)
        assert auth.user is not None
        assert await auth.get_token_silently()

    asyncio.run(run())
