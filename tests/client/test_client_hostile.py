"""A client against a provider that breaks one rule after another, and the same invariants after each."""

import asyncio
from collections import Counter

import pytest
from client.hostile import (
    CANARY,
    EVIL,
    JWKS,
    LOGINS,
    REFRESHES,
    STRANGER,
    HostileKeys,
    Scenario,
    World,
    compact,
    forged,
    keys,
)
from client.wire import AUDIENCE, Wire, leaks

from spa_auth.client.auth_client import AuthClient
from spa_auth.errors import SpaAuthError, __all__
from spa_auth.protocol.http import Request, Response
from spa_auth.testing import pair


def hostile_world(scenario: Scenario, *, window: bool) -> World:
    """A page whose provider can be armed."""
    signing = HostileKeys()
    page = pair(keys=signing, window=window, audience=AUDIENCE, handle_redirect=False, **scenario.options)
    page.browser.choice = {"user": "alice"}
    return World(page, Wire(page), signing)


def disarm(world: World) -> None:
    """Let the provider behave again."""
    world.wire.changes.clear()
    world.keys.forge = None
    world.wire.gate = None


async def log_in(world: World, auth: AuthClient, scenario: Scenario | None = None) -> SpaAuthError | None:
    """Log in; the error with which it failed."""
    seen: list[str] = []
    try:
        await auth.login_with_redirect(open_url=seen.append, **(scenario.login if scenario else {}))
        await auth.handle_redirect_callback(await world.page.browser.load_in_tab(seen[0]))
    except SpaAuthError as error:
        return error
    return None


def check_invariants(world: World, scenario: Scenario, error: SpaAuthError | None) -> None:
    """What holds after every scenario."""
    assert leaks(world.page, {*world.wire.secrets, CANARY}, error) == []
    if error is not None:
        assert type(error).__name__ in __all__ or type(error) is SpaAuthError
        assert len(str(error)) < 1000
        assert str(error).isprintable()
    spent = Counter(post.get("code") or post.get("refresh_token") for post in world.wire.posts)
    if not scenario.again:
        assert set(spent.values()) <= {1}, "a code or refresh token was posted twice"
    assert not any(request.url.startswith(EVIL) for request in world.page.browser.sent)


@pytest.mark.parametrize("scenario", LOGINS, ids=[f"{each.name}-{each.threats}" for each in LOGINS])
def test_a_hostile_answer_to_a_login_logs_nobody_in_and_poisons_nothing(window: bool, scenario: Scenario) -> None:
    async def run() -> None:
        world = hostile_world(scenario, window=window)
        auth = await world.page.open()
        scenario.arm(world)
        error = await log_in(world, auth, scenario)
        assert (error and error.error) == scenario.error, error
        assert getattr(error, "claim", "") == scenario.claim, error
        assert await auth.is_authenticated() == (scenario.error is None)
        codes = Counter(post["code"] for post in world.wire.posts)
        assert set(codes.values()) <= {1}
        check_invariants(world, scenario, error)
        disarm(world)
        world.page.clock.advance(scenario.pause)
        auth = await world.page.open() if scenario.reload else auth
        again = await log_in(world, auth)
        assert again is None, again
        assert await auth.is_authenticated()

    asyncio.run(run())


@pytest.mark.parametrize("scenario", REFRESHES, ids=[f"{each.name}-{each.threats}" for each in REFRESHES])
def test_a_hostile_answer_to_a_refresh_changes_no_user_and_poisons_nothing(window: bool, scenario: Scenario) -> None:
    async def run() -> None:
        world = hostile_world(scenario, window=window)
        auth = await world.page.open()
        assert await log_in(world, auth) is None
        before = auth.user
        scenario.arm(world)
        try:
            error: SpaAuthError | None = None
            await auth.get_token_silently(cache_mode="off")
        except SpaAuthError as raised:
            error = raised
        assert (error and error.error) == scenario.error, error
        assert getattr(error, "claim", "") == scenario.claim, error
        assert (auth.user is None) == scenario.ends
        assert {auth.user and auth.user.sub} <= {None, before and before.sub}
        assert len(world.wire.posts) == 2
        check_invariants(world, scenario, error)
        disarm(world)
        again = await log_in(world, auth)
        assert again is None, again
        assert await auth.get_token_silently(cache_mode="off")

    asyncio.run(run())


def test_keys_that_were_rotated_just_before_signing_are_fetched_once_more(window: bool) -> None:
    """I21, M16."""

    async def run() -> None:
        world = hostile_world(LOGINS[0], window=window)
        auth = await world.page.open()
        assert await log_in(world, auth) is None
        forged(lambda header, claims: compact({**header, "kid": "stranger"}, claims, STRANGER))(world)
        keys(lambda _: [STRANGER.as_dict(private=False)])(world)
        assert await log_in(world, auth) is None
        assert world.wire.asked.count(f"GET {JWKS}") == 2
        assert await log_in(world, auth) is None
        assert world.wire.asked.count(f"GET {JWKS}") == 2

    asyncio.run(run())


def test_a_flood_of_unknown_keys_costs_two_fetches(window: bool) -> None:
    """M15."""

    async def run() -> None:
        scenario = next(each for each in LOGINS if each.name == "jwks_unknown_kid_always")
        world = hostile_world(scenario, window=window)
        auth = await world.page.open()
        scenario.arm(world)
        for _ in range(6):
            assert await log_in(world, auth) is not None
        assert world.wire.asked.count(f"GET {JWKS}") <= 2

    asyncio.run(run())


def test_what_a_stranger_is_offered_is_never_asked(window: bool) -> None:
    """M22: the servers that a token names see no request."""

    async def run() -> None:
        for name in ("idt_jku", "idt_x5u", "tok_redirect_307", "disc_redirect_evil"):
            scenario = next(each for each in LOGINS if each.name == name)
            world = hostile_world(scenario, window=window)
            seen: list[Request] = []

            async def stranger(request: Request, seen: list[Request] = seen) -> Response:
                seen.append(request)
                return Response(200)

            world.page.browser.servers[EVIL] = stranger
            scenario.arm(world)
            assert await log_in(world, await world.page.open()) is not None
            assert seen == []

    asyncio.run(run())
