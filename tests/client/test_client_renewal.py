"""Renewal ahead of time: when it comes, what it does about failures, and that it ends."""

import asyncio
from collections.abc import Callable

import pytest
from client.wire import (
    AUDIENCE,
    OUTAGE,
    Wire,
    error_answer,
    json_answer,
    logged_in,
    members_changed,
    moments,
    page,
    turns,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.dev_provider import Options
from spa_auth.testing import Pair

LIFETIME = 600


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  the condition is about the outside of a page
            await asyncio.sleep(0.001)


def refreshes(wire: Wire) -> list[str]:
    """Every refresh token that was posted."""
    return [post["refresh_token"] for post in wire.posts if "refresh_token" in post]


def renewals() -> list[str]:
    """The renewals that go on."""
    return [text for task in asyncio.all_tasks() if "Renewal._run" in (text := repr(task.get_coro()))]


async def renewing(**options: object) -> tuple[Pair, Wire, AuthClient]:
    """A page on which alice is logged in and tokens are renewed by themselves."""
    world, wire, auth = await logged_in(auto_renew=True, **options)  # type: ignore[arg-type]
    await turns()
    return world, wire, auth


async def advanced(world: Pair, seconds: float) -> None:
    """Let everybody come to rest, let time pass, and let everybody notice."""
    await asyncio.sleep(0.02)
    await turns()
    world.clock.advance(seconds)
    await asyncio.sleep(0.02)
    await turns()


def test_a_token_is_renewed_before_it_ends_and_again_and_again(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await _with_worker(window)
        events = moments(auth)
        first = await auth.get_token_silently()
        await advanced(world, LIFETIME - 70)
        assert len(wire.posts) == 1
        for number in range(2, 5):
            await advanced(world, 20 if number == 2 else LIFETIME - 55)
            await until(lambda number=number: len(wire.posts) == number)  # type: ignore[misc]
            await turns()
            assert await auth.get_token_silently(cache_mode="cache-only") not in (None, first)
        assert [event.name for event in events] == ["token.expiring", "token.refreshed"] * 3
        auth.close()

    asyncio.run(run())


async def _with_worker(window: bool) -> tuple[Pair, Wire, AuthClient]:
    world = page(window=window, auto_renew=True)
    wire = Wire(world)
    return world, wire, await world.login(await world.open())


def test_without_the_option_nothing_is_renewed_ahead_of_its_end(window: bool) -> None:
    async def run() -> None:
        world, wire, _ = await logged_in(window=window)
        await advanced(world, LIFETIME - 10)
        assert len(wire.posts) == 1

    asyncio.run(run())


def test_a_closed_client_renews_nothing_and_keeps_its_session(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await _with_worker(window)
        assert len(renewals()) == 1
        auth.close()
        await turns()
        assert renewals() == []
        await advanced(world, LIFETIME - 10)
        assert len(wire.posts) == 1
        assert auth.user is not None
        await auth.get_token_silently(cache_mode="off")
        await advanced(world, LIFETIME - 10)
        assert len(wire.posts) == 2
        auth.close()

    asyncio.run(run())


def test_a_logout_ends_the_renewal_and_a_login_begins_it_anew() -> None:
    async def run() -> None:
        world = page(window=False, auto_renew=True)
        wire = Wire(world)
        auth = await world.login(await world.open())
        await auth.logout(open_url=False)
        posts = len(wire.posts)
        await advanced(world, LIFETIME - 10)
        assert len(wire.posts) == posts
        await world.login(auth)
        await turns()
        posts = len(wire.posts)
        await advanced(world, LIFETIME - 40)
        await until(lambda: len(wire.posts) == posts + 1)
        auth.close()

    asyncio.run(run())


@pytest.mark.parametrize("answer", [OUTAGE, error_answer("x", 503), error_answer("slow_down", 429)])
def test_a_passing_failure_is_tried_again_after_longer_and_longer_pauses(answer: object) -> None:
    """R12: no storm."""

    async def run() -> None:
        world, wire, auth = await renewing()
        wire.answers = [answer] * 30  # type: ignore[list-item]
        await advanced(world, LIFETIME - 40)
        await until(lambda: len(wire.posts) == 2)
        for pause in (5, 10, 20, 40, 80, 160, 300, 300):
            posts = len(wire.posts)
            await advanced(world, pause - 1)
            assert len(wire.posts) == posts
            await advanced(world, 2)
            await until(lambda posts=posts: len(wire.posts) == posts + 1)  # type: ignore[misc]
        assert auth.user is not None
        wire.answers = []
        await advanced(world, 301)
        await until(lambda: len(wire.posts) == 11)
        await turns()
        assert await auth.get_token_silently(cache_mode="cache-only")
        auth.close()

    asyncio.run(run())


def test_who_looks_at_the_page_again_need_not_wait_for_the_next_attempt() -> None:
    async def run() -> None:
        world, wire, auth = await renewing()
        wire.answers = [OUTAGE] * 4
        await advanced(world, LIFETIME - 40)
        for number, pause in enumerate((0, 6, 11, 21), 1):
            await advanced(world, pause)
            await until(lambda number=number: len(refreshes(wire)) == number)  # type: ignore[misc]
            await turns()
        wire.answers = []
        world.browser.show()
        await until(lambda: len(refreshes(wire)) == 5)
        await turns()
        posts = len(refreshes(wire))
        for _ in range(20):
            world.browser.show()
            await turns()
        assert len(refreshes(wire)) == posts
        auth.close()

    asyncio.run(run())


def test_a_refusal_ends_the_session_and_is_not_repeated() -> None:
    """R08: no loop."""

    async def run() -> None:
        world, wire, auth = await renewing()
        wire.answers = [error_answer("invalid_grant")]
        await advanced(world, LIFETIME - 40)
        await until(lambda: auth.user is None)
        assert auth.changed.reason == "refresh_denied"
        await advanced(world, 9999)
        assert len(wire.posts) == 2
        auth.close()

    asyncio.run(run())


def test_what_cannot_be_renewed_without_the_user_is_tried_once() -> None:
    async def run() -> None:
        world, wire, auth = await renewing(use_refresh_tokens=False, silent_mode="off")
        events = moments(auth)
        await advanced(world, LIFETIME - 40)
        await until(lambda: len(events) == 3)
        for _ in range(5):
            await advanced(world, 400)
        assert [event.name for event in events] == ["token.expiring", "token.failed", "interaction.required"]
        assert events[2].error == "silent_auth_unavailable"
        assert auth.user is not None
        assert len(wire.posts) == 1
        auth.close()

    asyncio.run(run())


def test_tokens_that_live_no_time_cause_no_storm_of_renewals() -> None:
    """R12."""

    async def run() -> None:
        world, wire, auth = await renewing()
        wire.changes["/oauth/token"] = members_changed(expires_in=0)
        await advanced(world, LIFETIME)
        await until(lambda: len(wire.posts) == 2)
        await asyncio.sleep(0.05)
        assert len(wire.posts) == 2
        await advanced(world, 6)
        await until(lambda: len(wire.posts) == 3)
        auth.close()

    asyncio.run(run())


def test_the_tokens_of_every_api_are_renewed_each_in_its_time() -> None:
    async def run() -> None:
        world, wire, auth = await renewing(provider_options=Options(access_token_lifetime=LIFETIME))
        wire.changes["/oauth/token"] = members_changed(expires_in=100)
        await auth.get_token_silently(audience="https://other.example")
        del wire.changes["/oauth/token"]
        heard: list[str | None] = []
        auth.events.on("token.refreshed", lambda event: heard.append(event.audience))
        await advanced(world, 80)
        await until(lambda: heard == ["https://other.example"])
        await advanced(world, LIFETIME - 130)
        await until(lambda: AUDIENCE in heard)
        auth.close()

    asyncio.run(run())


def test_of_several_tabs_with_one_store_one_does_the_work() -> None:
    """R05."""

    async def run() -> None:
        world, wire, auth = await renewing(cache_location="localstorage", silent_mode="off")
        clients = [auth, *[await world.new_tab().open() for _ in range(3)]]
        for rounds in range(3):
            await advanced(world, LIFETIME - 50)
            await until(lambda rounds=rounds: len(wire.posts) == rounds + 2)  # type: ignore[misc]
            await asyncio.sleep(0.05)
            assert len(wire.posts) == rounds + 2
            tokens = {await client.get_token_silently(cache_mode="cache-only") for client in clients}
            assert len(tokens) == 1
            assert None not in tokens
        for client in clients:
            client.close()

    asyncio.run(run())


def test_a_clock_that_jumps_renews_nothing_twice() -> None:
    """R13."""

    async def run() -> None:
        world, wire, auth = await renewing()
        await advanced(world, -9999)
        await advanced(world, 9999)
        assert len(wire.posts) == 1
        await advanced(world, 99_999)
        await until(lambda: len(wire.posts) == 2)
        await asyncio.sleep(0.05)
        assert len(wire.posts) == 2
        auth.close()

    asyncio.run(run())


def test_an_answer_that_breaks_a_rule_is_not_asked_for_again_at_once() -> None:
    async def run() -> None:
        world, wire, auth = await renewing()
        wire.answers = [json_answer({"access_token": "x"})]
        await advanced(world, LIFETIME - 40)
        await until(lambda: len(wire.posts) == 2)
        await advanced(world, 30)
        assert len(wire.posts) == 2
        assert await auth.get_token_silently()
        auth.close()

    asyncio.run(run())


def test_a_provider_that_gives_the_same_token_again_is_not_asked_without_an_end(window: bool) -> None:
    """R12: at most once in five seconds, whatever the provider says."""

    async def run() -> None:
        world, wire, auth = await _with_worker(window)
        first = await auth.get_token_silently()
        wire.changes["/oauth/token"] = members_changed(access_token=first, id_token=..., expires_in=1)
        await advanced(world, LIFETIME - 50)
        await until(lambda: len(wire.posts) == 2)
        for _ in range(20):
            await advanced(world, 1)
        assert len(wire.posts) <= 2 + 20 / 5
        auth.close()

    asyncio.run(run())
