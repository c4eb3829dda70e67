import pytest
from dev_provider.harness import CALLBACK, ISSUER, World, answered, authorize_params, hidden_fields

from spa_auth.dev_provider import DEMO, Client, Options, User, named_user
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

HOSTILE = "\"'><script>alert(1)</script>{0}{csrf}&amp;"


def login_page(world: World, **params: str) -> Response:
    return world.visit("GET", world.authorize(**params).header("location") or "")


def test_hostile_text_is_escaped_wherever_it_is_shown_o09() -> None:
    evil = Client(client_id=HOSTILE, name=HOSTILE, redirect_uris=(CALLBACK,))
    world = World(Options(clients=(DEMO, evil), users=(named_user(HOSTILE, HOSTILE),)))
    pages = [
        login_page(world, client_id=HOSTILE, login_hint=HOSTILE, state=HOSTILE),
        world.answer(world.authorize(client_id=HOSTILE), name=" "),
        world.authorize(client_id=HOSTILE + "x"),
        world.authorize(redirect_uri=HOSTILE),
        world.visit("GET", f"/oidc/logout?{form.encode({'post_logout_redirect_uri': HOSTILE, 'client_id': HOSTILE})}"),
        world.visit("GET", f"/login?{form.encode({'interaction': HOSTILE})}"),
    ]
    world.answer(world.authorize(client_id=HOSTILE), name=HOSTILE)
    pages.append(world.visit("GET", "/"))
    pages.append(login_page(world, client_id=HOSTILE, prompt="login"))
    pages.append(world.visit("GET", world.visit("GET", "/oidc/logout").header("location") or ""))
    for page in pages:
        assert b"<script" not in page.body
        assert page.media_type == "text/html"


def test_no_page_can_be_framed_runs_a_script_or_loads_from_elsewhere_o09() -> None:
    world = World()
    for page in (
        login_page(world),
        world.visit("GET", "/"),
        world.visit("GET", "/nothing"),
        world.authorize(client_id="x"),
    ):
        policy = page.header("content-security-policy") or ""
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert page.header("x-frame-options") == "DENY"
        assert page.header("cache-control") == "no-store"
        assert page.header("referrer-policy") == "no-referrer"
        assert b"Development only" in page.body


@pytest.mark.parametrize(
    ("redirect_uri", "source"),
    [
        (CALLBACK, "http://127.0.0.1:9401"),
        ("http://localhost/cb", "http://localhost"),
        ("http://[::1]:8000/", "http:"),
    ],
)
def test_the_form_may_lead_to_the_application_and_nowhere_else(redirect_uri: str, source: str) -> None:
    policy = login_page(World(), redirect_uri=redirect_uri).header("content-security-policy") or ""
    assert policy.endswith(f"form-action 'self' {source}")


def test_the_answer_to_the_login_form_is_a_303_o07() -> None:
    world = World()
    assert world.answer(world.authorize(), user="alice").status == 303
    consent = world.authorize(prompt="consent")
    assert world.answer(consent, allow="1").status == 303


@pytest.mark.parametrize("changed", [{"csrf": ""}, {"csrf": "guess"}, {"interaction": "guess"}, {"interaction": ""}])
def test_a_form_without_our_token_is_refused_o09(changed: dict[str, str]) -> None:
    world = World()
    fields = hidden_fields(login_page(world))
    assert world.visit("POST", "/login", {**fields, "user": "alice", **changed}).status == 400
    assert not any("session" in name for name in world.cookies)


def test_a_login_page_is_good_in_one_browser_only_and_once_o09() -> None:
    world, other = World(), World()
    other.provider = world.provider
    location = world.authorize().header("location") or ""
    fields = {**hidden_fields(world.visit("GET", location)), "user": "alice"}
    assert other.visit("GET", location).status == 400
    assert other.visit("POST", "/login", fields).status == 400
    assert "code" in answered(world.visit("POST", "/login", fields))
    assert world.visit("POST", "/login", fields).status == 400
    assert world.visit("GET", location).status == 400


def test_a_login_page_expires() -> None:
    world = World()
    location = world.authorize().header("location") or ""
    world.clock.now += 3600
    assert world.visit("GET", location).status == 400


