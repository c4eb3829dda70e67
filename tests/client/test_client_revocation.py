"""Tokens given up: when asked, at logout, and when they come too late."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from client.wire import (
    AUDIENCE,
    OUTAGE,
    Wire,
    departure,
    error_answer,
    failure,
    json_answer,
    logged_in,
    page,
    turns,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.events import AuthEvent
from spa_auth.errors import DiscoveryError, LoginRequiredError, NetworkError, OAuthError, SubMismatchError
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response

OTHER = "https://other.example"
REVOKE = "POST /oauth/revoke"


class Revocations:
    """What goes to the revocation endpoint, and what it answers instead of being asked."""

    def __init__(self, wire: Wire) -> None:
        self.forms: list[dict[str, str]] = []
        self.answer: Response | Exception | None = None
        self.gate: asyncio.Event | None = None
        self._handle = wire._handle
        wire._handle = self.handle

    async def handle(self, request: Request) -> Response:
        """Pass a request on."""
        if not request.url.endswith("/oauth/revoke"):
            return await self._handle(request)
        self.forms.append(dict(form.parse(request.body.decode())))
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return await self._handle(request) if self.answer is None else self.answer


def completions(auth: AuthClient) -> list[AuthEvent]:
    """A list that grows with every logout that is complete."""
    seen: list[AuthEvent] = []
    auth.events.on("logout.completed", seen.append)
    return seen


def test_a_refresh_token_that_is_given_up_is_revoked_and_not_used_again(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window, use_refresh_tokens_fallback=False)
        seen = Revocations(wire)
        token = wire.answered["refresh_token"]
        await auth.revoke_refresh_token()
        assert seen.forms == [{"token": token, "token_type_hint": "refresh_token", "client_id": "demo"}]
        assert auth.user is not None
        assert await auth.get_token_silently()
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert error.error == "missing_refresh_token"
        await auth.revoke_refresh_token()
        assert len(seen.forms) == 1

    asyncio.run(run())


def test_only_the_refresh_token_of_that_api_is_given_up() -> None:
    async def run() -> None:
        _, wire, auth = await logged_in()
        mine = wire.answered["refresh_token"]
        await auth.get_token_silently(audience=OTHER)
        theirs = wire.answered["refresh_token"]
        seen = Revocations(wire)
        await auth.revoke_refresh_token(audience=OTHER)
        assert [each["token"] for each in seen.forms] == [theirs]
        await auth.revoke_refresh_token(audience="https://third.example")
        await auth.revoke_refresh_token(audience=AUDIENCE)
        assert [each["token"] for each in seen.forms] == [theirs, mine]

    asyncio.run(run())


def test_an_access_token_that_is_given_up_is_not_handed_out_again(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        seen = Revocations(wire)
        token = await auth.get_token_silently()
        await auth.revoke_access_token(audience=AUDIENCE)
        assert [(each["token"], each["token_type_hint"]) for each in seen.forms] == [(token, "access_token")]
        assert await auth.get_token_silently(cache_mode="cache-only") is None
        assert await auth.get_token_silently() != token
        assert wire.posts[-1]["grant_type"] == "refresh_token"
        await auth.revoke_access_token(audience=OTHER)
        assert len(seen.forms) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (OUTAGE, NetworkError),
        (json_answer({}, 503), NetworkError),
        (error_answer("unsupported_token_type"), OAuthError),
        (error_answer("invalid_client", 401), OAuthError),
    ],
)
def test_a_token_that_could_not_be_revoked_is_kept(window: bool, answer: Response | Exception, kind: type) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        seen = Revocations(wire)
        seen.answer = answer
        assert isinstance(await failure(auth.revoke_refresh_token()), kind)
        assert isinstance(await failure(auth.revoke_access_token()), kind)
        assert await auth.get_token_silently(cache_mode="cache-only")
        seen.answer = None
        assert await auth.get_token_silently(cache_mode="off")

    asyncio.run(run())


def test_a_provider_that_revokes_nothing_says_so(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window, metadata=_metadata())
        assert isinstance(await failure(auth.revoke_refresh_token()), DiscoveryError)
        seen = completions(auth)
        await auth.logout(open_url=False)
        assert [event.revoked for event in seen] == [None]
        assert REVOKE not in wire.asked

    asyncio.run(run())


def _metadata() -> dict[str, object]:
    issuer = "http://127.0.0.1:9400/"
    return {
        "authorization_endpoint": f"{issuer}authorize",
        "token_endpoint": f"{issuer}oauth/token",
        "jwks_uri": f"{issuer}.well-known/jwks.json",
    }


def test_a_logout_revokes_every_refresh_token_and_says_so() -> None:
    """L02."""

    async def run() -> None:
        world, wire, auth = await logged_in()
        mine = wire.answered["refresh_token"]
        await auth.get_token_silently(audience=OTHER)
        theirs = wire.answered["refresh_token"]
        requests, seen = Revocations(wire), completions(auth)
        await auth.logout(open_url=False)
        assert {each["token"] for each in requests.forms} == {mine, theirs}
        assert [event.revoked for event in seen] == [True]
        assert world.browser.errors == []

    asyncio.run(run())


@pytest.mark.parametrize("options", [{"revoke_on_logout": False}, {"use_refresh_tokens": False}])
def test_a_logout_revokes_nothing_where_it_shall_not_or_there_is_nothing(
    window: bool, options: dict[str, object]
) -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(window=window, **options)  # type: ignore[arg-type]
        seen = completions(auth)
        await auth.logout(open_url=False)
        assert REVOKE not in wire.asked
        assert [event.revoked for event in seen] == [None]

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [OUTAGE, json_answer({}, 503), error_answer("invalid_request"), Response(302, (("Location", "https://evil/"),))],
)
def test_a_revocation_that_fails_keeps_nobody_logged_in(window: bool, answer: Response | Exception) -> None:
    """L03."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        requests, seen = Revocations(wire), completions(auth)
        requests.answer = answer
        await auth.logout(open_url=False)
        assert auth.user is None
        assert [event.revoked for event in seen] == [False]
        assert len(world.browser.errors) == 1
        assert not [secret for secret in wire.secrets if secret in "".join(world.browser.lines)]

    asyncio.run(run())


