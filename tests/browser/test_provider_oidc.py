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
    assert site.mishaps() == []


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
    refresh_token = bent.site.issued("refresh_token")
    bent.leave("await auth.logout()")
    bent.is_ready()
    assert bent.user is None
    assert not bent.is_known_at_the_provider()
    (revocation,) = bent.site.exchanges("revocation_endpoint")
    assert (revocation.form["token"], revocation.status) == (refresh_token, 200)
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
    bent.site.provoked("invalid_grant")


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


def test_a_page_of_another_site_is_logged_in_again_by_leaving_for_a_moment(bent: Tab) -> None:
    """silent_mode="redirect": the one way that survives a reload where frames get no cookies."""
    abroad = Tab(bent.page, bent.site, origin=bent.site.origin.replace("127.0.0.1", "localhost"))
    abroad.open(silent_mode="redirect")
    abroad.log_in()
    abroad.page.goto(f"{abroad.url}?page=2")
    abroad.wait_for_user()
    assert abroad.page.url == f"{abroad.url}?page=2"
    assert bent.site.exchanges("authorization_endpoint")[-1].parameters["prompt"] == "none"


def test_the_session_of_the_provider_is_taken_over_when_it_is_asked_for(bent: Tab) -> None:
    bent.open()
    refused = {"raised": "LoginRequiredError", "error": "login_required"}
    assert bent.run("await auth.check_sso_session()") == refused
    bent.log_in()
    bent.page.evaluate("localStorage.clear()")
    bent.reload()
    assert bent.user is None
    found = bent.run('(lambda found: [found.state, found.refresh_token])(await auth.check_sso_session(state="mine"))')
    assert found == ["mine", None]
    assert bent.run("auth.user.sub") == "alice"


