"""Access tokens: from the cache, by refresh token, by a silent login; and what ends a session and what does not."""

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from client.wire import (
    AUDIENCE,
    CALLBACK,
    ELSEWHERE,
    ISSUER,
    KEYS,
    OUTAGE,
    PAGE,
    Wire,
    authorize_query,
    error_answer,
    failure,
    json_answer,
    logged_in,
    members_changed,
    moments,
    page,
    settled,
    turns,
)

from spa_auth.dev_provider import Options
from spa_auth.errors import (
    ConfigurationError,
    IDTokenError,
    InteractionRequiredError,
    LoginRequiredError,
    LoginTimeoutError,
    MissingScopesError,
    NetworkError,
    SilentAuthUnavailableError,
    SubMismatchError,
)
from spa_auth.protocol import form
from spa_auth.protocol.http import Response
from spa_auth.protocol.url import parse_url

LIFETIME = 600
OTHER_API = "https://other.example"


def refreshes(wire: Wire) -> list[str]:
    """Every refresh token that was posted."""
    return [post["refresh_token"] for post in wire.posts if post["grant_type"] == "refresh_token"]


def test_a_token_comes_from_the_cache_while_it_lasts(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        first = await auth.get_token_silently()
        world.clock.advance(LIFETIME - 61)
        assert await auth.get_token_silently() == first
        assert await auth.get_token_silently(cache_mode="cache-only") == first
        assert refreshes(wire) == []
        world.clock.advance(2)
        assert await auth.get_token_silently(cache_mode="cache-only") is None
        assert await auth.get_token_silently() != first
        assert len(refreshes(wire)) == 1

    asyncio.run(run())


def test_cache_mode_off_always_asks_and_spends_each_refresh_token_once(window: bool) -> None:
    """R05."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        tokens = [await auth.get_token_silently(cache_mode="off") for _ in range(4)]
        assert len(set(tokens)) == 4
        assert len(set(refreshes(wire))) == len(refreshes(wire)) == 4
        assert auth.user is not None

    asyncio.run(run())


def test_a_cache_mode_that_does_not_exist_is_refused(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window).open()
        error = await failure(auth.get_token_silently(cache_mode="always"))  # type: ignore[call-overload]
        assert isinstance(error, ConfigurationError)

    asyncio.run(run())


def test_nobody_gets_a_token_and_nothing_is_asked(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        error = await failure(auth.get_token_silently())
        assert isinstance(error, LoginRequiredError)
        assert "login_with_redirect" in error.remedy
        assert await auth.get_token_silently(cache_mode="cache-only") is None
        assert world.browser.sent == []

    asyncio.run(run())


def test_a_detailed_response_tells_what_was_granted_and_what_is_left_but_not_the_refresh_token(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        details = await auth.get_token_silently(detailed_response=True)
        assert (details.token_type, details.audience) == ("Bearer", AUDIENCE)
        assert abs(details.expires_at - world.clock() - LIFETIME) < 5
        assert details.scope.covers(["openid", "profile"])
        assert details.id_token == wire.answered["id_token"]
        assert str(wire.answered["refresh_token"]) not in map(str, details)
        assert not any(secret in repr(details) for secret in wire.secrets)
        world.clock.advance(400)
        later = await auth.get_token_silently(detailed_response=True)
        assert later.expires_at == details.expires_at
        assert 0 <= details.expires_in - 400 - later.expires_in <= 1
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(details)

    asyncio.run(run())


def test_a_provider_that_rotates_nothing_keeps_its_refresh_token_good(window: bool) -> None:
    """R10."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        refresh_token = None
        for _ in range(3):
            wire.answers = [
                json_answer({"access_token": f"at{len(wire.posts)}", "token_type": "Bearer", "expires_in": 60})
            ]
            await auth.get_token_silently(cache_mode="off")
            assert refresh_token in (None, refreshes(wire)[-1])
            refresh_token = refreshes(wire)[-1]
        assert auth.user is not None

    asyncio.run(run())


def test_a_refresh_without_an_id_token_keeps_the_identity(window: bool) -> None:
    """R03."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        before = await auth.get_id_token_claims()
        wire.changes["/oauth/token"] = members_changed(id_token=...)
        await auth.get_token_silently(cache_mode="off")
        assert await auth.get_id_token_claims() == before

    asyncio.run(run())


def test_invalid_grant_ends_the_session_once_and_for_all(window: bool) -> None:
    """R08."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        seen: list[str | None] = []
        auth.changed.add_listener(lambda user: seen.append(None if user is None else user.sub))
        events = moments(auth)
        wire.answers = [error_answer("invalid_grant")]
        assert isinstance(await failure(auth.get_token_silently(cache_mode="off")), LoginRequiredError)
        assert (auth.user, seen, auth.changed.reason) == (None, ["alice", None], "refresh_denied")
        assert events == [("token.failed", "login_required"), ("interaction.required", "login_required")]
        asked = len(wire.asked)
        assert isinstance(await failure(auth.get_token_silently()), LoginRequiredError)
        assert len(wire.asked) == asked
        auth = await world.open()
        assert len(wire.asked) == asked

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer", [error_answer("server_error", 503), error_answer("slow_down", 429), error_answer("x", 500), OUTAGE]
)
def test_an_outage_ends_no_session_and_keeps_the_refresh_token(window: bool, answer: Response | NetworkError) -> None:
    """R04, K20, K21."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(LIFETIME)
        wire.answers = [answer]
        assert isinstance(await failure(auth.get_token_silently()), NetworkError)
        assert len(wire.posts) == 2
        assert auth.user is not None
        assert await auth.get_token_silently()
        assert len(wire.posts) == 3

    asyncio.run(run())


def test_during_an_outage_a_token_that_is_still_good_goes_on_being_used_without_a_storm(window: bool) -> None:
    """R04, R12."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        first = await auth.get_token_silently()
        events = moments(auth)
        world.clock.advance(LIFETIME - 40)
        wire.answers = [OUTAGE, OUTAGE]
        assert [await auth.get_token_silently() for _ in range(5)] == [first] * 5
        assert len(refreshes(wire)) == 1
        assert events == [("token.failed", "network_error")]
        world.clock.advance(35)
        assert await auth.get_token_silently() == first
        assert len(refreshes(wire)) == 2
        world.clock.advance(6)
        assert await auth.get_token_silently() != first

    asyncio.run(run())


