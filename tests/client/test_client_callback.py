"""What completes a login that came back, what is left alone, and what does no harm to it."""

import asyncio
import json

import pytest
from client.wire import (
    CALLBACK,
    ISSUER,
    PAGE,
    Wire,
    departure,
    failure,
    logged_in,
    moments,
    page,
    pending,
    returned,
    turns,
)

from spa_auth.errors import (
    AccessDeniedError,
    MissingTransactionError,
    OAuthError,
    ProtocolError,
    StateMismatchError,
    TransactionExpiredError,
)
from spa_auth.protocol import form
from spa_auth.protocol.transaction import MAX_PENDING, RESPONSE_PREFIX, TRANSACTION_PREFIX


def test_a_return_to_that_a_script_edited_meanwhile_is_checked_again() -> None:
    """A23, A25."""

    async def run() -> None:
        world = page()
        auth = await world.open()
        address = await departure(world, auth)
        name = TRANSACTION_PREFIX + pending(world)[0]
        record = json.loads(world.browser.session_storage.get(name) or "")
        world.browser.session_storage.set(name, json.dumps({**record, "return_to": "https://evil.example/"}))
        world.browser.choice = {"user": "alice"}
        auth = await returned(world, address)
        assert auth.user is not None
        assert auth.redirect_result is not None
        assert auth.redirect_result.return_to == "/"

    asyncio.run(run())


def test_a_page_that_is_its_own_redirect_uri_completes_the_login_and_cleans_its_address() -> None:
    """A24."""

    async def run() -> None:
        world = page(redirect_uri=None)
        world.browser.callback_page = ""
        world.browser.url = f"{PAGE}?q=1#top"
        auth = await world.login(await world.open())
        assert auth.user is not None
        assert world.browser.url == f"{PAGE}?q=1#top"
        assert "code=" in world.browser.visited[-1]

    asyncio.run(run())


def test_a_page_that_is_its_own_redirect_uri_tells_where_else_to_return() -> None:
    async def run() -> None:
        world = page(redirect_uri=None)
        world.browser.callback_page = ""
        auth = await world.login(await world.open(), return_to="/notes")
        assert auth.redirect_result is not None
        assert auth.redirect_result.return_to == "/notes"
        assert world.browser.url == PAGE

    asyncio.run(run())


def test_the_address_is_clean_before_anything_is_awaited_also_on_failure() -> None:
    """A24."""

    async def run() -> None:
        world = page(redirect_uri=None)
        world.browser.callback_page = ""
        address = await departure(world, await world.open())
        world.browser.choice = {"user": "alice"}
        await world.browser.go(address)
        assert "code=" in world.browser.url
        starting = asyncio.ensure_future(world.open())
        await asyncio.sleep(0)
        assert world.browser.url == PAGE
        starting.cancel()
        world.browser.url = f"{PAGE}?error=access_denied&state=r{'A' * 43}"
        auth = await world.open()
        assert world.browser.url == PAGE
        assert auth.redirect_result is not None
        assert isinstance(auth.redirect_result.error, MissingTransactionError)

    asyncio.run(run())


def test_a_page_with_another_address_than_the_redirect_uri_is_no_callback() -> None:
    """A20."""

    async def run() -> None:
        world = page()
        world.browser.url = f"{PAGE}?code=4711&state=r{'A' * 43}"
        auth = await world.open()
        assert auth.redirect_result is None
        assert world.browser.url.endswith("A")

    asyncio.run(run())