def test_a_refresh_token_is_given_up_and_the_hidden_frame_takes_its_place(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    assert bent.run("await auth.revoke_refresh_token()") is None
    assert [each.status for each in bent.site.exchanges("revocation_endpoint")] == [200]
    assert bent.run(AGAIN)
    assert bent.site.grants() == ["authorization_code"] * 2


def test_an_id_token_is_exchanged_for_a_token_of_another_api(bent: Tab) -> None:
    bent.open()
    bent.log_in()
    subject = "subject_token=auth._context.session.current.id_token"
    kind = 'subject_token_type="urn:ietf:params:oauth:token-type:id_token"'
    exchange = f'await auth.custom_token_exchange({subject}, {kind}, audience="https://api.other")'
    assert bent.run(f"({exchange}).token_type") == "Bearer"
    assert bent.site.grants()[-1] == "urn:ietf:params:oauth:grant-type:token-exchange"


def test_the_older_form_of_logout_comes_back_too(page: Page, context: BrowserContext) -> None:
    with foreign_site(shape="bent", slash=True) as site:
        for tab in _tab(page, context, site):
            tab.open(provider={"logout": "v2_logout"})
            tab.log_in()
            tab.leave("await auth.logout()")
            tab.is_ready()
            assert tab.user is None
            assert not tab.is_known_at_the_provider()
            (logout, *_) = site.exchanges("end_session_endpoint")
            assert (logout.path, logout.parameters) == ("/v2/logout", {"client_id": "spa", "returnTo": tab.url})


def test_a_silent_login_by_web_message_needs_no_callback_page(bent: Tab) -> None:
    bent.open(redirect_uri=None)
    bent.log_in()
    bent.reload()
    assert bent.user["sub"] == "alice"
    asked = bent.site.exchanges("authorization_endpoint")[-1].parameters
    assert (asked["prompt"], asked["response_mode"]) == ("none", "web_message")


def test_a_second_tab_is_logged_in_with_the_first_and_out_again(bent: Tab) -> None:
    bent.open()
    second = bent.another()
    assert second.user is None
    bent.log_in()
    second.wait_for("auth.user is not None")
    for _ in range(2):
        for tab in (bent, second):
            assert tab.run(AGAIN)
    bent.leave("await auth.logout()")
    bent.is_ready()
    second.wait_for("auth.user is None")


def test_two_tabs_with_one_store_spend_each_refresh_token_once(bent: Tab) -> None:
    bent.open(cache_location="localstorage")
    bent.log_in()
    second = bent.another()
    assert second.user["sub"] == "alice"
    for tab in (bent, second):
        tab.begin(f"tokens = [{AGAIN} for _ in range(5)]")
    for tab in (bent, second):
        tab.wait_for("'tokens' in globals()")
    spent = [each.form["refresh_token"] for each in bent.site.exchanges("token_endpoint")[1:]]
    assert len(spent) == len(set(spent)) >= 5
    bent.run("await auth.logout(open_url=False)")


@pytest.mark.parametrize("mode", ["callback_page", "web_message"])
def test_a_popup_answers_the_page(bent: Tab, mode: str) -> None:
    bent.open(popup_mode=mode)
    bent.log_in_by_popup(user="bob")
    assert bent.user["sub"] == "bob"
    assert bent.run('await auth.fetch_with_auth("/notes").json()')[0] == "note of bob"
    asked = bent.site.exchanges("authorization_endpoint")[0].parameters
    assert asked.get("response_mode") == (None if mode == "callback_page" else "web_message")


def test_a_popup_in_which_the_user_says_no_is_an_error_of_its_own(bent: Tab) -> None:
    bent.open()
    with bent.page.expect_popup() as opened:
        bent.begin("await auth.login_with_popup()")
    opened.value.click("text=Cancel")
    bent.wait_for("'access_denied' in failures")
    assert bent.user is None


def test_a_link_logs_in_the_page_that_made_it(bent: Tab) -> None:
    bent.open()
    bent.run("link = await auth.login_link()")
    other = bent.page.context.new_page()
    other.goto(bent.run("link.url"))
    bent.sign_in(other, "bob")
    assert bent.run("(await link.result(timeout=20)).sub") == "bob"
    assert bent.run('await auth.fetch_with_auth("/notes").json()')[0] == "note of bob"


def test_tokens_are_renewed_ahead_of_their_end(page: Page, context: BrowserContext) -> None:
    with foreign_site(shape="bent", accessTokenLifetime=8) as site:
        for tab in _tab(page, context, site):
            tab.open(auto_renew=True)
            tab.log_in()
            tab.wait_for("'token.refreshed' in happened")
            assert site.grants()[:2] == ["authorization_code", "refresh_token"]


def test_without_prompt_consent_there_is_no_refresh_token_and_the_hidden_frame_renews(plain: Tab) -> None:
    plain.open(audience=None, scope="openid profile email")
    plain.log_in()
    assert plain.user["sub"] == "alice"
    assert plain.run(AGAIN)
    assert plain.site.grants() == ["authorization_code"] * 2


def test_claims_that_the_id_token_lacks_come_from_userinfo(plain: Tab) -> None:
    plain.open(audience=None, scope="openid profile email")
    plain.log_in()
    assert plain.run("[auth.user.name, auth.user.email]") == ["Alice Example", "alice@example.test"]
    assert "name" not in plain.run("await auth.get_id_token_claims()")
    assert [each.status for each in plain.site.exchanges("userinfo_endpoint")] == [200]
    assert plain.run(f"{AGAIN} and auth.user.name") == "Alice Example"


def test_a_popup_goes_through_the_pages_of_a_provider_and_answers(plain: Tab) -> None:
    plain.open(audience=None, scope="openid profile email")
    plain.log_in_by_popup()
    assert plain.user["sub"] == "alice"


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
    assert plain.run("[auth.user.sub, result.error]") == ["alice", None]
    assert plain.run('await auth.fetch_with_auth("/notes").json()')[0] == "note of alice"
    assert plain.run(AGAIN)
    assert plain.run('await auth.fetch_with_auth("/notes").json()')[0] == "note of alice"
    (asked,) = plain.site.exchanges("authorization_endpoint")
    sent = [asked.parameters, *(each.form for each in plain.site.exchanges("token_endpoint"))]
    assert [(each["resource"], "audience" in each) for each in sent] == [("https://api.example", False)] * 3


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
