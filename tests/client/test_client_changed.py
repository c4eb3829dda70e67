"""`auth.changed`: nobody can be too late for a state."""

import asyncio

from client.wire import logged_in, page, turns

from spa_auth.client.changed import StateEvent
from spa_auth.protocol.session import User


def test_a_listener_that_comes_late_is_called_at_once_and_then_after_every_change(window: bool) -> None:
    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        seen: list[tuple[str | None, str | None]] = []
        auth.changed.add_listener(lambda user: seen.append((None if user is None else user.sub, auth.changed.reason)))
        await auth.logout(open_url=False)
        assert seen == [("alice", "login"), (None, "logout")]

    asyncio.run(run())


def test_before_anything_happened_there_is_no_user_and_no_reason(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window).open()
        seen: list[User | None] = []

        @auth.changed
        def on_change(user: User | None) -> None:
            seen.append(user)

        auth.changed.add_listener(on_change)
        assert seen == [None]
        assert auth.changed.reason is None
        await auth.logout(open_url=False)
        assert seen == [None]

    asyncio.run(run())


def test_nothing_changes_when_only_the_tokens_do(window: bool) -> None:
    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        seen: list[User | None] = []
        auth.changed.add_listener(seen.append)
        await auth.get_token_silently(cache_mode="off")
        assert len(seen) == 1

    asyncio.run(run())


def test_listeners_may_be_async_and_what_any_raises_goes_to_the_console() -> None:
    async def run() -> None:
        errors: list[BaseException] = []
        seen: list[str] = []
        event = StateEvent(lambda: None, errors.append)

        async def later(_user: User | None) -> None:
            await asyncio.sleep(0)
            seen.append("async")

        async def fail_later(_user: User | None) -> None:
            raise ValueError("async")

        def fail(_user: User | None) -> None:
            raise ValueError("sync")

        for listener in (fail, fail_later, later):
            event.add_listener(listener)
        await turns(3)
        assert seen == ["async"]
        assert [str(error) for error in errors] == ["sync", "async"]

    asyncio.run(run())


def test_a_listener_that_was_removed_is_not_called_any_more() -> None:
    seen: list[str] = []
    event = StateEvent(lambda: None, lambda _: None)

    def first(_user: User | None) -> None:
        seen.append("first")

    def second(_user: User | None) -> None:
        seen.append("second")

    event.add_listener(first)
    event.add_listener(second)
    event.remove_listener(first)
    event.trigger("login")
    event.remove_listener()
    event.trigger("logout")
    assert seen == ["first", "second", "second"]


def test_a_listener_that_logs_out_leaves_everybody_with_the_last_state(window: bool) -> None:
    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        last: list[User | None] = []
        await asyncio.gather(
            auth.get_token_silently(cache_mode="off"), auth.logout(open_url=False), return_exceptions=True
        )
        auth.changed.add_listener(last.append)
        await turns()
        assert last == [None]
        assert auth.user is None

    asyncio.run(run())
