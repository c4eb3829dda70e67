"""`@auth.reports`: an exception in a handler is seen by somebody."""

import asyncio

import pytest
from client.wire import moments, page

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.reports import describe
from spa_auth.errors import LoginRequiredError, NetworkError, SpaAuthError
from spa_auth.testing import Pair


async def opened(*, window: bool = True) -> tuple[Pair, AuthClient]:
    """A page."""
    world = page(window=window)
    return world, await world.open()


def test_what_a_handler_raises_is_shown_with_its_remedy_and_cleared_by_the_next_try(window: bool) -> None:
    async def run() -> None:
        world, auth = await opened(window=window)
        events = moments(auth)
        fails = [True, False]

        @auth.reports("#error")
        async def load(event: str) -> str:
            await asyncio.sleep(0)
            if fails.pop(0):
                raise LoginRequiredError("Nobody is logged in.")
            return event

        assert await load("click") is None
        text = "Nobody is logged in. Log in: await auth.login_with_redirect(). (login_required)"
        assert world.browser.shown.get("#error") == (text if window else None)
        assert events == [("error", "login_required")]
        assert [type(error) for error in world.browser.errors] == [LoginRequiredError]
        assert await load("click") == "click"
        assert world.browser.shown.get("#error") == ("" if window else None)

    asyncio.run(run())


def test_handlers_take_an_event_or_none_and_may_be_sync() -> None:
    async def run() -> None:
        _, auth = await opened()

        @auth.reports("#error")
        def nothing() -> str:
            return "nothing"

        @auth.reports("#error")
        def one(event: str) -> str:
            return event

        @auth.reports("#error")
        async def maybe(event: str = "none") -> str:
            return event

        @auth.reports("#error")
        def some(*events: str) -> str:
            return "".join(events)

        assert await nothing("click") == "nothing"
        assert await nothing() == "nothing"
        assert await one("click") == "click"
        assert await maybe("click") == "click"
        assert await maybe() == "none"
        assert await some("a", "b") == "ab"
        assert nothing.__name__ == "nothing"

    asyncio.run(run())


class Page:
    """Handlers as methods."""

    def method(self, event: str) -> str:
        return f"method {event}"

    def bare(self) -> str:
        return "bare"

    @classmethod
    def of_class(cls, event: str) -> str:
        return f"class {event}"


def test_handlers_may_be_methods_or_anything_that_can_be_called() -> None:
    async def run() -> None:
        _, auth = await opened()
        reported = auth.reports("#error")
        assert await reported(Page().method)("click") == "method click"
        assert await reported(Page().bare)("click") == "bare"
        assert await reported(Page.of_class)("click") == "class click"
        assert await reported(str)("click") == "click"

    asyncio.run(run())


def test_an_error_that_is_not_ours_is_shown_with_its_class() -> None:
    async def run() -> None:
        world, auth = await opened()

        @auth.reports("#error")
        def fail() -> None:
            raise ValueError("three")

        await fail()
        assert world.browser.shown["#error"] == "ValueError: three"

    asyncio.run(run())


def test_a_handler_that_is_cancelled_is_cancelled() -> None:
    async def run() -> None:
        world, auth = await opened()

        @auth.reports("#error")
        async def wait() -> None:
            await asyncio.sleep(60)

        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert world.browser.shown["#error"] == ""

    asyncio.run(run())


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NetworkError("No answer.", remedy="Try again."), "No answer. Try again. (network_error)"),
        (NetworkError("No answer."), "No answer. (network_error)"),
        (SpaAuthError(error="some_code"), "some code (some_code)"),
    ],
)
def test_an_error_is_described_by_its_words_its_remedy_and_its_code(error: SpaAuthError, text: str) -> None:
    assert describe(error) == text
