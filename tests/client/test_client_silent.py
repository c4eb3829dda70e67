"""Silent logins in every mode: what they need, what they say when it is missing, and that they end no session."""

import asyncio
import json
from typing import Any

import pytest
from client.test_client_mrrt import claims_changed
from client.wire import (
    AUDIENCE,
    CALLBACK,
    ISSUER,
    PAGE,
    Change,
    Wire,
    authorize_query,
    failure,
    logged_in,
    moments,
    page,
    pending,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.config import client_config
from spa_auth.dev_provider import Options
from spa_auth.dev_provider.options import Organization
from spa_auth.errors import (
    ConsentRequiredError,
    InteractionRequiredError,
    LoginTimeoutError,
    MfaRequiredError,
    OAuthError,
    OrganizationMismatchError,
    SilentAuthUnavailableError,
    SubMismatchError,
)
from spa_auth.protocol import form
from spa_auth.protocol.http import Response
from spa_auth.protocol.transaction import TRANSACTION_PREFIX
from spa_auth.testing import Pair
from spa_auth.testing.cookies import CookieJar

REDIRECT: dict[str, Any] = {"silent_mode": "redirect"}


def redirected(error: str) -> Change:
    """The provider answers prompt=none with an error."""

    def change(response: Response) -> Response:
        location = response.header("location") or ""
        base, _, query = location.partition("?")
        state = dict(form.parse(query))["state"]
        answer = form.encode({"error": error, "state": state, "iss": ISSUER})
        return response._replace(headers=(("Location", f"{base}?{answer}"),))

    return change


async def organization(auth: AuthClient) -> object:
    """The organization that the ID token names."""
    claims = await auth.get_id_token_claims()
    return None if claims is None else claims["org_id"]


async def left(world: Pair) -> str:
    """Where a page goes by itself while it starts."""
    return await world.browser.until_departure(world.open())


async def came_back(world: Pair, address: str) -> AuthClient:
    """The client of the page to which the provider has sent the browser back."""
    world.browser.choice = None
    await world.browser.go(address)
    return await world.open()


def test_without_a_callback_page_the_frame_answers_by_web_message() -> None:
    async def run() -> None:
        world, _, _ = await logged_in(use_refresh_tokens=False, redirect_uri=None)
        world.browser.callback_page = ""
        auth = await world.open()
        assert auth.user is not None
        query = authorize_query(world)
        assert (query["response_mode"], query["prompt"], query["redirect_uri"]) == ("web_message", "none", PAGE)

    asyncio.run(run())


def test_a_provider_without_web_message_and_without_a_callback_page_is_said_so_and_nothing_ends() -> None:
    """A missing capability is an error of its own."""

    async def run() -> None:
        options = Options(web_message=False)
        _, _, auth = await logged_in(redirect_uri=None, use_refresh_tokens=False, provider_options=options)
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert isinstance(error, SilentAuthUnavailableError)
        assert "web_message" in error.error_description
        assert auth.user is not None

    asyncio.run(run())


def test_on_an_isolated_page_a_silent_login_says_so_at_once_and_nothing_ends() -> None:
    """W09."""

    async def run() -> None:
        world, _, auth = await logged_in(use_refresh_tokens=False)
        world.browser.isolated = True
        visited = len(world.browser.visited)
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert isinstance(error, SilentAuthUnavailableError)
        assert len(world.browser.visited) == visited
        assert auth.user is not None

    asyncio.run(run())


def test_a_web_message_of_another_mode_is_no_answer() -> None:
    """The provider answers in a way that was not asked for, and the frame shows its page."""

    async def run() -> None:
        world, _, auth = await logged_in(use_refresh_tokens=False, silent_mode="web_message")
        world.browser.third_party_cookies = True
        wire = Wire(world)
        wire.changes["/authorize"] = lambda _: Response(200, (("Content-Type", "text/html"),), b"<p>Sorry")
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert isinstance(error, LoginTimeoutError)
        assert auth.user is not None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("consent_required", ConsentRequiredError),
        ("interaction_required", InteractionRequiredError),
        ("account_selection_required", InteractionRequiredError),
        ("mfa_required", MfaRequiredError),
    ],
)
def test_a_provider_that_has_to_ask_is_named_by_its_code_and_the_session_stays(
    code: str, kind: type[OAuthError]
) -> None:

    async def run() -> None:
        _, wire, auth = await logged_in(use_refresh_tokens=False)
        wire.changes["redirect"] = redirected(code)
        events = moments(auth)
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert isinstance(error, kind)
        assert error.error == code
        assert auth.user is not None
        assert ("interaction.required", code) in events

    asyncio.run(run())


