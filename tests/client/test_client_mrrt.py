"""One refresh token for several APIs, none at all, and what a login must be for a call: scopes, age and strength."""

import asyncio

import pytest
from client.wire import (
    AUDIENCE,
    KEYS,
    OUTAGE,
    Wire,
    error_answer,
    failure,
    json_answer,
    logged_in,
    members_changed,
    moments,
    page,
    settled,
)

from spa_auth.dev_provider import Options
from spa_auth.errors import (
    InsufficientUserAuthenticationError,
    LoginRequiredError,
    MissingRefreshTokenError,
    MissingScopesError,
    NetworkError,
    OAuthError,
)
from spa_auth.protocol.http import Response
from spa_auth.protocol.jwt import parse_jwt
from spa_auth.protocol.strict_json import dumps, loads_object

OTHER = "https://other.example"


def granted(name: str, **members: object) -> Response:
    """An answer to a refresh, for whatever API."""
    return json_answer(
        {
            "access_token": f"at-{name}",
            "token_type": "Bearer",
            "expires_in": 600,
            "refresh_token": f"rt-{name}",
            **members,
        }
    )


@pytest.mark.parametrize("options", [{"use_mrrt": True}, {"provider": {"shared_refresh_token": True}}])
def test_one_refresh_token_gives_tokens_for_every_api_and_is_rotated_for_all(
    window: bool, options: dict[str, object]
) -> None:
    """R05."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window, **options)  # type: ignore[arg-type]
        wire.answers = [granted("a"), granted("b"), granted("c")]
        first = await auth.get_token_silently()
        assert await auth.get_token_silently(audience=OTHER, scope="read:other") == "at-a"
        assert wire.posts[1]["audience"] == OTHER
        assert wire.posts[1]["scope"] == "openid profile email read:other"
        assert await auth.get_token_silently() == first
        assert await auth.get_token_silently(audience=OTHER, scope="read:other") == "at-a"
        assert await auth.get_token_silently(cache_mode="off") == "at-b"
        assert (wire.posts[2]["refresh_token"], wire.posts[2]["audience"]) == ("rt-a", AUDIENCE)
        assert await auth.get_token_silently(audience=OTHER, scope="read:other", cache_mode="off") == "at-c"
        assert (wire.posts[3]["refresh_token"], wire.posts[3]["audience"]) == ("rt-b", OTHER)
        world.clock.advance(599)
        assert auth.user is not None

    asyncio.run(run())


def test_one_refresh_token_asked_for_two_apis_at_once_is_spent_in_turn(window: bool) -> None:
    """R05."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window, use_mrrt=True)
        wire.answers = [granted("a"), granted("b"), granted("c")]
        await asyncio.gather(
            auth.get_token_silently(audience=OTHER),
            auth.get_token_silently(audience="https://third.example"),
            auth.get_token_silently(cache_mode="off"),
        )
        spent = [post["refresh_token"] for post in wire.posts[1:]]
        assert len(set(spent)) == 3

    asyncio.run(run())


