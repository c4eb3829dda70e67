"""Logout: here first, then at the provider."""

import asyncio

import pytest
from client.wire import (
    CALLBACK,
    ISSUER,
    OUTAGE,
    PAGE,
    Wire,
    failure,
    logged_in,
    members_changed,
    moments,
    page,
    pending,
)

from spa_auth.errors import (
    ConfigurationError,
    DiscoveryError,
    LoginRequiredError,
    NavigationError,
    NavigationUnavailableError,
)
from spa_auth.protocol import form
from spa_auth.protocol.url import parse_url


def query_of(url: str) -> dict[str, str]:
    """The parameters of a logout request."""
    assert url.startswith(f"{ISSUER}oidc/logout?")
    return dict(form.parse(parse_url(url).query))


def test_a_logout_forgets_everything_here_and_visits_the_provider() -> None:
    """L01."""

    async def run() -> None:
        world, wire, auth = await logged_in()
        world.browser.url = f"{PAGE}notes?q=1#top"
        session = auth._context.session.current
        assert session is not None
        await auth.login_with_redirect(open_url=lambda _: None)
        assert len(pending(world)) == 1
        events = moments(auth)
        url = await world.browser.until_departure(auth.logout())
        query = query_of(url)
        state = query.pop("state")
        assert len(state) == 43
        assert query == {
            "client_id": "demo",
            "id_token_hint": session.id_token,
            "post_logout_redirect_uri": f"{PAGE}notes",
        }
        assert [event.name for event in events] == ["logout.started", "logout.completed"]
        assert (auth.user, auth.changed.reason, pending(world)) == (None, "logout", [])
        assert world.browser.local_storage.names() == []
        assert [world.browser.session_storage.get(name) for name in world.browser.session_storage.names()] == [state]
        assert await auth.get_id_token_claims() is None
        assert isinstance(await failure(auth.get_token_silently()), LoginRequiredError)
        world.browser.choice = None
        await world.browser.go(url)
        assert world.browser.url == f"{PAGE}notes?state={state}"
        asked = len(wire.asked)
        assert (await world.open()).user is None
        assert len(wire.asked) == asked
        assert (world.browser.url, world.browser.errors) == (f"{PAGE}notes", [])
        assert world.browser.session_storage.names() == []

    asyncio.run(run())


def test_the_provider_asks_anew_after_a_logout() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        await world.browser.go(await world.browser.until_departure(auth.logout()))
        auth = await world.open()
        world.browser.choice = {"user": "bob"}
        auth = await world.leave_and_return(auth)
        assert auth.user is not None
        assert auth.user.sub == "bob"

    asyncio.run(run())


def test_the_hint_can_be_left_out_and_the_way_back_chosen(window: bool) -> None:
    """L07."""

    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        seen: list[str] = []
        await auth.logout(id_token_hint=False, return_to=f"{PAGE}bye", open_url=seen.append)
        query = query_of(seen[0])
        assert query.pop("state", "") != "" or not window
        assert query == {"client_id": "demo", "post_logout_redirect_uri": f"{PAGE}bye"}
        assert auth.user is None

    asyncio.run(run())


def test_a_relative_way_back_is_relative_to_the_page() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        world.browser.url = f"{PAGE}sub/index.html"
        seen: list[str] = []
        await auth.logout(return_to="bye.html", open_url=seen.append)
        assert query_of(seen[0])["post_logout_redirect_uri"] == f"{PAGE}sub/bye.html"

    asyncio.run(run())


def test_without_a_window_there_is_no_way_back_unless_it_is_given() -> None:
    async def run() -> None:
        _, _, auth = await logged_in(window=False)
        seen: list[str] = []
        await auth.logout(open_url=seen.append)
        assert "post_logout_redirect_uri" not in query_of(seen[0])

    asyncio.run(run())


def test_without_a_window_a_logout_ends_the_session_here_and_names_the_alternative() -> None:
    async def run() -> None:
        _, _, auth = await logged_in(window=False)
        error = await failure(auth.logout())
        assert isinstance(error, NavigationUnavailableError)
        assert "open_url=" in error.remedy
        assert auth.user is None

    asyncio.run(run())


@pytest.mark.parametrize(
    "return_to",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http://127.0.0.1:9401@evil.example/",
     "http://127.0.0.1:9402/", "data:text/html,x"],
)  # fmt: skip
def test_a_logout_leads_to_no_foreign_address(window: bool, return_to: str) -> None:
    """L04."""

    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        error = await failure(auth.logout(return_to=return_to, open_url=lambda _: None))
        assert isinstance(error, ConfigurationError)
        assert auth.user is not None

    asyncio.run(run())