def test_a_silent_login_stays_in_the_organization_of_the_session() -> None:
    """A31."""

    async def run() -> None:
        club = Organization(org_id="org_club", name="club", members=("alice",))
        world = page(provider_options=Options(organizations=(club,)), use_refresh_tokens=False)
        auth = await world.login(await world.open(), authorization_params={"organization": "org_club"})
        assert await organization(auth) == "org_club"
        await auth.get_token_silently(cache_mode="off")
        assert authorize_query(world)["organization"] == "org_club"

    asyncio.run(run())


def test_a_silent_login_stays_in_the_organization_of_the_session_where_another_is_configured() -> None:
    """A31."""

    async def run() -> None:
        clubs = tuple(Organization(org_id=f"org_{name}", name=name, members=("alice",)) for name in ("club", "firm"))
        world = page(
            provider_options=Options(organizations=clubs),
            use_refresh_tokens=False,
            authorization_params={"organization": "org_firm"},
        )
        auth = await world.login(await world.open(), authorization_params={"organization": "org_club"})
        await auth.get_token_silently(cache_mode="off")
        assert await organization(auth) == "org_club"

    asyncio.run(run())


def test_a_silent_login_stays_in_an_organization_of_which_only_the_name_is_known() -> None:
    """A31: also where the provider answers with a token of none."""

    async def run() -> None:
        club = Organization(org_id="org_club", name="club", members=("alice",))
        world = page(provider_options=Options(organizations=(club,)), use_refresh_tokens=False)
        wire = Wire(world)
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, org_id=..., org_name="club")
        auth = await world.login(await world.open(), authorization_params={"organization": "club"})
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, org_id=..., org_name=...)
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert authorize_query(world)["organization"] == "club"
        assert isinstance(error, OrganizationMismatchError)

    asyncio.run(run())


def test_the_page_leaves_by_itself_once_and_comes_back_to_where_it_was() -> None:
    async def run() -> None:
        world, _, _ = await logged_in(use_refresh_tokens=False, **REDIRECT)
        world.browser.url = f"{PAGE}notes?q=1#top"
        address = await left(world)
        assert dict(form.parse(address.partition("?")[2]))["prompt"] == "none"
        assert json.loads(world.browser.session_storage.get(TRANSACTION_PREFIX + pending(world)[0]) or "")["silent"]
        auth = await came_back(world, address)
        assert auth.user is not None
        assert world.browser.url == f"{PAGE}notes?q=1#top"
        assert auth.redirect_result is None
        # The login has made a new hint, good for the next page.
        assert await left(world)

    asyncio.run(run())


def test_nobody_at_the_provider_means_signed_out_without_an_error_or_another_try() -> None:
    """W10: third-party cookies play no part, and there is no loop."""

    async def run() -> None:
        world, _, _ = await logged_in(use_refresh_tokens=False, **REDIRECT)
        world.browser.cookies = CookieJar()
        auth = await came_back(world, await left(world))
        assert (auth.user, auth.redirect_result, world.browser.errors) == (None, None, [])
        assert (await world.open()).user is None
        # Whoever needs a login now is asked, not refused because of what the page tried by itself.
        assert await world.browser.until_departure(auth.require_login())

    asyncio.run(run())


@pytest.mark.parametrize("code", ["consent_required", "server_error"])
def test_any_other_answer_ends_nothing_and_is_not_tried_again_with_the_same_hint(code: str) -> None:
    async def run() -> None:
        world, wire, _ = await logged_in(use_refresh_tokens=False, **REDIRECT)
        wire.changes["redirect"] = redirected(code)
        auth = await came_back(world, await left(world))
        assert (auth.user, auth.redirect_result) == (None, None)
        assert world.browser.local_storage.names() != []
        assert (await world.open()).user is None

    asyncio.run(run())


def test_an_answer_that_breaks_a_rule_is_reported_though_nobody_asked() -> None:
    async def run() -> None:
        world, wire, _ = await logged_in(use_refresh_tokens=False, **REDIRECT)
        wire.changes["redirect"] = lambda response: response._replace(
            headers=(("Location", (response.header("location") or "") + "&code=twice"),)
        )
        auth = await came_back(world, await left(world))
        assert (auth.user, auth.redirect_result) == (None, None)
        assert len(world.browser.errors) == 1

    asyncio.run(run())


