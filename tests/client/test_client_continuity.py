"""What a session survives: spent tokens, late answers, thin answers, and listeners that look too closely."""

import asyncio
import traceback

import pytest
from client.wire import KEYS, OUTAGE, error_answer, failure, json_answer, logged_in, page

from spa_auth.client.auth_client import AuthClient
from spa_auth.errors import (
    ConfigurationError,
    DiscoveryError,
    LoginRequiredError,
    MissingTransactionError,
    NetworkError,
)
from spa_auth.protocol.http import Response
from spa_auth.protocol.jwt import parse_jwt
from spa_auth.protocol.strict_json import dumps, loads_object

TWO_HOURS = 7200  # then the provider's keys are too old to be used
PROFILE = ("name", "email", "nickname", "given_name", "family_name", "preferred_username", "picture")


def shown(error: BaseException) -> str:
    """The whole traceback with the local variables of its frames, as a crash reporter would send it."""
    report = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    return "".join(report.format())


@pytest.mark.parametrize("fault", [json_answer({}, 503), OUTAGE])
def test_a_spent_refresh_token_is_never_posted_again_though_its_answer_could_not_be_judged(
    fault: Response | NetworkError,
) -> None:
    """R04, R09, K21: the provider's keys cannot be had just now, and the old refresh token is spent."""

    async def run() -> None:
        world, wire, auth = await logged_in()
        world.clock.advance(TWO_HOURS)
        wire.changes["/.well-known/jwks.json"] = lambda _: fault
        assert isinstance(await failure(auth.get_token_silently()), NetworkError | DiscoveryError)
        assert auth.user is not None
        del wire.changes["/.well-known/jwks.json"]
        world.clock.advance(60)
        assert await auth.get_token_silently()
        spent = [post["refresh_token"] for post in wire.posts if "refresh_token" in post]
        assert len(spent) == len(set(spent)) == 2
        assert auth.user is not None

    asyncio.run(run())


