"""No input makes a 500 and no order of steps makes a token live again: what a fuzzer can find, found here first."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from dev_provider.harness import CALLBACK, FORM, ISSUER, VERIFIER, World, authorize_params, hidden_fields, members
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from spa_auth.dev_provider import DEMO, Options, Organization
from spa_auth.dev_provider.clients import GRANT_TYPES, Client
from spa_auth.dev_provider.control_surface import VERBS
from spa_auth.dev_provider.provider import ROUTES
from spa_auth.protocol import form
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.strict_json import loads_object

TOKEN = "k" * 32
SECRET = "s" * 32
SERVICE = Client(
    client_id="service",
    client_secret=SECRET,
    redirect_uris=(CALLBACK,),
    grant_types=GRANT_TYPES,
    backchannel_logout_uri="https://service.example/out",
)
BOUND = Client(client_id="bound", redirect_uris=(CALLBACK,), dpop_bound_access_tokens=True)
OPTIONS = Options(
    clients=(DEMO, SERVICE, BOUND),
    organizations=(Organization(org_id="org_1", name="acme", members=("alice",)),),
    registration="open",
)
API = "https://api.example"
BASIC = "Basic " + base64.b64encode(f"service:{SECRET}".encode()).decode()
TOKEN_TYPES = tuple(
    f"urn:ietf:params:oauth:token-type:{kind}" for kind in ("access_token", "refresh_token", "id_token")
)

NAMES = (
    *authorize_params(),
    *("audience", "resource", "prompt", "max_age", "id_token_hint", "login_hint", "response_mode", "organization"),
    *("grant_type", "code", "code_verifier", "refresh_token", "client_secret", "request", "request_uri", "dpop_jkt"),
    *("token", "token_type_hint", "subject_token", "subject_token_type", "actor_token", "requested_token_type"),
    *("device_code", "user_code", "interaction", "csrf", "user", "name", "deny", "stay", "logout", "account", "allow"),
    *("approve", "switch", "organization_id"),
    *("post_logout_redirect_uri", "returnTo", "federated", "ui_locales", "claims", "access_token", "display"),
    *("client_name", "redirect_uris", "grant_types", "token_endpoint_auth_method", "backchannel_logout_uri", "kind"),
    *("seconds", "path", "error", "status", "times", "delay", "malformed", "drop", "sub"),
)
WORDS = (
    *authorize_params().values(),
    *GRANT_TYPES,
    *TOKEN_TYPES,
    *("none", "login", "consent", "select_account", "none login", "web_message", "form_post", "fragment", "plain"),
    *(
        "0",
        "-1",
        "1.5",
        "9" * 400,
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
        "\x00",
        "é",
        "\ud83d\ude00",
        " ",
        "%",
        "a" * 300,
    ),
    *("demo", "service", "bound", "nobody", "alice", "org_1", "acme", API, ISSUER, SECRET, VERIFIER, "offline_access"),
    *(
        "javascript:alert(1)",
        "//evil.test",
        "http://127.0.0.1:9401/a?b#c",
        "http://[::1]/",
        "https://service.example/out",
    ),
)
# What only a provider can have made; each example has its own.
MADE = (
    *("$code", "$access_token", "$refresh_token", "$id_token", "$jwt", "$request_uri", "$device_code", "$user_code"),
    *("$login_page", "$consent_page", "$logout_page", "$device_page", "$sub"),
    *("$login_csrf", "$consent_csrf", "$logout_csrf", "$device_csrf", "$code_csrf"),
)
VALUES = st.one_of(st.sampled_from(WORDS), st.sampled_from(MADE), st.text(max_size=40))
CHANGES = st.dictionaries(st.sampled_from(NAMES), st.one_of(st.none(), VALUES), max_size=4)
HEADERS = st.lists(
    st.one_of(
        st.tuples(
            st.just("Authorization"),
            st.sampled_from(
                [BASIC, "Basic =", "Basic Og==", "Bearer $access_token", "DPoP $access_token", "Bearer $jwt"]
            ),
        ),
        st.tuples(st.just("DPoP"), st.sampled_from(["", "a.b.c", "$id_token", "$jwt"])),
        st.tuples(
            st.just("Content-Type"), st.sampled_from(["application/json", "text/plain", FORM[0][1] + ";x=\u00e9"])
        ),
        st.tuples(
            st.sampled_from(
                ["Host", "Cookie", "Authorization", "DPoP", "Origin", "Referer", "Sec-Fetch-Dest", "Accept"]
            ),
            st.text(max_size=40),
        ),
    ),
    max_size=3,
)
METHODS = st.sampled_from(["", "", "", "", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW", "g\u00e9t"])
EXCHANGE = {"client_id": "demo", "code_verifier": VERIFIER, "redirect_uri": CALLBACK}
AS_SERVICE = {"client_id": "service", "client_secret": SECRET}
REQUESTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "authorize": ("GET", "/authorize", authorize_params()),
    "authorize pushed": ("GET", "/authorize", {"client_id": "demo", "request_uri": "$request_uri"}),
    "authorize again": ("POST", "/authorize", authorize_params(prompt="consent", organization="org_1", audience=API)),
    "push": ("POST", "/oauth/par", authorize_params()),
    "show the login": ("GET", "/login", {"interaction": "$login_page"}),
    "log in": ("POST", "/login", {"interaction": "$login_page", "csrf": "$login_csrf", "name": "carol"}),
    "show the consent": ("GET", "/consent", {"interaction": "$consent_page"}),
    "consent": ("POST", "/consent", {"interaction": "$consent_page", "csrf": "$consent_csrf", "allow": "1"}),
    "show the logout": ("GET", "/oidc/logout/confirm", {"interaction": "$logout_page"}),
    "stay": ("POST", "/oidc/logout/confirm", {"interaction": "$logout_page", "csrf": "$logout_csrf", "stay": "1"}),
    "type a code": ("POST", "/activate", {"user_code": "$user_code", "csrf": "$code_csrf"}),
    "show the device": ("GET", "/activate/confirm", {"interaction": "$device_page"}),
    "approve": (
        "POST",
        "/activate/confirm",
        {"interaction": "$device_page", "csrf": "$device_csrf", "approve": "alice"},
    ),
    "exchange a code": ("POST", "/oauth/token", {**EXCHANGE, "grant_type": "authorization_code", "code": "$code"}),
    "refresh": ("POST", "/oauth/token", {**EXCHANGE, "grant_type": "refresh_token", "refresh_token": "$refresh_token"}),
    "for itself": ("POST", "/oauth/token", {**AS_SERVICE, "grant_type": "client_credentials", "audience": API}),
    "exchange a token": (
        "POST",
        "/oauth/token",
        {
            **EXCHANGE,
            "grant_type": GRANT_TYPES[4],
            "subject_token": "$access_token",
            "subject_token_type": TOKEN_TYPES[0],
        },
    ),
    "poll": (
        "POST",
        "/oauth/token",
        {"client_id": "demo", "grant_type": GRANT_TYPES[3], "device_code": "$device_code"},
    ),
    "start a device": ("POST", "/oauth/device/code", {"client_id": "demo", "scope": "openid"}),
    "revoke": ("POST", "/oauth/revoke", {"client_id": "demo", "token": "$refresh_token"}),
    "introspect": ("POST", "/oauth/introspect", {**AS_SERVICE, "token": "$jwt"}),
    "userinfo": ("POST", "/userinfo", {"access_token": "$access_token"}),
    "log out": ("GET", "/oidc/logout", {"id_token_hint": "$id_token", "post_logout_redirect_uri": CALLBACK}),
    "log out as at auth0": ("GET", "/v2/logout", {"client_id": "demo", "returnTo": CALLBACK}),
    **{path: (next(iter(route.endpoints)), path, {}) for path, route in ROUTES.items()},
    "a picture": ("GET", "/avatars/%F0.svg", {}),
    "a registration": ("GET", "/register/demo", {}),
    "nothing": ("GET", "/nothing", {}),
}
# These come nowhere as they stand, and somewhere with a change.
NOT_GOOD = ("a registration", "nothing", "poll")


@dataclass
class Prepared:
    """A provider in the middle of everything: logged in, tokens out, a page open, a request pushed."""

    world: World = field(default_factory=lambda: World(OPTIONS, control_token=TOKEN))

    def __post_init__(self) -> None:
        world = self.world
        offline = {"scope": "openid profile offline_access"}
        self.made = {f"${name}": str(value) for name, value in world.tokens(**offline).items()}
        self.made["$jwt"] = members(world.exchange(world.login(audience=API)["code"]))["access_token"]
        self.made["$code"] = world.login(**offline)["code"]
        self.made["$sub"] = "alice"
        pushed = world.send("POST", "/oauth/par", *FORM, body=form.encode(authorize_params()))
        self.made["$request_uri"] = str(loads_object(pushed.body).get("request_uri", ""))
        device = world.send("POST", "/oauth/device/code", *FORM, body="client_id=demo&scope=openid")
        self.made |= {f"${name}": str(value) for name, value in loads_object(device.body).items()}
        self.made["$code_csrf"] = hidden_fields(world.visit("GET", "/activate"))["csrf"]
        code = {"user_code": self.made["$user_code"], "csrf": self.made["$code_csrf"]}
        self.open("login", world.authorize(prompt="login"))
        self.open("consent", world.authorize(prompt="consent"))
        self.open("logout", world.visit("GET", "/oidc/logout"))
        self.open("device", world.visit("POST", "/activate", code))
        world.events.clear()

    def open(self, kind: str, redirect: Response) -> None:
        page = hidden_fields(self.world.visit("GET", redirect.header("location") or ""))
        self.made |= {f"${kind}_page": page["interaction"], f"${kind}_csrf": page["csrf"]}

    def put_in(self, text: str) -> str:
        for name in sorted(self.made, key=len, reverse=True):
            text = text.replace(name, self.made[name])
        return text

    def send(self, method: str, path: str, params: dict[str, str], headers: list[tuple[str, str]]) -> Response:
        encoded = form.encode({name: self.put_in(value) for name, value in params.items()})
        cookies = "; ".join(f"{name}={value}" for name, value in self.world.cookies.items())
        given = [(name, self.put_in(value)) for name, value in headers]
        in_body = method not in {"GET", "HEAD", "DELETE"}
        target = path if in_body else f"{path}?{encoded}"
        kind = () if any(name == "Content-Type" for name, _ in given) else FORM
        return self.world.send(method, target, ("Cookie", cookies), *kind, *given, body=encoded if in_body else "")


def outcomes(world: World) -> list[str]:
    of_requests = [name for name in world.trace if not name.startswith("backchannel")]
    return [name for name in of_requests if name.endswith((".success", ".error")) or name == "server_error"]


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_that_the_others_are_made_of_has_one_outcome(name: str) -> None:
    prepared = Prepared()
    method, path, params = REQUESTS[name]
    response = prepared.send(method, path, params, [])
    assert response.status < 400 or name in NOT_GOOD or name in ROUTES, response.body
    assert response.status < 500
    assert len(outcomes(prepared.world)) <= 1


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(REQUESTS)), other_method=METHODS, changes=CHANGES, headers=HEADERS)
def test_no_change_of_a_good_request_makes_a_500_or_a_second_outcome(
    *, name: str, other_method: str, changes: dict[str, str | None], headers: list[tuple[str, str]]
) -> None:
    prepared = Prepared()
    method, path, params = REQUESTS[name]
    changed = {key: value for key, value in {**params, **changes}.items() if value is not None}
    response = prepared.send(other_method or method, path, changed, headers)
    assert response.status < 500
    assert len(outcomes(prepared.world)) <= 1
    assert "server_error" not in prepared.world.trace


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), VALUES), lambda inner: st.lists(inner, max_size=3)
)
GOOD_METADATA = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code"], "client_name": "App"}
GOOD_CONTROL = {"seconds": 5, "kind": "session", "path": "/userinfo", "drop": "no", "deny": True}


@settings(max_examples=300, deadline=None)
@given(
    path=st.sampled_from(["/register", *(f"/control/{verb}" for verb in VERBS)]),
    changes=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3),
    data=st.data(),
)
def test_no_json_makes_a_500(*, path: str, changes: dict[str, Any], data: st.DataObject) -> None:
    world = World(OPTIONS, control_token=TOKEN)
    verb = VERBS.get(path.rpartition("/")[2])
    good = GOOD_METADATA if verb is None else {key: GOOD_CONTROL.get(key, "x") for key in verb.required}
    allowed = [*good, *(() if verb is None else verb.optional)]
    fitting = data.draw(st.dictionaries(st.sampled_from(allowed), JSON, max_size=2)) if allowed else {}
    body = json.dumps({**good, **fitting, **data.draw(st.sampled_from([{}, changes]))})
    headers = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))
    assert world.send("POST", path, *headers, body=body).status < 500
    if path == "/control/advance":
        assert world.tokens()
    assert "server_error" not in world.trace


@settings(max_examples=200, deadline=None)
@given(path=st.sampled_from(sorted(ROUTES)), body=st.binary(max_size=200), kind=st.sampled_from(["json", "form"]))
def test_no_bytes_make_a_500(*, path: str, body: bytes, kind: str) -> None:
    headers = FORM if kind == "form" else (("Content-Type", "application/json"),)
    request = Request("POST", ISSUER.removesuffix("/") + path, headers, body)
    assert asyncio.run(World(OPTIONS).provider.handle(request)).status < 500


@dataclass
class Family:
    """One login at the demo application and all that came of it, as the model has it."""

    sub: str
    code: str
    offline: bool
    made_at: float
    exchanged: bool = False
    dead: bool = False
    sid: str = ""
    id_token: str = ""
    access: dict[str, float] = field(default_factory=dict[str, float])
    fresh: str = ""
    spent: list[str] = field(default_factory=list[str])


class Tokens(RuleBasedStateMachine):
    """Logins, exchanges, refreshes, revocations, ends of sessions and jumps of the clock, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Options(session_lifetime=10**9))
        self.families: list[Family] = []
        self.session = ""

    @property
    def now(self) -> float:
        return self.world.clock.now + self.world.provider.controls.clock_offset

    def sid(self) -> str:
        sessions: Any = self.world.provider.controls.state()["sessions"]
        return str(sessions[0]["sid"]) if sessions else ""

    def end_session(self, sid: str) -> None:
        for family in self.families:
            if family.sid == sid and not family.offline:
                family.dead = True

    def receive(self, family: Family, response: Response) -> None:
        tokens = members(response)
        family.access[tokens["access_token"]] = self.now + tokens["expires_in"]
        family.id_token = tokens["id_token"]
        family.fresh = tokens.get("refresh_token", "")

    def candidates(self, name: str) -> list[Family]:
        """The families that have one of these; those that live where there are any, as a dead one stays dead."""
        having = [family for family in self.families if getattr(family, name)]
        return [family for family in having if not family.dead] or having

    @rule(sub=st.sampled_from(["alice", "bob"]), offline=st.sampled_from([True, True, False]), exchanged=st.booleans())
    def log_in(self, sub: str, *, offline: bool, exchanged: bool) -> None:
        before = self.sid()
        code = self.world.login(sub, scope="openid offline_access" if offline else "openid")["code"]
        if self.sid() != before:
            self.end_session(before)
        family = Family(sub, code, offline, self.now, sid=self.sid())
        self.families.append(family)
        if exchanged:
            self.exchange_code_of(family)

    def exchange_code_of(self, family: Family) -> None:
        response = self.world.exchange(family.code)
        if family.exchanged or family.dead or self.now >= family.made_at + 60:
            assert response.status == 400
            family.dead = family.dead or family.exchanged
            return
        family.exchanged = True
        self.receive(family, response)

    @precondition(lambda self: self.families)
    @rule(index=st.integers(0, 50))
    def exchange(self, index: int) -> None:
        self.exchange_code_of(self.families[index % len(self.families)])

    @precondition(lambda self: self.candidates("fresh"))
    @rule(index=st.integers(0, 50))
    def refresh(self, index: int) -> None:
        families = self.candidates("fresh")
        family = families[index % len(families)]
        used = family.fresh
        response = self.world.refresh(used)
        assert response.status == (400 if family.dead else 200)
        if not family.dead:
            family.spent.append(used)
            self.receive(family, response)

    @precondition(lambda self: self.candidates("spent"))
    @rule(index=st.integers(0, 50), which=st.integers(0, 50))
    def reuse(self, index: int, which: int) -> None:
        families = self.candidates("spent")
        family = families[index % len(families)]
        assert self.world.refresh(family.spent[which % len(family.spent)]).status == 400
        family.dead = True

    @precondition(lambda self: self.candidates("access"))
    @rule(index=st.integers(0, 50), all_of_it=st.booleans())
    def give_up(self, index: int, *, all_of_it: bool) -> None:
        families = self.candidates("access")
        family = families[index % len(families)]
        whole = all_of_it and family.fresh != ""
        token = family.fresh if whole else list(family.access)[-1]
        body = form.encode({"client_id": "demo", "token": token})
        assert self.world.send("POST", "/oauth/revoke", *FORM, body=body).status == 200
        if whole:
            family.dead = True
            return
        family.access[token] = 0

    @precondition(lambda self: self.candidates("id_token"))
    @rule(index=st.integers(0, 50))
    def log_out(self, index: int) -> None:
        families, sid = self.candidates("id_token"), self.sid()
        family = families[index % len(families)]
        sessions: Any = self.world.provider.controls.state()["sessions"]
        self.world.visit("GET", f"/oidc/logout?id_token_hint={family.id_token}")
        if sessions and sessions[0]["sub"] == family.sub:
            assert self.sid() == ""
            self.end_session(sid)

    @rule(how=st.sampled_from(["revoke alice", "revoke bob", "access_token", "refresh_token"]))
    def control(self, how: Any) -> None:  # noqa: ANN401
        controls = self.world.provider.controls
        if how.startswith("revoke"):
            sub = how.removeprefix("revoke ")
            controls.revoke(sub=sub)
            for family in self.families:
                family.dead = family.dead or family.sub == sub
            return
        controls.expire(how)
        for family in self.families:
            if how == "access_token":
                family.access = dict.fromkeys(family.access, 0.0)
            else:
                family.fresh, family.spent = "", []

    @rule(seconds=st.sampled_from([1, 59, 61, 599, 601, 3600]))
    def wait(self, seconds: int) -> None:
        self.world.provider.controls.advance(seconds)

    @invariant()
    def every_token_is_as_good_as_the_model_says(self) -> None:
        for family in self.families:
            for token, until in family.access.items():
                good = not family.dead and self.now < until
                assert self.world.userinfo(token).status == (200 if good else 401)
            for token in family.spent if family.dead else ():
                assert self.world.refresh(token).status == 400
            if family.dead and family.fresh:
                assert self.world.refresh(family.fresh).status == 400

    @invariant()
    def nothing_failed(self) -> None:
        assert "server_error" not in self.world.trace


Tokens.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTokens = Tokens.TestCase
