"""auth0-spa-js, a client that is not ours, in Chromium: it logs in, renews and logs out at our provider."""

import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from browser.peer_pages import PeerPage, peer_page
from playwright.sync_api import BrowserContext

from spa_auth.dev_provider.options import Organization
from spa_auth.protocol import form

# Seconds for which a nonce is the newest: more than a test takes, and four of them fewer than a proof stays fresh.
LIFETIME = 60


@contextmanager
def auth0(
    context: BrowserContext, *, options: dict[str, object] | None = None, **provider: object
) -> Generator[PeerPage]:
    with peer_page(context, "auth0-spa-js", **provider) as tab:
        # Without a scheme it would take https; its own default of the issuer is this address with a final slash.
        domain = tab.site.provider.issuer.removesuffix("/")
        params = {"redirect_uri": tab.url}
        tab.open({"domain": domain, "clientId": "demo", "authorizationParams": params, **(options or {})})
        yield tab


def log_in(tab: PeerPage) -> None:
    tab.leave("client.loginWithRedirect({appState: {basket: [1, 2]}})")
    tab.click_user()


def test_a_login_by_redirect_ends_with_the_user_and_the_state_of_the_application(context: BrowserContext) -> None:
    with auth0(context) as tab:
        log_in(tab)
        assert tab.run("answer.appState") == {"basket": [1, 2]}
        user = tab.run("client.getUser()")
        assert (user["sub"], user["name"], user["email"]) == ("alice", "Alice Archer", "alice@example.com")
        assert tab.grants == ["authorization_code"]


def test_a_refused_login_is_said_with_its_error_code(context: BrowserContext) -> None:
    with auth0(context) as tab:
        tab.leave("client.loginWithRedirect()")
        tab.page.click("button[name=deny]")
        tab.is_ready()
        assert tab.run("answer") == {"error": "access_denied"}


def test_a_silent_frame_brings_new_tokens_by_web_message(context: BrowserContext) -> None:
    with auth0(context) as tab:
        log_in(tab)
        first = tab.run("client.getTokenSilently()")
        second = tab.run("client.getTokenSilently({cacheMode: 'off'})")
        assert first != second
        silent = dict(form.parse(tab.authorizations[-1].query))
        assert (silent["prompt"], silent["response_mode"]) == ("none", "web_message")


def test_a_silent_frame_without_a_login_is_told_so(context: BrowserContext) -> None:
    with auth0(context) as tab:
        assert tab.run("refusal(client.getTokenSilently())") == "login_required"
        assert tab.run("client.isAuthenticated()") is False


def test_a_silent_frame_whose_cookies_are_blocked_finds_nobody(context: BrowserContext) -> None:
    with auth0(context) as tab:
        log_in(tab)
        tab.site.provider.inner.controls.drop_cookies = "frames"
        assert tab.run("refusal(client.getTokenSilently({cacheMode: 'off'}))") == "login_required"


def test_a_popup_answers_by_web_message(context: BrowserContext) -> None:
    with auth0(context) as tab:
        with tab.page.expect_popup() as popup:
            tab.begin("client.loginWithPopup()")
        popup.value.click("button[value=bob]")
        tab.is_done()
        assert tab.run("client.getUser()")["sub"] == "bob"


def test_refresh_tokens_are_spent_one_after_the_other(context: BrowserContext) -> None:
    with auth0(context, options={"useRefreshTokens": True}) as tab:
        log_in(tab)
        tokens = [tab.run("client.getTokenSilently({cacheMode: 'off'})") for _ in range(3)]
        assert len(set(tokens)) == 3
        assert tab.grants == ["authorization_code", *["refresh_token"] * 3]
        assert len({grant["refresh_token"] for grant in tab.site.provider.journal.grants[1:]}) == 3


def test_a_logout_comes_back_and_the_next_silent_frame_finds_nobody(context: BrowserContext) -> None:
    with auth0(context) as tab:
        log_in(tab)
        tab.leave("client.logout({logoutParams: {returnTo: location.href}})")
        tab.is_ready()
        (logout,) = tab.site.provider.journal.of("GET", "/v2/logout")
        assert dict(form.parse(logout.query))["returnTo"] == tab.url
        assert tab.run("client.isAuthenticated()") is False
        assert tab.run("refusal(client.getTokenSilently())") == "login_required"


