"""Each event by what causes it: how often it is emitted, and with which arguments."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from dev_provider.harness import CALLBACK, FORM, ISSUER, VERIFIER, World, authorize_params, hidden_fields, members
from joserfc import jws
from joserfc.jwk import ECKey
from vector_files import vectors

from spa_auth.dev_provider import Client, Options
from spa_auth.dev_provider.clients import DEMO, DEVICE_CODE, GRANT_TYPES
from spa_auth.dev_provider.events import EVENT_NAMES, Context, EventName, Prompt
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.pending import PendingLogin
from spa_auth.dev_provider.records import (
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    DeviceCode,
    InitialAccessToken,
    PushedRequest,
    RefreshToken,
    RegistrationAccessToken,
    ReplayDetection,
    Session,
)
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.strict_json import dumps

OFFLINE = {"scope": "openid offline_access"}
FOR_API = {"audience": "https://api.example"}
SERVICE = Client(client_id="service", client_secret="s3cret", grant_types=GRANT_TYPES)
SECRET = {"client_id": "service", "client_secret": "s3cret"}
METADATA = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
JSON = ("Content-Type", "application/json")
TOLD = Client(client_id="told", redirect_uris=(CALLBACK,), backchannel_logout_uri="http://127.0.0.1:9402/out")
DEAF = Client(client_id="deaf", redirect_uris=(CALLBACK,), backchannel_logout_uri="http://127.0.0.1:9403/out")
OPTIONS = Options(clients=(DEMO, SERVICE, TOLD, DEAF), registration="protected")


async def applications(request: Request) -> Response:
    """Take note of every logout, but for one application that does not."""
    return Response(400 if ":9403/" in request.url else 200)


class Stage(World):
    """The world, with what the causes have in common."""

    def post(self, path: str, **params: str) -> Response:
        return self.send("POST", path, *FORM, body=form.encode(params))

    def rehearsed(self) -> "Stage":
        """Forget the events so far: what follows is the cause."""
        self.events.clear()
        return self

    def initial_token(self) -> str:
        return self.provider.controls.make_initial_access_token()

    def register(self, token: str) -> Response:
        return self.send("POST", "/register", JSON, ("Authorization", f"Bearer {token}"), body=dumps(METADATA).decode())

    def manage(
        self, method: str, registered: dict[str, Any], token: str = "", body: dict[str, object] | None = None
    ) -> Response:
        authorization = ("Authorization", f"Bearer {token or registered['registration_access_token']}")
        text = "" if body is None else dumps(body).decode()
        return self.send(method, registered["registration_client_uri"], JSON, authorization, body=text)

    def update(self, **changes: object) -> Response:
        registered = self.registered()
        body = {"client_id": registered["client_id"], **METADATA, **changes}
        return self.manage("PUT", registered, body=body)

    def registered(self) -> dict[str, Any]:
        return members(self.register(self.initial_token()), 201)

    def device(self) -> dict[str, Any]:
        return members(self.post("/oauth/device/code", client_id="demo", scope="openid"))

    def poll(self, device: dict[str, Any]) -> Response:
        return self.token(grant_type=DEVICE_CODE, device_code=device["device_code"])

    def approve(self, device: dict[str, Any]) -> Response:
        """Log in, type the code, and agree on the page that asks."""
        self.login()
        typed = {**hidden_fields(self.visit("GET", "/activate")), "user_code": device["user_code"]}
        page = self.visit("GET", self.visit("POST", "/activate", typed).header("location") or "")
        (sid,) = re.findall(r'name="approve" value="([^"]*)"', page.body.decode())
        return self.visit("POST", "/activate/confirm", {**hidden_fields(page), "approve": sid})

    def proof(self, path: str) -> tuple[str, str]:
        key = ECKey.generate_key("P-256")
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
        claims = {"htm": "POST", "htu": ISSUER + path, "iat": int(self.clock()), "jti": "jti-1"}
        return ("DPoP", jws.serialize_compact(header, dumps(claims), key, algorithms=["ES256"]))

    def prove(self) -> Response:
        """Exchange a code with a DPoP proof."""
        params = {"grant_type": "authorization_code", "code": self.login()["code"], "client_id": "demo"}
        body = form.encode({**params, "redirect_uri": CALLBACK, "code_verifier": VERIFIER})
        return self.send("POST", "/oauth/token", *FORM, self.proof("oauth/token"), body=body)

    def push(self, **params: str) -> dict[str, Any]:
        return members(self.post("/oauth/par", **authorize_params(**params)), 201)


Act = Callable[[Stage], object]


@dataclass(frozen=True)
class Cause:
    """What makes an event happen, how many of them, and the types of its arguments."""

    act: Act
    times: int
    arguments: tuple[type, ...]


def expiry(stage: Stage) -> None:
    """Everything that this provider remembers comes to its end."""
    stage.provider.controls.advance(60 * 86_400)


def long_after(prepare: Callable[[Stage], object]) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        prepare(stage)
        expiry(stage.rehearsed())

    return act


def after(prepare: Callable[[Stage], Any], act: Callable[[Stage, Any], object]) -> Callable[[Stage], object]:
    """The cause is what `act` does with what was prepared."""

    def both(stage: Stage) -> object:
        prepared = prepare(stage)
        return act(stage.rehearsed(), prepared)

    return both


def forced(path: str, error: str) -> Callable[[Stage], object]:
    def act(stage: Stage) -> object:
        stage.provider.controls.next(path, error=error, status=503)
        return stage.send("GET", path)

    return act


def offline_tokens(stage: Stage) -> dict[str, Any]:
    return stage.tokens(**OFFLINE)


def spent_refresh_token(stage: Stage) -> str:
    first: str = stage.tokens(**OFFLINE)["refresh_token"]
    assert stage.refresh(first).status == 200
    return first


def client_credentials(stage: Stage, **params: str) -> dict[str, Any]:
    return members(stage.post("/oauth/token", **SECRET, grant_type="client_credentials", **params))


def log_out(stage: Stage, tokens: dict[str, Any]) -> Response:
    return stage.visit("GET", f"/oidc/logout?id_token_hint={tokens['id_token']}")


def login_for(client_id: str) -> Callable[[Stage], None]:
    def prepare(stage: Stage) -> None:
        stage.login(client_id=client_id)

    return prepare


def log_out_everywhere(stage: Stage, _prepared: object) -> int:
    return asyncio.run(stage.provider.controls.end_sessions())


def foreign_registration_token(stage: Stage) -> tuple[dict[str, Any], str]:
    return stage.registered(), stage.registered()["registration_access_token"]


# What becomes of requests, and what becomes of records.
OUTCOMES: dict[EventName, Cause] = {
    "authorization.accepted": Cause(lambda s: s.login(), 1, (Context,)),
    "authorization.success": Cause(lambda s: s.login(), 1, (Context, dict)),
    "authorization.error": Cause(
        lambda s: s.authorize(redirect_uri="https://evil.example/", response_type="bogus"), 1, (Context, EndpointError)
    ),
    "backchannel.success": Cause(after(login_for("told"), log_out_everywhere), 1, (object, Client, str, str)),
    "backchannel.error": Cause(after(login_for("deaf"), log_out_everywhere), 1, (object, Exception, Client, str, str)),
    "code_verification.success": Cause(after(Stage.device, Stage.approve), 1, (Context,)),
    "code_verification.error": Cause(
        lambda s: s.visit("POST", "/activate", {"user_code": "BBBB-BBBB"}), 1, (Context, EndpointError)
    ),
    "device_authorization.success": Cause(Stage.device, 1, (Context,)),
    "device_authorization.error": Cause(lambda s: s.post("/oauth/device/code"), 1, (Context, EndpointError)),
    "discovery.success": Cause(lambda s: s.send("GET", "/.well-known/openid-configuration"), 1, (Context,)),
    "discovery.error": Cause(
        forced("/.well-known/openid-configuration", "temporarily_unavailable"), 1, (Context, EndpointError)
    ),
    "end_session.success": Cause(after(lambda s: s.tokens(), log_out), 1, (Context, str)),
    "end_session.error": Cause(lambda s: s.visit("GET", "/oidc/logout?id_token_hint=x"), 1, (Context, EndpointError)),
    "grant.success": Cause(lambda s: s.tokens(), 1, (Context,)),
    "grant.error": Cause(lambda s: s.exchange("unknown"), 1, (Context, EndpointError)),
    "introspection.success": Cause(lambda s: s.post("/oauth/introspect", **SECRET, token="x"), 1, (Context,)),
    "introspection.error": Cause(lambda s: s.post("/oauth/introspect", token="x"), 1, (Context, EndpointError)),
    "jwks.success": Cause(lambda s: s.send("GET", "/.well-known/jwks.json"), 1, (Context,)),
    "jwks.error": Cause(forced("/.well-known/jwks.json", "temporarily_unavailable"), 1, (Context, EndpointError)),
    "pushed_authorization_request.success": Cause(Stage.push, 1, (Context, Client)),
    "pushed_authorization_request.error": Cause(
        lambda s: s.post("/oauth/par", **authorize_params(response_type="token")), 1, (Context, EndpointError)
    ),
    "registration_create.success": Cause(Stage.registered, 1, (Context, Client)),
    "registration_create.error": Cause(lambda s: s.register("wrong"), 1, (Context, EndpointError)),
    "registration_read.success": Cause(lambda s: s.manage("GET", s.registered()), 1, (Context, Client)),
    "registration_read.error": Cause(lambda s: s.manage("GET", s.registered(), "wrong"), 1, (Context, EndpointError)),
    "registration_update.success": Cause(
        Stage.update,
        1,
        (Context, Client),
    ),
    "registration_update.error": Cause(lambda s: s.manage("PUT", s.registered(), body={}), 1, (Context, EndpointError)),
    "registration_delete.success": Cause(lambda s: s.manage("DELETE", s.registered()), 1, (Context, Client)),
    "registration_delete.error": Cause(
        lambda s: s.manage("DELETE", s.registered(), "wrong"), 1, (Context, EndpointError)
    ),
    "revocation.success": Cause(lambda s: s.post("/oauth/revoke", client_id="demo", token="unknown"), 1, (Context,)),
    "revocation.error": Cause(lambda s: s.post("/oauth/revoke", client_id="demo"), 1, (Context, EndpointError)),
    "server_error": Cause(forced("/.well-known/jwks.json", "server_error"), 1, (Context, RuntimeError)),
    "userinfo.success": Cause(lambda s: s.userinfo(s.tokens()["access_token"]), 1, (Context,)),
    "userinfo.error": Cause(lambda s: s.userinfo("unknown"), 1, (Context, EndpointError)),
}
RECORDS: dict[EventName, Cause] = {
    "access_token.saved": Cause(lambda s: s.tokens(), 1, (AccessToken,)),
    "access_token.issued": Cause(lambda s: s.tokens(**FOR_API), 1, (AccessToken,)),
    "access_token.destroyed": Cause(
        after(lambda s: s.tokens(), lambda s, t: s.post("/oauth/revoke", client_id="demo", token=t["access_token"])),
        1,
        (AccessToken,),
    ),
    "authorization_code.saved": Cause(lambda s: s.login(), 1, (AuthorizationCode,)),
    "authorization_code.consumed": Cause(
        after(lambda s: s.login()["code"], lambda s, code: s.exchange(code)), 1, (AuthorizationCode,)
    ),
    "authorization_code.destroyed": Cause(long_after(lambda s: s.login()), 1, (AuthorizationCode,)),
    "client_credentials.saved": Cause(client_credentials, 1, (ClientCredentials,)),
    "client_credentials.issued": Cause(lambda s: client_credentials(s, **FOR_API), 1, (ClientCredentials,)),
    "client_credentials.destroyed": Cause(
        after(client_credentials, lambda s, t: s.post("/oauth/revoke", **SECRET, token=t["access_token"])),
        1,
        (ClientCredentials,),
    ),
    "device_code.saved": Cause(lambda s: s.approve(s.device()), 2, (DeviceCode,)),
    "device_code.consumed": Cause(
        lambda s: [device := s.device(), s.approve(device), s.poll(device)], 1, (DeviceCode,)
    ),
    "device_code.destroyed": Cause(long_after(Stage.device), 1, (DeviceCode,)),
    "grant.revoked": Cause(after(spent_refresh_token, lambda s, spent: s.refresh(spent)), 1, (Context, str, str)),
    "initial_access_token.saved": Cause(Stage.initial_token, 1, (InitialAccessToken,)),
    "initial_access_token.destroyed": Cause(
        lambda s: s.provider.controls.destroy_initial_access_token(s.initial_token()), 1, (InitialAccessToken,)
    ),
    "interaction.saved": Cause(lambda s: s.authorize(), 1, (PendingLogin,)),
    "interaction.started": Cause(lambda s: s.authorize(), 1, (Context, Prompt)),
    "interaction.ended": Cause(lambda s: s.login(), 1, (Context, str)),
    "interaction.destroyed": Cause(lambda s: s.login(), 1, (PendingLogin,)),
    "pushed_authorization_request.saved": Cause(Stage.push, 1, (PushedRequest,)),
    "pushed_authorization_request.consumed": Cause(
        lambda s: s.answer(
            s.visit("GET", "/authorize?" + form.encode({"client_id": "demo", "request_uri": s.push()["request_uri"]})),
            user="alice",
        ),
        1,
        (PushedRequest,),
    ),
    "pushed_authorization_request.destroyed": Cause(long_after(Stage.push), 1, (PushedRequest,)),
    "refresh_token.saved": Cause(spent_refresh_token, 2, (RefreshToken,)),
    "refresh_token.consumed": Cause(spent_refresh_token, 1, (RefreshToken,)),
    "refresh_token.destroyed": Cause(after(spent_refresh_token, lambda s, spent: s.refresh(spent)), 2, (RefreshToken,)),
    "registration_access_token.saved": Cause(
        Stage.update,
        2,
        (RegistrationAccessToken,),
    ),
    "registration_access_token.destroyed": Cause(
        after(foreign_registration_token, lambda s, pair: s.manage("GET", pair[0], pair[1])),
        1,
        (RegistrationAccessToken,),
    ),
    "replay_detection.saved": Cause(
        Stage.prove,
        1,
        (ReplayDetection,),
    ),
    "replay_detection.destroyed": Cause(long_after(Stage.prove), 1, (ReplayDetection,)),
    "session.saved": Cause(lambda s: s.login(), 2, (Session,)),
    "session.destroyed": Cause(after(lambda s: s.login("alice"), lambda s, _: s.login("bob")), 1, (Session,)),
}
CAUSES = {**OUTCOMES, **RECORDS}


def test_every_name_that_node_oidc_provider_gave_an_event_is_there() -> None:
    known = vectors("event_names")
    assert len(known) == 54
    assert set(known) <= set(EVENT_NAMES)


def test_every_event_has_a_cause() -> None:
    assert set(CAUSES) == set(EVENT_NAMES)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_an_event_is_emitted_by_its_cause_as_often_as_it_should_with_its_arguments(name: EventName) -> None:
    stage = Stage(OPTIONS, way_out=applications)
    CAUSES[name].act(stage)
    payloads = [event for emitted, event in stage.events if emitted == name]
    assert len(payloads) == CAUSES[name].times, stage.trace
    for payload in payloads:
        arguments = tuple(payload)
        assert len(arguments) == len(CAUSES[name].arguments)
        assert all(map(isinstance, arguments, CAUSES[name].arguments)), arguments


EXPIRING = [name for name in EVENT_NAMES if name.endswith(".destroyed") and not name.startswith(("initial", "registr"))]


@pytest.mark.parametrize("name", EXPIRING)
def test_what_expires_is_told_once_at_the_next_sweep(name: EventName) -> None:
    stage = Stage(OPTIONS, way_out=applications)
    stage.tokens(**OFFLINE)
    client_credentials(stage)
    stage.device()
    stage.push()
    stage.authorize(prompt="login")
    stage.prove()
    expiry(stage.rehearsed())
    assert name in stage.trace
    expiry(stage.rehearsed())
    assert stage.trace == []