@pytest.mark.parametrize("query", ["", "code=4711", "state=mine&code=x", "state=%ff", "q=1"])
def test_a_query_of_the_application_is_left_alone_where_no_login_is_pending(query: str) -> None:
    """A20."""

    async def run() -> None:
        world = page(redirect_uri=None)
        world.browser.url = f"{PAGE}?{query}"
        auth = await world.open()
        assert auth.redirect_result is None
        assert world.browser.url == f"{PAGE}?{query}"
        assert world.browser.sent == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "query", ["code=x", "error=access_denied", "code=x&state=", "code=x&state=R", "code=x&state={state}&state={state}"]
)
def test_an_answer_without_one_good_state_is_refused_and_harms_no_pending_login(query: str) -> None:
    """A07, A08."""

    async def run() -> None:
        world = page(redirect_uri=None)
        world.browser.callback_page = ""
        wire = Wire(world)
        address = await departure(world, await world.open(), app_state="mine")
        world.browser.url = f"{PAGE}?{query.format(state=pending(world)[0])}"
        auth = await world.open()
        assert auth.redirect_result is not None
        assert isinstance(auth.redirect_result.error, StateMismatchError)
        assert auth.redirect_result.app_state is None
        assert world.browser.url == PAGE
        assert wire.posts == []
        world.browser.choice = {"user": "alice"}
        auth = await returned(world, address)
        assert auth.user is not None

    asyncio.run(run())


@pytest.mark.parametrize("answer", ["code=x", "error=access_denied"])
def test_a_callback_that_nobody_asked_for_costs_no_request(window: bool, answer: str) -> None:
    """A05, W14."""

    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        auth = await world.open()
        error = await failure(auth.handle_redirect_callback(f"{CALLBACK}?{answer}&state=r{'A' * 43}"))
        assert isinstance(error, MissingTransactionError)
        assert world.browser.sent == []

    asyncio.run(run())


@pytest.mark.parametrize("answer", ["code=x", "error=access_denied"])
def test_a_forged_callback_while_a_login_is_pending_does_no_harm(window: bool, answer: str) -> None:
    """A06, A08."""

    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        wire = Wire(world)
        auth = await world.open()
        seen: list[str] = []
        await auth.login_with_redirect(open_url=seen.append, app_state="mine")
        error = await failure(auth.handle_redirect_callback(f"{CALLBACK}?{answer}&state=r{'A' * 43}"))
        assert isinstance(error, StateMismatchError)
        assert error.app_state is None
        assert wire.posts == []
        world.browser.choice = {"user": "alice"}
        result = await auth.handle_redirect_callback(await world.browser.load_in_tab(seen[0]))
        assert (result.app_state, auth.user is not None) == ("mine", True)

    asyncio.run(run())


def test_a_callback_that_comes_twice_counts_once(window: bool) -> None:
    """A12."""

    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        wire = Wire(world)
        auth = await world.open()
        seen: list[str] = []
        await auth.login_with_redirect(open_url=seen.append)
        world.browser.choice = {"user": "alice"}
        address = await world.browser.load_in_tab(seen[0])
        results = await asyncio.gather(
            auth.handle_redirect_callback(address), auth.handle_redirect_callback(address), return_exceptions=True
        )
        assert isinstance(results[1], MissingTransactionError)
        assert isinstance(await failure(auth.handle_redirect_callback(address)), MissingTransactionError)
        assert len(wire.posts) == 1
        assert auth.user is not None

    asyncio.run(run())


def test_the_page_reloaded_after_a_login_has_nothing_to_complete() -> None:
    """A12."""

    async def run() -> None:
        world, wire, _ = await logged_in()
        auth = await world.open()
        assert auth.redirect_result is None
        assert auth.user is not None
        codes = [post["code"] for post in wire.posts]
        assert len(set(codes)) == len(codes)

    asyncio.run(run())


def test_an_error_of_the_provider_is_in_the_result_and_never_raised_by_create() -> None:
    async def run() -> None:
        world = page()
        world.browser.choice = {"deny": "1"}
        auth = await world.leave_and_return(await world.open(), app_state={"cart": 1})
        assert auth.user is None
        assert auth.redirect_result is not None
        assert isinstance(auth.redirect_result.error, AccessDeniedError)
        assert auth.redirect_result.app_state == {"cart": 1}
        assert auth.redirect_result.error.app_state == {"cart": 1}

    asyncio.run(run())


