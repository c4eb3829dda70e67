"""Logins by redirect: how they begin, and what comes of them."""

import asyncio

import pytest
from client.wire import (
    CALLBACK,
    ISSUER,
    PAGE,
    Wire,
    authorize_query,
    departure,
    failure,
    logged_in,
    page,
    pending,
    returned,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from spa_auth.client.transactions import MemoryStorage
from spa_auth.dev_provider import Options
from spa_auth.dev_provider.options import Organization
from spa_auth.errors import (
    AccessDeniedError,
    ConfigurationError,
    NavigationError,
    NavigationUnavailableError,
    StorageUnavailableError,
)
from spa_auth.protocol import form
from spa_auth.protocol.pkce import code_challenge
from spa_auth.protocol.transaction import is_state
from spa_auth.protocol.url import parse_url

PROMPT = {"prompt": "login"}


def test_create_completes_a_login_that_came_back(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        assert auth.user is not None
        assert (auth.user.name, auth.user["sub"]) == ("Alice Archer", "alice")
        assert auth.redirect_result is not None
        assert (auth.redirect_result.error, auth.redirect_result.return_to) == (None, "/")
        assert await auth.is_authenticated()
        assert await auth.get_user() == auth.user
        claims = await auth.get_id_token_claims()
        assert claims is not None
        assert claims["iss"] == ISSUER
        assert pending(world) == []

    asyncio.run(run())


def test_who_never_logged_in_is_nobody_and_nothing_is_asked(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        assert (auth.user, auth.redirect_result) == (None, None)
        assert (await auth.get_user(), await auth.get_id_token_claims()) == (None, None)
        assert not await auth.is_authenticated()
        assert world.browser.sent == []

    asyncio.run(run())


def test_app_state_and_return_to_come_back_and_never_leave_the_browser() -> None:
    """A04."""

    async def run() -> None:
        world = page()
        wire = Wire(world)
        world.browser.url = f"{PAGE}notes?q=1#top"
        state = {"cart": [1, 2], "text": "secret & wish\r\n"}
        auth = await world.login(await world.open(), app_state=state)
        assert auth.redirect_result is not None
        assert auth.redirect_result.app_state == state
        assert auth.redirect_result.return_to == "/notes?q=1#top"
        assert world.browser.url == f"{PAGE}notes?q=1#top"
        assert not any("wish" in url for url in world.browser.visited)
        assert not any("wish" in value for post in wire.posts for value in post.values())

    asyncio.run(run())


@pytest.mark.parametrize(
    "return_to",
    ["//evil.example", "/\\evil.example", "https:evil", "https://evil.example/", "javascript:alert(1)", "ht\ttps://e",
     "https://127.0.0.1:9401@evil.example/", "/%2e%2e//evil.example", "\uff0f\uff0fevil.example"],
)  # fmt: skip
def test_a_login_returns_to_no_foreign_address(window: bool, return_to: str) -> None:
    """A25."""

    async def run() -> None:
        world = page(window=window)
        auth = await world.login(await world.open(), return_to=return_to)
        assert auth.redirect_result is not None
        url = parse_url(PAGE.removesuffix("/") + str(auth.redirect_result.return_to))
        assert url.origin == parse_url(PAGE).origin
        assert parse_url(world.browser.url).origin == url.origin

    asyncio.run(run())


def test_the_request_carries_what_makes_a_login_safe() -> None:
    """A01, A02."""

    async def run() -> None:
        world = page(max_age=600)
        wire = Wire(world)
        auth = await world.login(
            await world.open(),
            scope="read:notes",
            authorization_params={"login_hint": "a&b=c#\r\n", "ui_locales": "de"},
        )
        query = authorize_query(world)
        assert auth.user is not None
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["code_challenge"] == code_challenge(wire.posts[0]["code_verifier"])
        assert len(wire.posts[0]["code_verifier"]) >= 43
        assert is_state(query["state"])
        assert query["scope"] == "openid profile email read:notes offline_access"
        assert (query["audience"], query["max_age"]) == ("https://api.example", "600")
        assert (query["login_hint"], query["ui_locales"]) == ("a&b=c#\r\n", "de")
        assert "response_mode" not in query
        assert set(wire.posts[0]) == {"grant_type", "client_id", "code", "redirect_uri", "code_verifier"}

    asyncio.run(run())


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.sampled_from(["login_hint", "ui_locales", "x"]), st.text(min_size=1, max_size=20)))
def test_whatever_a_parameter_says_the_provider_reads_it_as_it_was(parameters: dict[str, str]) -> None:
    """A04."""

    async def run() -> None:
        world = page(metadata={"authorization_endpoint": f"{ISSUER}authorize"})
        url = await departure(world, await world.open(), authorization_params=parameters)
        read = form.unique(form.parse(parse_url(url).query))
        assert {name: read[name] for name in parameters} == parameters

    asyncio.run(run())


@pytest.mark.parametrize(
    "name", ["client_id", "state", "nonce", "response_type", "response_mode", "code_challenge", "redirect_uri", "scope"]
)
def test_what_makes_a_login_safe_cannot_be_overridden(window: bool, name: str) -> None:
    """A03."""

    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        error = await failure(auth.login_with_redirect(authorization_params={name: "x"}, open_url=lambda _: None))
        assert isinstance(error, ConfigurationError)
        assert name in str(error)
        assert world.browser.sent == []

    asyncio.run(run())


@pytest.mark.parametrize("max_age", ["0", -1, 1.5, True])
def test_a_max_age_that_is_no_number_of_seconds_is_refused(max_age: object) -> None:
    """A28."""

    async def run() -> None:
        auth = await page().open()
        error = await failure(auth.login_with_redirect(max_age=max_age, open_url=lambda _: None))  # type: ignore[arg-type]
        assert isinstance(error, ConfigurationError)

    asyncio.run(run())


def test_max_age_zero_asks_for_a_new_login_and_checks_it(window: bool) -> None:
    """A28."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        world.clock.advance(100)
        auth = await world.login(auth, max_age=0)
        assert authorize_query(world)["max_age"] == "0"
        assert auth.user is not None

    asyncio.run(run())


def test_offline_access_is_asked_only_with_refresh_tokens_and_where_it_is_offered(window: bool) -> None:
    async def run() -> None:
        world = page(window=window, use_refresh_tokens=False)
        auth = await world.login(await world.open())
        assert "offline_access" not in authorize_query(world)["scope"]
        tokens = await auth.get_token_silently(detailed_response=True)
        assert "offline_access" not in tokens.scope
        other = page(
            window=window,
            metadata={"authorization_endpoint": f"{ISSUER}authorize", "scopes_supported": ["openid"]},
        )
        seen: list[str] = []
        await (await other.open()).login_with_redirect(open_url=seen.append)
        assert "offline_access" not in seen[0]

    asyncio.run(run())


def test_login_with_redirect_does_not_return_once_the_page_leaves() -> None:
    async def run() -> None:
        world = page()
        auth = await world.open()
        after: list[str] = []

        async def handler() -> None:
            await auth.login_with_redirect()
            after.append("a line of the page that is gone")

        assert (await world.browser.until_departure(handler())).startswith(f"{ISSUER}authorize?")
        assert after == []

    asyncio.run(run())


def test_a_page_that_is_still_there_after_the_timeout_says_so() -> None:
    async def run() -> None:
        auth = await page(navigation_timeout=0).open()
        assert isinstance(await failure(auth.login_with_redirect()), NavigationError)
        assert isinstance(await failure(auth.require_login()), NavigationError)

    asyncio.run(run())


def test_without_a_window_a_redirect_names_the_alternative_and_leaves_nothing_behind() -> None:
    async def run() -> None:
        world = page(window=False)
        auth = await world.open()
        for action in (auth.login_with_redirect(), auth.require_login()):
            error = await failure(action)
            assert isinstance(error, NavigationUnavailableError)
            assert "open_url=" in error.remedy
            assert "handle_redirect_callback" in error.remedy
        assert world.browser.sent == []

    asyncio.run(run())


def test_without_a_window_the_redirect_uri_has_to_be_given() -> None:
    async def run() -> None:
        auth = await page(window=False, redirect_uri=None).open()
        error = await failure(auth.login_with_redirect(open_url=lambda _: None))
        assert isinstance(error, ConfigurationError)
        assert "redirect_uri" in str(error)

    asyncio.run(run())


@pytest.mark.parametrize("is_async", [True, False])
def test_open_url_gets_the_address_instead_of_the_window(window: bool, is_async: bool) -> None:
    async def run() -> None:
        auth = await page(window=window).open()
        seen: list[str] = []

        async def open_later(url: str) -> None:
            await asyncio.sleep(0)
            seen.append(url)

        await auth.login_with_redirect(open_url=open_later if is_async else seen.append)
        assert seen[0].startswith(f"{ISSUER}authorize?")

    asyncio.run(run())


def test_the_first_console_line_of_a_login_names_the_address_to_register(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        await (await world.open()).login_with_redirect(open_url=lambda _: None)
        assert f"must list {CALLBACK} as a redirect URI of demo" in world.browser.lines[0]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("at", "given", "expected"),
    [
        (PAGE, None, PAGE),
        (f"{PAGE}sub/?q=1#x", None, f"{PAGE}sub/"),
        (f"{PAGE}sub/", "callback.html", f"{PAGE}sub/callback.html"),
        (f"{PAGE}sub/", "/callback.html?app=1", f"{PAGE}callback.html?app=1"),
        (PAGE, CALLBACK, CALLBACK),
    ],
)
def test_the_redirect_uri_is_relative_to_the_page(at: str, given: str | None, expected: str) -> None:
    async def run() -> None:
        world = page(redirect_uri=given)
        world.browser.url = at
        url = await departure(world, await world.open())
        assert dict(form.parse(parse_url(url).query))["redirect_uri"] == expected

    asyncio.run(run())


@pytest.mark.parametrize(
    ("at", "redirect_uri"),
    [
        (PAGE, "http://app.example/callback.html"),
        (PAGE, "https://elsewhere.example/callback.html"),
        (PAGE, "callback.html#part"),
        (PAGE, "http://user@127.0.0.1:9401/"),
        (PAGE, "javascript:alert(1)"),
        ("http://app.example/", None),
        ("http://app.example/", "callback.html"),
        ("file:///home/me/index.html", None),
        ("file:///home/me/index.html", CALLBACK),
    ],
)
def test_a_redirect_uri_that_cannot_work_is_said_when_the_page_opens(at: str, redirect_uri: str | None) -> None:
    """A26."""

    async def run() -> None:
        world = page(redirect_uri=redirect_uri)
        world.browser.url = at
        with pytest.raises(ConfigurationError, match="redirect_uri"):
            await world.open()

    asyncio.run(run())


def test_require_login_gives_the_user_or_leaves_for_a_login_that_comes_back_here() -> None:
    async def run() -> None:
        world = page()
        world.browser.url = f"{PAGE}notes"
        auth = await world.open()
        address = await world.browser.until_departure(auth.require_login(app_state=1))
        world.browser.choice = {"user": "alice"}
        auth = await returned(world, address)
        assert (await auth.require_login()).sub == "alice"
        assert world.browser.url == f"{PAGE}notes"

    asyncio.run(run())


def test_require_login_raises_what_failed_instead_of_leaving_again() -> None:
    async def run() -> None:
        world = page()
        world.browser.choice = {"deny": "1"}
        auth = await world.leave_and_return(await world.open())
        visited = len(world.browser.visited)
        for _ in range(2):
            assert isinstance(await failure(auth.require_login()), AccessDeniedError)
        assert len(world.browser.visited) == visited

    asyncio.run(run())


def test_require_login_gives_the_user_whom_open_url_logged_in(window: bool) -> None:
    async def run() -> None:
        world = page(window=window, handle_redirect=False)
        auth = await world.open()
        world.browser.choice = {"user": "alice"}

        async def log_in(url: str) -> None:
            await auth.handle_redirect_callback(await world.browser.load_in_tab(url))

        assert (await auth.require_login(open_url=log_in)).sub == "alice"

    asyncio.run(run())


def test_require_login_with_an_address_that_is_only_shown_does_not_pretend_a_user(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window).open()
        assert isinstance(await failure(auth.require_login(open_url=[].append)), NavigationError)

    asyncio.run(run())


def test_a_login_as_somebody_else_replaces_the_session_and_its_tokens(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window, handle_redirect=False)
        if window:
            await auth.handle_redirect_callback()
        reasons: list[tuple[str | None, str | None]] = []
        auth.changed.add_listener(lambda user: reasons.append((user.sub if user else None, auth.changed.reason)))
        first = await auth.get_token_silently()
        seen: list[str] = []
        await auth.login_with_redirect(open_url=seen.append, authorization_params=PROMPT)
        world.browser.choice = {"user": "bob"}
        await auth.handle_redirect_callback(await world.browser.load_in_tab(seen[0]))
        assert await auth.get_token_silently() != first
        assert reasons == [("alice", "login"), ("bob", "user_switch")]

    asyncio.run(run())


def test_app_state_that_is_no_json_value_is_refused_before_the_page_leaves(window: bool) -> None:
    async def run() -> None:
        auth = await page(window=window).open()
        error = await failure(auth.login_with_redirect(app_state=object(), open_url=lambda _: None))
        assert isinstance(error, ConfigurationError)
        assert "app_state" in str(error)

    asyncio.run(run())


class BlockedStorage(MemoryStorage):
    """As browsers are where cookies are blocked: nothing fails, and nothing is kept."""

    def set(self, name: str, text: str) -> None:
        """Keep nothing."""


def test_a_tab_that_keeps_nothing_is_not_sent_to_the_provider() -> None:
    """S23: the answer could not be recognised, so the user is told before they log in."""

    async def run() -> None:
        world = page()
        world.browser.session_storage = BlockedStorage()
        auth = await world.open()
        with pytest.raises(StorageUnavailableError, match="Allow this site"):
            await auth.login_with_redirect()
        assert world.browser.visited == []

    asyncio.run(run())


def test_an_acr_that_was_asked_for_is_demanded_of_the_answer() -> None:
    """A29: also where it is a parameter among others."""

    async def run() -> None:
        world = page()
        auth = await world.login(await world.open(), authorization_params={"acr_values": "gold silver"})
        assert auth.redirect_result is not None
        assert auth.redirect_result.error is not None
        assert auth.redirect_result.error.error == "insufficient_user_authentication"
        assert auth.user is None

    asyncio.run(run())


@pytest.mark.parametrize("answer", ["org_club", "org_other"])
def test_an_organization_that_was_asked_for_is_demanded_of_the_answer(answer: str) -> None:
    """A31: the provider's answer may be about another one."""

    async def run() -> None:
        clubs = tuple(Organization(org_id=f"org_{name}", name=name) for name in ("club", "other"))
        world = page(provider_options=Options(organizations=clubs))
        address = await departure(world, await world.open(), authorization_params={"organization": "org_club"})
        world.browser.choice = {"user": "alice"}
        auth = await returned(world, address.replace("organization=org_club", f"organization={answer}"))
        result = auth.redirect_result
        assert result is not None
        if answer == "org_club":
            claims = await auth.get_id_token_claims()
            assert claims is not None
            assert claims["org_id"] == "org_club"
        else:
            assert result.error is not None
            assert (result.error.error, auth.user) == ("organization_mismatch", None)

    asyncio.run(run())


@pytest.mark.parametrize(("use_par", "pushed"), [(True, True), ("auto", False), (False, False)])
def test_a_request_is_pushed_when_that_is_wanted(use_par: object, pushed: bool) -> None:
    """A33: what is pushed does not go through the address."""

    async def run() -> None:
        world = page(use_par=use_par)
        wire = Wire(world)
        address = await departure(world, await world.open())
        query = dict(form.parse(parse_url(address).query))
        assert ("POST /oauth/par" in wire.asked) == pushed
        assert (set(query) == {"client_id", "request_uri"}) == pushed
        world.browser.choice = {"user": "alice"}
        auth = await returned(world, address)
        assert auth.user is not None

    asyncio.run(run())
