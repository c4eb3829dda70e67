"""oidc-client-ts, a client that is not ours, in Chromium: it logs in, renews and logs out at our provider."""

from collections.abc import Generator
from contextlib import contextmanager

from browser.peer_pages import PeerPage, peer_page
from playwright.sync_api import BrowserContext

from spa_auth.protocol import form

SCOPE = "openid profile email"
OFFLINE: dict[str, object] = {"scope": f"{SCOPE} offline_access"}
# The library shows tokens to userinfo as bearer tokens, bound or not.
DPOP: dict[str, object] = {**OFFLINE, "dpop": {"bind_authorization_code": True}, "loadUserInfo": False}


@contextmanager
def oidc(
    context: BrowserContext, *, options: dict[str, object] | None = None, **provider: object
) -> Generator[PeerPage]:
    with peer_page(context, "oidc-client-ts", **provider) as tab:
        tab.open({
            "authority": tab.site.provider.issuer,
            "client_id": "demo",
            "redirect_uri": tab.url,
            "silent_redirect_uri": tab.url,
            "popup_redirect_uri": tab.url,
            "post_logout_redirect_uri": f"{tab.url}?out",
            "scope": SCOPE,
            "loadUserInfo": True,
            "automaticSilentRenew": False,
            **(options or {}),
        })  # fmt: skip
        yield tab


def log_in(tab: PeerPage) -> None:
    tab.leave("manager.signinRedirect({state: {basket: [1, 2]}})")
    tab.click_user()


def test_a_login_by_redirect_ends_with_the_claims_of_userinfo(context: BrowserContext) -> None:
    with oidc(context, thin_id_tokens=True) as tab:
        log_in(tab)
        assert tab.run("answer.state") == {"basket": [1, 2]}
        profile = tab.run("manager.getUser().then(user => user.profile)")
        assert (profile["sub"], profile["name"], profile["email"]) == ("alice", "Alice Archer", "alice@example.com")
        assert len(tab.site.provider.journal.of("GET", "/userinfo")) == 1


def test_a_refused_login_is_said_with_its_error_code(context: BrowserContext) -> None:
    with oidc(context) as tab:
        tab.leave("manager.signinRedirect()")
        tab.page.click("button[name=deny]")
        tab.is_ready()
        assert tab.run("answer") == {"error": "access_denied"}


def test_a_silent_frame_brings_new_tokens(context: BrowserContext) -> None:
    with oidc(context) as tab:
        log_in(tab)
        first = tab.run("manager.getUser().then(user => user.access_token)")
        second = tab.run("manager.signinSilent().then(user => user.access_token)")
        assert first != second
        assert dict(form.parse(tab.authorizations[-1].query))["prompt"] == "none"
        assert tab.grants == ["authorization_code", "authorization_code"]


def test_a_silent_frame_without_a_login_is_told_so(context: BrowserContext) -> None:
    with oidc(context) as tab:
        assert tab.run("refusal(manager.signinSilent())") == "login_required"


def test_a_popup_comes_back_by_redirect(context: BrowserContext) -> None:
    with oidc(context) as tab:
        with tab.page.expect_popup() as popup:
            tab.begin("manager.signinPopup()")
        popup.value.click("button[value=bob]")
        tab.is_done()
        assert tab.run("manager.getUser().then(user => user.profile.sub)") == "bob"


def test_refresh_tokens_are_spent_one_after_the_other(context: BrowserContext) -> None:
    with oidc(context, options=OFFLINE) as tab:
        log_in(tab)
        tokens = [tab.run("manager.signinSilent().then(user => user.access_token)") for _ in range(3)]
        assert len(set(tokens)) == 3
        assert tab.grants == ["authorization_code", *["refresh_token"] * 3]
        assert len({grant["refresh_token"] for grant in tab.site.provider.journal.grants[1:]}) == 3


def test_a_logout_with_id_token_hint_asks_nothing_and_comes_back(context: BrowserContext) -> None:
    with oidc(context) as tab:
        log_in(tab)
        tab.leave("manager.signoutRedirect()")
        tab.is_ready()
        (logout,) = tab.site.provider.journal.of("GET", "/oidc/logout")
        assert "id_token_hint" in dict(form.parse(logout.query))
        assert tab.run("manager.getUser()") is None
        assert tab.run("refusal(manager.signinSilent())") == "login_required"


def test_revoked_tokens_open_nothing_any_more(context: BrowserContext) -> None:
    with oidc(context, options=OFFLINE) as tab:
        log_in(tab)
        tab.run("manager.getUser().then(user => { window.user = user })")
        tab.run("manager.revokeTokens()")
        revocations = tab.site.provider.journal.of("POST", "/oauth/revoke")
        assert [(each.form["token_type_hint"], each.status) for each in revocations] == [
            ("access_token", 200),
            ("refresh_token", 200),
        ]
        address = f"{tab.site.provider.issuer}userinfo"
        bearer = "{headers: {Authorization: `Bearer ${user.access_token}`}}"
        assert tab.run(f"fetch('{address}', {bearer}).then(answer => answer.status)") == 401


def test_dpop_binds_the_code_and_the_tokens_and_takes_nonces(context: BrowserContext) -> None:
    with oidc(context, options=DPOP, dpop="required", dpop_nonces="required") as tab:
        log_in(tab)
        assert "dpop_jkt" in dict(form.parse(tab.authorizations[0].query))
        assert tab.run("manager.getUser().then(user => user.token_type)") == "DPoP"
        assert tab.run("manager.signinSilent().then(user => user.profile.sub)") == "alice"
        assert tab.statuses("/oauth/token")[:2] == [400, 200]
        assert tab.grants[-1] == "refresh_token"
