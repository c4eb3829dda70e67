import base64
from urllib.parse import quote_plus

import pytest
from dev_provider.harness import CALLBACK, FORM, VERIFIER, World, error_of, members

from spa_auth.dev_provider import DEMO, Client, Options
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

SECRET = "s3:cret é+/="
WEB = Client(client_id="we b:1", client_secret=SECRET, redirect_uris=(CALLBACK,))
OPTIONS = Options(clients=(DEMO, WEB))


def basic(client_id: str, secret: str) -> tuple[str, str]:
    """RFC 6749 section 2.3.1: both halves form-encoded, then joined, then base64."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"


def exchange(world: World, *headers: tuple[str, str], **params: str) -> Response:
    """Exchange a code that is good, in some way of showing who asks."""
    code = world.login(client_id=WEB.client_id)["code"]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return world.send("POST", "/oauth/token", *FORM, *headers, body=form.encode({**fields, **params}))


def test_a_secret_in_the_header_is_form_encoded_first() -> None:
    assert members(exchange(World(OPTIONS), basic(WEB.client_id, SECRET)))["access_token"]


def test_the_header_may_be_joined_by_the_same_client_id_in_the_body() -> None:
    response = exchange(World(OPTIONS), basic(WEB.client_id, SECRET), client_id=WEB.client_id)
    assert response.status == 200


def test_a_secret_in_the_body_is_as_good() -> None:
    assert exchange(World(OPTIONS), client_id=WEB.client_id, client_secret=SECRET).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        (basic(WEB.client_id, "wrong"),),
        (basic(WEB.client_id, ""),),
        (basic("nobody", SECRET),),
        (basic("", ""),),
        (("Authorization", "Basic !!!"),),
        (("Authorization", "Basic"),),
        (("Authorization", "Bearer x"),),
        (("Authorization", f"Basic {base64.b64encode(b'%ff:x').decode()}"),),
        (("Authorization", f"Basic {base64.b64encode(b'demo:x').decode()}"),),
        (("Authorization", f"Basic {base64.b64encode(b'demo:').decode()}"),),
    ],
)
def test_a_header_that_shows_no_client_is_a_401_with_a_challenge(headers: tuple[tuple[str, str], ...]) -> None:
    world = World(OPTIONS)
    response = exchange(world, *headers)
    assert (response.status, error_of(response)) == (401, "invalid_client")
    assert (response.header("www-authenticate") or "").startswith("Basic ")
    assert world.trace[-1] == "grant.error"


@pytest.mark.parametrize(
    "params",
    [
        {"client_id": WEB.client_id},
        {"client_id": WEB.client_id, "client_secret": "wrong"},
        {"client_id": WEB.client_id, "client_secret": f"{SECRET} "},
        {"client_id": "demo", "client_secret": SECRET},
        {"client_secret": SECRET},
        {},
    ],
)
def test_a_body_that_shows_no_client_is_a_401(params: dict[str, str]) -> None:
    response = exchange(World(OPTIONS), **params)
    assert (response.status, error_of(response)) == (401, "invalid_client")
    assert SECRET.encode() not in response.body


def test_two_ways_at_once_and_two_clients_at_once_are_malformed_requests() -> None:
    good = basic(WEB.client_id, SECRET)
    for headers, params in (
        ((good,), {"client_secret": SECRET}),
        ((good, good), {}),
        ((good,), {"client_id": "demo"}),
    ):
        response = exchange(World(OPTIONS), *headers, **params)
        assert (response.status, error_of(response)) == (400, "invalid_request")


def test_a_public_client_is_known_by_its_name_and_has_no_secret() -> None:
    world = World()
    assert world.exchange(world.login()["code"]).status == 200
    assert error_of(world.exchange(world.login()["code"], client_secret="any")) == "invalid_client"


@pytest.mark.parametrize(
    ("method", "post", "header"),
    [("client_secret_post", 200, 401), ("client_secret_basic", 401, 200), (None, 200, 200)],
)
def test_a_client_that_registered_one_way_uses_no_other(method: str | None, post: int, header: int) -> None:
    bound = Client(
        client_id=WEB.client_id, client_secret=SECRET, redirect_uris=(CALLBACK,), token_endpoint_auth_method=method
    )
    world = World(Options(clients=(bound,)))
    assert exchange(world, client_id=bound.client_id, client_secret=SECRET).status == post
    assert exchange(world, basic(bound.client_id, SECRET)).status == header


def test_a_client_uses_only_the_grant_types_that_it_registered() -> None:
    code_only = Client(client_id="code-only", redirect_uris=(CALLBACK,), grant_types=("authorization_code",))
    world = World(Options(clients=(code_only,)))
    code = world.login(client_id="code-only", scope="openid offline_access")["code"]
    answer = members(world.exchange(code, client_id="code-only"))
    assert "refresh_token" not in answer
    assert error_of(world.refresh("any", client_id="code-only")) == "unauthorized_client"