def test_a_logout_can_stay_local(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        asked, visited = len(wire.asked), len(world.browser.visited)
        await auth.logout(open_url=False)
        assert auth.user is None
        assert (wire.asked[asked:], len(world.browser.visited)) == (["POST /oauth/revoke"], visited)

    asyncio.run(run())


def test_open_url_may_be_async(window: bool) -> None:
    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        seen: list[str] = []

        async def open_later(url: str) -> None:
            await asyncio.sleep(0)
            seen.append(url)

        await auth.logout(open_url=open_later)
        assert len(seen) == 1

    asyncio.run(run())


def test_a_provider_that_is_down_keeps_nobody_logged_in() -> None:
    async def run() -> None:
        world, wire, _ = await logged_in()
        wire.changes["/.well-known/openid-configuration"] = lambda _: OUTAGE
        auth = await world.open()
        events = moments(auth)
        await auth.logout()
        assert auth.user is None
        assert world.browser.local_storage.names() == []
        assert [event.name for event in events] == ["logout.started", "logout.completed"]
        assert OUTAGE in world.browser.errors

    asyncio.run(run())


def test_a_provider_without_end_session_is_not_visited(window: bool) -> None:
    async def run() -> None:
        world = page(
            window=window,
            metadata={
                "authorization_endpoint": f"{ISSUER}authorize",
                "token_endpoint": f"{ISSUER}oauth/token",
                "jwks_uri": f"{ISSUER}.well-known/jwks.json",
            },
        )
        auth = await world.login(await world.open())
        visited = len(world.browser.visited)
        await auth.logout()
        assert (auth.user, len(world.browser.visited)) == (None, visited)

    asyncio.run(run())


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "http://evil.example/"])
def test_a_logout_address_that_is_not_safe_is_never_visited(window: bool, address: str) -> None:
    """A27."""

    async def run() -> None:
        world = page(window=window)
        world.browser.servers.clear()
        auth = await world.open()
        wire = Wire(world)
        wire.changes["/.well-known/openid-configuration"] = members_changed(end_session_endpoint=address)
        seen: list[str] = []
        await auth.logout(open_url=seen.append)
        assert seen == []
        assert [type(error) for error in world.browser.errors] == [DiscoveryError]

    asyncio.run(run())


def test_a_page_that_is_still_there_says_so_and_is_logged_out_all_the_same() -> None:
    async def run() -> None:
        _, _, auth = await logged_in(navigation_timeout=0)
        assert isinstance(await failure(auth.logout()), NavigationError)
        assert auth.user is None

    asyncio.run(run())


def test_who_is_not_logged_in_can_log_out(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window).open()
        seen: list[str] = []
        await auth.logout(open_url=seen.append)
        assert "id_token_hint" not in query_of(seen[0])

    asyncio.run(run())


def test_a_logout_cancelled_at_any_point_has_ended_the_session(window: bool) -> None:
    """L08."""

    async def run() -> None:
        for steps in range(1, 6):
            _, _, auth = await logged_in(window=window)
            running = asyncio.ensure_future(auth.logout(open_url=lambda _: None))
            for _ in range(steps):
                await asyncio.sleep(0)
            running.cancel()
            await asyncio.wait({running})
            assert auth.user is None
            assert await auth.get_token_silently(cache_mode="cache-only") is None

    asyncio.run(run())


def test_a_client_without_redirect_uri_and_window_can_log_out_to_nowhere_else() -> None:
    async def run() -> None:
        auth = await page(window=False, redirect_uri=None).open()
        error = await failure(auth.logout(return_to=CALLBACK, open_url=lambda _: None))
        assert isinstance(error, ConfigurationError)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("address", "errors", "lines"),
    [
        ("?state=another", ["state_mismatch"], 0),
        ("?q=1", [], 1),
        ("?q=1&state={state}&r=2#top", [], 0),
    ],
)
def test_the_state_with_which_a_logout_comes_back_is_checked_and_nobody_is_logged_in(
    address: str, errors: list[str], lines: int
) -> None:
    """L05: it is reported, once, and changes nothing."""

    async def run() -> None:
        world, _, auth = await logged_in()
        state = query_of(await world.browser.until_departure(auth.logout()))["state"]
        world.browser.url = f"{PAGE}{address.format(state=state)}"
        said = len(world.browser.lines)
        auth = await world.open()
        assert auth.user is None
        assert [getattr(error, "error", "") for error in world.browser.errors] == errors
        assert len([line for line in world.browser.lines[said:] if "logout came back" in line]) == lines + len(errors)
        if "{state}" in address:
            assert world.browser.url == f"{PAGE}?q=1&r=2#top"
        await world.open()
        assert len(world.browser.errors) == len(errors)

    asyncio.run(run())


def test_a_tab_that_stores_nothing_logs_out_without_a_state_to_remember() -> None:
    async def run() -> None:
        _, _, auth = await logged_in(window=False)
        seen: list[str] = []
        await auth.logout(return_to=f"{PAGE}bye", open_url=seen.append)
        assert "state" not in query_of(seen[0])

    asyncio.run(run())


@pytest.mark.parametrize("federated", [True, False])
def test_a_provider_with_the_older_form_of_logout_is_visited_in_that_form(federated: bool) -> None:
    async def run() -> None:
        _, _, auth = await logged_in(provider={"logout": "v2_logout"})
        seen: list[str] = []
        await auth.logout(federated=federated, open_url=seen.append)
        back = form.quote(PAGE)
        assert seen == [f"{ISSUER}v2/logout?client_id=demo&returnTo={back}{'&federated' if federated else ''}"]

    asyncio.run(run())


def test_a_provider_where_no_logout_is_to_be_made_is_not_visited() -> None:
    async def run() -> None:
        _, _, auth = await logged_in(provider={"logout": "local"})
        seen: list[str] = []
        await auth.logout(open_url=seen.append)
        assert (seen, auth.user) == ([], None)

    asyncio.run(run())


def test_a_logout_can_leave_refresh_tokens_as_they_are() -> None:
    """L02."""

    async def run() -> None:
        _, wire, auth = await logged_in(revoke_on_logout=False)
        await auth.logout(open_url=False)
        assert "POST /oauth/revoke" not in wire.asked

    asyncio.run(run())


def test_the_logout_of_another_client_of_the_tab_is_left_to_it() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        state = query_of(await world.browser.until_departure(auth.logout()))["state"]
        world.browser.url = f"{PAGE}?state={state}"
        await world.open(client_id="another")
        assert world.browser.url == f"{PAGE}?state={state}"
        await world.open()
        assert (world.browser.url, world.browser.errors) == (PAGE, [])

    asyncio.run(run())
