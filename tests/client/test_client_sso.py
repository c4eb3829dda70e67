"""check_sso_session: a silent login that hands out what it got."""

import asyncio
import pickle

import pytest
from client.wire import AUDIENCE, Wire, authorize_query, failure, logged_in, members_changed, moments, page, turns

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.sso import AuthResult
from spa_auth.errors import (
    ConfigurationError,
    IDTokenError,
    LoginRequiredError,
    MissingScopesError,
    SilentAuthUnavailableError,
    SubMismatchError,
)
from spa_auth.testing import Pair


async def known(**options: object) -> tuple[Pair, Wire, AuthClient]:
    """A page on which nobody is logged in, in the browser of alice, whom the provider knows."""
    world, wire, auth = await logged_in(**options)  # type: ignore[arg-type]
    auth.close()
    world.browser.local_storage.remove(next(n for n in world.browser.local_storage.names() if "hint" in n))
    auth = await world.open()
    assert auth.user is None
    return world, wire, auth


def test_the_session_of_the_provider_becomes_that_of_the_page_and_is_handed_out() -> None:
    async def run() -> None:
        world, _, auth = await known()
        told = moments(auth)
        result = await auth.check_sso_session()
        assert auth.user is not None
        assert (auth.user.sub, auth.changed.reason) == ("alice", "login")
        assert result.access_token == await auth.get_token_silently()
        assert 500 < result.expires_in <= 600
        assert (result.token_type, result.refresh_token, result.code, result.state) == ("Bearer", None, None, None)
        assert result.id_token.count(".") == 2
        assert result.id_token_payload["sub"] == "alice"
        assert ("token.received", None) in told
        query = authorize_query(world)
        assert set(query["scope"].split()) >= {"openid", "profile", "email", "phone"}
        assert (query["prompt"], query["audience"]) == ("none", AUDIENCE)
        assert not {"persistent", "origin"} & set(query)

    asyncio.run(run())


def test_what_the_caller_gives_is_sent_checked_or_handed_back() -> None:
    """The state of the caller never leaves the page, its nonce is in the ID token."""

    async def run() -> None:
        world, _, auth = await known()
        result = await auth.check_sso_session(
            state="mine", nonce="abcd", persistent=False, origin="menu", scope=["email"], fetch_basic_profile=False
        )
        query = authorize_query(world)
        assert (result.state, query["state"] == "mine") == ("mine", False)
        assert (query["nonce"], result.id_token_payload["nonce"]) == ("abcd", "abcd")
        assert (query["persistent"], query["origin"]) == ("false", "menu")
        assert set(query["scope"].split()) == {"openid", "email", "offline_access"}

    asyncio.run(run())


def test_a_nonce_that_is_not_in_the_answer_is_refused() -> None:
    """I11."""

    async def run() -> None:
        world, wire, auth = await known()
        first = await auth.check_sso_session(nonce="abcd")
        wire.changes["/oauth/token"] = members_changed(id_token=first.id_token)
        error = await failure(auth.check_sso_session(nonce="efgh"))
        assert isinstance(error, IDTokenError)
        assert error.error == "nonce_mismatch"
        assert world.browser.popups == []

    asyncio.run(run())


@pytest.mark.parametrize("use_refresh_tokens", [True, False])
def test_a_refresh_token_that_is_asked_for_is_handed_out_and_not_kept(use_refresh_tokens: bool) -> None:
    async def run() -> None:
        _, _, auth = await known(use_refresh_tokens=use_refresh_tokens)
        result = await auth.check_sso_session(require_refresh_token=True)
        assert result.refresh_token is not None
        assert auth._context.session.cache.refresh_tokens() == []

    asyncio.run(run())


@pytest.mark.parametrize("require_refresh_token", [True, False])
def test_what_comes_after_a_logout_is_handed_to_nobody_and_revoked_once(require_refresh_token: bool) -> None:
    """R15."""

    async def run() -> None:
        _, wire, auth = await known()
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(failure(auth.check_sso_session(require_refresh_token=require_refresh_token)))
        await turns(300)
        await auth.logout(open_url=False)
        wire.gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        await turns()
        assert wire.asked.count("POST /oauth/revoke") == 1

    asyncio.run(run())


def test_a_refresh_token_that_is_asked_for_and_does_not_come_is_an_error_and_nobody_is_logged_in() -> None:
    async def run() -> None:
        _, wire, auth = await known()
        wire.changes["/oauth/token"] = members_changed(refresh_token=...)
        error = await failure(auth.check_sso_session(require_refresh_token=True))
        assert isinstance(error, MissingScopesError)
        assert error.missing == ("offline_access",)
        assert auth.user is None

    asyncio.run(run())


def test_where_the_provider_knows_nobody_a_login_is_required_and_no_page_tries_again_by_itself() -> None:
    async def run() -> None:
        world = page()
        auth = await world.open()
        assert isinstance(await failure(auth.check_sso_session()), LoginRequiredError)
        assert auth.user is None
        visited = len(world.browser.visited)
        await world.open()
        assert len(world.browser.visited) == visited

    asyncio.run(run())


def test_a_session_of_the_page_outlives_that_of_the_provider() -> None:

    async def run() -> None:
        world, _, auth = await logged_in()
        world.browser.third_party_cookies = False
        world.browser.cookies = type(world.browser.cookies)()
        assert isinstance(await failure(auth.check_sso_session()), LoginRequiredError)
        assert auth.user is not None
        assert auth._context.session.has_hint

    asyncio.run(run())


def test_somebody_else_at_the_provider_does_not_replace_the_user() -> None:
    """A30."""

    async def run() -> None:
        world, _, auth = await logged_in()
        world.browser.choice = {"user": "bob"}
        seen: list[str] = []
        await auth.login_with_redirect(authorization_params={"prompt": "login"}, open_url=seen.append)
        await world.browser.load_in_tab(seen[0])
        assert isinstance(await failure(auth.check_sso_session()), SubMismatchError)
        assert auth.user is not None
        assert auth.user.sub == "alice"

    asyncio.run(run())


@pytest.mark.parametrize("options", [{"nonce": ""}, {"scope": "email"}, {"scope": ["email", 7]}])
def test_a_wrong_option_is_said_before_anything_is_sent(options: dict[str, object]) -> None:
    async def run() -> None:
        world = page()
        auth = await world.open()
        error = await failure(auth.check_sso_session(**options))  # type: ignore[arg-type]
        assert isinstance(error, ConfigurationError)
        assert world.browser.visited == []

    asyncio.run(run())


def test_without_a_way_to_ask_it_says_so(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window, silent_mode="off").open()
        assert isinstance(await failure(auth.check_sso_session()), SilentAuthUnavailableError)

    asyncio.run(run())


def test_the_result_shows_no_token() -> None:
    """S03, S06."""
    result = AuthResult("secret", 60, "Bearer", "secret", "secret", {"sub": "secret"}, state="secret")
    assert "secret" not in repr(result)
    with pytest.raises(TypeError):
        pickle.dumps(result)
