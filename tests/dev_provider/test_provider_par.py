from typing import cast

import pytest
from dev_provider.harness import CALLBACK, FORM, World, answered, authorize_params, error_of, hidden_fields, members
from joserfc import jwt
from joserfc.jwk import ECKey

from spa_auth.dev_provider import DEMO, Api, Client, Options
from spa_auth.dev_provider.events import ClientEvent
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

PAR = "/oauth/par"
SECRET = Client(client_id="server", client_secret="s3cret", redirect_uris=(CALLBACK,))
STRICT = Client(client_id="strict", redirect_uris=(CALLBACK,), require_pushed_authorization_requests=True)
KEY = ECKey.generate_key("P-256")
JKT = KEY.thumbprint()


def push(world: World, *headers: tuple[str, str], **params: str) -> Response:
    """A pushed authorization request of the demo application with some parameters changed."""
    return world.send("POST", PAR, *FORM, *headers, body=form.encode(authorize_params(**params)))


def pushed(world: World, *headers: tuple[str, str], **params: str) -> str:
    """The request_uri of such a request."""
    return str(members(push(world, *headers, **params), 201)["request_uri"])


def go(world: World, request_uri: str, **params: str) -> Response:
    """Go to the authorization endpoint with a request_uri."""
    return world.visit("GET", "/authorize?" + form.encode({"client_id": "demo", "request_uri": request_uri, **params}))


def is_page(response: Response) -> bool:
    return response.status == 400 and response.media_type == "text/html" and response.header("location") is None


def proof(world: World) -> tuple[str, str]:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)}
    claims = {"jti": "j-1", "htm": "POST", "htu": "http://127.0.0.1:9400/oauth/par", "iat": int(world.clock())}
    return ("DPoP", jwt.encode(header, claims, KEY, algorithms=["ES256"]))


def test_a_pushed_request_is_named_and_answered_once() -> None:
    world = World()
    answer = push(world, state="pushed")
    body = members(answer, 201)
    assert set(body) == {"request_uri", "expires_in"}
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert len(body["request_uri"]) > 60
    assert body["expires_in"] == 60
    assert answer.header("cache-control") == "no-store"
    response = answered(world.answer(go(world, body["request_uri"]), user="alice"))
    assert response["state"] == "pushed"
    assert world.exchange(response["code"]).status == 200
    assert is_page(go(world, body["request_uri"]))


def test_the_events_tell_of_every_step() -> None:
    world = World()
    request_uri = pushed(world)
    assert world.trace == ["pushed_authorization_request.saved", "pushed_authorization_request.success"]
    client = cast("ClientEvent", world.events[-1][1]).client
    assert client == DEMO
    world.answer(go(world, request_uri), user="alice")
    steps = ["authorization_code.saved", "pushed_authorization_request.consumed", "authorization.success"]
    assert world.trace[-3:] == steps
    world.events.clear()
    push(world, scope='"')
    assert world.trace == ["pushed_authorization_request.error"]


def test_a_pushed_request_that_nobody_uses_is_destroyed() -> None:
    world = World()
    request_uri = pushed(world)
    world.clock.now += 60
    assert is_page(go(world, request_uri))
    assert world.trace[-2:] == ["pushed_authorization_request.destroyed", "authorization.error"]
    assert "pushed_authorization_request.consumed" not in world.trace


def test_the_login_page_of_a_pushed_request_can_be_loaded_again_and_outlives_it() -> None:
    world = World()
    request_uri = pushed(world)
    go(world, request_uri)
    page = go(world, request_uri)
    location = page.header("location") or ""
    world.visit("GET", location)
    world.clock.now += 100
    assert "code" in answered(world.answer(page, user="alice"))


def test_two_pages_of_one_request_uri_give_one_response() -> None:
    world = World()
    request_uri = pushed(world)
    first, second, other = go(world, request_uri), go(world, request_uri), go(world, pushed(world))
    fields = hidden_fields(world.visit("GET", second.header("location") or ""))
    assert "code" in answered(world.answer(first, user="alice"))
    assert world.visit("POST", "/login", {**fields, "user": "alice"}).status == 400
    assert "code" in answered(world.answer(other, user="alice"))