def test_without_an_audience_every_refresh_is_for_the_same_api(window: bool) -> None:
    """No audience is an audience of its own, and what asks for a session need not be echoed."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window, use_mrrt=True, audience=None, use_refresh_tokens_fallback=False)
        wire.changes["/oauth/token"] = members_changed(scope="openid profile email")
        assert await auth.get_token_silently(cache_mode="off")
        assert "audience" not in wire.posts[1]
        del wire.changes["/oauth/token"]
        wire.answers = [granted("a", scope="read:other")]
        assert await auth.get_token_silently(audience=OTHER, scope="read:other") == "at-a"

    asyncio.run(run())


def test_a_refresh_for_another_api_that_lacks_a_scope_says_which(window: bool) -> None:
    """K15."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window, use_mrrt=True, use_refresh_tokens_fallback=False)
        wire.answers = [granted("a", scope="openid read:other"), granted("b")]
        error = await failure(auth.get_token_silently(audience=OTHER, scope="read:other write:other"))
        assert isinstance(error, MissingScopesError)
        assert error.missing == ("write:other",)
        assert await auth.get_token_silently(audience=OTHER, scope="read:other") == "at-a"
        assert await auth.get_token_silently(cache_mode="off") == "at-b"
        assert wire.posts[-1]["refresh_token"] == "rt-a"

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer", [granted("a", scope="openid"), error_answer("invalid_target"), error_answer("invalid_scope")]
)
def test_where_the_refresh_token_does_not_do_a_silent_login_follows_if_it_may(answer: Response) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(use_mrrt=True)
        wire.answers = [answer]
        assert await auth.get_token_silently(audience=OTHER, scope="read:other")
        assert [post["grant_type"] for post in wire.posts[1:]] == ["refresh_token", "authorization_code"]
        _, wire, auth = await logged_in(use_mrrt=True, use_refresh_tokens_fallback=False)
        wire.answers = [answer]
        error = await failure(auth.get_token_silently(audience=OTHER, scope="read:other"))
        assert isinstance(error, OAuthError | MissingScopesError)
        assert len(wire.posts) == 2
        assert auth.user is not None

    asyncio.run(run())


def test_without_the_option_no_refresh_token_goes_to_another_api(window: bool) -> None:
    """R20."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window, use_refresh_tokens_fallback=False)
        events = moments(auth)
        error = await failure(auth.get_token_silently(audience=OTHER, scope="read:other"))
        assert isinstance(error, MissingRefreshTokenError)
        assert (error.error, error.audience) == ("missing_refresh_token", OTHER)
        assert "read:other" in error.scope
        assert [event.name for event in events] == ["token.failed", "interaction.required"]
        assert len(wire.posts) == 1
        assert auth.user is not None

    asyncio.run(run())


def test_without_fallback_a_page_that_is_loaded_anew_asks_nobody() -> None:
    async def run() -> None:
        world, wire, _ = await logged_in(use_refresh_tokens_fallback=False)
        auth = await world.open()
        assert auth.user is None
        assert world.browser.errors == []
        assert len(wire.posts) == 1

    asyncio.run(run())


def test_without_refresh_tokens_a_silent_login_is_the_way() -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(use_refresh_tokens=False, use_refresh_tokens_fallback=False)
        assert "offline_access" not in str(wire.answered.get("scope"))
        await auth.get_token_silently(cache_mode="off")
        assert [post["grant_type"] for post in wire.posts] == ["authorization_code"] * 2

    asyncio.run(run())


def test_what_a_provider_rotates_while_the_caller_asks_again_is_one_answer(window: bool) -> None:
    """C9, R14: calls with and without the cache share what comes back."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(600)
        tokens = await asyncio.gather(
            auth.get_token_silently(), auth.get_token_silently(cache_mode="off"), auth.get_token_silently()
        )
        assert len(set(tokens)) == 1
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_a_turn_that_hangs_does_not_hold_up_a_later_login(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        wire.gate = asyncio.Event()
        hanging = asyncio.ensure_future(settled(auth.get_token_silently(cache_mode="off")))
        await asyncio.sleep(0.01)
        gate, wire.gate = wire.gate, None
        await auth.logout(open_url=False)
        auth = await world.login(auth)
        assert await asyncio.wait_for(auth.get_token_silently(cache_mode="off"), 2)
        gate.set()
        (outcome,) = await hanging
        assert isinstance(outcome, LoginRequiredError)
        assert auth.user is not None

    asyncio.run(run())


def test_scope_that_a_refresh_adds_by_itself_does_not_count_as_granted(window: bool) -> None:
    """R11."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window, scope="openid read")
        for granted_now in ("openid admin", "openid read admin"):  # what is narrowed may come back
            wire.changes["/oauth/token"] = members_changed(scope=granted_now)
            details = await auth.get_token_silently(cache_mode="off", detailed_response=True)
            assert str(details.scope) == granted_now.removesuffix(" admin")

    asyncio.run(run())


def test_a_call_may_demand_a_login_that_is_not_long_ago(window: bool) -> None:
    """A28: also 0 means 0."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window, leeway=0)
        assert await auth.get_token_silently(max_age=300)
        world.clock.advance(301)
        for mode in ("on", "off", "cache-only"):
            error = await failure(auth.get_token_silently(max_age=300, cache_mode=mode))
            assert isinstance(error, LoginRequiredError)
            assert "max_age=300" in error.remedy
        assert isinstance(await failure(auth.get_token_silently(max_age=0)), LoginRequiredError)
        assert await auth.get_token_silently(max_age=3000)
        assert len(wire.posts) == 1
        assert auth.user is not None
        for wrong in (-1, "5", True):
            assert (await failure(auth.get_token_silently(max_age=wrong))).error == "invalid_configuration"  # type: ignore[arg-type]

    asyncio.run(run())


def test_a_login_without_a_time_is_too_long_ago(window: bool) -> None:
    """A28."""

    async def run() -> None:
        world = page(window=window)
        wire = Wire(world)
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, auth_time=...)
        auth = await world.login(await world.open())
        assert isinstance(await failure(auth.get_token_silently(max_age=9999)), LoginRequiredError)
        assert await auth.get_token_silently()

    asyncio.run(run())


