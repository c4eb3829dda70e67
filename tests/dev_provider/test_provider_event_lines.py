from dataclasses import replace

import pytest
from dev_provider.harness import CALLBACK, FORM, World, members
from dev_provider.test_provider_event_table import CAUSES, OPTIONS, Stage, applications

from spa_auth.dev_provider import DEMO, Options
from spa_auth.dev_provider.event_lines import MAX_VALUE_LENGTH, event_line, event_summary
from spa_auth.dev_provider.events import (
    EVENT_NAMES,
    AuthorizationSuccess,
    BackchannelError,
    BackchannelSuccess,
    ClientEvent,
    Context,
    ContextEvent,
    EndSessionSuccess,
    ErrorEvent,
    Event,
    EventName,
    GrantRevoked,
    InteractionEnded,
    InteractionEvent,
    InteractionStarted,
    Prompt,
    TokenEvent,
)
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.pending import LogoutRequest, PendingDevice, PendingLogout
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
    Token,
)
from spa_auth.dev_provider.users import ALICE
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import loads_object

SECRET = "s3cr3t"
TIME = "12:34:56"
SCOPE = Scope(["openid", "profile"])
SESSION = Session(key=SECRET, sid="sid-1", user=ALICE, auth_time=0, expires_at=1, client_ids=("demo",))
SECRET_PARAMETERS = (
    "code", "code_verifier", "refresh_token", "token", "id_token_hint", "client_secret", "client_assertion", "state",
    "nonce", "device_code", "user_code", "request_uri", "subject_token", "login_hint", "password",
)  # fmt: skip
CONTEXT = Context(
    request=Request(
        "POST", f"http://127.0.0.1:9400/oauth/token?code={SECRET}", (("Authorization", SECRET),), b"s3cr3t"
    ),
    client=DEMO,
    params={"grant_type": "authorization_code", "scope": "openid", **dict.fromkeys(SECRET_PARAMETERS, SECRET)},
    session=SESSION,
    response=Response(200, (), SECRET.encode()),
)
TOKENS: dict[str, Token] = {
    "session": SESSION,
    "authorization_code": AuthorizationCode(
        key=SECRET,
        grant_id="g",
        client_id="demo",
        redirect_uri=CALLBACK,
        code_challenge=SECRET,
        nonce=SECRET,
        expires_at=1,
    ),
    "access_token": AccessToken(
        key=SECRET,
        jti="t",
        grant_id="g",
        client_id="demo",
        scope=SCOPE,
        audiences=("a",),
        format="jwt",
        jkt="j",
        issued_at=0,
        expires_at=1,
    ),
    "client_credentials": ClientCredentials(
        key=SECRET, jti="t", client_id="service", scope=SCOPE, audiences=("a",), format="jwt", issued_at=0, expires_at=1
    ),
    "refresh_token": RefreshToken(key=SECRET, grant_id="g", client_id="demo", issued_at=0, expires_at=1),
    "pushed_authorization_request": PushedRequest(
        key=SECRET, client_id="demo", params=Parameters.parse(f"state={SECRET}"), expires_at=1
    ),
    "device_code": DeviceCode(
        key=SECRET, user_code=SECRET, client_id="tv", scope=SCOPE, audiences=(), interval=5, expires_at=1
    ),
    "replay_detection": ReplayDetection(key=SECRET, expires_at=1),
    "initial_access_token": InitialAccessToken(key=SECRET),
    "registration_access_token": RegistrationAccessToken(key=SECRET, client_id="registered"),
}
REFUSAL = EndpointError("invalid_grant", "The code is unknown, expired or used.")