def test_an_error_uses_the_request_up_as_well() -> None:
    world = World()
    request_uri = pushed(world, prompt="none")
    assert answered(go(world, request_uri))["error"] == "login_required"
    assert world.trace[-2:] == ["pushed_authorization_request.consumed", "authorization.error"]
    assert is_page(go(world, request_uri))


def test_nothing_counts_that_stands_beside_a_request_uri() -> None:
    world = World()
    world.login()
    request_uri = pushed(world, state="pushed", prompt="none")
    response = go(world, request_uri, state="other", redirect_uri="http://localhost:1/", prompt="login", scope="x")
    assert answered(response)["state"] == "pushed"


@pytest.mark.parametrize(
    "changed",
    [
        {"request_uri": "urn:ietf:params:oauth:request_uri:guess"},
        {"request_uri": "https://app.example/request.jwt"},
        {"client_id": "server"},
        {"client_id": "nobody"},
        {"client_id": ""},
    ],
)
def test_an_unknown_request_uri_or_that_of_another_client_is_a_page_o05(changed: dict[str, str]) -> None:
    world = World(Options(clients=(DEMO, SECRET)))
    request_uri = pushed(world)
    world.events.clear()
    params = {"request_uri": request_uri, "redirect_uri": CALLBACK, "response_type": "code", **changed}
    page = go(world, **params)
    assert is_page(page)
    assert b"<code>invalid_request_uri</code>" in page.body
    assert world.trace == ["authorization.error"]
    assert "/login?" in (go(world, request_uri).header("location") or "")


def test_a_request_uri_that_comes_twice_is_a_page_o05() -> None:
    world = World()
    query = form.encode([("client_id", "demo"), *[("request_uri", pushed(world))] * 2])
    assert is_page(world.visit("GET", f"/authorize?{query}"))


@pytest.mark.parametrize(
    ("changed", "error", "status"),
    [
        ({"client_id": "nobody"}, "invalid_client", 401),
        ({"client_id": ""}, "invalid_client", 401),
        ({"client_secret": "x"}, "invalid_client", 401),
        ({"redirect_uri": "https://evil.test/"}, "invalid_request", 400),
        ({"redirect_uri": ""}, "invalid_request", 400),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request", 400),
        ({"request": "e30."}, "request_not_supported", 400),
        ({"response_type": "token"}, "unsupported_response_type", 400),
        ({"response_mode": "jwt"}, "invalid_request", 400),
        ({"code_challenge_method": "plain"}, "invalid_request", 400),
        ({"scope": '"'}, "invalid_scope", 400),
        ({"prompt": "none login"}, "invalid_request", 400),
        ({"audience": "https://other.example"}, "invalid_target", 400),
        ({"organization": "nobody"}, "invalid_request", 400),
        ({"dpop_jkt": "short"}, "invalid_request", 400),
        ({"id_token_hint": "x.y.z"}, "invalid_request", 400),
    ],
)
def test_the_rules_are_judged_when_the_request_is_pushed(changed: dict[str, str], error: str, status: int) -> None:
    world = World(Options(apis=(Api(audience="https://api.example"),)))
    response = push(world, **changed)
    assert (response.status, error_of(response)) == (status, error)
    assert world.trace == ["pushed_authorization_request.error"]


def test_the_error_of_a_push_keeps_to_the_characters_of_rfc_6749_whatever_the_client_is_called() -> None:
    world = World(Options(clients=(Client(client_id="demo", name='Café "x" \\', redirect_uris=(CALLBACK,)),)))
    text = members(push(world, redirect_uri="https://no.example/"), 400)["error_description"]
    assert text == "This redirect_uri is not registered for Caf x ."


