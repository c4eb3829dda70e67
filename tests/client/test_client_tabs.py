"""Tabs in step: what happens to the session in one tab is obeyed in every other, and nothing said there is believed."""

import asyncio
import json
from collections.abc import Callable

import pytest
from client.wire import OUTAGE, Wire, error_answer, failure, logged_in, page, turns

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.tabs import LOOK_INTERVAL, MIN_INTERVAL
from spa_auth.client.transactions import MemoryStorage
from spa_auth.errors import LoginRequiredError
from spa_auth.testing import Pair

TABS = "spa_auth:tabs:http://127.0.0.1:9400/:demo"


def reasons(auth: AuthClient) -> list[tuple[str | None, str | None]]:
    """A list that grows with every change: who is logged in, and why."""
    seen: list[tuple[str | None, str | None]] = []
    auth.changed.add_listener(lambda user: seen.append((None if user is None else user.sub, auth.changed.reason)))
    return seen


def said(world: Pair) -> list[str]:
    """The kinds of message that tabs have posted."""
    return [json.loads(text)["type"] for name, text in world.browser.profile.channels.posted if name == TABS]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what follows from a message."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("It did not happen.")


async def switch_user(world: Pair, auth: AuthClient, user: str) -> AuthClient:
    """Log in as somebody else; the provider asks who."""
    return await world.login(auth, user, authorization_params={"prompt": "login"})


def post(world: Pair, text: str) -> None:
    """Post what any script of the origin could post."""
    world.browser.profile.channels.post(TABS, text)


@pytest.mark.parametrize("number", [1, 4])
def test_a_login_in_one_tab_logs_every_other_tab_in(number: int) -> None:
    async def run() -> None:
        world = page()
        others = [await world.new_tab().open() for _ in range(number)]
        seen = [reasons(other) for other in others]
        await world.login(await world.open())
        await until(lambda: all(other.user is not None for other in others))
        assert seen == [[(None, None), ("alice", "other_tab")]] * number
        assert said(world) == ["login"]

    asyncio.run(run())


