import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import pytest
from dev_provider.harness import World, members
from joserfc import jws

from spa_auth.dev_provider import DEMO, Client, Options, outgoing
from spa_auth.dev_provider.events import BackchannelError, BackchannelSuccess
from spa_auth.dev_provider.records import Registration
from spa_auth.errors import NetworkError
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.strict_json import loads_object

HOME = "http://127.0.0.1:9401/"
URI = "http://127.0.0.1:9402/backchannel"
TOLD = replace(DEMO, backchannel_logout_uri=URI)
OTHER = Client(client_id="other", redirect_uris=(HOME,), backchannel_logout_uri="https://other.example/out")


@dataclass
class Applications:
    """What stands at the other end: it remembers logout tokens, and answers with one status."""

    status: int = 200
    requests: list[Request] = field(default_factory=list[Request])

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(self.status)

    @property
    def tokens(self) -> list[str]:
        return [form.unique(form.parse(request.body.decode()))["logout_token"] for request in self.requests]


def world_with(applications: Callable[[Request], Any], *clients: Client) -> World:
    return World(Options(clients=clients or (TOLD,)), way_out=applications)


def log_out(world: World, hint: str) -> Response:
    return world.visit("GET", f"/oidc/logout?id_token_hint={hint}")


def errors(world: World) -> list[BackchannelError]:
    return [cast("BackchannelError", event) for name, event in world.events if name == "backchannel.error"]


def test_a_logout_sends_a_logout_token_with_the_claims_of_the_specification() -> None:
    applications = Applications()
    world = world_with(applications)
    tokens = world.tokens()
    sid = world.verified(tokens["id_token"]).claims["sid"]
    log_out(world, tokens["id_token"])
    assert [(request.method, request.url) for request in applications.requests] == [("POST", URI)]
    assert applications.requests[0].header("content-type") == "application/x-www-form-urlencoded"
    token = world.verified(applications.tokens[0])
    jti = token.claims.pop("jti")
    assert len(str(jti)) > 20
    assert token.claims == {
        "iss": world.provider.issuer,
        "aud": "demo",
        "iat": int(world.clock.now),
        "exp": int(world.clock.now) + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sub": "alice",
        "sid": sid,
    }
    assert jws.extract_compact(applications.tokens[0].encode()).headers()["typ"] == "logout+jwt"


def test_the_events_of_a_logout_come_in_the_order_of_the_table() -> None:
    world = world_with(Applications())
    tokens = world.tokens()
    world.events.clear()
    log_out(world, tokens["id_token"])
    assert world.trace == [
        "authorization_code.destroyed",
        "access_token.destroyed",
        "grant.revoked",
        "backchannel.success",
        "session.destroyed",
        "end_session.success",
    ]
    context, client, account_id, sid = cast("BackchannelSuccess", dict(world.events)["backchannel.success"])
    assert context is not None
    assert (client, account_id) == (TOLD, "alice")
    assert sid == world.verified(tokens["id_token"]).claims["sid"]


@pytest.mark.parametrize(("status", "event"), [(200, "success"), (204, "success"), (302, "error"), (400, "error")])
def test_200_and_204_take_note_and_everything_else_refuses(status: int, event: str) -> None:
    world = world_with(Applications(status))
    tokens = world.tokens()
    assert log_out(world, tokens["id_token"]).status == 200
    assert [name for name in world.trace if name.startswith("backchannel")] == [f"backchannel.{event}"]
    assert world.trace[-1] == "end_session.success"


def test_a_way_out_that_fails_breaks_no_logout() -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("no route")

    world = world_with(broken)
    tokens = world.tokens()
    assert log_out(world, tokens["id_token"]).status == 200
    assert [str(event.error) for event in errors(world)] == ["no route"]
    assert world.trace[-2:] == ["session.destroyed", "end_session.success"]


def test_a_provider_without_a_way_out_says_so_in_the_event_and_not_in_the_metadata() -> None:
    world = World(Options(clients=(TOLD,)))
    log_out(world, world.tokens()["id_token"])
    assert isinstance(errors(world)[0].error, NetworkError)
    assert "backchannel_logout_supported" not in members(world.send("GET", "/.well-known/openid-configuration"))


def test_a_provider_with_a_way_out_says_so() -> None:
    metadata = members(world_with(Applications()).send("GET", "/.well-known/openid-configuration"))
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True


def test_all_applications_of_the_session_are_told_at_once_and_no_other() -> None:
    world = world_with(Applications(), TOLD, OTHER, Client(client_id="silent", redirect_uris=(HOME,)))
    arrived: list[str] = []
    both = asyncio.Event()

    async def waits_for_the_other(request: Request) -> Response:
        arrived.append(request.url)
        if len(arrived) == 2:
            both.set()
        await both.wait()
        return Response(200)

    world.provider._service.send = waits_for_the_other
    hint = world.tokens()["id_token"]
    for client_id in ("other", "silent"):
        world.authorize(client_id=client_id, redirect_uri=HOME)
    log_out(world, hint)
    assert sorted(arrived) == sorted([URI, "https://other.example/out"])
    assert world.trace.count("backchannel.success") == 2


def test_an_application_that_does_not_answer_is_given_up_after_two_and_a_half_seconds() -> None:
    async def silent(_request: Request) -> Response:
        await asyncio.sleep(60)
        return Response(200)

    world = world_with(silent, TOLD, OTHER)
    hint = world.tokens()["id_token"]
    world.authorize(client_id="other", redirect_uri=HOME)
    started = time.monotonic()
    log_out(world, hint)
    assert 2.4 < time.monotonic() - started < 5
    assert [cast("NetworkError", event.error).reason for event in errors(world)] == ["timeout", "timeout"]


