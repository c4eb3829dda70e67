"""Logins in popups: the window, who may answer, and what becomes of it."""

import asyncio

import pytest
from client.wire import (
    AUDIENCE,
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
    turns,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.dev_provider import Options
from spa_auth.errors import (
    AccessDeniedError,
    ConfigurationError,
    LoginRequiredError,
    MissingScopesError,
    NavigationUnavailableError,
    NetworkError,
    PopupCancelledError,
    PopupOpenError,
    PopupTimeoutError,
    SpaAuthError,
    StateMismatchError,
)
from spa_auth.protocol import form
from spa_auth.protocol.url import parse_url
from spa_auth.testing import Pair
from spa_auth.testing.popup import FakePopup


async def opened(**options: object) -> tuple[Pair, AuthClient]:
    """A page on which nobody is logged in, with alice before the screen."""
    world = page(**options)  # type: ignore[arg-type]
    world.browser.choice = {"user": "alice"}
    return world, await world.open()


def asked(world: Pair) -> dict[str, str]:
    """The parameters of the request that the last popup was sent to."""
    return dict(form.parse(parse_url(world.browser.popups[-1].url).query))


def refusal(auth: AuthClient, **options: object) -> SpaAuthError:
    """What the call itself raises, before anything is awaited."""
    with pytest.raises(SpaAuthError) as caught:
        _ = auth.login_with_popup(**options)  # type: ignore[arg-type]
    return caught.value


def test_a_login_in_a_popup_leaves_the_page_where_it_is() -> None:
    async def run() -> None:
        world, auth = await opened()
        events = moments(auth)
        user = await auth.login_with_popup()
        assert (user.sub, auth.user, auth.changed.reason) == ("alice", user, "login")
        assert world.browser.url == PAGE
        assert [event.name for event in events] == ["login.started", "token.received"]
        assert f"must list {CALLBACK}" in world.browser.lines[0]
        (popup,) = world.browser.popups
        assert popup.closed
        assert asked(world)["state"].startswith("p")
        assert "response_mode" not in asked(world)
        assert world.browser.session_storage.names() == []
        assert await auth.get_token_silently(cache_mode="cache-only")

    asyncio.run(run())


def test_the_window_opens_before_anything_is_awaited() -> None:
    async def run() -> None:
        world, auth = await opened()
        sent = len(world.browser.sent)
        login = auth.login_with_popup()
        assert (len(world.browser.popups), world.browser.popups[0].url) == (1, "about:blank")
        assert len(world.browser.sent) == sent
        await login

    asyncio.run(run())


def test_a_blocked_window_is_an_error_of_its_own_and_nothing_is_sent() -> None:
    """W07."""

    async def run() -> None:
        world, auth = await opened()
        world.browser.blocks_popups = True
        error = refusal(auth)
        assert isinstance(error, PopupOpenError)
        assert (error.error, world.browser.sent) == ("popup_blocked", [])

    asyncio.run(run())


@pytest.mark.parametrize(
    "options",
    [{"timeout": -1}, {"timeout": "60"}, {"max_age": "1"}, {"authorization_params": {"state": "x"}},
     {"authorization_params": {"response_mode": None}}],
)  # fmt: skip
def test_a_wrong_option_is_said_before_a_window_opens(options: dict[str, object]) -> None:
    """A03."""

    async def run() -> None:
        world, auth = await opened()
        assert isinstance(refusal(auth, **options), ConfigurationError)
        assert world.browser.popups == []

    asyncio.run(run())


def test_a_window_that_the_application_opened_is_used() -> None:
    async def run() -> None:
        world, auth = await opened()
        world.browser.blocks_popups = True
        mine = FakePopup()
        await auth.login_with_popup(popup=mine)
        assert mine.url.startswith(f"{ISSUER}authorize?")
        assert mine.closed

    asyncio.run(run())


def test_a_window_may_stay_open_after_an_answer() -> None:
    async def run() -> None:
        world, auth = await opened()
        await auth.login_with_popup(close_popup=False)
        assert not world.browser.popups[0].closed

    asyncio.run(run())


def test_a_window_that_the_user_closes_ends_the_login() -> None:
    """W07."""

    async def run() -> None:
        world, auth = await opened()
        world.browser.choice = None
        events = moments(auth)
        login = asyncio.ensure_future(failure(auth.login_with_popup()))
        await turns(300)
        world.browser.popups[0].close()
        assert isinstance(await login, PopupCancelledError)
        assert auth.user is None
        assert events[-1] == ("login.failed", "cancelled")
        assert [name for name in world.browser.profile.channels.names if "tabs" not in name] == []

    asyncio.run(run())


def test_a_window_without_an_answer_is_closed_at_its_time_even_if_it_was_to_stay() -> None:
    """W07."""

    async def run() -> None:
        world, auth = await opened()
        world.browser.choice = None
        error = await failure(auth.login_with_popup(timeout=0.05, close_popup=False))
        assert isinstance(error, PopupTimeoutError)
        assert isinstance(error, TimeoutError)
        assert (error.error, world.browser.popups[0].closed) == ("timeout", True)

    asyncio.run(run())


def test_the_configured_time_counts_where_the_call_names_none() -> None:
    async def run() -> None:
        world, auth = await opened(authorize_timeout=0.05)
        world.browser.choice = None
        assert isinstance(await failure(auth.login_with_popup()), PopupTimeoutError)

    asyncio.run(run())


def test_a_user_who_refuses_is_told_of_and_the_session_before_stays() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        world.browser.choice = {"deny": "1"}
        error = await failure(auth.login_with_popup(authorization_params={"prompt": "login"}))
        assert isinstance(error, AccessDeniedError)
        assert auth.user is not None
        assert world.browser.popups[0].closed

    asyncio.run(run())


def test_a_provider_that_is_down_leaves_no_empty_window() -> None:
    async def run() -> None:
        world, auth = await opened()
        wire = Wire(world)
        wire.changes["/.well-known/openid-configuration"] = lambda _: OUTAGE
        assert isinstance(await failure(auth.login_with_popup(close_popup=False)), NetworkError)
        assert world.browser.popups[0].closed

    asyncio.run(run())


def test_an_answer_with_another_state_is_refused_and_nothing_is_exchanged() -> None:
    """A06, W05, W17: whoever posts on the channel has to know the state, and says it in the answer too."""

    async def run() -> None:
        world, auth = await opened()
        world.browser.choice = None
        wire = Wire(world)
        login = asyncio.ensure_future(failure(auth.login_with_popup()))
        await turns(300)
        channel = f"spa_auth:{asked(world)['state']}"
        world.browser.profile.channels.post(channel, '{"response": "error=access_denied&state=pother"}')
        assert isinstance(await login, StateMismatchError)
        assert wire.posts == []

    asyncio.run(run())


def test_a_page_that_is_isolated_logs_in_by_popup_all_the_same() -> None:
    """W08."""

    async def run() -> None:
        world, auth = await opened()
        world.browser.isolated = True
        assert (await auth.login_with_popup()).sub == "alice"

    asyncio.run(run())


def test_without_a_callback_page_the_provider_answers_by_web_message() -> None:
    async def run() -> None:
        world, auth = await opened(redirect_uri=None)
        assert (await auth.login_with_popup()).sub == "alice"
        assert (asked(world)["response_mode"], asked(world)["redirect_uri"]) == ("web_message", PAGE)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("options", "isolated", "words"),
    [
        ({"redirect_uri": None}, True, "isolated"),
        ({"popup_mode": "web_message"}, True, "isolated"),
        ({"redirect_uri": None, "popup_mode": "callback_page"}, False, "no callback page."),
        ({"redirect_uri": None, "provider_options": Options(web_message=False)}, False, "lists no web_message"),
    ],
)
def test_a_popup_that_could_not_be_answered_says_why_and_closes(
    options: dict[str, object], isolated: bool, words: str
) -> None:
    """W08: never reported as if the user had cancelled."""

    async def run() -> None:
        world, auth = await opened(**options)
        world.browser.isolated = isolated
        error = await failure(auth.login_with_popup())
        assert isinstance(error, NavigationUnavailableError)
        assert error.error == "popup_unsupported"
        assert words in error.error_description
        assert "callback.html" in error.remedy
        assert world.browser.popups[0].closed

    asyncio.run(run())