@pytest.mark.parametrize("number", [1, 4])
def test_a_logout_in_one_tab_ends_the_session_in_every_other_l01(number: int, window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        tabs = [world.new_tab(window=window) for _ in range(number)]
        others = [await tab.login(await tab.open()) for tab in tabs]
        seen = [reasons(other) for other in others]
        await auth.logout(open_url=False)
        await turns()
        assert seen == [[("alice", "login"), (None, "other_tab")]] * number
        for other in others:
            assert isinstance(await failure(other.get_token_silently()), LoginRequiredError)
        assert said(world).count("logout") == 1

    asyncio.run(run())


def test_a_worker_and_its_page_hear_each_other(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        other = await world.new_tab(window=not window).open()
        await other.logout(open_url=False)
        await turns()
        assert (auth.user, auth.changed.reason) == (None, "other_tab")

    asyncio.run(run())


def test_a_change_of_user_in_one_tab_is_a_change_of_user_in_the_others_r16() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        other = await world.new_tab().open()
        seen = reasons(other)
        auth = await switch_user(world, auth, "bob")
        await until(lambda: other.user is not None and other.user.sub == "bob")
        assert seen == [("alice", "login"), (None, "other_tab"), ("bob", "other_tab")]
        assert auth.user is not None
        assert (auth.user.sub, auth.changed.reason) == ("bob", "login")

    asyncio.run(run())


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_tabs_with_one_store_take_what_the_other_stored_and_ask_nobody(user: str) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(cache_location="localstorage")
        tab = world.new_tab()
        other = await tab.open()
        await switch_user(world, auth, user)
        await until(lambda: other.user is not None and other.user.sub == user)
        assert tab.browser.visited == []

    asyncio.run(run())


def test_a_tab_that_cannot_ask_who_is_logged_in_does_not_go_on_for_a_user_who_was_replaced() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        tab = world.new_tab()
        other = await tab.open()
        tab.browser.isolated = True
        await switch_user(world, auth, "bob")
        await until(lambda: other.user is None)
        assert other.changed.reason == "other_tab"

    asyncio.run(run())


def test_the_same_user_logging_in_elsewhere_asks_nothing_of_a_tab() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        tab = world.new_tab()
        other = await tab.open()
        sent = len(tab.browser.visited)
        await switch_user(world, auth, "alice")
        await turns(200)
        assert (len(tab.browser.visited), other.changed.reason) == (sent, "login")

    asyncio.run(run())


@pytest.mark.parametrize(
    "text",
    ["", "logout", "[]", '{"type":"logout"}', '{"v":2,"type":"logout"}', '{"v":1,"type":"bye"}', '{"v":1}', "\ud800",
     '{"v":1,"type":"logout","more":"' + "x" * 500 + '"}'],
)  # fmt: skip
def test_what_is_not_a_message_of_ours_is_ignored_w04(text: str) -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        post(world, text)
        await turns()
        assert auth.user is not None

    asyncio.run(run())


@pytest.mark.parametrize("user", ["bob", None, 7])
def test_a_forged_login_makes_a_tab_ask_the_provider_and_changes_nothing_w17(user: object) -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        seen, before = reasons(auth), len(world.browser.visited)
        post(world, json.dumps({"v": 1, "type": "login", "salt": "s", "user": user}))
        await until(lambda: len(world.browser.visited) > before)
        await turns(200)
        assert seen == [("alice", "login")]
        assert await auth.get_token_silently()

    asyncio.run(run())


def test_forged_logins_without_end_make_a_tab_ask_once_in_an_interval_w17() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        before = len(world.browser.visited)
        for _ in range(50):
            post(world, '{"v":1,"type":"login"}')
            await turns(20)
        once = len(world.browser.visited) - before
        assert once <= 3
        world.clock.advance(MIN_INTERVAL)
        await until(lambda: len(world.browser.visited) - before == 2 * once)
        await turns(100)
        world.clock.advance(MIN_INTERVAL)
        await turns(100)
        assert len(world.browser.visited) - before == 2 * once
        assert auth.user is not None

    asyncio.run(run())


def test_a_message_may_overtake_what_the_other_tab_has_stored() -> None:
    async def run() -> None:
        world = page()
        tab = world.new_tab()
        tab.browser.local_storage = MemoryStorage()
        other = await tab.open()
        await world.login(await world.open())
        await turns(100)
        assert other.user is None
        for name in world.browser.local_storage.names():
            tab.browser.local_storage.set(name, world.browser.local_storage.get(name) or "")
        world.clock.advance(1)
        await until(lambda: other.user is not None)

    asyncio.run(run())


def test_a_forged_login_where_nobody_is_logged_in_logs_nobody_in() -> None:
    async def run() -> None:
        world = page()
        auth = await world.open()
        post(world, '{"v":1,"type":"login","salt":"s","user":"u"}')
        for _ in range(30):
            await turns()
            world.clock.advance(1)
        assert (auth.user, world.browser.visited) == (None, [])

    asyncio.run(run())


def test_messages_carry_no_token_and_no_name_of_the_user(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        await switch_user(world, auth, "alice")
        await auth.logout(open_url=False)
        texts = [text for name, text in world.browser.profile.channels.posted if name == TABS]
        assert len(texts) >= 2
        for text in texts:
            assert "alice" not in text.lower()
            assert not any(secret in text for secret in wire.secrets)
        hashes = [json.loads(text).get("user") for text in texts if "salt" in text]
        assert len(set(hashes)) == len(hashes) > 0

    asyncio.run(run())


def test_an_answer_that_was_on_its_way_during_a_logout_elsewhere_is_dropped_r15(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        other = await world.new_tab().open()
        wire.gate = asyncio.Event()
        late = asyncio.ensure_future(failure(auth.get_token_silently(cache_mode="off")))
        await until(lambda: wire.posts[-1]["grant_type"] == "refresh_token")
        await other.logout(open_url=False)
        await turns()
        wire.gate.set()
        assert isinstance(await late, LoginRequiredError)
        assert auth.user is None

    asyncio.run(run())


def test_a_silent_login_that_was_on_its_way_during_a_logout_elsewhere_is_dropped_r15() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in()
        wire.gate = asyncio.Event()
        opening = asyncio.ensure_future(world.new_tab().open())
        posts = len(wire.posts)
        await until(lambda: len(wire.posts) > posts)
        await auth.logout(open_url=False)
        await turns()
        wire.gate.set()
        assert (await opening).user is None

    asyncio.run(run())


def test_a_refused_refresh_ends_the_session_in_every_tab_without_a_loop_r08() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in()
        other = await world.new_tab().open()
        wire.answers.append(error_answer("invalid_grant"))
        await failure(auth.get_token_silently(cache_mode="off"))
        await turns(200)
        assert (auth.changed.reason, other.changed.reason) == ("refresh_denied", "other_tab")
        assert said(world)[-1] == "logout"
        assert said(world).count("logout") == 1

    asyncio.run(run())


def test_a_tab_that_slept_through_a_logout_learns_of_it_when_it_is_looked_at_s25() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        tab = world.new_tab()
        sleeping = await tab.open()
        await turns()
        tab.browser.unload()  # a frozen page hears nothing
        await auth.logout(open_url=False)
        await turns()
        assert sleeping.user is not None
        tab.browser.show()
        await turns()
        now = await sleeping.get_user()
        assert (now, sleeping.changed.reason) == (None, "other_tab")

    asyncio.run(run())


def test_a_tab_that_slept_through_a_login_learns_of_it_when_it_is_looked_at() -> None:
    async def run() -> None:
        world = page()
        tab = world.new_tab()
        sleeping = await tab.open()
        await turns()
        tab.browser.unload()
        await world.login(await world.open())
        await turns()
        assert sleeping.user is None
        tab.browser.show()
        await until(lambda: sleeping.user is not None)
        assert sleeping.changed.reason == "other_tab"
        before = len(tab.browser.visited)
        tab.browser.show()
        await turns(100)
        assert len(tab.browser.visited) == before

    asyncio.run(run())


def test_a_silent_login_refused_to_one_tab_is_not_taken_for_a_logout_by_another_w10() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        await turns()
        tab = world.new_tab()
        world.browser.profile.cookies.clear()
        assert (await tab.open()).user is None
        world.browser.show()
        await turns()
        world.clock.advance(LOOK_INTERVAL)
        await turns()
        assert auth.user is not None

    asyncio.run(run())


def test_a_browser_that_stores_nothing_does_not_end_a_session_that_is_looked_at() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        world.browser.show()
        await turns()
        assert auth.user is not None
        tab = world.new_tab()
        tab.browser.local_storage.remove(world.browser.local_storage.names()[0])
        auth = await tab.login(await tab.open())
        await turns()
        tab.browser.show()
        await turns()
        assert auth.user is not None

    asyncio.run(run())


def test_a_login_elsewhere_that_cannot_be_followed_is_reported_and_no_more() -> None:
    async def run() -> None:
        world = page()
        wire = Wire(world)
        tab = world.new_tab()
        other = await tab.open()
        await world.login(await world.open())
        wire.answers.append(OUTAGE)
        await until(lambda: len(tab.browser.errors) == 1)
        assert (other.user, other.changed.reason) == (None, None)

    asyncio.run(run())


def test_a_logout_while_a_tab_compares_users_is_obeyed() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in()
        wire.gate = asyncio.Event()
        posts = len(wire.posts)
        post(world, '{"v":1,"type":"login"}')
        await until(lambda: len(wire.posts) > posts)
        post(world, '{"v":1,"type":"logout"}')
        await turns()
        wire.gate.set()
        await turns(100)
        assert (auth.user, auth.changed.reason) == (None, "other_tab")

    asyncio.run(run())


def test_a_closed_client_neither_hears_nor_tells(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        await turns()
        auth.close()
        await turns()
        post(world, '{"v":1,"type":"logout"}')
        before = said(world)
        await turns()
        assert auth.user is not None
        await auth.logout(open_url=False)
        assert said(world) == before
        assert TABS not in world.browser.profile.channels.names

    asyncio.run(run())


def test_a_browser_without_channels_logs_in_and_out(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        world.browser.channels = None
        auth = await world.login(await world.open())
        assert auth.user is not None
        await auth.logout(open_url=False)
        auth.close()
        now = await auth.get_user()
        assert (now, said(world)) == (None, [])

    asyncio.run(run())