def sample(name: str) -> Event:
    """The payload that an event of that name has."""
    family, _, moment = name.partition(".")
    if family in TOKENS and moment in {"saved", "issued", "consumed", "destroyed"}:
        return TokenEvent(TOKENS[family])
    special: dict[str, Event] = {
        "authorization.success": AuthorizationSuccess(CONTEXT, {"code": SECRET, "state": SECRET}),
        "backchannel.success": BackchannelSuccess(CONTEXT, DEMO, "alice", "sid-1"),
        "backchannel.error": BackchannelError(CONTEXT, ValueError(SECRET), DEMO, "alice", "sid-1"),
        "end_session.success": EndSessionSuccess(CONTEXT, "logged_out"),
        "grant.revoked": GrantRevoked(CONTEXT, "g", "refresh_reuse"),
        "interaction.saved": InteractionEvent(_logout()),
        "interaction.destroyed": InteractionEvent(_device()),
        "interaction.started": InteractionStarted(CONTEXT, Prompt("login", ("no_session",))),
        "interaction.ended": InteractionEnded(CONTEXT, "login"),
        "pushed_authorization_request.success": ClientEvent(CONTEXT, DEMO),
        "server_error": ErrorEvent(CONTEXT, RuntimeError(SECRET)),
    }
    if name in special:
        return special[name]
    return ErrorEvent(CONTEXT, REFUSAL) if moment == "error" else ContextEvent(CONTEXT)


def _logout() -> PendingLogout:
    request = LogoutRequest(client=DEMO, post_logout_redirect_uri=None, state=SECRET)
    return PendingLogout(key=SECRET, browser=SECRET, csrf=SECRET, request=request)


def _device() -> PendingDevice:
    token = TOKENS["device_code"]
    assert isinstance(token, DeviceCode)
    return PendingDevice(key=SECRET, browser=SECRET, csrf=SECRET, device_code=token)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_every_event_is_one_line_with_its_name_and_without_a_secret(name: str) -> None:
    line = event_line(name, sample(name), time=TIME)
    assert line.startswith(f"{TIME}  {name}")
    assert "\n" not in line
    assert SECRET not in line
    assert SECRET not in repr(event_summary(name, sample(name)))


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("grant.success", "client=demo  user=alice  grant_type=authorization_code  scope=openid"),
        ("grant.error", 'error=invalid_grant  description="The code is unknown, expired or used."  client=demo'),
        ("grant.revoked", "reason=refresh_reuse  client=demo"),
        ("access_token.issued", 'client=demo  scope="openid profile"  audience=a  format=jwt  bound="to a DPoP key"'),
        ("session.saved", "user=alice  clients=demo"),
        ("interaction.started", "prompt=login  reasons=no_session  client=demo"),
        ("interaction.saved", "client=demo"),
        ("interaction.destroyed", "client=tv"),
        ("end_session.success", "outcome=logged_out"),
        ("backchannel.error", "error=ValueError  client=demo  user=alice"),
        ("server_error", "error=RuntimeError"),
    ],
)
def test_a_line_says_what_matters_of_its_event(name: str, facts: str) -> None:
    assert facts in event_line(name, sample(name), time=TIME)


def test_a_device_code_says_what_its_user_answered() -> None:
    waiting = _device().device_code
    approved, refused = TokenEvent(replace(waiting, grant_id="g")), TokenEvent(replace(waiting, denied=True))
    assert "answer=approved" in event_line("device_code.saved", approved, time=TIME)
    assert "answer=refused" in event_line("device_code.saved", refused, time=TIME)


def test_a_grant_that_no_request_revoked_and_a_logout_of_nobody_have_a_line_too() -> None:
    assert event_line("grant.revoked", GrantRevoked(None, "g", "control"), time=TIME).endswith("reason=control")
    request = LogoutRequest(client=None, post_logout_redirect_uri=None, state=None)
    nobody = PendingLogout(key="k", browser="b", csrf="c", request=request)
    assert event_line("interaction.saved", InteractionEvent(nobody), time=TIME) == f"{TIME}  interaction.saved"


@pytest.mark.parametrize(
    ("event", "tone"),
    [
        (ErrorEvent(CONTEXT, REFUSAL), "error"),
        (ErrorEvent(CONTEXT, EndpointError("use_dpop_nonce", "Use the nonce.")), "wait"),
        (ErrorEvent(CONTEXT, EndpointError("authorization_pending", "Wait.")), "wait"),
        (GrantRevoked(CONTEXT, "g", "code_replay"), "error"),
        (GrantRevoked(CONTEXT, "g", "logout"), "wait"),
        (ContextEvent(CONTEXT), "done"),
    ],
)
def test_a_refusal_looks_otherwise_than_a_challenge_that_belongs_to_the_protocol(event: Event, tone: str) -> None:
    assert event_summary("grant.error", event).tone == tone


def test_colours_are_there_only_where_they_were_asked_for() -> None:
    event = sample("grant.error")
    assert "\x1b[31mgrant.error" in event_line("grant.error", event, time=TIME, colour=True)
    assert "\x1b" not in event_line("grant.error", event, time=TIME)


