"""No token, code, nonce or verifier shows anywhere, whatever goes wrong."""

import asyncio

import pytest
from client.wire import (
    OUTAGE,
    Api,
    Wire,
    challenge,
    error_answer,
    failure,
    json_answer,
    leaks,
    logged_in,
    members_changed,
    page,
    turns,
)

from spa_auth.errors import SpaAuthError
from spa_auth.protocol.http import Response

BROKEN: dict[str, Response | SpaAuthError] = {
    "html": json_answer({})._replace(headers=(("Content-Type", "text/html"), ("Access-Control-Allow-Origin", "*"))),
    "not json": json_answer({})._replace(body=b"<html>"),
    "no type": json_answer({"access_token": "CANARY-token-7d1f"}),
    "strange token": json_answer({"access_token": "CANARY token 7d1f", "token_type": "Bearer"}),
    "refused": error_answer("invalid_grant"),
    "refused with words": json_answer({"error": "invalid_request", "error_description": "x" * 5000}, 400),
    "outage": error_answer("server_error", 500),
    "no answer": OUTAGE,
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
def test_a_login_that_fails_leaves_no_secret_in_anything_a_page_keeps(answer: Response | SpaAuthError) -> None:
    """S03, S04, S05, S19, A24."""

    async def run() -> None:
        world = page()
        wire = Wire(world)
        wire.answers = [answer]
        auth = await world.login(await world.open(), app_state=1)
        assert auth.redirect_result is not None
        error = auth.redirect_result.error
        assert error is not None
        assert len(wire.secrets) >= 3
        assert leaks(world, wire.secrets, error) == []
        raised = await failure(auth.require_login())
        assert leaks(world, wire.secrets, raised) == []

    asyncio.run(run())


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
def test_a_refresh_that_fails_leaves_no_secret_in_its_error(window: bool, answer: Response | SpaAuthError) -> None:
    """S03, S05, S19."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        told: list[BaseException | None] = []
        auth.events.on_any(lambda _, event: told.append(event.error))
        wire.answers = [answer]
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert leaks(world, wire.secrets, error, *told) == []

    asyncio.run(run())


def test_an_error_that_no_caller_waited_for_keeps_no_secret_either(window: bool) -> None:
    """S03, S05."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        told: list[BaseException | None] = []
        auth.events.on("token.failed", lambda event: told.append(event.error))
        wire.answers = [BROKEN["no type"]]
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(auth.get_token_silently(cache_mode="off"))
        await turns()
        waiter.cancel()
        wire.gate.set()
        await turns()
        assert len(told) == 1
        assert leaks(world, wire.secrets, *told) == []

    asyncio.run(run())


def test_a_callback_that_fails_keeps_no_code(window: bool) -> None:
    """S03, S05."""

    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        wire = Wire(world)
        wire.answers = [error_answer("invalid_grant")]
        auth = await world.open()
        seen: list[str] = []
        await auth.login_with_redirect(open_url=seen.append)
        world.browser.choice = {"user": "alice"}
        error = await failure(auth.handle_redirect_callback(await world.browser.load_in_tab(seen[0])))
        assert len(wire.secrets) >= 3
        assert leaks(world, wire.secrets, error) == []

    asyncio.run(run())


def test_an_id_token_that_breaks_a_rule_is_not_quoted(window: bool) -> None:
    """S03, S05."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        wire.changes["/oauth/token"] = members_changed(id_token="CANARY-7d1f.CANARY-7d1f.CANARY-7d1f")
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert leaks(world, {*wire.secrets, "CANARY-7d1f"}, error) == []

    asyncio.run(run())


def test_a_call_that_an_api_refuses_shows_no_token(window: bool) -> None:
    """S03, S05, S19."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        Api(world, challenge('Bearer error="insufficient_scope"', 403), json_answer({}, 401))

        @auth.reports("#error")
        async def load() -> None:
            await auth.fetch_with_auth("/notes", headers={"Accept": "text/plain"}).json()

        await load()
        error = await failure(auth.fetch_with_auth("/notes", raise_for_status=True))
        assert len(world.browser.errors) == 1
        assert leaks(world, wire.secrets, error) == []

    asyncio.run(run())


def test_a_call_with_a_token_of_the_callers_own_does_not_show_that_one(window: bool) -> None:
    """S03, F07."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        error = await failure(auth.fetch_with_auth("/notes", headers={"Authorization": "Bearer CANARY-7d1f"}))
        assert leaks(world, {"CANARY-7d1f"}, error) == []

    asyncio.run(run())


def test_a_whole_life_of_a_page_leaves_no_secret_in_console_address_or_lasting_storage() -> None:
    """S01, S19, A24."""

    async def run() -> None:
        world, wire, auth = await logged_in()
        Api(world)
        await auth.get_token_silently(cache_mode="off")
        await auth.fetch_with_auth("/notes").json()
        assert leaks(world, wire.secrets) == []
        auth = await world.open()
        assert auth.user is not None
        assert leaks(world, wire.secrets) == []
        await world.browser.until_departure(auth.logout())
        assert leaks(world, wire.secrets) == []
        (state,) = world.browser.session_storage.names()  # of the logout, until the page comes back
        assert state.startswith("spa_auth:logout:")

    asyncio.run(run())


def test_the_search_for_secrets_finds_one_that_is_there() -> None:
    async def run() -> None:
        world = page()
        world.browser.lines.append("a CANARY-7d1f line")
        world.browser.url += "?code=CANARY-7d1f"
        error = SpaAuthError("about CANARY-7d1f")
        assert len(leaks(world, {"CANARY-7d1f"}, error)) > 3

    asyncio.run(run())
