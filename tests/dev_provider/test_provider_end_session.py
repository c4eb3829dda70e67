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


@pytest.mark.parametrize("name", ["ui_locales", "logout_hint"])
def test_parameters_that_the_specification_allows_are_accepted(name: str) -> None:
    world = World()
    hint = world.tokens()["id_token"]
    assert log_out(world, id_token_hint=hint, **{name: "x"}).status == 200
    assert not logged_in(world)


def test_a_body_of_another_kind_is_refused_and_told_of() -> None:
    world = World()
    assert world.send("POST", "/oidc/logout", ("Content-Type", "text/plain"), body="state=1").status == 400
    assert world.trace == ["end_session.error"]


def test_a_confirmation_that_cannot_be_taken_is_told_of() -> None:
    world = World()
    assert world.visit("POST", "/oidc/logout/confirm", {"interaction": "unknown"}).status == 400
    assert world.trace == ["end_session.error"]


def v2_logout(world: World, *headers: tuple[str, str], **params: str) -> Response:
    cookie = ("Cookie", "; ".join(f"{name}={value}" for name, value in world.cookies.items()))
    given = {"client_id": "demo", "returnTo": HOME, **params}
    return world.send("GET", f"/v2/logout?{form.encode(given)}", cookie, *headers)


NAVIGATION = ("Sec-Fetch-Dest", "document")
CROSS_SITE = ("Sec-Fetch-Site", "cross-site")


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (NAVIGATION, ("Sec-Fetch-Site", "same-site")),
        (NAVIGATION, ("Sec-Fetch-Site", "none")),
        (NAVIGATION, CROSS_SITE, ("Referer", HOME)),
        (NAVIGATION, CROSS_SITE, ("Referer", f"{HOME}deep?x#y")),
    ],
)
@pytest.mark.parametrize("federated", [{}, {"federated": ""}, {"federated": "true"}])
def test_the_application_logs_out_at_once_as_at_auth0(
    headers: tuple[tuple[str, str], ...], federated: dict[str, str]
) -> None:
    world = World()
    world.login()
    world.events.clear()
    response = v2_logout(world, *headers, **federated)
    assert (response.status, response.header("location")) == (303, HOME)
    assert world.trace[-2:] == ["session.destroyed", "end_session.success"]
    assert not logged_in(world)


@pytest.mark.parametrize(
    "headers",
    [
        (("Sec-Fetch-Dest", "image"),),
        (("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Site", "same-site")),
        (("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Site", "same-origin")),
        (NAVIGATION, CROSS_SITE),
        (NAVIGATION, CROSS_SITE, ("Referer", "https://evil.test/")),
        (NAVIGATION, CROSS_SITE, ("Referer", "http://127.0.0.1:9401@evil.test/")),
        (NAVIGATION, CROSS_SITE, ("Referer", HOME), ("Referer", "https://evil.test/")),
    ],
)
def test_what_a_foreign_page_starts_is_a_question_o11(headers: tuple[tuple[str, str], ...]) -> None:
    world = World()
    world.login()
    response = v2_logout(world, *headers)
    assert "/oidc/logout/confirm?" in (response.header("location") or "")
    assert logged_in(world)


def test_without_a_way_back_auth0s_logout_asks_and_goes_nowhere_o11() -> None:
    world = World()
    world.login()
    response = world.visit("GET", "/v2/logout")
    assert b"You are signed out" in world.answer(response, logout="1").body
    assert not logged_in(world)


def test_auth0s_logout_without_a_session_goes_straight_back() -> None:
    assert v2_logout(World()).header("location") == HOME


@pytest.mark.parametrize(
    "params",
    [
        {"returnTo": "https://evil.test/"},
        {"returnTo": "https://app.example/bye/", "client_id": "app"},
        {"returnTo": "https://app.example/bye?x", "client_id": "app"},
        {"returnTo": "https://app.example/bye", "client_id": ""},
        {"client_id": "nobody"},
        {"client_id": "app"},
    ],
)
def test_auth0s_logout_leads_only_where_it_is_registered_to_lead_o11(params: dict[str, str]) -> None:
    app = Client(client_id="app", post_logout_redirect_uris=("https://app.example/bye",))
    world = World(Options(clients=(DEMO, app)))
    world.login()
    world.events.clear()
    response = v2_logout(world, **params)
    assert (response.status, response.header("location")) == (400, None)
    assert world.trace == ["end_session.error"]
    assert logged_in(world)


def test_a_doubled_way_back_is_refused_o11() -> None:
    target = f"/v2/logout?client_id=demo&returnTo={HOME}&returnTo=https://evil.test/"
    assert World().visit("GET", target).status == 400


def test_a_login_page_is_no_logout_page_and_the_other_way_round() -> None:
    world = World()
    login = (world.authorize().header("location") or "").partition("?")[2]
    assert world.visit("GET", f"/oidc/logout/confirm?{login}").status == 400
    world.login()
    logout = (log_out(world).header("location") or "").partition("?")[2]
    assert world.visit("GET", f"/login?{logout}").status == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forced_error_at_the_question_is_one_event_and_the_question_stays(method: str) -> None:
    world = World()
    world.login()
    location = log_out(world).header("location") or ""
    fields = hidden_fields(world.visit("GET", location))
    world.events.clear()
    world.provider.controls.next("/oidc/logout/confirm", error="temporarily_unavailable", status=503)
    refused = world.visit(method, location, {**fields, "logout": "1"} if method == "POST" else None)
    assert (refused.status, refused.media_type) == (503, "text/html")
    assert world.trace == ["end_session.error"]
    world.visit("POST", "/oidc/logout/confirm", {**fields, "logout": "1"})
    assert not logged_in(world)