@pytest.mark.parametrize("why", ["hint", "session", "manual", "window", "storage"])
def test_the_page_does_not_leave_by_itself_without_cause(why: str) -> None:
    async def run() -> None:
        options: dict[str, Any] = {"use_refresh_tokens": False, **REDIRECT}
        if why == "session":
            options["cache_location"] = "sessionstorage"
        world, _, _ = await logged_in(**options)
        platform = world.browser.platform
        if why == "hint":
            world.browser.local_storage.remove(world.browser.local_storage.names()[0])
        if why == "window":
            platform = platform._replace(navigator=None)
        if why == "storage":
            platform = platform._replace(session_storage=None)
        visited = len(world.browser.visited)
        config = {**options, "issuer": ISSUER, "client_id": "demo", "redirect_uri": CALLBACK, "audience": AUDIENCE}
        auth = await AuthClient.create(client_config({**config, "handle_redirect": why != "manual"}), platform)
        assert (auth.user is not None) == (why == "session")
        assert len(world.browser.visited) == visited
        assert pending(world) == []

    asyncio.run(run())


def test_later_on_the_page_a_silent_login_says_that_it_would_have_to_leave() -> None:
    async def run() -> None:
        _, _, auth = await logged_in(use_refresh_tokens=False, **REDIRECT)
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert isinstance(error, SilentAuthUnavailableError)
        assert auth.user is not None

    asyncio.run(run())


@pytest.mark.parametrize("options", [REDIRECT, {}])
def test_who_has_just_refused_is_not_asked_again_at_once_not_even_silently(options: dict[str, Any]) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(use_refresh_tokens=False, **options)
        world.browser.choice = {"deny": "1"}
        address = await world.browser.until_departure(
            auth.login_with_redirect(authorization_params={"prompt": "login"})
        )
        await world.browser.go(address)
        visited = len(world.browser.visited)
        auth = await world.open()
        assert auth.user is None
        assert auth.redirect_result is not None
        assert auth.redirect_result.error is not None
        assert len(world.browser.visited) == visited

    asyncio.run(run())


def test_a_login_that_was_refused_leaves_a_session_that_is_stored_as_it_is() -> None:
    async def run() -> None:
        world, _, auth = await logged_in(cache_location="sessionstorage")
        world.browser.choice = {"deny": "1"}
        auth = await world.leave_and_return(auth, authorization_params={"prompt": "login"})
        assert auth.redirect_result is not None
        assert auth.redirect_result.error is not None
        assert auth.user is not None

    asyncio.run(run())


def test_somebody_else_at_the_provider_is_not_taken_for_the_user() -> None:
    """A30."""

    async def run() -> None:
        world, _, auth = await logged_in(use_refresh_tokens=False)
        world.browser.choice = {"user": "bob"}
        other = world.new_tab()
        await other.browser.go(
            await other.browser.until_departure(
                (await other.open()).login_with_redirect(authorization_params={"prompt": "login"})
            )
        )
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert isinstance(error, SubMismatchError)
        assert auth.user is not None
        assert auth.user.sub == "alice"

    asyncio.run(run())


def test_a_silent_login_does_not_replace_who_has_logged_in_meanwhile_in_another_tab() -> None:
    """A30, R16: what the other tab has stored is the session, and nobody has seen this login."""

    async def run() -> None:
        world, _, _ = await logged_in(use_refresh_tokens=False, cache_location="localstorage", **REDIRECT)
        world.browser.local_storage.remove(f"spa_auth:session:{ISSUER}:demo")
        address = await left(world)
        other = world.new_tab()
        mine = await other.login(await other.open(silent_mode="off"), "bob", authorization_params={"prompt": "login"})
        world.browser.cookies = CookieJar()
        world.browser.choice = {"user": "alice"}
        await world.browser.go(address.replace("prompt=none", "prompt=login"))
        auth = await world.open()
        assert [type(error) for error in world.browser.errors] == [SubMismatchError]
        assert (auth.user, auth.redirect_result) == (mine.user, None)

    asyncio.run(run())


def test_the_address_of_a_login_may_carry_a_fragment() -> None:
    async def run() -> None:
        auth = await page().open()
        seen: list[str] = []
        await auth.login_with_redirect(fragment="#/signup", open_url=seen.append)
        assert seen[0].startswith(f"{ISSUER}authorize?")
        assert seen[0].endswith("#/signup")
        assert form.quote(CALLBACK) in seen[0]

    asyncio.run(run())


def test_none_takes_a_configured_parameter_away() -> None:
    async def run() -> None:
        auth = await page(authorization_params={"ui_locales": "de", "login_hint": "a"}).open()
        seen: list[str] = []
        await auth.login_with_redirect(
            authorization_params={"ui_locales": None, "screen_hint": "signup"}, open_url=seen.append
        )
        query = dict(form.parse(seen[0].partition("?")[2]))
        assert "ui_locales" not in query
        assert (query["login_hint"], query["screen_hint"]) == ("a", "signup")

    asyncio.run(run())
