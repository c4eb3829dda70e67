"""The session: found again after a reload, checked without a click, told to nobody else, and one value."""

import asyncio
import pickle

import pytest
from client.wire import (
    AUDIENCE,
    ELSEWHERE,
    ISSUER,
    KEYS,
    OUTAGE,
    Wire,
    authorize_query,
    error_answer,
    failure,
    logged_in,
    members_changed,
    moments,
    page,
)

from spa_auth.dev_provider import Options
from spa_auth.errors import DiscoveryError, NetworkError

HINT = f"spa_auth:hint:{ISSUER}:demo"
DAY = 86_400


def test_a_reload_finds_the_user_again_without_a_click() -> None:
    async def run() -> None:
        world, wire, _ = await logged_in()
        world.browser.choice = None
        auth = await world.open()
        assert auth.user is not None
        assert auth.user.name == "Alice Archer"
        assert auth.redirect_result is None
        assert authorize_query(world)["prompt"] == "none"
        assert len(wire.posts) == 2
        assert await auth.get_token_silently()
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_where_third_party_cookies_are_blocked_a_reload_finds_nobody_and_asks_once() -> None:
    """W10."""

    async def run() -> None:
        world, wire, _ = await logged_in(provider_options=Options(issuer=ELSEWHERE))
        world.browser.third_party_cookies = False
        asked = len(wire.asked)
        auth = await world.open()
        assert auth.user is None
        assert world.browser.errors == []
        assert len(wire.asked) > asked
        asked = len(wire.asked)
        await auth.check_session()
        auth = await world.open()
        assert len(wire.asked) == asked

    asyncio.run(run())


def test_on_an_isolated_page_a_reload_finds_nobody_and_keeps_the_hint() -> None:
    """W09."""

    async def run() -> None:
        world, _, _ = await logged_in()
        world.browser.isolated = True
        auth = await world.open()
        assert auth.user is None
        world.browser.isolated = False
        auth = await world.open()
        assert auth.user is not None

    asyncio.run(run())


def test_without_a_hint_check_session_makes_no_request(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        await auth.check_session()
        assert world.browser.sent == []
        assert world.browser.visited == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "record", ["", "{", "{}", '{"v":2,"until":99999999999}', '{"v":1,"until":"soon"}', '{"v":1,"until":5}']
)
def test_a_hint_that_is_damaged_or_past_its_time_makes_no_request(record: str) -> None:
    async def run() -> None:
        world = page()
        world.browser.local_storage.set(HINT, record)
        auth = await world.open()
        assert auth.user is None
        assert world.browser.sent == []

    asyncio.run(run())


def test_the_hint_lasts_as_many_days_as_the_option_says_and_holds_nothing_of_the_user() -> None:
    """S01."""

    async def run() -> None:
        world, wire, _ = await logged_in(session_check_expiry_days=2)
        assert world.browser.local_storage.names() == [HINT]
        record = world.browser.local_storage.get(HINT) or ""
        assert set(record) <= set('{"v:1,until}0123456789')
        world.clock.advance(2 * DAY + 1)
        asked = len(wire.asked)
        assert (await world.open()).user is None
        assert len(wire.asked) == asked

    asyncio.run(run())


def test_check_session_finds_who_logged_in_on_another_page_meanwhile() -> None:
    async def run() -> None:
        world = page()
        auth = await world.open()
        await world.login(await world.open())
        await auth.check_session()
        assert auth.user is not None
        assert auth.changed.reason == "login"

    asyncio.run(run())