def test_a_request_neither_steers_the_terminal_nor_begins_a_line_of_its_own() -> None:
    evil = '\x1b[2J\n12:00:00  grant.success\u202e "x" ' + "y" * 500
    context = Context(request=CONTEXT.request, params={"scope": evil})
    line = event_line("authorization.error", ErrorEvent(context, EndpointError("invalid_scope", evil)), time=TIME)
    assert line.isprintable()
    assert "?[2J?12:00:00" in line
    assert len(line) < 2 * MAX_VALUE_LENGTH + 100


def test_no_line_of_a_whole_day_holds_what_was_secret_in_it() -> None:
    world = World(options=Options(access_token_lifetime=60))
    code = world.login(scope="openid profile offline_access", audience="https://api.example", state="st4te-1")["code"]
    tokens = world.tokens_of(code)
    rotated = members(world.refresh(tokens["refresh_token"]))
    world.userinfo(tokens["access_token"])
    world.userinfo("wr0ng-t0ken")
    world.refresh(tokens["refresh_token"])
    world.exchange(code)
    world.send(
        "POST", "/oauth/token", *FORM, body=form.encode({"grant_type": "refresh_token", "client_secret": "pa55"})
    )
    world.visit("GET", f"/oidc/logout?id_token_hint={tokens['id_token']}")
    secrets = {code, "st4te-1", "pa55", "wr0ng-t0ken", "n-1", *world.cookies.values()}
    secrets |= {answer[name] for answer in (tokens, rotated) for name in ("access_token", "refresh_token", "id_token")}
    lines = "\n".join(event_line(name, event, time=TIME) for name, event in world.events)
    assert len(lines.splitlines()) == len(world.events) > 20
    assert [secret for secret in secrets if secret and secret in lines] == []


SECRET_MEMBERS = (
    "access_token", "refresh_token", "id_token", "code", "code_verifier", "client_secret", "client_assertion", "state",
    "nonce", "device_code", "user_code", "request_uri", "token", "subject_token", "actor_token", "interaction", "csrf",
    "registration_access_token", "id_token_hint", "logout_token", "initial_access_token",
)  # fmt: skip


class Overheard(Stage):
    """Remembers every secret that passes, on the wire and between the provider and its tests."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.secrets: set[str] = set()

    def send(self, method: str, target: str, *headers: tuple[str, str], body: str = "") -> Response:
        response = super().send(method, target, *headers, body=body)
        told = (target.partition("?")[2], body, (response.header("location") or "").partition("?")[2])
        pairs = [pair for text in told for pair in form.parse(text)]
        if (response.header("content-type") or "") == "application/json":
            pairs += [(name, str(value)) for name, value in loads_object(response.body).items()]
        self.secrets |= {value for name, value in pairs if name in SECRET_MEMBERS}
        self.secrets |= {value.partition(" ")[2] for name, value in headers if name == "Authorization"}
        self.secrets |= set(self.cookies.values())
        return response

    def initial_token(self) -> str:
        token = super().initial_token()
        self.secrets.add(token)
        return token


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_no_line_of_what_causes_an_event_holds_what_was_secret_in_it(name: EventName) -> None:
    stage = Overheard(OPTIONS, way_out=applications)
    CAUSES[name].act(stage)
    lines = [event_line(told, event, time=TIME) for told, event in stage.events]
    assert any(name in line for line in lines)
    # A test says "wrong" and "unknown" where a token should be: words that may well stand in a line.
    secrets = {secret for secret in stage.secrets if len(secret) >= 6} - {"unknown"}
    assert [secret for secret in secrets if any(secret in line for line in lines)] == []


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_no_repr_of_an_event_holds_what_was_secret_in_its_cause(name: EventName) -> None:
    stage = Overheard(OPTIONS, way_out=applications)
    CAUSES[name].act(stage)
    stage.visit("GET", "/oidc/logout?" + form.encode({"client_id": "demo", "state": "st4te-2"}))
    secrets = {secret for secret in stage.secrets if len(secret) >= 6} - {"unknown"}
    reprs = [repr(event) for _, event in stage.events]
    assert [secret for secret in secrets if any(secret in text for text in reprs)] == []