def test_without_a_window_there_are_no_popups() -> None:
    async def run() -> None:
        auth = await page(window=False).open()
        error = refusal(auth)
        assert isinstance(error, NavigationUnavailableError)
        assert "login_link" in error.remedy

    asyncio.run(run())


def test_what_is_asked_of_a_popup_is_checked_in_its_answer() -> None:
    """A28, A29."""

    async def run() -> None:
        world, auth = await opened()
        params = {"acr_values": "gold"}
        error = await failure(auth.login_with_popup(max_age=10, authorization_params=params))
        assert error.error == "insufficient_user_authentication"
        assert (asked(world)["max_age"], asked(world)["acr_values"]) == ("10", "gold")
        assert auth.user is None

    asyncio.run(run())


def test_a_logout_while_the_popup_is_answered_drops_the_answer() -> None:
    """R15, L08."""

    async def run() -> None:
        world, auth = await opened()
        wire = Wire(world)
        wire.gate = asyncio.Event()
        login = asyncio.ensure_future(failure(auth.login_with_popup()))
        await turns(300)
        assert len(wire.posts) == 1
        await auth.logout(open_url=False)
        wire.gate.set()
        assert isinstance(await login, LoginRequiredError)
        assert auth.user is None

    asyncio.run(run())


def test_a_cancelled_call_closes_its_window() -> None:
    async def run() -> None:
        world, auth = await opened()
        world.browser.choice = None
        login = asyncio.ensure_future(auth.login_with_popup())
        await turns(300)
        login.cancel()
        await asyncio.wait({login})
        assert world.browser.popups[0].closed

    asyncio.run(run())