def test_a_late_refusal_of_old_tokens_does_not_end_a_newer_login(window: bool) -> None:
    """R16: a refresh hangs, the same user logs in again, then the hanging refresh is refused."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        wire.gate, wire.answers = asyncio.Event(), [error_answer("invalid_grant")]
        hanging = asyncio.ensure_future(auth.get_token_silently(cache_mode="off"))
        await asyncio.sleep(0.01)
        held, wire.gate = wire.gate, None
        world.browser.choice = {"user": "alice"}
        await auth.login_with_redirect(open_url=world.browser.go)
        await auth.handle_redirect_callback(next(url for url in reversed(world.browser.visited) if "code=" in url))
        held.set()
        assert isinstance(await failure(hanging), LoginRequiredError)
        assert auth.user is not None
        assert await auth.get_token_silently(cache_mode="cache-only")

    asyncio.run(run())


def test_a_refresh_that_says_less_of_the_user_takes_nothing_away() -> None:
    async def run() -> None:
        _, wire, auth = await logged_in()
        heard: list[str] = []
        auth.changed.add_listener(lambda user: heard.append("" if user is None else user.name))
        wire.changes["/oauth/token"] = lambda response: signed(response, **dict.fromkeys(PROFILE, ...))
        await auth.get_token_silently(cache_mode="off")
        assert auth.user is not None
        assert (auth.user.name, heard) == ("Alice Archer", ["Alice Archer"])
        claims = await auth.get_id_token_claims()
        assert claims is not None
        assert "name" not in claims

    asyncio.run(run())


def test_r02_every_refresh_continues_the_login_itself_not_the_refresh_before_it() -> None:
    """R02: an ID token without auth_time in between must not make any auth_time acceptable."""

    async def run() -> None:
        _, wire, auth = await logged_in()
        wire.changes["/oauth/token"] = lambda response: signed(response, auth_time=...)
        await auth.get_token_silently(cache_mode="off")
        wire.changes["/oauth/token"] = lambda response: signed(response, auth_time=1)
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert (error.error, getattr(error, "claim", "")) == ("invalid_token", "auth_time")

    asyncio.run(run())


def signed(response: Response, **changes: object) -> Response:
    """The same answer with other claims in its ID token, signed anew."""
    members = loads_object(response.body)
    claims = {**parse_jwt(str(members["id_token"])).claims, **changes}
    left = {name: value for name, value in claims.items() if value is not ...}
    return response._replace(body=dumps({**members, "id_token": KEYS.sign("JWT", left)}))


def test_an_application_that_caught_an_error_goes_on_when_it_is_raised_again() -> None:
    async def run() -> None:
        world = page()
        auth = await world.open()
        world.browser.choice = {"deny": "1"}
        auth = await world.leave_and_return(auth)
        script = asyncio.ensure_future(catch_and_wait(auth))
        await asyncio.sleep(0.01)
        await failure(auth.require_login())
        await asyncio.sleep(0.01)
        assert not script.done()
        script.cancel()

    async def catch_and_wait(auth: AuthClient) -> None:
        await failure(auth.require_login())
        await asyncio.Event().wait()

    asyncio.run(run())


def test_s03_no_listener_finds_a_secret_in_the_frames_of_an_error(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        reports: list[str] = []
        auth.events.on_any(lambda _, event: reports.append(shown(event.error) if event.error else ""))
        wire.answers = [error_answer("server_error"), error_answer("invalid_grant")]
        for _ in range(2):
            await failure(auth.get_token_silently(cache_mode="off"))
        assert len([report for report in reports if report]) == 3
        assert not [secret for secret in wire.secrets for report in reports if secret in report]

    asyncio.run(run())


def test_s03_no_listener_finds_the_code_of_a_failed_login() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in()
        url = await world.browser.until_departure(auth.login_with_redirect())
        await world.browser.go(url)
        auth = await world.open(handle_redirect=False)
        wire.answers = [error_answer("invalid_grant")]
        reports: list[str] = []
        auth.events.on("login.failed", lambda event: reports.append(shown(event.error) if event.error else ""))
        await failure(auth.handle_redirect_callback())
        assert len(reports) == 1
        assert not [secret for secret in wire.secrets if secret in reports[0]]

    asyncio.run(run())


def test_s03_a_callback_that_the_application_gave_up_keeps_no_code() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in()
        await world.browser.go(await world.browser.until_departure(auth.login_with_redirect()))
        auth = await world.open(handle_redirect=False)
        wire.gate = asyncio.Event()
        with pytest.raises(TimeoutError) as caught:
            await asyncio.wait_for(auth.handle_redirect_callback(), 0.05)
        frames = shown(caught.value)
        assert not [secret for secret in wire.secrets if secret in frames]
        wire.gate.set()

    asyncio.run(run())


def test_a20_only_the_redirect_uri_of_this_client_is_a_callback(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open(handle_redirect=False)
        world.browser.choice = {"user": "alice"}
        await auth.login_with_redirect(open_url=world.browser.go)
        query = next(url for url in reversed(world.browser.visited) if "code=" in url).partition("?")[2]
        error = await failure(auth.handle_redirect_callback(f"https://elsewhere.example/callback.html?{query}"))
        assert isinstance(error, MissingTransactionError)
        assert auth.user is None

    asyncio.run(run())


def test_a_login_that_failed_says_where_it_began() -> None:
    async def run() -> None:
        world = page()
        auth = await world.open()
        world.browser.choice = {"deny": "1"}
        auth = await world.leave_and_return(auth, return_to="/notes?page=2", app_state=7)
        assert auth.redirect_result is not None
        assert (auth.redirect_result.return_to, auth.redirect_result.app_state) == ("/notes?page=2", 7)
        assert auth.redirect_result.error is not None

    asyncio.run(run())


def test_s03_a_configuration_error_of_create_keeps_no_code() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in()
        await world.browser.go(await world.browser.until_departure(auth.login_with_redirect()))
        insecure = ConfigurationError("There is no cryptography here.", error="insecure_context")
        wire.answers = [insecure]
        with pytest.raises(ConfigurationError) as caught:
            await world.open()
        frames = shown(caught.value)
        assert not [secret for secret in wire.secrets if secret in frames]

    asyncio.run(run())