def test_a_call_may_demand_a_login_of_a_certain_strength(window: bool) -> None:
    """A29."""

    async def run() -> None:
        world = page(window=window)
        wire = Wire(world)
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, acr="phr")
        auth = await world.login(await world.open())
        assert await auth.get_token_silently(acr_values="phr")
        assert await auth.get_token_silently(acr_values="phrh phr")
        error = await failure(auth.get_token_silently(acr_values="phrh mfa"))
        assert isinstance(error, InsufficientUserAuthenticationError)
        assert "acr_values" in error.remedy
        assert len(wire.posts) == 1
        assert await auth.get_token_silently(cache_mode="cache-only", acr_values="phr")
        del wire.changes["/oauth/token"]
        await auth.get_token_silently(cache_mode="off")
        assert await auth.get_token_silently(acr_values="phr")

    asyncio.run(run())


def test_what_a_call_demands_is_demanded_of_a_silent_login_that_it_makes() -> None:
    """A28, A29: whether nobody was logged in on this page before, or somebody in a stronger way."""

    async def run() -> None:
        world = page(use_refresh_tokens=False)
        wire = Wire(world)
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, acr="phr")
        auth = await world.login(await world.open())
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, acr="pwd")
        world.clock.advance(400)
        for max_age, acr_values in ((300, None), (None, "phr")):
            wire.answers = [OUTAGE]  # when the page began
            auth = await world.open()
            assert auth.user is None
            error = await failure(auth.get_token_silently(max_age=max_age, acr_values=acr_values))
            assert error.error == ("login_required" if max_age else "insufficient_user_authentication")
            assert auth.user is not None
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, acr="phr")
        auth = await world.login(auth)
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, acr="pwd")
        error = await failure(auth.get_token_silently(acr_values="phr", cache_mode="off"))
        assert isinstance(error, InsufficientUserAuthenticationError)

    asyncio.run(run())


def claims_changed(response: Response, **changes: object) -> Response:
    """The same answer with other claims in its ID token, signed anew."""
    members = loads_object(response.body)
    claims = {**parse_jwt(str(members["id_token"])).claims, **changes}
    left = {name: value for name, value in claims.items() if value is not ...}
    return response._replace(body=dumps({**members, "id_token": KEYS.sign("JWT", left)}))


# --- userinfo and groups


