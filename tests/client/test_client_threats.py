"""Threats that no other module is about: each test names the one that it stands for."""

import asyncio
import inspect

import pytest
from client.hostile import (
    CANARY,
    DISCOVERY,
    EVIL,
    JWKS,
    KEY_SETS,
    STRANGER,
    Arm,
    World,
    change,
    compact,
    forged,
    keys,
    members,
)
from client.test_client_hostile import disarm, hostile_world, log_in
from client.wire import (
    API,
    CALLBACK,
    ISSUER,
    PAGE,
    Api,
    Wire,
    challenge,
    departure,
    failure,
    json_answer,
    logged_in,
    page,
    pending,
    returned,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.logout import LOGOUT_PREFIX
from spa_auth.errors import ConfigurationError, DiscoveryError, MissingTransactionError, TargetNotAllowedError
from spa_auth.protocol import form
from spa_auth.protocol.authorization import MAX_URL_LENGTH
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.key_set import LIFETIME
from spa_auth.protocol.url import parse_url
from spa_auth.testing import Pair
from spa_auth.testing.browser import FakeBrowser


def without(address: str, *names: str, **changes: str) -> str:
    """An authorization request from which somebody on the way has taken parameters, or changed them."""
    base, _, query = address.partition("?")
    kept = {name: value for name, value in form.parse(query) if name not in names}
    return f"{base}?{form.encode({**kept, **changes})}"


def another_browser(world: Pair) -> Pair:
    """Somebody else's browser, with the same page and provider."""
    browser = FakeBrowser(page=PAGE, callback_page="", clock=world.clock)
    browser.servers.update(world.browser.servers)
    browser.choice = {"user": "alice"}
    return Pair(world.provider, browser, world.clock, world._options)


def test_a_login_that_began_in_another_browser_is_completed_in_none() -> None:
    """A17: the victim logs in at an address that the attacker's browser has made."""

    async def run() -> None:
        attacker = page(redirect_uri=None)
        wire = Wire(attacker)
        address = await departure(attacker, await attacker.open())
        victim = another_browser(attacker)
        auth = await returned(victim, address)
        assert "code=" in victim.browser.visited[-1]
        assert auth.redirect_result is not None
        assert isinstance(auth.redirect_result.error, MissingTransactionError)
        assert auth.user is None
        assert isinstance(
            await failure(auth.handle_redirect_callback(victim.browser.visited[-1])), MissingTransactionError
        )
        assert wire.posts == []
        assert (await attacker.open()).user is None

    asyncio.run(run())


@pytest.mark.parametrize(
    "name", ["login_ticket", "session_token", "invitation", "organization", "login_hint", "prompt", "id_token_hint"]
)
def test_what_stands_in_the_address_of_the_page_goes_into_a_login_by_an_explicit_call_only(name: str) -> None:
    """A32: who sends somebody a link to the page does not choose as whom he logs in."""

    async def run() -> None:
        world = page()
        world.browser.url = f"{PAGE}?{name}={CANARY}#{name}={CANARY}"
        auth = await world.open()
        assert CANARY not in await departure(world, auth)
        address = await departure(world, auth, authorization_params={name: CANARY})
        assert f"&{name}={CANARY}" in address or f"?{name}={CANARY}" in address

    asyncio.run(run())


def test_a_login_whose_challenge_was_lost_on_the_way_gets_no_code() -> None:
    """A34: the provider refuses it, and nothing is posted."""

    async def run() -> None:
        for lost in (["code_challenge", "code_challenge_method"], ["code_challenge"], ["code_challenge_method"]):
            world = page()
            wire = Wire(world)
            world.browser.choice = {"user": "alice"}
            address = await departure(world, await world.open())
            auth = await returned(world, without(address, *lost))
            assert auth.redirect_result is not None
            assert auth.redirect_result.error is not None
            assert auth.redirect_result.error.error == "invalid_request"
            assert wire.posts == []

    asyncio.run(run())


def test_a_code_of_another_challenge_or_of_another_login_is_worth_nothing() -> None:
    """A34, K26: an attacker's code for his own challenge, with the state of his login or with that of the victim's."""

    async def run() -> None:
        world = page(redirect_uri=None)
        wire = Wire(world)
        world.browser.callback_page = ""
        world.browser.choice = {"user": "alice"}
        theirs = another_browser(world)
        response = await theirs.browser.go(await departure(theirs, await theirs.open()))
        code = dict(form.parse(parse_url(response.url).query))["code"]
        for state, error in (("r" + "A" * 43, "state_mismatch"), (None, "invalid_grant")):
            await departure(world, await world.open())
            mine = pending(world)[-1]
            iss = form.encode({"iss": ISSUER, "code": code, "state": state or mine})
            world.browser.url = f"{PAGE}?{iss}"
            auth = await world.open()
            assert auth.redirect_result is not None
            assert auth.redirect_result.error is not None
            assert auth.redirect_result.error.error == error
            assert auth.user is None
        assert len(wire.posts) == 1  # with the second state, and with a verifier that does not fit

    asyncio.run(run())


def test_an_address_that_is_too_long_for_servers_on_the_way_is_not_gone_to() -> None:
    """A35: the error names its length; a request that is pushed may be as long."""

    async def run() -> None:
        world = page()
        auth = await world.open()
        long = {"authorization_params": {"login_hint": "x" * MAX_URL_LENGTH}}
        error = await failure(auth.login_with_redirect(**long))  # type: ignore[arg-type]
        assert isinstance(error, ConfigurationError)
        assert any(int(word) > MAX_URL_LENGTH for word in str(error).split() if word.isdecimal())
        assert pending(world) == []
        auth = await world.open(use_par=True)
        assert len(await departure(world, auth, **long)) < MAX_URL_LENGTH

    asyncio.run(run())


def test_an_api_that_names_another_provider_is_not_followed_there(window: bool) -> None:
    """F12: neither for tokens nor for a login."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        seen: list[Request] = []

        async def evil(request: Request) -> Response:
            seen.append(request)
            return json_answer({"resource": API, "authorization_servers": [EVIL], "issuer": EVIL})

        world.browser.servers[EVIL] = evil
        metadata = f'resource_metadata="{EVIL}/.well-known/oauth-protected-resource"'
        api = Api(
            world,
            challenge(f'Bearer error="invalid_token", {metadata}'),
            challenge(f'Bearer error="invalid_token", {metadata}, authorization_uri="{EVIL}/", as_uri="{EVIL}/"'),
        )
        world.clock.advance(10)
        assert (await auth.fetch_with_auth("/notes")).status == 401
        assert len(api.requests) == 2
        assert [post["grant_type"] for post in wire.posts] == ["authorization_code", "refresh_token"]
        assert seen == []
        assert auth.get_configuration()["issuer"] == ISSUER
        opened: list[str] = []
        await auth.login_with_redirect(open_url=opened.append)
        assert opened[0].startswith(f"{ISSUER}authorize?")

    asyncio.run(run())


def test_no_address_carries_a_token(window: bool) -> None:
    """F14: there is no option for it, and no address of a socket gets one."""

    async def run() -> None:
        assert not {"params", "query", "token_in"} & {*inspect.signature(AuthClient.fetch_with_auth).parameters}
        world, wire, auth = await logged_in(window=window)
        Api(world)
        await auth.fetch_with_auth("/notes?q=1")
        await auth.fetch_with_auth("/notes", method="POST", json={})
        tokens = {str(wire.answered[name]) for name in ("access_token", "refresh_token", "id_token")}
        assert not [sent.url for sent in world.browser.sent if any(token in sent.url for token in tokens)]
        for scheme in ("ws", "wss"):
            error = await failure(auth.fetch_with_auth(f"{scheme}://127.0.0.1:9402/notes"))
            assert isinstance(error, TargetNotAllowedError)

    asyncio.run(run())


@pytest.mark.parametrize(
    "query",
    [
        "logout", "logout=1", "action=logout", f"iss={ISSUER}&sid=1", "logout_token=a.b.c", f"state={'l' + 'A' * 43}",
        f"state={'A' * 43}", "error=login_required", "post_logout_redirect_uri=/", f"end_session={ISSUER}",
    ],
)  # fmt: skip
def test_no_address_that_somebody_made_logs_out(query: str) -> None:
    """L06: logging out takes a call of the application."""

    async def run() -> None:
        for address in (f"{PAGE}?{query}", f"{PAGE}#{query}", f"{CALLBACK}?{query}"):
            world, wire, auth = await logged_in()
            world.browser.url = address
            auth = await world.open()
            assert auth.user is not None, address
            assert not any("/logout" in each or "/revoke" in each for each in wire.asked)
            assert not [name for name in world.browser.session_storage.names() if name.startswith(LOGOUT_PREFIX)]

    asyncio.run(run())


@pytest.mark.parametrize("name", ["token_endpoint", "authorization_endpoint", "jwks_uri"])
def test_endpoints_on_a_foreign_host_are_asked_over_https_only(name: str) -> None:
    """M05: a provider may have its endpoints on several hosts, as its own document says; no other way leads there."""

    async def run() -> None:
        for scheme in ("http", "ftp", "data", "javascript"):
            world = page()
            armed(Wire(world), members(DISCOVERY, **{name: f"{scheme}://evil.example/x"}))
            error = await failure((await world.open()).login_with_redirect(open_url=print))
            assert isinstance(error, DiscoveryError)
            assert error.claim == name
            assert not any(EVIL.removeprefix("https") in sent.url for sent in world.browser.sent)

    asyncio.run(run())


def test_a_code_goes_to_the_endpoint_that_was_there_when_the_login_began() -> None:
    """M09: no document that changes while the user is away gets it."""

    async def run() -> None:
        world = page()
        wire = Wire(world)
        got: list[Request] = []

        async def evil(request: Request) -> Response:
            got.append(request)
            return json_answer({})

        world.browser.servers[EVIL] = evil
        world.browser.choice = {"user": "alice"}
        address = await departure(world, await world.open())
        armed(wire, members(DISCOVERY, token_endpoint=f"{EVIL}/token"))
        auth = await returned(world, address)
        assert auth.redirect_result is not None
        assert isinstance(auth.redirect_result.error, DiscoveryError)
        assert auth.redirect_result.error.claim == "token_endpoint"
        assert auth.user is None
        assert got == []
        wire.changes.clear()
        address = await departure(world, await world.open())
        armed(wire, members(DISCOVERY, issuer=EVIL, token_endpoint=f"{EVIL}/token"))
        auth = await returned(world, address)
        assert auth.redirect_result is not None
        assert isinstance(auth.redirect_result.error, DiscoveryError)
        assert got == []
        wire.changes.clear()
        auth = await world.login(await world.open())
        assert auth.user is not None

    asyncio.run(run())


def armed(wire: Wire, arm: Arm) -> None:
    """Let the provider misbehave in one way."""
    arm(World(None, wire, None))  # type: ignore[arg-type]


def by_stranger(world: World) -> None:
    """Let the provider sign with its second key."""
    forged(lambda header, claims: compact({**header, "kid": "stranger"}, claims, STRANGER))(world)


def test_a_key_that_the_provider_has_withdrawn_is_not_trusted_for_long(window: bool) -> None:
    """M19: ten minutes at most."""

    async def run() -> None:
        world = hostile_world(KEY_SETS[0], window=window)
        auth = await world.page.open()
        by_stranger(world)
        keys(lambda known: [*known, STRANGER.as_dict(private=False)])(world)
        assert await log_in(world, auth) is None
        disarm(world)
        by_stranger(world)
        world.page.clock.advance(600)
        error = await log_in(world, auth)
        assert error is not None
        assert error.error == "invalid_token"
        world.keys.forge = None
        assert await log_in(world, auth) is None

    asyncio.run(run())


@pytest.mark.parametrize("control", ["max-age=1000000000000", "max-age=-1", "max-age=abc", "max-age=0, no-store"])
def test_what_an_answer_says_of_its_age_neither_keeps_keys_nor_floods_the_provider(control: str) -> None:
    """M20: the client has its own idea of how long keys are good."""

    async def run() -> None:
        world = hostile_world(KEY_SETS[0], window=True)
        headers = (("Cache-Control", control), ("Expires", "Thu, 31 Dec 2099 23:59:59 GMT"), ("Age", "-1"))
        change(JWKS, lambda response: response._replace(headers=(*response.headers, *headers)))(world)
        auth = await world.page.open()
        for _ in range(3):
            assert await log_in(world, auth) is None
        assert world.wire.asked.count(f"GET {JWKS}") == 1
        world.page.clock.advance(LIFETIME + 1)
        assert await log_in(world, auth) is None
        assert world.wire.asked.count(f"GET {JWKS}") == 2

    asyncio.run(run())