def test_a_revoked_refresh_token_brings_nothing_any_more(context: BrowserContext) -> None:
    with auth0(context, options={"useRefreshTokens": True}) as tab:
        log_in(tab)
        tab.run("client.revokeRefreshToken()")
        (revocation,) = tab.site.provider.journal.of("POST", "/oauth/revoke")
        assert (revocation.form["token_type_hint"], revocation.status) == ("refresh_token", 200)
        assert revocation.form["token"] == tab.issued("refresh_token")
        assert tab.run("refusal(client.getTokenSilently({cacheMode: 'off'}))") == "missing_refresh_token"


def test_credentials_of_elsewhere_are_exchanged_for_a_login_without_a_page(context: BrowserContext) -> None:
    with auth0(context) as tab:
        exchange = (
            "{subject_token_type: 'urn:acme:legacy-token', subject_token: 'bob', audience: 'https://api.example'}"
        )
        assert tab.run(f"client.loginWithCustomTokenExchange({exchange}).then(answer => answer.token_type)") == "Bearer"
        assert tab.run("client.getUser()")["sub"] == "bob"
        assert tab.authorizations == []


@pytest.mark.parametrize("organization", ["org_acme", "acme"])
def test_a_login_for_an_organization_is_told_in_the_id_token(context: BrowserContext, organization: str) -> None:
    """By its identifier and by its name: each is compared with a claim of its own."""
    organizations = (Organization(org_id="org_acme", name="acme"),)
    with auth0(context, organizations=organizations) as tab:
        tab.leave(f"client.loginWithRedirect({{authorizationParams: {{organization: '{organization}'}}}})")
        tab.click_user()
        claims = tab.run("client.getIdTokenClaims()")
        assert (claims["org_id"], claims["org_name"]) == ("org_acme", "acme")


def test_a_silent_frame_is_told_that_consent_is_missing_and_a_popup_asks_for_it(context: BrowserContext) -> None:
    with auth0(context, consent=True) as tab:
        tab.leave("client.loginWithRedirect()")
        tab.page.click("button[value=alice]")
        tab.page.click("button[name=allow]")
        tab.is_ready()
        asked = "{authorizationParams: {audience: 'https://api.example'}}"
        assert tab.run(f"refusal(client.getTokenSilently({asked}))") == "consent_required"
        with tab.page.expect_popup() as popup:
            tab.begin(f"client.getTokenWithPopup({asked})")
        popup.value.click("button[name=allow]")
        tab.is_done()
        assert tab.run(f"client.getTokenSilently({{cacheMode: 'off', ...{asked}}})")


@contextmanager
def dpop(context: BrowserContext, **options: object) -> Generator[PeerPage]:
    options = {"useDpop": True, "useRefreshTokens": True, **options}
    with auth0(context, options=options, dpop="required", dpop_nonces="required", dpop_nonce_lifetime=LIFETIME) as tab:
        # A new nonce from now on, so that the second at which the test runs makes no difference.
        tab.site.provider.inner.controls.advance(LIFETIME - time.time() % LIFETIME)
        yield tab


def test_dpop_goes_on_while_nonces_change_as_the_one_before_stays_good(context: BrowserContext) -> None:
    """P22: only the first request has to be sent twice."""
    with dpop(context) as tab:
        log_in(tab)
        assert tab.statuses("/oauth/token") == [400, 200]
        for _ in range(2):
            tab.site.provider.inner.controls.advance(LIFETIME)
            token = tab.run("client.getTokenSilently({cacheMode: 'off', detailedResponse: true})")
            assert token["token_type"] == "DPoP"
        assert tab.statuses("/oauth/token") == [400, 200, 200, 200]


def test_dpop_goes_on_after_a_pause_in_which_the_nonce_has_gone(context: BrowserContext) -> None:
    """P22: with the tokens in localStorage, as the page itself then sends what a worker would send."""
    with dpop(context, cacheLocation="localstorage") as tab:
        log_in(tab)
        tab.site.provider.inner.controls.advance(2 * LIFETIME)
        assert tab.run("client.getTokenSilently({cacheMode: 'off'})")
        assert tab.statuses("/oauth/token") == [400, 200, 400, 200]


def test_dpop_bound_tokens_open_userinfo_with_a_proof_of_their_own(context: BrowserContext) -> None:
    with dpop(context) as tab:
        log_in(tab)
        address = f"{tab.site.provider.issuer}userinfo"
        user = tab.run(
            f"client.createFetcher({{dpopNonceId: 'userinfo'}}).fetchWithAuth('{address}').then(a => a.json())"
        )
        assert user["sub"] == "alice"
        assert tab.statuses("/userinfo") == [401, 200]
        bare = f"fetch('{address}', {{headers: {{Authorization: 'Bearer ' + token}}}}).then(answer => answer.status)"
        assert tab.run(f"client.getTokenSilently().then(token => {bare})") == 401