def test_cache_mode_off_does_not_pass_an_old_token_off_as_a_new_one(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        wire.answers = [OUTAGE]
        assert isinstance(await failure(auth.get_token_silently(cache_mode="off")), NetworkError)
        assert auth.user is not None

    asyncio.run(run())


def test_a_provider_that_never_answers_is_left_after_the_timeout(window: bool) -> None:
    """K23."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window, http_timeout=0.01)
        world.clock.advance(LIFETIME)
        wire.gate = asyncio.Event()
        error = await failure(auth.get_token_silently())
        assert isinstance(error, NetworkError)
        assert (error.reason, error.error) == ("timeout", "timeout")
        assert auth.user is not None

    asyncio.run(run())


def test_an_endless_answer_is_not_read(window: bool) -> None:
    """K24."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        wire.answers = [json_answer({"access_token": "x" * 1_100_000})]
        assert (await failure(auth.get_token_silently(cache_mode="off"))).error == "response_too_large"
        assert auth.user is not None

    asyncio.run(run())


def test_tokens_that_live_no_time_cause_no_storm(window: bool) -> None:
    """R12."""

    async def run() -> None:
        world = page(window=window)
        wire = Wire(world)
        wire.changes["/oauth/token"] = members_changed(expires_in=0)
        auth = await world.login(await world.open())
        for _ in range(20):
            await auth.get_token_silently()
        assert len(wire.posts) == 1
        world.clock.advance(6)
        for _ in range(20):
            await auth.get_token_silently()
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_a_short_token_is_not_renewed_before_three_quarters_of_its_life(window: bool) -> None:
    """R12."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window, provider_options=Options(access_token_lifetime=40))
        world.clock.advance(29)
        await auth.get_token_silently()
        assert refreshes(wire) == []
        world.clock.advance(2)
        await auth.get_token_silently()
        assert len(refreshes(wire)) == 1

    asyncio.run(run())


def test_a_clock_that_jumps_back_hands_out_no_token_of_the_future(window: bool) -> None:
    """R13."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(-100)
        await auth.get_token_silently()
        assert len(refreshes(wire)) == 1

    asyncio.run(run())


def test_two_hundred_callers_share_one_refresh(window: bool) -> None:
    """R14."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(LIFETIME)
        tokens = await asyncio.gather(*(auth.get_token_silently() for _ in range(200)))
        assert len(set(tokens)) == 1
        assert len(refreshes(wire)) == 1

    asyncio.run(run())


def test_who_gives_up_waiting_leaves_the_others_their_token(window: bool) -> None:
    """R14."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(LIFETIME)
        wire.gate = asyncio.Event()
        waiters = [asyncio.ensure_future(auth.get_token_silently()) for _ in range(3)]
        await turns()
        waiters[0].cancel()
        await turns()
        wire.gate.set()
        assert await waiters[1] == await waiters[2]
        assert waiters[0].cancelled()
        assert len(refreshes(wire)) == 1

    asyncio.run(run())


def test_a_refresh_that_everybody_gave_up_still_keeps_its_new_refresh_token(window: bool) -> None:
    """R05, R09."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(auth.get_token_silently(cache_mode="off"))
        await turns()
        waiter.cancel()
        wire.gate.set()
        await turns()
        await auth.get_token_silently(cache_mode="off")
        assert len(set(refreshes(wire))) == len(refreshes(wire)) == 2

    asyncio.run(run())


def test_scopes_that_share_a_refresh_token_share_the_errand(window: bool) -> None:
    """R05: two calls with other scopes must not spend one refresh token twice."""

    async def run() -> None:
        world = page(window=window)
        wire = Wire(world)
        auth = await world.login(await world.open(), scope="read:notes write:notes")
        world.clock.advance(LIFETIME)
        tokens = await asyncio.gather(
            auth.get_token_silently(),
            auth.get_token_silently(scope="read:notes"),
            auth.get_token_silently(scope="write:notes read:notes"),
        )
        assert len(set(tokens)) == 1
        assert len(refreshes(wire)) == 1

    asyncio.run(run())


def test_a_scope_that_was_not_granted_is_named(window: bool) -> None:
    """K15."""

    async def run() -> None:
        world = page(window=window)
        wire = Wire(world)
        wire.changes["/oauth/token"] = members_changed(scope="openid profile")
        auth = await world.login(await world.open(), scope="read:notes")
        error = await failure(auth.get_token_silently(scope="read:notes"))
        assert isinstance(error, MissingScopesError)
        assert error.missing == ("read:notes",)
        assert len(wire.posts) == 1

    asyncio.run(run())


def test_a_logout_during_a_refresh_drops_the_late_answer(window: bool) -> None:
    """R15."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(failure(auth.get_token_silently(cache_mode="off")))
        await turns()
        await auth.logout(open_url=False)
        wire.gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        assert auth.user is None
        assert await auth.get_token_silently(cache_mode="cache-only") is None
        assert world.browser.local_storage.names() == []

    asyncio.run(run())


@pytest.mark.parametrize("answer", [error_answer("invalid_grant"), OUTAGE, None])
def test_a_new_login_during_a_refresh_is_not_harmed_by_the_late_answer(answer: Response | NetworkError | None) -> None:
    """R15, R16."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=False)
        gate = wire.gate = asyncio.Event()
        wire.answers = [] if answer is None else [answer]
        waiter = asyncio.ensure_future(failure(auth.get_token_silently(cache_mode="off")))
        await turns()
        wire.gate = None
        auth = await world.login(auth, "bob", authorization_params={"prompt": "login"})
        mine = await auth.get_token_silently()
        also_mine = asyncio.ensure_future(auth.get_token_silently(cache_mode="off"))
        await turns()
        gate.set()
        assert (await waiter).error in {"login_required", "network_error"}
        assert await also_mine != mine
        assert auth.user is not None
        assert auth.user.sub == "bob"
        assert await auth.get_token_silently() == await also_mine

    asyncio.run(run())


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"sub": "bob"}, SubMismatchError),
        ({"iss": "https://evil.example/"}, IDTokenError),
        ({"aud": "x"}, IDTokenError),
    ],
)
def test_a_refresh_that_answers_for_another_login_ends_the_session(
    window: bool, claims: dict[str, object], error: type[IDTokenError]
) -> None:
    """R01, R02."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        held = await auth.get_id_token_claims()
        assert held is not None
        kept = {name: value for name, value in held.items() if name != "at_hash"}
        token = KEYS.sign("JWT", {**kept, **claims})
        wire.changes["/oauth/token"] = members_changed(id_token=token)
        assert isinstance(await failure(auth.get_token_silently(cache_mode="off")), error)
        assert (auth.user, auth.changed.reason) == (None, "refresh_denied")
        assert len(refreshes(wire)) == 1

    asyncio.run(run())


def test_the_cache_knows_audiences_exactly(window: bool) -> None:
    """R17, R20."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        for audience in (f"{AUDIENCE}/", f"{AUDIENCE}::openid", AUDIENCE.upper(), ""):
            assert await auth.get_token_silently(audience=audience, cache_mode="cache-only") is None
        assert refreshes(wire) == []

    asyncio.run(run())


def test_a_token_for_another_api_comes_by_a_silent_login() -> None:
    """R20."""

    async def run() -> None:
        world, wire, auth = await logged_in()
        events = moments(auth)
        first = await auth.get_token_silently()
        other = await auth.get_token_silently(audience=OTHER_API, scope="read:other")
        assert other != first
        assert (authorize_query(world)["prompt"], authorize_query(world)["audience"]) == ("none", OTHER_API)
        assert authorize_query(world)["state"].startswith("s")
        assert await auth.get_token_silently() == first
        assert await auth.get_token_silently(audience=OTHER_API) == other
        assert refreshes(wire) == []
        assert events == [("token.received", None)]

    asyncio.run(run())


def test_without_refresh_tokens_a_new_token_comes_by_a_silent_login_for_all_that_was_asked() -> None:
    async def run() -> None:
        world = page(use_refresh_tokens=False)
        wire = Wire(world)
        auth = await world.login(await world.open(), scope="read:notes")
        world.clock.advance(LIFETIME)
        await auth.get_token_silently()
        assert "read:notes" in authorize_query(world)["scope"]
        await auth.get_token_silently(scope="read:notes")
        assert [post["grant_type"] for post in wire.posts] == ["authorization_code"] * 2

    asyncio.run(run())


def test_without_a_window_there_is_no_silent_login_and_the_session_stays() -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=False, use_refresh_tokens=False)
        world.clock.advance(LIFETIME)
        error = await failure(auth.get_token_silently())
        assert isinstance(error, SilentAuthUnavailableError)
        assert "open_url=" in error.remedy
        await auth.check_session()
        assert auth.user is not None

    asyncio.run(run())


@pytest.mark.parametrize("options", [{"silent_mode": "off"}, {"redirect_uri": None}, {"redirect_uri": PAGE}])
def test_where_silent_login_is_off_or_has_no_callback_page_it_says_so(options: dict[str, Any]) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(provider={"silent": "callback_page"}, **options)
        if auth.user is None:  # the page is its own redirect URI
            world.browser.callback_page = ""
            auth = await world.login(auth)
        posts = len(wire.posts)
        error = await failure(auth.get_token_silently(audience=OTHER_API))
        assert isinstance(error, SilentAuthUnavailableError)
        assert error.remedy
        assert auth.user is not None
        assert len(wire.posts) == posts

    asyncio.run(run())


def test_on_an_isolated_page_silent_login_is_unavailable_at_once_and_the_session_stays() -> None:
    """W09."""

    async def run() -> None:
        world, _, auth = await logged_in(use_refresh_tokens=False)
        first = await auth.get_token_silently()
        world.browser.isolated = True
        error = await failure(auth.get_token_silently(audience=OTHER_API))
        assert (type(error), error.error) == (SilentAuthUnavailableError, "silent_auth_unavailable")
        world.clock.advance(LIFETIME - 30)
        assert await auth.get_token_silently() == first
        world.clock.advance(31)
        assert isinstance(await failure(auth.get_token_silently()), SilentAuthUnavailableError)
        assert auth.user is not None

    asyncio.run(run())


def test_with_third_party_cookies_blocked_a_silent_login_fails_and_the_session_stays() -> None:
    """W10, A30."""

    async def run() -> None:
        world, _, auth = await logged_in(provider_options=Options(issuer=ELSEWHERE))
        world.browser.third_party_cookies = False
        error = await failure(auth.get_token_silently(audience=OTHER_API))
        assert isinstance(error, LoginRequiredError)
        assert auth.user is not None
        assert await auth.get_token_silently()

    asyncio.run(run())


def test_a_silent_login_for_another_user_leaves_the_session_as_it_was() -> None:
    """A30."""

    async def run() -> None:
        world, wire, auth = await logged_in()
        first = await auth.get_token_silently()
        other = await world.open()
        await world.login(other, "bob", authorization_params={"prompt": "login"})
        events = moments(auth)
        error = await failure(auth.get_token_silently(audience=OTHER_API))
        assert isinstance(error, SubMismatchError)
        assert events == [("token.failed", "sub_mismatch")]
        assert auth.user is not None
        assert auth.user.sub == "alice"
        assert await auth.get_token_silently() == first
        assert await auth.get_token_silently(audience=OTHER_API, cache_mode="cache-only") is None
        assert len(wire.secrets) > 0

    asyncio.run(run())


def test_a_provider_that_wants_interaction_ends_no_session() -> None:
    """W10."""

    async def run() -> None:
        world, wire, auth = await logged_in()

        def consent(response: Response) -> Response:
            query = dict(form.parse(parse_url(response.header("location") or "").query))
            refusal = form.encode({"error": "interaction_required", "state": query["state"], "iss": ISSUER})
            return response._replace(headers=(("Location", f"{CALLBACK}?{refusal}"),))

        wire.changes["redirect"] = consent
        events = moments(auth)
        assert isinstance(await failure(auth.get_token_silently(audience=OTHER_API)), InteractionRequiredError)
        assert events == [("token.failed", "interaction_required"), ("interaction.required", "interaction_required")]
        assert isinstance(await failure(auth.check_sso_session()), InteractionRequiredError)
        assert events[2:] == [("interaction.required", "interaction_required")]
        await auth.check_session()
        assert auth.user is not None
        assert world.browser.url == PAGE

    asyncio.run(run())


@pytest.mark.parametrize(
    "location", [f"{CALLBACK}?code=x&state=s{'A' * 43}", f"{PAGE}elsewhere.html?code=x", "https://evil.example/?code=x"]
)
def test_a_frame_that_answers_something_else_is_no_answer(location: str) -> None:
    """W05, W15."""

    async def run() -> None:
        _, wire, auth = await logged_in()
        wire.changes["redirect"] = lambda response: response._replace(headers=(("Location", location),))
        posts = len(wire.posts)
        assert isinstance(await failure(auth.get_token_silently(audience=OTHER_API)), LoginTimeoutError)
        assert len(wire.posts) == posts
        assert auth.user is not None

    asyncio.run(run())


def test_silent_logins_for_two_apis_at_once_both_settle() -> None:
    """W19."""

    async def run() -> None:
        _, wire, auth = await logged_in()
        answers = await settled(
            *(auth.get_token_silently(audience=f"https://api{number}.example") for number in range(2)),
            *(auth.get_token_silently(audience=f"https://api{number}.example") for number in range(2)),
        )
        assert len(set(map(str, answers))) == 2
        assert len(wire.posts) == 3

    asyncio.run(run())


def test_a_logout_during_a_silent_login_drops_its_answer() -> None:
    """R15."""

    async def run() -> None:
        _, wire, auth = await logged_in()
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(failure(auth.get_token_silently(audience=OTHER_API)))
        await turns()
        await auth.logout(open_url=False)
        wire.gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        assert auth.user is None

    asyncio.run(run())


def test_cancelling_at_every_await_point_leaves_a_client_that_works(window: bool) -> None:
    """R09, R14: property 16, for the public way to a token."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        for steps in range(25):
            world.clock.advance(LIFETIME)
            caller = asyncio.ensure_future(auth.get_token_silently())
            await turns(steps)
            caller.cancel()
            await settled(_outcome(caller))
            await turns()
            assert auth.user is not None
            assert await auth.get_token_silently()
        assert len(set(refreshes(wire))) == len(refreshes(wire))

    asyncio.run(run())


async def _outcome(caller: "asyncio.Future[str]") -> str:
    return await caller


def test_every_kind_of_listener_hears_of_tokens(window: bool) -> None:
    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        auth = await world.open()
        events = moments(auth)
        seen: list[str] = []
        open_url: Callable[[str], None] = seen.append
        await auth.login_with_redirect(open_url=open_url)
        world.browser.choice = {"user": "alice"}
        await auth.handle_redirect_callback(await world.browser.load_in_tab(seen[0]))
        await auth.get_token_silently(cache_mode="off")
        await auth.logout(open_url=False)
        assert [event.name for event in events] == [
            "login.started",
            "token.received",
            "token.refreshed",
            "logout.started",
            "logout.completed",
        ]

    asyncio.run(run())