def test_where_the_id_token_says_too_little_userinfo_says_the_rest_before_anybody_looks(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window, provider_options=Options(thin_id_tokens=True))
        assert auth.user is not None
        assert (auth.user.name, auth.user.email) == ("Alice Archer", "alice@example.com")
        claims = await auth.get_id_token_claims()
        assert claims is not None
        assert "name" not in claims
        assert auth.changed.reason == "login"
        assert wire.asked.count("GET /userinfo") == 1
        assert dict(await auth.get_userinfo())["name"] == "Alice Archer"
        await auth.get_token_silently(cache_mode="off")
        assert auth.user.name == "Alice Archer"
        assert wire.asked.count("GET /userinfo") == 1
        assert world.browser.errors == []

    asyncio.run(run())


@pytest.mark.parametrize(("mode", "thin", "times"), [("auto", False, 0), ("always", False, 1), ("never", True, 0)])
def test_userinfo_is_asked_as_the_option_says(window: bool, mode: str, thin: bool, times: int) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window, provider_options=Options(thin_id_tokens=thin), userinfo=mode)
        assert wire.asked.count("GET /userinfo") == times
        assert auth.user is not None
        assert (auth.user.name == "alice") is (mode == "never")
        assert (await auth.get_userinfo())["email"] == "alice@example.com"
        await auth.get_userinfo()
        assert wire.asked.count("GET /userinfo") == 1
        assert auth.user.name == "Alice Archer"

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer", [json_answer({"sub": "bob", "name": "Bob"}), json_answer({}, 401), json_answer({}, 503), OUTAGE]
)
def test_userinfo_that_fails_or_is_of_somebody_else_spoils_no_login(answer: Response | NetworkError) -> None:
    """I-rows of userinfo: the subject is compared."""

    async def run() -> None:
        world = page(provider_options=Options(thin_id_tokens=True))
        wire = Wire(world)
        wire.changes["/userinfo"] = lambda _: answer
        auth = await world.login(await world.open())
        assert auth.user is not None
        assert auth.user.name == "alice"
        events = moments(auth)
        error = await failure(auth.get_userinfo())
        assert error.error in {"sub_mismatch", "response_error", "server_error", "network_error"}
        assert auth.user.name == "alice"
        del wire.changes["/userinfo"]
        assert await auth.get_userinfo()
        assert auth.user.name == "Alice Archer"
        assert events == []

    asyncio.run(run())


def test_a_failure_of_userinfo_after_a_login_is_an_event() -> None:
    async def run() -> None:
        world = page(window=False, provider_options=Options(thin_id_tokens=True))
        wire = Wire(world)
        wire.changes["/userinfo"] = lambda _: OUTAGE
        auth = await world.open()
        events = moments(auth)
        await world.login(auth)
        assert ("error", "network_error") in events
        assert auth.user is not None

    asyncio.run(run())


def test_nobody_has_no_userinfo_and_is_in_no_group(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        assert isinstance(await failure(auth.get_userinfo()), LoginRequiredError)
        assert not auth.is_user_in_group(["admins"])
        assert world.browser.sent == []

    asyncio.run(run())


def test_groups_are_looked_for_in_the_claims_of_the_user(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        wire = Wire(world)
        wire.changes["/oauth/token"] = lambda response: claims_changed(
            response, groups=["admins", "staff"], realm={"roles": ["writer"]}
        )
        auth = await world.login(await world.open())
        assert auth.is_user_in_group(["admins", "other"])
        assert not auth.is_user_in_group(["admins", "other"], match_all=True)
        assert auth.is_user_in_group(["admins", "staff"], match_all=True)
        assert auth.is_user_in_group(["writer"], groups_claim="realm.roles")
        assert not auth.is_user_in_group(["admin"])

    asyncio.run(run())


def test_a_late_userinfo_is_not_given_to_the_next_user() -> None:
    """R16."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=False)
        waiting = asyncio.ensure_future(failure(auth.get_userinfo()))
        while "OPTIONS /userinfo" not in wire.asked:  # noqa: ASYNC110  the wire tells nobody
            await asyncio.sleep(0)
        await auth.logout(open_url=False)
        assert isinstance(await waiting, LoginRequiredError)
        assert auth.user is None
        assert world.browser.errors == []

    asyncio.run(run())
