"""Whatever expires tells so, whether time passed or a test let it pass."""

from typing import Any, cast

import pytest
from dev_provider.harness import World

from spa_auth.dev_provider import Options
from spa_auth.dev_provider.events import EVENT_NAMES, TokenEvent
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.records import (
    ClientCredentials,
    DeviceCode,
    InitialAccessToken,
    PushedRequest,
    RegistrationAccessToken,
    ReplayDetection,
    Session,
)
from spa_auth.dev_provider.store import Store
from spa_auth.protocol.scope import Scope

OPENID = Scope(["openid"])
RECORDS: dict[str, tuple[str, Any]] = {
    "client_credentials.destroyed": (
        "client_credentials",
        ClientCredentials(
            key="c", jti="j", client_id="x", scope=OPENID, audiences=(), format="opaque", issued_at=0, expires_at=0
        ),
    ),
    "pushed_authorization_request.destroyed": (
        "pushed_requests",
        PushedRequest(key="p", client_id="x", params=Parameters(), expires_at=0),
    ),
    "device_code.destroyed": (
        "device_codes",
        DeviceCode(
            key="d", user_code="u", client_id="x", scope=OPENID, audiences=(), grant_id=None, interval=5, expires_at=0
        ),
    ),
    "replay_detection.destroyed": ("replay_detections", ReplayDetection(key="r", expires_at=0)),
    "initial_access_token.destroyed": ("initial_access_tokens", InitialAccessToken(key="i")),
    "registration_access_token.destroyed": (
        "registration_access_tokens",
        RegistrationAccessToken(key="t", client_id="x"),
    ),
}
OF_A_LOGIN = [
    "interaction.destroyed",
    "session.destroyed",
    "authorization_code.destroyed",
    "access_token.destroyed",
    "refresh_token.destroyed",
]


@pytest.mark.parametrize(("event", "record"), RECORDS.items())
def test_a_record_that_expires_is_told_of_once_with_the_next_request(event: str, record: tuple[str, Any]) -> None:
    world = World()
    store = getattr(world.provider._service, record[0])
    store.put(record[1], world.clock.now + 10)
    world.clock.now += 9
    world.send("GET", "/")
    assert world.trace == []
    world.clock.now += 1
    world.send("GET", "/")
    world.send("GET", "/")
    assert world.trace == [event]
    assert store.get(record[1].key) is None


def test_all_that_a_login_leaves_behind_expires_in_the_end() -> None:
    world = World()
    world.tokens(scope="openid offline_access")
    world.authorize(prompt="login")
    world.events.clear()
    world.provider.controls.advance(365 * 86_400)
    assert world.trace == OF_A_LOGIN
    assert not list(world.provider._service.grants)


def test_every_event_of_an_end_is_held_here() -> None:
    assert {name for name in EVENT_NAMES if name.endswith(".destroyed")} == {*RECORDS, *OF_A_LOGIN}


def test_a_virtual_clock_lets_records_expire_without_a_request() -> None:
    world = World()
    world.authorize(prompt="login")
    world.events.clear()
    world.provider.controls.advance(3600)
    assert world.trace == ["interaction.destroyed"]


def test_what_makes_room_for_others_tells_so_too() -> None:
    world = World()
    world.provider._service.sessions = Store(world.clock, capacity=2)
    for user in ("alice", "bob", "carol"):
        world.cookies.clear()
        world.answer(world.authorize(), name=user)
    assert "session.destroyed" not in world.trace
    world.send("GET", "/")
    (event,) = [cast("TokenEvent", event) for name, event in world.events if name == "session.destroyed"]
    assert cast("Session", event.token).user.sub == "alice"


@pytest.mark.parametrize("kept", ["grants", "consents", "registrations"])
def test_nothing_grows_without_end(kept: str) -> None:
    world = World(Options(consent=True, registration="open"))
    setattr(world.provider._service, kept, Store(world.clock, capacity=2))
    for user in ("alice", "bob", "carol", "dave"):
        world.cookies.clear()
        world.answer(world.answer(world.authorize(), name=user), allow="1")
        metadata = '{"redirect_uris": ["https://app.example/callback"]}'
        world.send("POST", "/register", ("Content-Type", "application/json"), body=metadata)
    world.send("GET", "/")
    assert len(list(getattr(world.provider._service, kept))) == 2