def test_a_session_is_no_good_while_applications_are_told() -> None:
    async def scenario() -> tuple[int, list[str]]:
        told, may_go_on = asyncio.Event(), asyncio.Event()

        async def slow(_request: Request) -> Response:
            told.set()
            await may_go_on.wait()
            return Response(200)

        world.provider._service.send = slow
        cookie = ("Cookie", "; ".join(f"{name}={value}" for name, value in world.cookies.items()))
        target = f"http://127.0.0.1:9400/oidc/logout?id_token_hint={hint}"
        logout = asyncio.create_task(world.provider.handle(Request("GET", target, (cookie,))))
        await told.wait()
        second = await world.provider.handle(Request("GET", target, (cookie,)))
        may_go_on.set()
        await logout
        return second.status, world.trace

    world = world_with(Applications())
    hint = world.tokens()["id_token"]
    status, trace = asyncio.run(scenario())
    assert status == 200
    assert (trace.count("session.destroyed"), trace.count("backchannel.success")) == (1, 1)


def test_another_user_who_logs_in_over_a_session_ends_it_for_its_applications() -> None:
    applications = Applications()
    world = world_with(applications)
    tokens = world.tokens("alice")
    world.login("bob")
    assert [world.verified(token).claims["sub"] for token in applications.tokens] == ["alice"]
    assert world.userinfo(tokens["access_token"]).status == 401


def test_the_same_user_who_logs_in_again_ends_nothing() -> None:
    applications = Applications()
    world = world_with(applications)
    world.login("alice")
    world.login("alice")
    assert applications.requests == []


def test_a_session_that_expires_or_is_kept_tells_nobody() -> None:
    applications = Applications()
    world = world_with(applications)
    world.login()
    world.answer(world.visit("GET", "/oidc/logout"), stay="1")
    world.clock.now += 86_400
    world.send("GET", "/")
    assert "session.destroyed" in world.trace
    assert applications.requests == []


def test_a_logout_token_is_no_id_token_hint() -> None:
    applications = Applications()
    world = world_with(applications)
    log_out(world, world.tokens()["id_token"])
    assert log_out(world, applications.tokens[0]).status == 400


@pytest.mark.parametrize(
    ("uri", "called"),
    [("http://10.0.0.1/out", False), ("http://intranet/out", False), ("https://app.example/out", True), (URI, True)],
)
def test_who_registers_itself_makes_the_provider_call_https_or_loopback_only(*, uri: str, called: bool) -> None:
    applications = Applications()
    world = world_with(applications, DEMO)
    client = Client(client_id="dynamic", redirect_uris=(HOME,), backchannel_logout_uri=uri)
    world.provider._service.registrations.put(Registration(client=client, issued_at=0), 2**40)
    hint = world.tokens()["id_token"]
    world.authorize(client_id="dynamic", redirect_uri=HOME)
    log_out(world, hint)
    assert bool(applications.requests) is called
    assert bool(errors(world)) is not called


def test_no_event_of_a_logout_shows_its_token() -> None:
    applications = Applications(500)
    world = world_with(applications)
    log_out(world, world.tokens()["id_token"])
    assert applications.tokens[0] not in repr(world.events)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "a=b")
        self.end_headers()
        self.wfile.write(b" " * 100_000 if self.path == "/large" else b'{"cookie":"%a"}' % self.headers["Cookie"])
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def served() -> Generator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_way_out_of_a_served_provider_sends_follows_no_redirect_and_keeps_no_cookie() -> None:
    with served() as origin:
        first = asyncio.run(outgoing.send(Request("POST", f"{origin}/", (("X", "y"),), b"!")))
        assert (first.status, first.body) == (200, b'{"cookie":"None"}!')
        again = asyncio.run(outgoing.send(Request("POST", f"{origin}/")))
        assert loads_object(again.body) == {"cookie": "None"}
        assert asyncio.run(outgoing.send(Request("POST", f"{origin}/moved"))).status == 302
        with pytest.raises(NetworkError, match="more than"):
            asyncio.run(outgoing.send(Request("POST", f"{origin}/large")))


def test_the_way_out_names_who_cannot_be_reached() -> None:
    with served() as origin:
        pass
    with pytest.raises(NetworkError, match=origin):
        asyncio.run(outgoing.send(Request("POST", f"{origin}/")))


def test_the_way_out_does_not_wait_for_ever() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        request = Request("POST", f"http://127.0.0.1:{mute.getsockname()[1]}/")
        with pytest.raises(NetworkError) as caught:
            asyncio.run(outgoing.send(request, timeout=0.05))
    assert caught.value.reason == "timeout"


def test_the_way_out_names_the_extra_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(NetworkError, match=r"spa-auth\[dev-provider\]"):
        asyncio.run(outgoing.send(Request("POST", URI)))


def test_two_who_end_all_sessions_at_once_tell_each_application_once() -> None:
    async def scenario() -> tuple[int, int]:
        controls = world.provider.controls
        return await asyncio.gather(controls.end_sessions(), controls.end_sessions())

    applications = Applications()
    world = world_with(applications)
    for user in ("alice", "bob"):
        world.cookies.clear()
        world.login(user)
    assert sum(asyncio.run(scenario())) == 2
    assert len(applications.requests) == 2
    assert world.trace.count("session.destroyed") == 2
