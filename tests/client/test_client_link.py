"""Login by link: an address to open anywhere in the browser, and an answer that comes by broadcast."""

import asyncio
import json
from html.parser import HTMLParser

import pytest
from client.wire import CALLBACK, OUTAGE, Wire, failure, leaks, logged_in, moments, page, pending, turns

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.link import LoginLink
from spa_auth.errors import (
    AccessDeniedError,
    ConfigurationError,
    LoginCancelledError,
    LoginTimeoutError,
    MissingTransactionError,
    NavigationUnavailableError,
    SpaAuthError,
)
from spa_auth.protocol import form
from spa_auth.protocol.url import parse_url
from spa_auth.testing import Pair
from spa_auth.testing.profile import FakeChannels


async def opened(world: Pair, link: LoginLink, user: str = "alice") -> None:
    """Open a link in another tab, as that user."""
    world.browser.choice = {"user": user}
    await world.browser.load_in_tab(link.url)


def state_of(link: LoginLink) -> str:
    """The state in the address of a link."""
    return dict(form.parse(parse_url(link.url).query))["state"]


def answer(world: Pair, link: LoginLink, **members: object) -> None:
    """Post an answer, as any script of the origin that knows the state could."""
    message = {"type": "spa_auth:response", "state": state_of(link), **members}
    world.browser.profile.channels.post(f"spa_auth:{state_of(link)}", json.dumps(message))


def _hear_at_once(channels: FakeChannels, text: str) -> None:
    for line in channels.lines:
        if "tabs" in line.name:
            line.hear(text)


def lines(world: Pair) -> list[str]:
    """The open lines of logins."""
    return [name for name in world.browser.profile.channels.names if "tabs" not in name]