def test_check_session_of_who_is_logged_in_asks_nothing_while_the_token_lasts(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        asked = len(wire.asked)
        await auth.check_session()
        assert len(wire.asked) == asked

    asyncio.run(run())


def test_check_session_hides_refusals_but_no_outage(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(600)
        wire.answers = [OUTAGE, error_answer("invalid_client", 401), error_answer("invalid_grant")]
        assert isinstance(await failure(auth.check_session()), NetworkError)
        await auth.check_session()
        assert auth.user is not None
        await auth.check_session()
        assert not await auth.is_authenticated()

    asyncio.run(run())


def test_a_provider_that_is_down_keeps_no_page_from_opening() -> None:
    async def run() -> None:
        world, wire, _ = await logged_in()
        world.browser.servers.clear()
        auth = await world.open()
        assert auth.user is None
        assert [type(error) for error in world.browser.errors] == [NetworkError]
        assert len(wire.posts) == 1
        world.browser.servers["http://127.0.0.1:9400"] = wire.handle
        assert (await world.open()).user is not None

    asyncio.run(run())


def test_an_error_while_the_page_opens_is_told_to_the_console() -> None:
    async def run() -> None:
        world, wire, _ = await logged_in()
        wire.changes["/.well-known/openid-configuration"] = members_changed(issuer="https://evil.example/")
        await world.open()
        assert isinstance(world.browser.errors[0], DiscoveryError)
        assert "discovery_error" in world.browser.lines[-1]

    asyncio.run(run())


def test_two_apps_of_one_origin_do_not_share_a_session() -> None:
    """S21."""

    async def run() -> None:
        world, wire, _ = await logged_in()
        asked = len(wire.asked)
        other = await world.open(client_id="another")
        assert other.user is None
        assert len(wire.asked) == asked

    asyncio.run(run())


def test_a_client_cannot_be_pickled_and_shows_nothing_of_itself(window: bool) -> None:
    """S06."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(auth)
        shown = repr(auth) + repr(auth.user) + repr(auth._context.session.current) + repr(auth._context.config)
        shown += repr(await auth.get_id_token_claims()) + str(auth.redirect_result)
        shown += repr(auth._context.session.cache._entries)
        assert wire.secrets
        assert not any(secret in shown for secret in wire.secrets)

    asyncio.run(run())


def test_tokens_lie_in_memory_only() -> None:
    """S01."""

    async def run() -> None:
        world, wire, auth = await logged_in()
        await auth.get_token_silently(cache_mode="off")
        for storage in (world.browser.local_storage, world.browser.session_storage):
            stored = "".join(storage.get(name) or "" for name in storage.names())
            assert not any(secret in stored for secret in wire.secrets)

    asyncio.run(run())


def test_the_configuration_is_as_given_and_read_only(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window).open()
        assert dict(auth.get_configuration()) == {"issuer": ISSUER, "client_id": "demo"}
        assert not hasattr(auth.get_configuration(), "__setitem__")

    asyncio.run(run())


def test_the_claims_are_all_those_of_the_id_token_and_the_user_those_about_the_user(window: bool) -> None:
    """I17."""

    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        claims = await auth.get_id_token_claims()
        assert claims is not None
        assert auth.user is not None
        assert {"iss", "aud", "exp", "iat", "nonce", "at_hash"} <= set(claims)
        assert "nonce" not in auth.user
        assert auth.user.email == claims["email"]

    asyncio.run(run())


def test_a_provider_that_changes_what_it_says_of_the_user_is_the_reason_of_a_change(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        held = await auth.get_id_token_claims()
        assert held is not None
        names: list[str | None] = []
        auth.changed.add_listener(lambda user: names.append(None if user is None else user.name))
        claims = {name: value for name, value in held.items() if name != "at_hash"}
        wire.changes["/oauth/token"] = members_changed(id_token=KEYS.sign("JWT", {**claims, "name": "Alice Baker"}))
        await auth.get_token_silently(cache_mode="off")
        assert names == ["Alice Archer", "Alice Baker"]
        assert auth.changed.reason == "provider"

    asyncio.run(run())


def test_metadata_can_be_given_instead_of_discovered(window: bool) -> None:
    async def run() -> None:
        world = page(
            window=window,
            metadata={
                "authorization_endpoint": f"{ISSUER}authorize",
                "token_endpoint": f"{ISSUER}oauth/token",
                "jwks_uri": f"{ISSUER}.well-known/jwks.json",
            },
        )
        wire = Wire(world)
        auth = await world.login(await world.open())
        assert auth.user is not None
        assert "GET /.well-known/openid-configuration" not in wire.asked

    asyncio.run(run())


def test_signatures_are_not_verified_only_where_the_option_says_so(window: bool) -> None:
    """I01."""

    async def run() -> None:
        world = page(window=window, verify_id_token_signature=False)
        wire = Wire(world)
        auth = await world.login(await world.open())
        assert auth.user is not None
        assert "GET /.well-known/jwks.json" not in wire.asked

    asyncio.run(run())


def test_one_discovery_and_one_fetch_of_the_keys_serve_many_at_once() -> None:
    """M17."""

    async def run() -> None:
        world = page()
        wire = Wire(world)
        auth = await world.open()
        await asyncio.gather(*(auth.login_with_redirect(open_url=lambda _: None) for _ in range(20)))
        assert wire.asked == ["GET /.well-known/openid-configuration"]
        auth = await world.login(auth)
        assert wire.asked.count("GET /.well-known/jwks.json") == 1

    asyncio.run(run())


def test_events_are_moments_with_an_audience_and_an_error(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        seen: list[tuple[str | None, BaseException | None]] = []
        auth.events.on("token.refreshed", lambda event: seen.append((event.audience, event.error)))
        await auth.get_token_silently(cache_mode="off")
        assert seen == [(AUDIENCE, None)]
        everything = moments(auth)
        wire.answers = [error_answer("temporarily_unavailable")]
        await failure(auth.get_token_silently(cache_mode="off"))
        assert everything == [("token.failed", "temporarily_unavailable")]

    asyncio.run(run())


def test_a_listener_that_fails_breaks_no_login(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()

        def fail(_event: object) -> None:
            raise ValueError("mine")

        async def fail_later(_event: object) -> None:
            await asyncio.sleep(0)
            raise ValueError("mine, later")

        auth.events.on("login.started", fail)
        auth.events.on("login.started", fail_later)
        auth = await world.login(auth)
        assert auth.user is not None
        assert [str(error) for error in world.browser.errors] == ["mine", "mine, later"]

    asyncio.run(run())