def test_a_doubled_parameter_is_refused_when_pushed() -> None:
    body = form.encode([*authorize_params().items(), ("nonce", "n-2")])
    assert error_of(World().send("POST", PAR, *FORM, body=body)) == "invalid_request"


def test_a_client_with_a_secret_has_to_show_it_and_it_is_not_kept() -> None:
    world = World(Options(clients=(DEMO, SECRET)))
    assert push(world, client_id="server").status == 401
    request_uri = pushed(world, client_id="server", client_secret="s3cret")
    [kept] = world.provider._service.pushed_requests
    assert "client_secret" not in kept.params
    assert "s3cret" not in repr(kept) + repr(kept.params)
    assert "/login?" in (go(world, request_uri, client_id="server").header("location") or "")


def test_the_authorization_header_names_the_client_as_well() -> None:
    world = World(Options(clients=(SECRET,)))
    request_uri = pushed(world, ("Authorization", "Basic c2VydmVyOnMzY3JldA=="), client_id="")
    assert "/login?" in (go(world, request_uri, client_id="server").header("location") or "")


@pytest.mark.parametrize(
    ("options", "client_id"),
    [(Options(require_pushed_requests=True), "demo"), (Options(clients=(DEMO, STRICT)), "strict")],
)
def test_who_requires_pushed_requests_takes_no_others(options: Options, client_id: str) -> None:
    world = World(options)
    assert answered(world.authorize(client_id=client_id))["error"] == "invalid_request"
    request_uri = pushed(world, client_id=client_id)
    assert "/login?" in (go(world, request_uri, client_id=client_id).header("location") or "")


def test_discovery_names_the_endpoint_and_whether_it_must_be_used() -> None:
    metadata = members(World().send("GET", "/.well-known/openid-configuration"))
    assert metadata["pushed_authorization_request_endpoint"] == "http://127.0.0.1:9400/oauth/par"
    assert metadata["require_pushed_authorization_requests"] is False
    strict = World(Options(require_pushed_requests=True)).send("GET", "/.well-known/openid-configuration")
    assert members(strict)["require_pushed_authorization_requests"] is True


def test_scripts_of_every_origin_may_push() -> None:
    assert push(World()).header("access-control-allow-origin") == "*"
    assert World().send("OPTIONS", PAR).status == 204
    assert World().send("GET", PAR).status == 405


def test_a_dpop_proof_binds_the_code_as_dpop_jkt_does() -> None:
    world = World()
    world.login()
    answered(go(world, pushed(world, proof(world))))
    answered(world.authorize(dpop_jkt=JKT))
    assert [code.dpop_jkt for code in world.provider._service.codes] == [None, JKT, JKT]


def test_dpop_jkt_must_be_the_key_of_the_proof() -> None:
    world = World()
    assert error_of(push(world, proof(world), dpop_jkt="x" * 43)) == "invalid_request"
    world.clock.now += 1000
    assert push(world, proof(world), dpop_jkt=JKT).status == 201


def test_a_bad_proof_is_refused() -> None:
    assert error_of(push(World(), ("DPoP", "x.y.z"))) == "invalid_dpop_proof"


@pytest.mark.parametrize("dpop_jkt", ["x" * 42, "x" * 44, "x" * 42 + "="])
def test_a_malformed_dpop_jkt_is_an_invalid_request(dpop_jkt: str) -> None:
    assert answered(World().authorize(dpop_jkt=dpop_jkt))["error"] == "invalid_request"


def test_a_provider_without_dpop_reads_no_dpop_jkt() -> None:
    world = World(Options(dpop="off"))
    world.login(dpop_jkt=JKT)
    assert [code.dpop_jkt for code in world.provider._service.codes] == [None]


def test_a_fault_of_the_endpoint_is_its_error() -> None:
    world = World()
    world.provider.controls.next(PAR, error="temporarily_unavailable", status=503)
    assert push(world).status == 503
    assert world.trace == ["pushed_authorization_request.error"]
