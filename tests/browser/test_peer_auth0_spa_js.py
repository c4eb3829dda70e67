"""auth0-spa-js, a client that is not ours, in Chromium: it logs in, renews and logs out at our provider."""

from collections.abc import Generator
from contextlib import contextmanager

from browser.peer_pages import PeerPage, peer_page
from playwright.sync_api import BrowserContext

from spa_auth.protocol import form


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


def test_a_popup_answers_by_web_message(context: BrowserContext) -> None:
    with auth0(context) as tab:
        with tab.page.expect_popup() as popup:
            tab.leave("client.loginWithPopup().then(() => { document.documentElement.dataset.popup = '' })")
        popup.value.click("button[value=bob]")
        tab.page.locator("html[data-popup]").wait_for(state="attached")
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