def test_a_link_opened_anywhere_in_the_browser_logs_in_where_it_was_made(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        link = await auth.login_link()
        seen = moments(auth)
        waiting = asyncio.ensure_future(link.result(timeout=5))
        await opened(world, link)
        user = await waiting
        assert (user.sub, auth.user, auth.changed.reason) == ("alice", user, "login")
        assert [moment.name for moment in seen] == ["token.received"]
        assert await auth.get_token_silently()
        assert (pending(world), lines(world)) == ([], [])
        assert await link.result() == user

    asyncio.run(run())


@pytest.mark.parametrize("isolated", [True, False])
def test_it_needs_neither_an_opener_nor_a_page_that_is_not_isolated_w08(isolated: bool) -> None:
    async def run() -> None:
        world = page(window=False)
        world.browser.isolated = isolated
        auth = await world.open()
        link = await auth.login_link()
        await opened(world, link)
        assert (await link.result(timeout=5)).sub == "alice"

    asyncio.run(run())


def test_the_login_is_complete_though_nobody_awaits_the_result(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        await opened(world, await auth.login_link())
        await turns(100)
        assert auth.user is not None

    asyncio.run(run())


def test_a_notebook_shows_a_link_whose_address_is_escaped_and_that_keeps_no_opener_w11() -> None:
    async def run() -> None:
        auth = await page(window=False).open()
        link = await auth.login_link(authorization_params={"login_hint": "\"'><script>&"})
        found: list[tuple[str, dict[str, str | None]]] = []

        class Reader(HTMLParser):
            def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
                found.append((tag, dict(attrs)))

        html = link._repr_html_()  # pyright: ignore[reportPrivateUsage]  this is what notebooks call
        Reader().feed(html)
        assert found == [("a", {"href": link.url, "target": "_blank", "rel": "noopener noreferrer"})]
        assert html.endswith(">Log in at 127.0.0.1</a>")
        assert link.url not in html
        assert repr(link) == "<LoginLink http://127.0.0.1:9400>"

    asyncio.run(run())


def test_what_is_asked_with_a_link_is_what_the_provider_is_asked(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window).open()
        link = await auth.login_link(
            audience="https://other.example", scope="extra", max_age=60, authorization_params={"prompt": "login"}
        )
        asked = dict(form.parse(parse_url(link.url).query))
        assert (asked["audience"], asked["max_age"], asked["prompt"]) == ("https://other.example", "60", "login")
        assert "extra" in asked["scope"].split()
        assert asked["redirect_uri"] == CALLBACK
        assert asked["state"].startswith("l")
        link.cancel()

    asyncio.run(run())


def test_a_user_who_refuses_is_an_error_of_the_result_and_an_event(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        seen = moments(auth)
        link = await auth.login_link()
        answer(world, link, response=f"error=access_denied&state={state_of(link)}&iss=http://127.0.0.1:9400/")
        for _ in range(2):
            assert isinstance(await failure(link.result(timeout=5)), AccessDeniedError)
        assert [(moment.name, moment.error) for moment in seen] == [
            ("login.started", None),
            ("login.failed", "access_denied"),
        ]
        assert (auth.user, pending(world), lines(world)) == (None, [], [])

    asyncio.run(run())


@pytest.mark.parametrize(
    "members",
    [{}, {"response": None}, {"response": ["x"]}, {"response": "x" * 70_000}, {"type": "other", "response": "code=x"},
     {"state": "l" + "x" * 43, "response": "code=x"}, {"response": "x" * 140_000}],
)  # fmt: skip
def test_what_is_no_answer_to_this_login_is_ignored_and_the_genuine_one_counts_w04(members: dict[str, object]) -> None:
    async def run() -> None:
        world = page(window=False)
        auth = await world.open()
        link = await auth.login_link()
        answer(world, link, **members)
        for text in ("", "null", "\ud800", "{}"):
            world.browser.profile.channels.post(f"spa_auth:{state_of(link)}", text)
        await turns()
        await opened(world, link)
        assert (await link.result(timeout=5)).sub == "alice"

    asyncio.run(run())


def test_an_answer_of_another_login_under_the_name_of_this_one_harms_neither_w05() -> None:
    async def run() -> None:
        world = page(window=False)
        auth = await world.open()
        first, second = await auth.login_link(), await auth.login_link()
        for state in (state_of(second), "l" + "x" * 43, "%ff", ""):
            answer(world, first, response=f"error=access_denied&state={state}")
        await turns()
        await opened(world, first)
        assert (await first.result(timeout=5)).sub == "alice"
        await opened(world, second)
        assert (await second.result(timeout=5)).sub == "alice"

    asyncio.run(run())


def test_a_second_answer_changes_nothing_w06() -> None:
    async def run() -> None:
        world = page(window=False)
        wire = Wire(world)
        auth = await world.open()
        link = await auth.login_link()
        await opened(world, link)
        answer(world, link, response=f"code=other&state={state_of(link)}")
        assert (await link.result(timeout=5)).sub == "alice"
        await turns()
        assert len(wire.posts) == 1

    asyncio.run(run())


def test_a_result_that_takes_too_long_is_a_timeout_and_the_link_stays_good(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        link = await auth.login_link()
        error = await failure(link.result(timeout=0.01))
        assert isinstance(error, LoginTimeoutError)
        assert isinstance(error, TimeoutError)
        await opened(world, link)
        assert (await link.result(timeout=5)).sub == "alice"

    asyncio.run(run())


def test_a_link_ends_after_fifteen_minutes_and_leaves_nothing(window: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spa_auth.client.link.LIFETIME", 0.01)

    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        link = await auth.login_link()
        assert "15 minutes" in (await failure(link.result())).error_description
        assert (auth.user, pending(world), lines(world)) == (None, [], [])

    asyncio.run(run())


def test_an_answer_after_fifteen_minutes_by_the_clock_is_refused(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        link = await auth.login_link()
        world.clock.advance(901)
        await opened(world, link)
        assert (await failure(link.result(timeout=5))).error == "transaction_expired"

    asyncio.run(run())


def test_a_cancelled_link_leads_nowhere_and_leaves_nothing(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        link = await auth.login_link()
        waiting = asyncio.ensure_future(failure(link.result()))
        await turns()
        link.cancel()
        assert isinstance(await waiting, LoginCancelledError)
        assert isinstance(await failure(link.result()), LoginCancelledError)
        assert (pending(world), lines(world)) == ([], [])
        await opened(world, link)
        await turns(100)
        assert auth.user is None

    asyncio.run(run())


def test_who_stops_waiting_does_not_cancel_the_login() -> None:
    async def run() -> None:
        world = page(window=False)
        auth = await world.open()
        link = await auth.login_link()
        waiting = asyncio.ensure_future(link.result())
        await turns()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await opened(world, link)
        assert (await link.result(timeout=5)).sub == "alice"

    asyncio.run(run())


def test_a_hundred_links_leave_nothing_behind_w20(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        for number in range(100):
            link = await auth.login_link()
            if number % 2:
                link.cancel()
            else:
                await failure(link.result(timeout=0))
                link.cancel()
        await turns()
        assert (pending(world), lines(world)) == ([], [])

    asyncio.run(run())


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_logout_while_the_login_completes_is_obeyed_r15(window: bool, elsewhere: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        wire = Wire(world)
        wire.gate = asyncio.Event()
        auth = await world.open()
        other: AuthClient = await world.new_tab(window=window).open()
        link = await auth.login_link()
        await opened(world, link)
        await turns()
        assert len(wire.posts) == 1
        await (other if elsewhere else auth).logout(open_url=False)
        await turns()
        wire.gate.set()
        assert isinstance(await failure(link.result(timeout=5)), SpaAuthError)
        assert auth.user is None

    asyncio.run(run())


def test_a_logout_at_the_last_moment_is_obeyed_too(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        others = world.browser.profile.channels
        logout = '{"v":1,"type":"logout"}'
        auth.changed.add_listener(lambda user: None if user is None else _hear_at_once(others, logout))
        link = await auth.login_link()
        await opened(world, link)
        assert isinstance(await failure(link.result(timeout=5)), LoginCancelledError)

    asyncio.run(run())


def test_a_logout_takes_the_links_that_wait_with_it(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        link = await auth.login_link()
        await auth.logout(open_url=False)
        await opened(world, link)
        assert isinstance(await failure(link.result(timeout=5)), MissingTransactionError)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("redirect_uri", "words"),
    [(None, "callback.html"), ("callback.html", "redirect_uri"), ("https://app.example/callback.html#x", "fragment")],
)
def test_without_a_window_the_callback_page_has_to_be_given_whole(redirect_uri: str | None, words: str) -> None:
    async def run() -> None:
        auth = await page(window=False, redirect_uri=redirect_uri).open()
        error = await failure(auth.login_link())
        assert isinstance(error, ConfigurationError)
        assert words in str(error)

    asyncio.run(run())


def test_a_place_without_broadcast_says_so_and_names_the_way_that_is_left(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        world.browser.channels = None
        error = await failure((await world.open()).login_link())
        assert isinstance(error, NavigationUnavailableError)
        assert "open_url" in error.remedy

    asyncio.run(run())


def test_a_login_that_fails_leaks_nothing_s03() -> None:
    async def run() -> None:
        world = page(window=False)
        wire = Wire(world)
        wire.answers.append(OUTAGE)
        auth = await world.open()
        link = await auth.login_link()
        await opened(world, link)
        error = await failure(link.result(timeout=5))
        assert leaks(world, wire.secrets, error) == []
        assert len(wire.secrets) > 1

    asyncio.run(run())