def test_a_user_that_is_not_on_the_page_cannot_be_clicked() -> None:
    world = World()
    assert world.answer(world.authorize(), user="mallory").status == 400


def test_the_first_user_has_the_focus_or_the_one_who_is_hinted_or_signed_in() -> None:
    def focused(page: Response) -> bytes:
        return page.body.partition(b" autofocus>")[0].rpartition(b"value=")[2]

    world = World()
    assert focused(login_page(world)) == b'"alice"'
    assert focused(login_page(world, login_hint="bob@example.com")) == b'"bob"'
    world.login("bob")
    assert focused(login_page(world, prompt="login")) == b'"bob"'


def test_a_login_hint_that_is_nobody_is_typed_already() -> None:
    body = login_page(World(), login_hint="dora@corp.test").body
    assert b'value="dora@corp.test"' in body
    assert body.partition(b" autofocus>")[0].endswith(b'spellcheck="false"')


def test_without_users_the_name_has_the_focus() -> None:
    world = World(Options(users=()))
    assert b" autofocus>" in login_page(world).body
    assert "code" in answered(world.answer(world.authorize(), name="Carol"))


def test_cookies_are_named_by_port_and_out_of_reach_of_scripts_and_foreign_sites() -> None:
    world = World()
    page = world.answer(world.authorize(), user="alice")
    cookie = page.header("set-cookie") or ""
    assert cookie.startswith("spa_auth_dev_session_9400=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")


def test_cookies_of_an_https_issuer_are_secure() -> None:
    world = World(Options(issuer="https://op.example/"))
    response = world.visit("GET", f"https://op.example/authorize?{form.encode(authorize_params())}")
    assert (response.header("set-cookie") or "").endswith("; Secure")


def test_every_login_has_a_new_session_cookie() -> None:
    world = World()
    world.login()
    first = dict(world.cookies)
    world.login()
    assert world.cookies != first
    world.cookies = first
    assert answered(world.authorize(prompt="none"))["error"] == "login_required"


def test_a_cookie_that_comes_twice_is_no_session() -> None:
    world = World()
    world.login()
    name, value = next(pair for pair in world.cookies.items() if "session" in pair[0])
    query = form.encode(authorize_params(prompt="none"))
    answer = world.send("GET", f"/authorize?{query}", ("Cookie", f"{name}={value}; {name}=other"))
    assert answered(answer)["error"] == "login_required"


@pytest.mark.parametrize("path", ["/assets/style.css", "/assets/icon.svg", "/favicon.ico", "/avatars/alice.svg"])
def test_assets_are_served_and_may_be_embedded_anywhere(path: str) -> None:
    response = World().send("GET", path)
    assert response.status == 200
    assert response.header("cross-origin-resource-policy") == "cross-origin"
    assert response.header("x-content-type-options") == "nosniff"


def test_the_picture_of_every_user_has_an_address_that_is_one() -> None:
    world = World(Options(users=(User('a b#c?d%zz/"<', {"name": "Odd"}),)))
    claims = world.verified(world.tokens(user='a b#c?d%zz/"<')["id_token"]).claims
    assert claims["picture"] == f"{ISSUER}avatars/a%20b%23c%3Fd%25zz%2F%22%3C.svg"
    page = world.visit("GET", world.authorize(prompt="login").header("location") or "")
    assert f'src="{claims["picture"]}"'.encode() in page.body


@pytest.mark.parametrize("path", ["/avatars/%3Cscript%3E.svg", "/avatars/%ff.svg", "/avatars/"])
def test_the_picture_of_a_hostile_name_is_harmless(path: str) -> None:
    response = World().send("GET", path)
    assert response.status == 200
    assert b"<script" not in response.body


def test_an_issuer_with_a_path_keeps_everything_below_it() -> None:
    world = World(Options(issuer="http://127.0.0.1:9400/tenant/"))
    start = f"http://127.0.0.1:9400/tenant/authorize?{form.encode(authorize_params())}"
    response = world.visit("GET", start)
    assert (response.header("location") or "").startswith("http://127.0.0.1:9400/tenant/login?")
    assert "; Path=/tenant/;" in (response.header("set-cookie") or "")
    assert b'href="/tenant/assets/style.css"' in world.visit("GET", response.header("location") or "").body
    assert world.visit("GET", "/authorize").status == 404