def test_a_revocation_that_hangs_holds_up_a_logout_for_seconds_only(window: bool) -> None:
    """L03."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window, http_timeout=0.05)
        requests, seen = Revocations(wire), completions(auth)
        requests.gate = asyncio.Event()
        leaving = asyncio.ensure_future(auth.logout(open_url=False))
        await turns()
        assert auth.user is None
        await asyncio.wait_for(leaving, 2)
        assert [event.revoked for event in seen] == [False]

    asyncio.run(run())


@pytest.mark.parametrize("revoke", [True, False])
def test_tokens_that_come_after_a_logout_are_revoked_behind_the_scenes(window: bool, revoke: bool) -> None:
    """R15."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window, revoke_on_logout=revoke)
        requests = Revocations(wire)
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(failure(auth.get_token_silently(cache_mode="off")))
        await turns()
        await auth.logout(open_url=False)
        before = len(requests.forms)
        wire.gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        await turns()
        late = [each["token"] for each in requests.forms[before:]]
        assert late == ([wire.answered["refresh_token"]] if revoke else [])

    asyncio.run(run())


def test_a_silent_login_that_comes_after_a_logout_is_revoked() -> None:
    """R15."""

    async def run() -> None:
        _, wire, auth = await logged_in()
        requests = Revocations(wire)
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(failure(auth.get_token_silently(audience=OTHER)))
        await turns(60)
        await auth.logout(open_url=False)
        wire.gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        await turns()
        assert requests.forms[-1]["token"] == wire.answered["refresh_token"]

    asyncio.run(run())


@pytest.mark.parametrize("way", ["popup", "redirect", "exchange"])
def test_a_login_that_comes_after_a_logout_is_revoked(way: str) -> None:
    """R15, L08: whichever way it went."""

    async def run() -> None:
        world = page(handle_redirect=False)
        world.browser.choice = {"user": "alice"}
        wire = Wire(world)
        requests, auth = Revocations(wire), await world.open()
        wire.gate = asyncio.Event()
        address = await world.browser.load_in_tab(await departure(world, auth))
        logins: dict[str, Callable[[], Coroutine[Any, Any, object]]] = {
            "popup": auth.login_with_popup,
            "redirect": lambda: auth.handle_redirect_callback(address),
            "exchange": lambda: auth.login_with_custom_token_exchange(
                subject_token="bob", subject_token_type="urn:example:session", scope="offline_access"
            ),
        }
        waiter = asyncio.ensure_future(failure(logins[way]()))
        await turns(300)
        await auth.logout(open_url=False)
        assert requests.forms == []
        wire.gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        await turns()
        assert [each["token"] for each in requests.forms] == [wire.answered["refresh_token"]]

    asyncio.run(run())


def test_a_silent_login_of_somebody_else_is_revoked() -> None:
    """A30."""

    async def run() -> None:
        world, wire, auth = await logged_in()
        requests = Revocations(wire)
        await world.login(await world.open(), "bob", authorization_params={"prompt": "login"})
        assert isinstance(await failure(auth.get_token_silently(audience=OTHER)), SubMismatchError)
        await turns()
        assert [each["token"] for each in requests.forms] == [wire.answered["refresh_token"]]
        assert auth.user is not None
        assert auth.user.sub == "alice"

    asyncio.run(run())


def test_a_refresh_for_somebody_else_is_revoked() -> None:
    """R01."""

    async def run() -> None:
        from client.test_client_mrrt import claims_changed

        _, wire, auth = await logged_in(window=False)
        requests = Revocations(wire)
        wire.changes["/oauth/token"] = lambda response: claims_changed(response, sub="bob")
        assert (await failure(auth.get_token_silently(cache_mode="off"))).error == "sub_mismatch"
        await turns()
        assert auth.user is None
        assert [each["token"] for each in requests.forms] == [wire.answered["refresh_token"]]

    asyncio.run(run())


def test_a_logout_revokes_what_the_store_has_as_other_tabs_may_have_renewed_it() -> None:
    """L02: the token in memory may be spent long ago."""

    async def run() -> None:
        world, wire, auth = await logged_in(cache_location="localstorage", silent_mode="off")
        other = await world.new_tab().open()
        await other.get_token_silently(cache_mode="off")
        requests = Revocations(wire)
        await auth.logout(open_url=False)
        assert [each["token"] for each in requests.forms] == [wire.answered["refresh_token"]]

    asyncio.run(run())


def test_a_logout_with_a_store_that_was_emptied_revokes_what_memory_has() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(cache_location="localstorage", silent_mode="off")
        requests = Revocations(wire)
        for name in world.browser.local_storage.names():
            world.browser.local_storage.remove(name)
        await auth.logout(open_url=False)
        assert len(requests.forms) == 1

    asyncio.run(run())


def test_who_is_not_logged_in_revokes_nothing(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        auth = await world.open()
        await auth.revoke_refresh_token()
        await auth.revoke_access_token()
        assert world.browser.sent == []

    asyncio.run(run())