def test_an_error_of_the_provider_is_raised_by_handle_redirect_callback_with_the_app_state(window: bool) -> None:
    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        auth = await world.open()
        events = moments(auth)
        seen: list[str] = []
        await auth.login_with_redirect(open_url=seen.append, app_state="mine")
        world.browser.choice = {"deny": "1"}
        error = await failure(auth.handle_redirect_callback(await world.browser.load_in_tab(seen[0])))
        assert isinstance(error, AccessDeniedError)
        assert error.app_state == "mine"
        assert events == [("login.started", None), ("login.failed", "access_denied")]

    asyncio.run(run())


def test_a_provider_that_refuses_in_its_own_words_is_quoted(window: bool) -> None:
    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        auth = await world.open()
        states: list[str] = []
        await auth.login_with_redirect(open_url=lambda url: states.append(dict(form.parse(url))["state"]))
        query = form.encode(
            {
                "error": "interaction_required",
                "error_description": "Look <b>here</b>",
                "state": states[0],
                "iss": ISSUER,
            }
        )
        error = await failure(auth.handle_redirect_callback(f"{CALLBACK}?{query}"))
        assert isinstance(error, OAuthError)
        assert error.error == "interaction_required"

    asyncio.run(run())


def test_handle_redirect_callback_reads_what_the_callback_page_kept() -> None:
    async def run() -> None:
        world = page(handle_redirect=False)
        auth = await world.login(await world.open(), app_state=7)
        assert not await auth.is_authenticated()
        result = await auth.handle_redirect_callback()
        assert (result.app_state, result) == (7, auth.redirect_result)
        assert auth.user is not None
        assert isinstance(await failure(auth.handle_redirect_callback()), MissingTransactionError)

    asyncio.run(run())


def test_handle_redirect_callback_without_an_answer_says_so(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window, handle_redirect=False).open()
        assert isinstance(await failure(auth.handle_redirect_callback()), MissingTransactionError)
        assert isinstance(await failure(auth.handle_redirect_callback("no address")), ProtocolError)

    asyncio.run(run())


def test_several_logins_may_be_pending_at_once(window: bool) -> None:
    """A22."""

    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        auth = await world.open()
        seen: list[str] = []
        for number in range(3):
            await auth.login_with_redirect(open_url=seen.append, app_state=number)
        world.browser.choice = {"user": "alice"}
        for number in (1, 0, 2):
            result = await auth.handle_redirect_callback(await world.browser.load_in_tab(seen[number]))
            assert result.app_state == number

    asyncio.run(run())


def test_of_more_than_ten_pending_logins_the_oldest_goes(window: bool) -> None:
    """A22."""

    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        auth = await world.open()
        seen: list[str] = []
        for number in range(MAX_PENDING + 1):
            world.clock.advance(1)
            await auth.login_with_redirect(open_url=seen.append, app_state=number)
        if window:
            assert len(pending(world)) == MAX_PENDING
        world.browser.choice = {"user": "alice"}
        addresses = [await world.browser.load_in_tab(url) for url in seen]
        assert isinstance(await failure(auth.handle_redirect_callback(addresses[0])), StateMismatchError)
        assert (await auth.handle_redirect_callback(addresses[1])).app_state == 1

    asyncio.run(run())


def test_a_login_that_took_more_than_fifteen_minutes_is_over(window: bool) -> None:
    """A21."""

    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        wire = Wire(world)
        auth = await world.open()
        seen: list[str] = []
        await auth.login_with_redirect(open_url=seen.append)
        world.clock.advance(901)
        world.browser.choice = {"user": "alice"}
        error = await failure(auth.handle_redirect_callback(await world.browser.load_in_tab(seen[0])))
        assert isinstance(error, TransactionExpiredError)
        assert wire.posts == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "change", [{"code_verifier": 7}, {"nonce": ""}, {"v": 2}, {"state": "r"}, {"created_at": "now"}]
)
def test_a_damaged_record_is_no_login_and_is_removed(change: dict[str, object]) -> None:
    """A23."""

    async def run() -> None:
        world = page()
        address = await departure(world, await world.open())
        name = TRANSACTION_PREFIX + pending(world)[0]
        record = json.loads(world.browser.session_storage.get(name) or "")
        world.browser.session_storage.set(name, json.dumps({**record, **change}))
        world.browser.choice = {"user": "alice"}
        auth = await returned(world, address)
        assert auth.user is None
        assert pending(world) == []

    asyncio.run(run())


