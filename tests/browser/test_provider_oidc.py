"""A page of ours before npm `oidc-provider`, a provider that is not ours, in the two shapes of tests/peers/."""

from collections.abc import Iterator

import pytest
from browser.foreign_provider import Site, Tab, foreign_site
from playwright.sync_api import BrowserContext, Page

TIME_LIMIT = 30_000  # milliseconds; a page boots Python first
# The plain shape gives refresh tokens only to who asks for consent (OpenID Connect Core 1.0 section 11).
CONSENT = {"prompt": "consent"}
AGAIN = 'await auth.get_token_silently(cache_mode="off")'


@pytest.fixture(scope="module")
def bent_site() -> Iterator[Site]:
    with foreign_site(shape="bent") as site:
        yield site


@pytest.fixture(scope="module")
def plain_site() -> Iterator[Site]:
    with foreign_site(shape="plain") as site:
        yield site


@pytest.fixture(scope="module")
def pushing_site() -> Iterator[Site]:
    with foreign_site(shape="plain", par=True) as site:
        yield site


@pytest.fixture
def bent(page: Page, context: BrowserContext, bent_site: Site) -> Iterator[Tab]:
    """Before the provider that was bent until it behaves like Auth0."""
    yield from _tab(page, context, bent_site)


@pytest.fixture
def plain(page: Page, context: BrowserContext, plain_site: Site) -> Iterator[Tab]:
    """Before the provider as its authors hand it out."""
    yield from _tab(page, context, plain_site)


@pytest.fixture
def pushing(page: Page, context: BrowserContext, pushing_site: Site) -> Iterator[Tab]:
    """Before a provider that takes no authorization request from an address."""
    yield from _tab(page, context, pushing_site)


def _tab(page: Page, context: BrowserContext, site: Site) -> Iterator[Tab]:
    context.set_default_timeout(TIME_LIMIT)
    context.set_default_navigation_timeout(TIME_LIMIT)
    site.clear()
    tab = Tab(page, site)
    yield tab
    tab.nothing_leaked()
    # Nor was a spent refresh token sent again, on which this provider ends everything (RFC 9700 section 4.14.2).
    assert {"grant.error", "server_error"}.isdisjoint(site.events() - site.expected)


def test_a_login_by_redirect_ends_with_the_user_and_what_the_application_gave(bent: Tab) -> None:
    bent.open()
    bent.log_in('await auth.login_with_redirect(app_state={"basket": [1, 2]}, return_to="?page=2#notes")')
    assert bent.page.url == f"{bent.url}?page=2#notes"
    assert bent.run("[auth.user.name, auth.user.email, result.app_state, result.error]") == [
        "Alice Example", "alice@example.test", {"basket": [1, 2]}, None,
    ]  # fmt: skip
    assert bent.site.grants() == ["authorization_code"]


