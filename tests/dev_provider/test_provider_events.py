import asyncio
import logging
from typing import cast

import pytest
from dev_provider.harness import CALLBACK, KEYS, World, members

from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.events import (
    EVENT_NAMES,
    AuthorizationSuccess,
    ContextEvent,
    ErrorEvent,
    Event,
    GrantRevoked,
    InteractionStarted,
    TokenEvent,
)
from spa_auth.protocol.http import Request

OFFLINE = {"scope": "openid offline_access", "audience": "https://api.example"}
LOGIN = [
    "interaction.saved",
    "interaction.started",
    "session.saved",
    "interaction.destroyed",
    "interaction.ended",
    "authorization.accepted",
    "session.saved",
    "authorization_code.saved",
    "authorization.success",
]
EXCHANGE = ["authorization_code.consumed", "access_token.issued", "refresh_token.saved", "grant.success"]
REFRESH = ["refresh_token.consumed", "refresh_token.saved", "access_token.issued", "grant.success"]
CASCADE = [
    "authorization_code.destroyed",
    *["access_token.destroyed"] * 2,
    *["refresh_token.destroyed"] * 2,
    "grant.revoked",
]


def test_a_login_a_refresh_a_reuse_and_a_logout_tell_all_in_order() -> None:
    world = World()
    tokens = world.tokens(**OFFLINE)
    assert world.trace == LOGIN + EXCHANGE
    world.events.clear()
    world.refresh(tokens["refresh_token"])
    assert world.trace == REFRESH
    world.events.clear()
    world.refresh(tokens["refresh_token"])
    assert world.trace == [*CASCADE, "grant.error"]
    world.events.clear()
    world.visit("GET", f"/oidc/logout?id_token_hint={tokens['id_token']}")
    assert world.trace == ["session.destroyed", "end_session.success"]


def test_a_denial_ends_the_interaction_and_is_an_authorization_error() -> None:
    world = World()
    world.answer(world.authorize(), deny="1")
    ended = ["interaction.destroyed", "interaction.ended", "authorization.error"]
    assert world.trace == ["interaction.saved", "interaction.started", *ended]


def test_a_code_replay_revokes_with_its_reason_and_a_logout_revokes_what_is_online_only() -> None:
    world = World()
    code = world.login()["code"]
    hint = world.tokens_of(code)["id_token"]
    world.exchange(code)
    world.tokens()
    world.visit("GET", f"/oidc/logout?id_token_hint={hint}")
    revoked = [cast("GrantRevoked", event) for name, event in world.events if name == "grant.revoked"]
    assert [event.reason for event in revoked] == ["code_replay", "logout"]


def test_another_user_ends_the_session_of_the_first() -> None:
    world = World()
    world.login("alice")
    world.events.clear()
    world.login("bob")
    assert "session.destroyed" in world.trace


def test_an_opaque_token_is_saved_and_one_for_an_api_is_issued() -> None:
    world = World()
    world.tokens()
    assert "access_token.saved" in world.trace
    assert "access_token.issued" not in world.trace


def test_the_arguments_are_frozen_values_of_that_moment() -> None:
    world = World()
    answer = world.login(max_age="0")
    events = dict(world.events)
    context, response = cast("AuthorizationSuccess", events["authorization.success"])
    assert context.client is not None
    assert context.client.client_id == "demo"
    assert context.params["redirect_uri"] == CALLBACK
    assert context.session is not None
    assert context.session.user.sub == "alice"
    assert dict(response) == answer
    prompt = cast("InteractionStarted", events["interaction.started"]).prompt
    assert prompt.name == "login"
    assert prompt.reasons == ("login_prompt", "no_session")
    code = cast("TokenEvent", events["authorization_code.saved"]).token
    assert answer["code"] not in repr(code)
    assert answer["code"] not in repr(context)


def test_a_successful_grant_shows_its_response() -> None:
    world = World()
    tokens = world.tokens()
    context = cast("ContextEvent", dict(world.events)["grant.success"]).context
    assert context.response is not None
    assert members(context.response) == tokens


def test_an_error_event_carries_the_error() -> None:
    world = World()
    world.exchange("unknown")
    error = cast("ErrorEvent", dict(world.events)["grant.error"]).error
    assert "invalid_grant" in str(error)


def test_the_names_are_those_that_exist_and_no_other_can_be_listened_to() -> None:
    world = World()
    assert world.provider.events.names == EVENT_NAMES
    with pytest.raises(ValueError, match=r"grant\.succes"):
        world.provider.events.on("grant.succes", print)


def test_a_listener_that_fails_breaks_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = World()

    def broken(_event: Event) -> None:
        raise RuntimeError("broken listener")

    async def broken_later(_event: Event) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("broken async listener")

    async def scenario() -> list[str]:
        heard: list[str] = []
        provider = DevProvider(Options(), keys=KEYS)
        provider.events.on("grant.error", broken)
        provider.events.on("grant.error", broken_later)

        async def listener(_event: Event) -> None:
            await asyncio.sleep(0)
            heard.append("async")

        provider.events.on("grant.error", listener)
        assert (await provider.handle(Request("POST", "http://127.0.0.1:9400/oauth/token"))).status == 400
        await asyncio.sleep(0.01)
        return heard

    with caplog.at_level(logging.ERROR):
        assert asyncio.run(scenario()) == ["async"]
    assert "broken listener" in caplog.text
    assert "broken async listener" in caplog.text
    assert world.trace == []