def test_a_token_comes_from_the_cache_without_a_window_unless_told_otherwise() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        known = await auth.get_token_silently()
        assert await auth.get_token_with_popup() == known
        assert await auth.get_token_with_popup(cache_mode="cache-only") == known
        assert world.browser.popups == []
        assert await auth.get_token_with_popup(cache_mode="off") != known
        assert len(world.browser.popups) == 1
        assert await auth.get_token_with_popup(max_age=1000)
        assert await auth.get_token_with_popup(authorization_params={"ui_locales": "de"})
        assert len(world.browser.popups) == 3

    asyncio.run(run())


def test_a_token_that_is_not_known_opens_a_window_unless_only_the_cache_may_be_asked() -> None:
    async def run() -> None:
        world, auth = await opened()
        assert await auth.get_token_with_popup(cache_mode="cache-only") is None
        assert world.browser.popups == []
        token = await auth.get_token_with_popup(audience=AUDIENCE)
        assert token == await auth.get_token_silently()
        assert auth.user is not None

    asyncio.run(run())


def test_a_token_with_less_than_was_named_is_refused_and_not_taken_from_the_cache() -> None:
    async def run() -> None:
        world, auth = await opened()
        Wire(world).changes["/oauth/token"] = members_changed(scope="openid")
        for _ in range(2):
            error = await failure(auth.get_token_with_popup(scope="fly:moon"))
            assert isinstance(error, MissingScopesError)
            assert error.missing == ("fly:moon",)
        assert len(world.browser.popups) == 2

    asyncio.run(run())


def test_a_cache_mode_that_there_is_not_is_refused() -> None:
    async def run() -> None:
        _, auth = await opened()
        with pytest.raises(ConfigurationError):
            _ = auth.get_token_with_popup(cache_mode="maybe")  # type: ignore[arg-type]

    asyncio.run(run())


def test_another_user_in_the_popup_replaces_the_one_of_the_page() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        world.browser.choice = {"user": "bob"}
        user = await auth.login_with_popup(authorization_params={"prompt": "login"})
        assert (user.sub, auth.changed.reason) == ("bob", "user_switch")

    asyncio.run(run())


def test_a_listener_that_logs_out_at_once_leaves_nobody_to_return() -> None:
    async def run() -> None:
        _, auth = await opened()
        auth.changed.add_listener(lambda user: None if user is None else auth._context.session.end("logout"))
        assert isinstance(await failure(auth.login_with_popup()), LoginRequiredError)

    asyncio.run(run())
