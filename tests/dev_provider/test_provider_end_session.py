import pytest
from dev_provider.harness import World, answered, hidden_fields

from spa_auth.dev_provider import DEMO, Client, Options
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

HOME = "http://127.0.0.1:9401/"


def log_out(world: World, **params: str) -> Response:
    return world.visit("GET", f"/oidc/logout?{form.encode(params)}")


def logged_in(world: World) -> bool:
    return "code" in answered(world.authorize(prompt="none"))


def test_an_id_token_of_the_user_logs_out_at_once_and_goes_back_with_state_o11() -> None:
    world = World()
    hint = world.tokens()["id_token"]
    response = log_out(world, id_token_hint=hint, client_id="demo", post_logout_redirect_uri=HOME, state="a&b")
    assert response.status == 303
    assert response.header("location") == f"{HOME}?state=a%26b"
    assert not logged_in(world)


def test_an_expired_id_token_is_still_a_hint() -> None:
    world = World()
    hint = world.tokens()["id_token"]
    world.clock.now += 4000
    log_out(world, id_token_hint=hint)
    assert not logged_in(world)


def test_without_a_hint_the_user_is_asked_first_o11() -> None:
    world = World()
    world.login()
    response = log_out(world, client_id="demo", post_logout_redirect_uri=HOME, state="s")
    assert "/oidc/logout/confirm?" in (response.header("location") or "")
    assert logged_in(world)
    assert world.answer(response, logout="1").header("location") == f"{HOME}?state=s"
    assert not logged_in(world)


def test_the_user_can_stay_signed_in_o11() -> None:
    world = World()
    world.login()
    page = world.answer(log_out(world), stay="1")
    assert b"still signed in" in page.body
    assert logged_in(world)


def test_the_id_token_of_somebody_else_does_not_log_out_o11() -> None:
    world = World()
    hint = world.tokens("alice")["id_token"]
    world.login("bob")
    assert "/confirm?" in (log_out(world, id_token_hint=hint).header("location") or "")
    assert logged_in(world)


def test_a_foreign_page_cannot_confirm_o11() -> None:
    world = World()
    world.login()
    location = log_out(world).header("location") or ""
    fields = hidden_fields(world.visit("GET", location))
    assert world.visit("POST", "/oidc/logout/confirm", {**fields, "csrf": "guess", "logout": "1"}).status == 400
    cookies, world.cookies = world.cookies, {}
    assert world.visit("POST", "/oidc/logout/confirm", {**fields, "logout": "1"}).status == 400
    world.cookies = cookies
    assert logged_in(world)


def test_without_a_session_nobody_is_asked() -> None:
    world = World()
    assert log_out(world, client_id="demo", post_logout_redirect_uri=HOME).header("location") == HOME
    assert b"You are signed out" in log_out(world).body


def test_a_post_is_as_good_as_a_get() -> None:
    world = World()
    hint = world.tokens()["id_token"]
    assert world.visit("POST", "/oidc/logout", {"id_token_hint": hint}).status == 200
    assert not logged_in(world)


@pytest.mark.parametrize(
    "params",
    [
        {"client_id": "demo", "post_logout_redirect_uri": "https://evil.test/"},
        {"client_id": "app", "post_logout_redirect_uri": "https://app.example/bye?x"},
        {"client_id": "app", "post_logout_redirect_uri": HOME},
        {"client_id": "nobody", "post_logout_redirect_uri": HOME},
        {"post_logout_redirect_uri": HOME},
        {"id_token_hint": "x.y.z"},
        {"id_token_hint": "eyJhbGciOiJub25lIn0.e30."},
    ],
)
def test_a_bad_logout_is_a_page_never_a_redirect_and_ends_nothing_o11(params: dict[str, str]) -> None:
    app = Client(client_id="app", post_logout_redirect_uris=("https://app.example/bye",))
    world = World(Options(clients=(DEMO, app)))
    world.login()
    world.events.clear()
    response = log_out(world, **params)
    assert response.status == 400
    assert response.header("location") is None
    assert world.trace == ["end_session.error"]
    assert logged_in(world)


def test_a_hint_for_another_client_is_refused() -> None:
    world = World(Options(clients=(DEMO, Client(client_id="app"))))
    hint = world.tokens()["id_token"]
    assert log_out(world, id_token_hint=hint, client_id="app").status == 400


def test_a_doubled_parameter_is_refused() -> None:
    assert World().visit("GET", "/oidc/logout?state=1&state=2").status == 400


def test_a_registered_address_is_gone_to() -> None:
    app = Client(client_id="app", post_logout_redirect_uris=("https://app.example/bye",))
    world = World(Options(clients=(app,)))
    response = log_out(world, client_id="app", post_logout_redirect_uri="https://app.example/bye")
    assert response.header("location") == "https://app.example/bye"


def test_a_logout_ends_tokens_of_the_session_but_not_offline_access() -> None:
    world = World()
    online = world.tokens()
    offline = world.tokens(scope="openid offline_access")
    log_out(world, id_token_hint=offline["id_token"])
    assert world.userinfo(online["access_token"]).status == 401
    assert world.refresh(offline["refresh_token"]).status == 200


def test_a_login_page_is_no_logout_page_and_the_other_way_round() -> None:
    world = World()
    login = (world.authorize().header("location") or "").partition("?")[2]
    assert world.visit("GET", f"/oidc/logout/confirm?{login}").status == 400
    world.login()
    logout = (log_out(world).header("location") or "").partition("?")[2]
    assert world.visit("GET", f"/login?{logout}").status == 400