def test_a_record_with_another_redirect_uri_gets_no_tokens() -> None:
    """A23."""

    async def run() -> None:
        world = page()
        address = await departure(world, await world.open())
        name = TRANSACTION_PREFIX + pending(world)[0]
        record = json.loads(world.browser.session_storage.get(name) or "")
        world.browser.session_storage.set(name, json.dumps({**record, "redirect_uri": "https://evil.example/"}))
        world.browser.choice = {"user": "alice"}
        auth = await returned(world, address)
        assert auth.user is None
        assert auth.redirect_result is not None
        assert auth.redirect_result.error is not None
        assert auth.redirect_result.error.error == "invalid_grant"

    asyncio.run(run())


def test_the_login_of_another_client_in_the_same_tab_is_not_seen() -> None:
    """A16, S21."""

    async def run() -> None:
        world = page()
        await departure(world, await world.open())
        state = pending(world)[0]
        world.browser.session_storage.set(RESPONSE_PREFIX + state, f"code=x&state={state}&iss={ISSUER}")
        other = await world.open(client_id="another")
        assert other.redirect_result is None
        error = await failure(other.handle_redirect_callback(f"{CALLBACK}?code=x&state={state}"))
        assert isinstance(error, MissingTransactionError)
        assert pending(world) == [state]

    asyncio.run(run())


@pytest.mark.parametrize(
    "fragment", ["code=x&state={state}&iss={iss}", "access_token=x&id_token=y&state={state}&iss={iss}"]
)
def test_an_answer_in_the_fragment_is_scrubbed_and_refused(fragment: str) -> None:
    """A18, A19."""

    async def run() -> None:
        world = page(redirect_uri=None)
        world.browser.callback_page = ""
        wire = Wire(world)
        await departure(world, await world.open())
        world.browser.url = f"{PAGE}#{fragment.format(state=pending(world)[0], iss=form.quote(ISSUER))}"
        auth = await world.open()
        assert auth.redirect_result is not None
        assert auth.redirect_result.error is not None
        assert auth.redirect_result.error.error == "unsupported_response"
        assert world.browser.url == PAGE
        assert auth.user is None
        assert wire.posts == []

    asyncio.run(run())


def test_a_fragment_of_the_application_is_left_alone() -> None:
    async def run() -> None:
        world = page(redirect_uri=None)
        await departure(world, await world.open())
        world.browser.url = f"{PAGE}#/notes?code=1"
        auth = await world.open()
        assert auth.redirect_result is None
        assert world.browser.url == f"{PAGE}#/notes?code=1"

    asyncio.run(run())


def test_a_login_whose_answer_comes_after_a_logout_is_dropped(window: bool) -> None:
    """R15, L08."""

    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        wire = Wire(world)
        wire.gate = asyncio.Event()
        auth = await world.open()
        seen: list[str] = []
        await auth.login_with_redirect(open_url=seen.append, app_state=3)
        world.browser.choice = {"user": "alice"}
        address = await world.browser.load_in_tab(seen[0])
        login = asyncio.ensure_future(failure(auth.handle_redirect_callback(address)))
        await turns()
        await auth.logout(open_url=False)
        wire.gate.set()
        error = await login
        assert (error.error, error.app_state) == ("login_required", 3)
        assert auth.user is None

    asyncio.run(run())


@pytest.mark.parametrize("elsewhere", [f"{PAGE}other.html", "https://evil.example/callback.html"])
def test_an_address_that_is_not_the_redirect_uri_is_no_callback_whoever_hands_it_in(
    window: bool, elsewhere: str
) -> None:
    """A20."""

    async def run() -> None:
        auth = await page(window=window, handle_redirect=False).open()
        error = await failure(auth.handle_redirect_callback(f"{elsewhere}?code=x&state=r{'A' * 43}"))
        assert isinstance(error, MissingTransactionError)
        assert "redirect URI" in error.error_description

    asyncio.run(run())
