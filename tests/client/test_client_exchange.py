"""Custom token exchange: a token of elsewhere logs a user in, or becomes a token and nothing else."""

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
    turns,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.dev_provider import Options
from spa_auth.dev_provider.options import Organization
from spa_auth.errors import ConfigurationError, LoginRequiredError, NetworkError, OAuthError, ProtocolError
from spa_auth.protocol.http import Response
from spa_auth.testing import Pair

CUSTOM = "urn:example:session"


async def opened(window: bool, **options: object) -> tuple[Pair, Wire, AuthClient]:
    """A page on which nobody is logged in."""
    world = page(window=window, **options)  # type: ignore[arg-type]
    return world, Wire(world), await world.open()


def test_a_token_of_elsewhere_logs_its_user_in(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await opened(window)
        events = moments(auth)
        details = await auth.login_with_custom_token_exchange(
            subject_token="bob", subject_token_type=CUSTOM, scope="read:notes", token_params={"x_trace": "7"}
        )
        assert auth.user is not None
        assert (auth.user.sub, auth.changed.reason) == ("bob", "login")
        assert wire.posts[0]["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
        assert (wire.posts[0]["audience"], wire.posts[0]["x_trace"]) == (AUDIENCE, "7")
        assert wire.posts[0]["scope"] == "openid profile email read:notes offline_access"
        assert await auth.get_token_silently(scope="read:notes") == details.access_token
        assert details.id_token == wire.answered["id_token"]
        assert events == [("token.received", None)]
        assert await auth.get_token_silently(cache_mode="off") != details.access_token
        assert world.browser.errors == []

    asyncio.run(run())


def test_an_exchange_alone_logs_nobody_in_and_keeps_nothing(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await opened(window)
        details = await auth.custom_token_exchange(
            subject_token="bob", subject_token_type=CUSTOM, audience="https://other.example"
        )
        assert details.audience == "https://other.example"
        assert 590 <= details.expires_in <= 600
        assert auth.user is None
        assert "offline_access" not in wire.posts[0]["scope"]
        assert await auth.get_token_silently(audience="https://other.example", cache_mode="cache-only") is None
        assert isinstance(await failure(auth.get_token_silently()), LoginRequiredError)

    asyncio.run(run())


def test_an_exchange_leaves_the_session_of_another_user_alone(window: bool) -> None:
    """S7."""

    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        mine = await auth.get_token_silently()
        details = await auth.custom_token_exchange(subject_token="bob", subject_token_type=CUSTOM)
        assert auth.user is not None
        assert auth.user.sub == "alice"
        assert await auth.get_token_silently() == mine != details.access_token
        assert details.id_token is not None

    asyncio.run(run())


def test_an_exchange_without_an_id_token_does_not_show_that_of_the_session_which_is_another_users(window: bool) -> None:
    """I26: alice's ID token beside bob's access token would say that it is hers."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        wire.changes["/oauth/token"] = members_changed(id_token=...)
        details = await auth.custom_token_exchange(subject_token="bob", subject_token_type=CUSTOM)
        assert details.id_token is None
        assert (await auth.get_token_silently(detailed_response=True)).id_token is not None

    asyncio.run(run())


def test_a_login_as_another_user_leaves_no_token_of_the_one_before(window: bool) -> None:
    """S7, R16."""

    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        mine = await auth.get_token_silently()
        seen: list[str | None] = []
        auth.changed.add_listener(lambda user: seen.append(None if user is None else user.sub))
        await auth.login_with_custom_token_exchange(
            subject_token="bob", subject_token_type=CUSTOM, audience="https://other.example"
        )
        assert seen == ["alice", "bob"]
        assert auth.changed.reason == "user_switch"
        assert await auth.get_token_silently(cache_mode="cache-only") is None
        assert mine not in repr(auth._context.session.cache.entries)

    asyncio.run(run())


def test_an_organization_is_asked_for_and_compared() -> None:
    """S8."""

    async def run() -> None:
        acme = Organization(org_id="org_1", name="acme")
        world = page(
            window=False, provider_options=Options(organizations=(acme,)), authorization_params={"organization": "acme"}
        )
        wire = Wire(world)
        auth = await world.open()
        await auth.login_with_custom_token_exchange(subject_token="bob", subject_token_type=CUSTOM)
        assert wire.posts[0]["organization"] == "acme"
        assert auth.user is not None
        assert auth.user["org_id"] == "org_1"
        token = await auth.get_token_silently()
        claims = {
            "iss": world.provider.issuer,
            "aud": "demo",
            "sub": "bob",
            "iat": world.clock(),
            "exp": world.clock() + 60,
        }
        wire.answers = [issued(id_token=KEYS.sign("JWT", {**claims, "org_name": "evil", "org_id": "org_2"}))]
        error = await failure(
            auth.login_with_custom_token_exchange(subject_token="x", subject_token_type=CUSTOM, organization="org_1")
        )
        assert error.error == "organization_mismatch"
        assert await auth.get_token_silently(cache_mode="cache-only") == token

    asyncio.run(run())


def issued(**members: object) -> Response:
    """An answer to an exchange."""
    return json_answer(
        {
            "access_token": "at",
            "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            **members,
        }
    )


def test_an_answer_without_an_id_token_logs_nobody_in_but_is_an_exchange(window: bool) -> None:
    """K30."""

    async def run() -> None:
        _, wire, auth = await opened(window)
        wire.answers = [issued(), issued()]
        error = await failure(auth.login_with_custom_token_exchange(subject_token="bob", subject_token_type=CUSTOM))
        assert isinstance(error, ProtocolError)
        assert auth.user is None
        details = await auth.custom_token_exchange(subject_token="bob", subject_token_type=CUSTOM)
        assert (details.access_token, details.id_token) == ("at", None)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error_answer("invalid_request"), OAuthError),
        (OUTAGE, NetworkError),
        (json_answer({"access_token": "at", "token_type": "N_A"}), ProtocolError),
        (issued(issued_token_type="urn:x"), ProtocolError),
        (issued(id_token="a.b.c"), ProtocolError),
    ],
)
def test_a_failed_exchange_changes_nothing_and_is_not_repeated(
    window: bool, answer: Response | Exception, kind: type
) -> None:
    """K20, K21, K30."""

    async def run() -> None:
        _, wire, auth = await opened(window)
        for verb in (auth.login_with_custom_token_exchange, auth.custom_token_exchange):
            wire.answers = [answer]
            error = await failure(verb(subject_token="SECRET-bob", subject_token_type=CUSTOM))
            assert isinstance(error, kind)
            assert "SECRET" not in f"{error!r}{error}"
        assert len(wire.posts) == 2
        assert auth.user is None

    asyncio.run(run())


def test_what_belongs_to_the_exchange_itself_cannot_be_set_beside_it(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await opened(window)
        error = await failure(
            auth.custom_token_exchange(
                subject_token="bob", subject_token_type=CUSTOM, token_params={"client_id": "x", "scope": "y"}
            )
        )
        assert isinstance(error, ConfigurationError)
        assert len(error.faults) == 2
        assert wire.posts == []

    asyncio.run(run())


def test_the_old_name_still_logs_in_and_warns(window: bool) -> None:
    async def run() -> None:
        _, _, auth = await opened(window)
        with pytest.warns(DeprecationWarning, match="login_with_custom_token_exchange") as caught:
            await auth.exchange_token(subject_token="bob", subject_token_type=CUSTOM)
        assert auth.user is not None
        assert caught[0].filename == __file__

    asyncio.run(run())


def test_a_logout_during_an_exchange_drops_its_answer(window: bool) -> None:
    """R15."""

    async def run() -> None:
        _, wire, auth = await logged_in(window=window)
        wire.gate = asyncio.Event()
        waiter = asyncio.ensure_future(
            failure(auth.login_with_custom_token_exchange(subject_token="bob", subject_token_type=CUSTOM))
        )
        await turns()
        await auth.logout(open_url=False)
        wire.gate.set()
        assert isinstance(await waiter, LoginRequiredError)
        assert auth.user is None

    asyncio.run(run())


def test_without_refresh_tokens_none_is_asked_for(window: bool) -> None:
    async def run() -> None:
        _, wire, auth = await opened(window, use_refresh_tokens=False)
        await auth.login_with_custom_token_exchange(subject_token="bob", subject_token_type=CUSTOM)
        assert "offline_access" not in wire.posts[0]["scope"]

    asyncio.run(run())