def test_an_api_takes_the_access_token(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    assert bent.run('await auth.fetch_with_auth("/notes").json()')[0] == "note of alice"


def test_a_refused_login_is_an_error_of_its_own(bent: Tab) -> None:
    bent.open()
    bent.leave('await auth.login_with_redirect(app_state="kept")')
    bent.page.click("text=Cancel")
    bent.is_ready()
    assert bent.run("[result.error.error, result.app_state, auth.user]") == ["access_denied", "kept", None]


def test_a_reload_logs_in_silently_through_the_callback_page(bent: Tab) -> None:
    bent.open()
    bent.log_in(user="bob")
    bent.reload()
    assert bent.user["name"] == "Bob Example"
    assert bent.site.exchanges("authorization_endpoint")[-1].parameters["prompt"] == "none"
    assert bent.site.grants() == ["authorization_code"] * 2


def test_a_silent_login_without_a_session_at_the_provider_is_no_error(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    bent.page.context.clear_cookies()
    bent.reload()
    assert bent.user is None
    assert bent.run(AGAIN) == {"raised": "LoginRequiredError", "error": "login_required"}


def test_refresh_tokens_are_spent_one_after_the_other(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    tokens = [bent.run(AGAIN) for _ in range(3)]
    assert len(set(tokens)) == 3
    refreshes = bent.site.exchanges("token_endpoint")[1:]
    assert [(each.form["grant_type"], each.status) for each in refreshes] == [("refresh_token", 200)] * 3
    assert len({each.form["refresh_token"] for each in refreshes}) == 3


def test_many_calls_at_once_spend_one_refresh_token(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    many = 'len(set(await asyncio.gather(*(auth.get_token_silently(cache_mode="off") for _ in range(20)))))'
    assert bent.run(many) == 1
    assert bent.site.grants() == ["authorization_code", "refresh_token"]


def test_a_logout_ends_the_session_of_the_provider_and_comes_back(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    assert bent.is_known_at_the_provider()
    bent.leave("await auth.logout()")
    bent.is_ready()
    assert bent.user is None
    assert not bent.is_known_at_the_provider()
    (first, *_) = bent.site.exchanges("end_session_endpoint")
    assert {"client_id", "id_token_hint", "post_logout_redirect_uri"} <= first.parameters.keys()


def test_max_age_is_answered_with_the_time_of_the_login(bent: Tab) -> None:
    bent.open()
    bent.log_in("await auth.login_with_redirect(max_age=300)")
    assert bent.run("type((await auth.get_id_token_claims())['auth_time']).__name__") == "int"


def test_somebody_else_logs_in_at_the_provider_that_is_asked_for_a_login(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    bent.log_in('await auth.login_with_redirect(authorization_params={"prompt": "login"})', user="bob")
    assert bent.user["sub"] == "bob"
    assert bent.run(f"{AGAIN} and auth.user.sub") == "bob"


def test_a_token_for_another_api_comes_through_the_hidden_frame(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    assert bent.run('await auth.get_token_silently(audience="https://api.other")')
    assert bent.site.exchanges("authorization_endpoint")[-1].parameters["audience"] == "https://api.other"
    assert bent.run('await auth.fetch_with_auth("/notes").json()')[0] == "note of alice"


def test_a_revoked_refresh_token_ends_the_session_of_the_page(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    bent.revoke(bent.site.issued("refresh_token"))
    assert bent.run(AGAIN) == {"raised": "LoginRequiredError", "error": "login_required"}
    assert bent.user is None
    bent.site.expect("grant.error")


def test_a_page_of_another_site_than_the_provider_logs_in_but_not_silently(bent: Tab) -> None:
    """The frame of another site gets no cookie with SameSite=Lax."""
    origin = bent.site.origin.replace("127.0.0.1", "localhost")
    abroad = Tab(bent.page, bent.site, origin=origin)
    abroad.open()
    abroad.log_in()
    assert abroad.user["sub"] == "alice"
    assert abroad.run(AGAIN)
    abroad.reload()
    assert abroad.user is None
    assert "error=login_required" in str(bent.site.exchanges("authorization_endpoint")[-1].location)


def test_a_silent_login_by_web_message_needs_no_callback_page(bent: Tab) -> None:
    bent.open(redirect_uri=None)
    bent.log_in()
    bent.reload()
    assert bent.user["sub"] == "alice"
    asked = bent.site.exchanges("authorization_endpoint")[-1].parameters
    assert (asked["prompt"], asked["response_mode"]) == ("none", "web_message")


def test_without_prompt_consent_there_is_no_refresh_token_and_the_hidden_frame_renews(plain: Tab) -> None:
    plain.open(audience=None, scope="openid profile email")
    plain.log_in()
    assert plain.user["sub"] == "alice"
    assert plain.run(AGAIN)
    assert plain.site.grants() == ["authorization_code"] * 2


def test_with_prompt_consent_the_hidden_frame_asks_for_none_and_refresh_tokens_rotate(plain: Tab) -> None:
    plain.open(audience=None, scope="openid profile email", authorization_params=CONSENT)
    plain.log_in()
    assert len({plain.run(AGAIN) for _ in range(2)}) == 2
    assert plain.site.grants() == ["authorization_code", "refresh_token", "refresh_token"]
    plain.reload()
    assert plain.user["sub"] == "alice"
    assert plain.site.exchanges("authorization_endpoint")[-1].parameters["prompt"] == "none"


def test_a_logout_asks_the_user_and_comes_back(plain: Tab) -> None:
    plain.open(audience=None, scope="openid profile email")
    plain.log_in()
    plain.leave("await auth.logout()")
    plain.page.click("button[value=yes]")
    plain.is_ready()
    assert plain.user is None
    assert not plain.is_known_at_the_provider()


def test_resource_names_the_api_in_every_request(plain: Tab) -> None:
    """RFC 8707: this provider forgets between authorization and token endpoint which API was meant."""
    plain.open(provider={"api_parameter": "resource"}, authorization_params=CONSENT)
    plain.log_in()
    assert plain.run('await auth.fetch_with_auth("/notes").json()')[0] == "note of alice"
    assert plain.run(AGAIN)
    assert plain.run('await auth.fetch_with_auth("/notes").json()')[0] == "note of alice"
    asked = [plain.site.exchanges("authorization_endpoint")[0].parameters]
    asked += [each.form for each in plain.site.exchanges("token_endpoint")]
    assert [(each["resource"], "audience" in each) for each in asked] == [("https://api.example", False)] * 3


def test_a_scope_that_was_not_agreed_to_is_said_to_need_consent(plain: Tab) -> None:
    plain.open(audience=None, scope="openid")
    plain.log_in()
    refused = plain.run('await auth.get_token_silently(scope="email")')
    assert refused == {"raised": "ConsentRequiredError", "error": "consent_required"}
    assert plain.user["sub"] == "alice"


def test_requests_are_pushed_where_the_provider_takes_no_other(pushing: Tab) -> None:
    pushing.open(audience=None, scope="openid profile email")
    pushing.log_in()
    assert pushing.run(AGAIN)
    pushed = pushing.site.exchanges("pushed_authorization_request_endpoint")
    assert [each.status for each in pushed] == [201, 201]
    for each in pushing.site.exchanges("authorization_endpoint"):
        assert set(each.parameters) == {"client_id", "request_uri"}
