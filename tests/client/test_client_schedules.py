"""Logins, refreshes and logouts in any order and overlap: the rules of tokens hold in every schedule."""

import asyncio
from collections import Counter
from collections.abc import Coroutine

from client.wire import Wire, page, turns
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spa_auth.client.auth_client import AuthClient
from spa_auth.errors import SpaAuthError
from spa_auth.protocol.jwt import parse_jwt
from spa_auth.testing import Pair

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["token", "new token", "scoped token", "alice", "bob", "logout", "later", "cancel"]),
        st.integers(0, 12),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
@example([("alice", 30), ("new token", 3), ("bob", 40), ("new token", 2), ("logout", 0)])
@example([("alice", 30), ("later", 0), ("token", 2), ("scoped token", 1), ("cancel", 0), ("token", 0)])
def test_in_every_schedule_a_token_is_the_users_own_and_nothing_is_spent_twice(steps: list[tuple[str, int]]) -> None:
    """R05, R14, R15, R16, L08: properties 10 and 16."""

    async def run() -> None:
        world = page(window=False)
        wire = Wire(world)
        auth = await world.open()
        tasks: list[asyncio.Task[None]] = []
        for name, pause in steps:
            if name == "later":
                world.clock.advance(600)
            elif name == "cancel" and tasks:
                tasks[-1].cancel()
            elif name != "cancel":
                tasks.append(asyncio.create_task(step(world, auth, name)))
            await turns(pause)
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns()
        await check(auth)
        spent = Counter(post.get("refresh_token") or post["code"] for post in wire.posts)
        assert set(spent.values()) <= {1}
        await auth.logout(open_url=False)
        await turns()
        assert (auth.user, await auth.get_token_silently(cache_mode="cache-only")) == (None, None)

    asyncio.run(run())


TAB_STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["token", "new token", "scoped token", "alice", "bob", "logout", "later", "cancel", "reload"]),
        st.integers(0, 12),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([{"cache_location": "localstorage"}, {}, {"cache_location": "localstorage", "auto_renew": True}]),
    TAB_STEPS,
)
@example(
    {"cache_location": "localstorage"}, [(0, "alice", 30), (1, "new token", 0), (0, "new token", 3), (1, "logout", 0)]
)
@example({"cache_location": "localstorage"}, [(0, "alice", 30), (1, "reload", 30), (1, "bob", 2), (0, "new token", 9)])
def test_in_every_schedule_of_two_tabs_nothing_is_spent_twice_and_nobody_gets_anothers_token(
    options: dict[str, object], steps: list[tuple[int, str, int]]
) -> None:
    """R05, R15, R16, L01: with one store, and with a memory for each."""

    async def run() -> None:
        world = page(silent_mode="off", **options)  # type: ignore[arg-type]
        wire = Wire(world)
        pages = [world, world.new_tab()]
        clients = [await each.open() for each in pages]
        tasks: list[asyncio.Task[None]] = []
        for tab, name, pause in steps:
            await act(pages, clients, tasks, tab, name)
            await turns(pause)
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns()
        for auth in clients:
            await check(auth)
        spent = Counter(post.get("refresh_token") or post["code"] for post in wire.posts)
        assert set(spent.values()) <= {1}
        await clients[0].logout(open_url=False)
        await turns(60)
        assert not [name for name in world.browser.local_storage.names() if ":session:" in name]
        for auth in clients:
            assert (auth.user, await auth.get_token_silently(cache_mode="cache-only")) == (None, None)
            auth.close()

    asyncio.run(run())


async def act(
    pages: list[Pair], clients: list[AuthClient], tasks: list[asyncio.Task[None]], tab: int, name: str
) -> None:
    """One thing that happens in a tab, or to all."""
    if name == "later":
        pages[0].clock.advance(600)
    elif name == "reload":
        clients[tab].close()
        clients[tab] = await pages[tab].open()
    elif name != "cancel":
        tasks.append(asyncio.create_task(step(pages[tab], clients[tab], name)))
    elif tasks:
        tasks[-1].cancel()


def step(world: Pair, auth: AuthClient, name: str) -> Coroutine[object, object, None]:
    """One thing that an application may do at any time."""
    if name in ("alice", "bob"):
        return log_in(world, auth, name)
    if name == "logout":
        return auth.logout(open_url=False)
    return use_token(auth, name)


async def log_in(world: Pair, auth: AuthClient, user: str) -> None:
    """A login that nobody else's choice disturbs; it may be dropped by a logout."""
    seen: list[str] = []
    await auth.login_with_redirect(open_url=seen.append, authorization_params={"prompt": "login"}, scope="read:notes")
    world.browser.choice = {"user": user}
    try:
        await auth.handle_redirect_callback(await world.browser.load_in_tab(seen[0]))
    except SpaAuthError as error:
        assert error.error in {"login_required", "missing_transaction", "state_mismatch"}, error  # noqa: PT017


async def use_token(auth: AuthClient, name: str) -> None:
    """A token, or a refusal that has a reason; whose it is when it comes."""
    try:
        token = await auth.get_token_silently(
            scope="read:notes" if name == "scoped token" else None, cache_mode="off" if name == "new token" else "on"
        )
    except SpaAuthError as error:
        assert error.error in {"login_required", "silent_auth_unavailable", "missing_scopes", "timeout"}, error  # noqa: PT017
        return
    assert parse_jwt(token).claims["sub"] in {"alice", "bob"}


async def check(auth: AuthClient) -> None:
    """The token at hand belongs to the user of the session."""
    token = await auth.get_token_silently(cache_mode="cache-only")
    if token is not None:
        assert auth.user is not None
        assert parse_jwt(str(token)).claims["sub"] == auth.user.sub
