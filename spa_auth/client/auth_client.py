"""The client, as an application sees it: a facade whose verbs say what they promise and pass on."""

import functools
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, ParamSpec, TypeVar, overload

from spa_auth.client.changed import StateEvent
from spa_auth.client.config import ClientConfig
from spa_auth.client.context import Context
from spa_auth.client.events import AuthEvent
from spa_auth.client.fetcher import Body, Fetcher, ResponseChain
from spa_auth.client.login import Login, OpenUrl, Parameters, RedirectResult
from spa_auth.client.logout import Logout
from spa_auth.client.platform import Platform
from spa_auth.client.renewal import Renewal
from spa_auth.client.reports import Handler, reports
from spa_auth.client.revocation import Revocation
from spa_auth.client.start import Start
from spa_auth.client.tabs import Tabs
from spa_auth.client.tokens import TokenDetails, Tokens
from spa_auth.errors import without_locals
from spa_auth.events import Emitter
from spa_auth.protocol.mapping import ReadOnlyMapping, never_pickled
from spa_auth.protocol.session import User

if TYPE_CHECKING:
    from spa_auth.client.broker import Broker, OpenLine
    from spa_auth.client.link import LoginLink
    from spa_auth.client.sso import AuthResult

P = ParamSpec("P")
T = TypeVar("T")
CacheMode = Literal["on", "off", "cache-only"]


def _public(verb: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let no token that was in a local variable leave with an error (threat S03)."""

    @functools.wraps(verb)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        running = verb(*args, **kwargs)
        del args, kwargs  # an argument may be an address with a code in it
        try:
            return await running
        except BaseException as error:  # noqa: BLE001  re-raised, a cancellation too
            raise without_locals(error) from error.__cause__

    return guarded


class AuthClient:
    """Logs a user in at one provider and calls APIs in their name.

    Args:
        config: The options.
        platform: The ports; `spa_auth.browser.create_auth_client` builds those of a page.
    """

    def __init__(self, config: ClientConfig, platform: Platform) -> None:
        self._context = Context(config, platform)
        self._login = Login(self._context)
        self._revocation = Revocation(self._context)
        self._tokens = Tokens(self._context, self._login, self._revocation)
        self._fetcher = Fetcher(self._context, self._tokens)
        self._logout = Logout(self._context, self._revocation)
        self._renewal = Renewal(self._context, self._tokens)
        self._start = Start(self._context, self._login, self._tokens)
        self._tabs = Tabs(self._context, self._login, self._tokens)

    @classmethod
    async def create(cls, config: ClientConfig, platform: Platform) -> "AuthClient":
        """A client that has completed a pending redirect and knows whether somebody is logged in.

        What the provider answers never raises here: see `redirect_result` and the event `error`.

        Raises:
            ConfigurationError: The options do not fit this page.
        """
        client = cls(config, platform)
        client._tabs.watch()
        await client._start.run()
        if config.auto_renew:
            client._renewal.start()
        return client

    @property
    def user(self) -> User | None:
        """The user who is logged in, or None."""
        return self._context.session.user

    @property
    def redirect_result(self) -> RedirectResult | None:
        """How the login ended that `create` completed; None where there was none to complete."""
        return self._start.redirect_result

    @property
    def changed(self) -> StateEvent:
        """Calls a listener at once with the current user, and again after every change; `.reason` says why."""
        return self._context.session.changed

    @property
    def events(self) -> Emitter[AuthEvent]:
        """The moments: login.started, token.refreshed and so on; see `spa_auth.client.events`."""
        return self._context.events

    @_public
    async def require_login(self, **login_options: Any) -> User:  # noqa: ANN401  those of login_with_redirect
        """The user; where nobody is logged in, a login that comes back to this address.

        Args:
            login_options: As for `login_with_redirect`.

        Raises:
            SpaAuthError: The login that just came back failed; asking again at once would only loop.
            NavigationError: The page is still here, or `open_url` returned and nobody is logged in yet.
        """
        return await self._start.require_login(login_options)

    @_public
    async def login_with_redirect(
        self,
        *,
        app_state: object = None,
        return_to: str | None = None,
        audience: str | None = None,
        scope: str | None = None,
        max_age: int | None = None,
        authorization_params: Parameters | None = None,
        fragment: str | None = None,
        open_url: OpenUrl | None = None,
    ) -> None:
        """Go to the provider's login. Does not return once the page leaves, unless `open_url` is given.

        Args:
            app_state: Any JSON value; it comes back in `redirect_result.app_state` and never leaves the browser.
            return_to: Where to come back to, on this origin; by default where the login began.
            audience: The API that the access token is for; by default the configured one.
            scope: What to ask for beyond the configured scope, words with spaces between.
            max_age: How long ago the user may have logged in, in seconds; checked in the answer.
            authorization_params: What else the provider understands, by its wire names, such as
                `{"prompt": "login"}`; None takes a configured one away. `organization` and `acr_values` are checked
                in the answer.
            fragment: What to put behind the `#` of the address, for a login page that reads it.
            open_url: Called with the address instead of leaving; may be async.

        Raises:
            NetworkError: The provider does not answer.
            NavigationError: The page is shown again, or still here after `navigation_timeout` seconds.
            NavigationUnavailableError: There is no window here; give `open_url`.
            StorageUnavailableError: The browser stores nothing for this page, so no login could come back to it.
        """
        await self._login.redirect(
            app_state=app_state, return_to=return_to, audience=audience, scope=scope, max_age=max_age,
            authorization_params=authorization_params, fragment=fragment, open_url=open_url,
        )  # fmt: skip

    def login_with_popup(
        self,
        *,
        popup: object = None,
        timeout: float | None = None,
        close_popup: bool = True,
        audience: str | None = None,
        scope: str | None = None,
        max_age: int | None = None,
        authorization_params: Parameters | None = None,
    ) -> Coroutine[Any, Any, User]:
        """Log in in a window of its own, and return the user: `user = await auth.login_with_popup()`.

        The window opens in this very call, before anything is awaited, as browsers allow it only for a click.

        Args:
            popup: A window that the application has opened, by `js.open("", ...)`, to be used instead of a new one.
            timeout: How long the user may take, in seconds; by default `authorize_timeout`.
            close_popup: Whether to close the window after an answer. Without one it is closed in any case.
            audience: As for `login_with_redirect`, as all that follows.
            scope: What to ask for beyond the configured scope.
            max_age: How long ago the user may have logged in, in seconds; checked in the answer.
            authorization_params: What else the provider understands.

        Raises:
            PopupOpenError: The browser blocks the window.
            PopupCancelledError: The user has closed it.
            PopupTimeoutError: There was no answer in time.
            NavigationUnavailableError: There is no window here; or `popup_unsupported`, and the remedy says why.
        """
        from spa_auth.client.popup import PopupLogin

        opened = PopupLogin(
            self._context, self._login, popup=popup, timeout=timeout, close_popup=close_popup, audience=audience,
            scope=scope, max_age=max_age, authorization_params=authorization_params,
        )  # fmt: skip
        return _public(opened.user)()

    @_public
    async def login_link(
        self,
        *,
        audience: str | None = None,
        scope: str | None = None,
        max_age: int | None = None,
        authorization_params: Parameters | None = None,
    ) -> "LoginLink":
        """A link to the provider's login, for Python without a window: `.url`, and `await link.result()`.

        A notebook shows the link by itself. It can be opened in any tab of this browser, for 15 minutes.

        Args:
            audience: The API that the access token is for; by default the configured one.
            scope: What to ask for beyond the configured scope.
            max_age: How long ago the user may have logged in, in seconds.
            authorization_params: What else the provider understands, by its wire names.

        Raises:
            ConfigurationError: There is no callback page; without a window its address has to be absolute.
            NavigationUnavailableError: The browser has no BroadcastChannel.
            NetworkError: The provider does not answer.
        """
        from spa_auth.client.link import login_link

        return await login_link(
            self._context, self._login, audience=audience, scope=scope, max_age=max_age,
            authorization_params=authorization_params,
        )  # fmt: skip

    @_public
    async def handle_redirect_callback(self, url: str | None = None) -> RedirectResult:
        """Complete a login by redirect, for clients made with `handle_redirect=False`.

        Args:
            url: The address that the provider redirected to; by default this page's, or what the callback page kept.

        Raises:
            MissingTransactionError: The answer belongs to no login of this tab.
            StateMismatchError: As above, while another login is pending; that one is not harmed.
            SpaAuthError: The login failed; `.app_state` is what was given to it.
        """
        return await self._start.handle_callback(url)

    @overload
    async def get_token_silently(
        self, *, audience: str | None = None, scope: str | None = None, max_age: int | None = None,
        acr_values: str | None = None, cache_mode: Literal["on", "off"] = "on",
        detailed_response: Literal[False] = False,
    ) -> str: ...  # fmt: skip
    @overload
    async def get_token_silently(
        self, *, audience: str | None = None, scope: str | None = None, max_age: int | None = None,
        acr_values: str | None = None, cache_mode: Literal["on", "off"] = "on", detailed_response: Literal[True],
    ) -> TokenDetails: ...  # fmt: skip
    @overload
    async def get_token_silently(
        self, *, audience: str | None = None, scope: str | None = None, max_age: int | None = None,
        acr_values: str | None = None, cache_mode: CacheMode = "on", detailed_response: bool = False,
    ) -> str | TokenDetails | None: ...  # fmt: skip
    @_public
    async def get_token_silently(
        self,
        *,
        audience: str | None = None,
        scope: str | None = None,
        max_age: int | None = None,
        acr_values: str | None = None,
        cache_mode: CacheMode = "on",
        detailed_response: bool = False,
    ) -> str | TokenDetails | None:
        """An access token: from the cache, else by refresh token, else by a silent login.

        Args:
            audience: The API that it is for; by default the configured one.
            scope: What it must allow beyond the configured scope.
            max_age: How long ago the user may have logged in, in seconds.
            acr_values: How strongly the user must have logged in: one of these, with spaces between.
            cache_mode: "on"; "off" always asks the provider; "cache-only" never does and may return None.
            detailed_response: Whether to return TokenDetails (with scope, expires_at and what is left of its life)
                instead of the token's text.

        Raises:
            LoginRequiredError: Nobody is logged in, or not any more, or longer ago than `max_age`.
            InsufficientUserAuthenticationError: The user has logged in less strongly than `acr_values` (RFC 9470).
            MissingScopesError: The provider granted less than `scope`.
            MissingRefreshTokenError: There is no refresh token for this, and `use_refresh_tokens_fallback` is off.
            SilentAuthUnavailableError: This page has no way to log in silently.
            NetworkError: The provider does not answer, and the cache holds no token that is still good.
        """
        return await self._tokens.silently(
            audience, scope, cache_mode, detailed=detailed_response, max_age=max_age, acr_values=acr_values
        )

    def get_token_with_popup(
        self,
        *,
        audience: str | None = None,
        scope: str | None = None,
        cache_mode: CacheMode = "on",
        popup: object = None,
        timeout: float | None = None,
        close_popup: bool = True,
        max_age: int | None = None,
        authorization_params: Parameters | None = None,
    ) -> Coroutine[Any, Any, str | None]:
        """An access token: from the cache, else by a login in a window of its own, which may ask the user.

        Args:
            audience: The API that it is for; by default the configured one.
            scope: What it must allow beyond the configured scope.
            cache_mode: "on"; "off" always opens the window; "cache-only" never does and may return None.
            popup: As for `login_with_popup`, as all that follows.
            timeout: How long the user may take, in seconds.
            close_popup: Whether to close the window after an answer.
            max_age: How long ago the user may have logged in, in seconds; checked in the answer.
            authorization_params: What else the provider understands.

        Raises:
            MissingScopesError: The provider granted less than `scope`.
            SpaAuthError: As `login_with_popup`.
        """
        from spa_auth.client.popup import PopupLogin, find_token, without_window

        found = find_token(self._context, self._tokens, cache_mode, audience=audience, scope=scope)
        if cache_mode == "cache-only" or (found is not None and max_age is None and not authorization_params):
            return without_window(found)
        opened = PopupLogin(
            self._context, self._login, popup=popup, timeout=timeout, close_popup=close_popup, audience=audience,
            scope=scope, max_age=max_age, authorization_params=authorization_params,
        )  # fmt: skip
        return _public(opened.token)()

    @_public
    async def check_session(self) -> None:
        """Log in silently if somebody was logged in here not long ago; who is not stays logged out, without an error.

        Raises:
            NetworkError: The provider does not answer.
            ProtocolError: An answer broke a rule.
        """
        await self._tokens.check_session()

    @_public
    async def check_sso_session(
        self,
        *,
        state: str | None = None,
        nonce: str | None = None,
        persistent: bool | None = None,
        origin: str | None = None,
        scope: Sequence[str] | None = None,
        fetch_basic_profile: bool = True,
        require_refresh_token: bool = False,
    ) -> "AuthResult":
        """Log in with the session that the provider has of this browser, without showing anything, or raise.

        Args:
            state: Handed back in the result; it never leaves the page.
            nonce: Sent, and checked in the ID token, instead of one made here.
            persistent: For a provider that knows it: whether its session outlives a day.
            origin: For a provider that knows it: where the login comes from, for its reports.
            scope: What to ask for; by default what is configured.
            fetch_basic_profile: Whether to ask for openid, profile, email and phone as well.
            require_refresh_token: Whether to ask for a refresh token, which is then returned and not kept here.

        Raises:
            LoginRequiredError: The provider has no session of this browser, or may not see it in a frame.
            InteractionRequiredError: It has to ask the user something first.
            SilentAuthUnavailableError: This page has no way to log in silently; the error says why.
            MissingScopesError: There was to be a refresh token, and there is none.
        """
        from spa_auth.client.sso import check_sso_session

        return await check_sso_session(
            self._context, self._login, state=state, nonce=nonce, persistent=persistent, origin=origin, scope=scope,
            fetch_basic_profile=fetch_basic_profile, require_refresh_token=require_refresh_token,
        )  # fmt: skip

    @_public
    async def is_authenticated(self) -> bool:
        """Whether somebody is logged in."""
        return self.user is not None

    @_public
    async def get_user(self) -> User | None:
        """The user who is logged in, or None; the same as `user`."""
        return self.user

    @_public
    async def get_id_token_claims(self) -> ReadOnlyMapping | None:
        """Every claim of the validated ID token, or None."""
        session = self._context.session.current
        return None if session is None else ReadOnlyMapping(session.claims)

    def fetch_with_auth(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Body = None,
        json: object = None,
        audience: str | None = None,
        scope: str | None = None,
        raise_for_status: bool = False,
    ) -> ResponseChain:
        """Call an API with an access token: `await auth.fetch_with_auth("/notes").json()`.

        A token goes only to the origins of `base_url` and `allowed_origins`, or without either to this page's own.
        Redirects are refused. A 401 `invalid_token` is answered once with a new token.

        Args:
            url: A path under `base_url`, or without one relative to this page; or an absolute address.
            method: The HTTP method.
            headers: Further headers.
            body: The body, as text or bytes.
            json: A value to send as JSON instead of a body.
            audience: The API that the token is for; by default the configured one.
            scope: What the token must allow beyond the configured scope.
            raise_for_status: Whether a status of 400 or more raises ResponseError instead of being returned.

        Raises:
            LoginRequiredError: Nobody is logged in.
            TargetNotAllowedError: The address is not one that may see a token.
            InsufficientScopeError: The API says that the token allows too little; `.required` names the scope.
            InsufficientUserAuthenticationError: The API asks for a newer or stronger login (RFC 9470).
            NetworkError: The API does not answer; `.reason` tells missing CORS from an outage.
        """
        return self._fetcher.fetch_with_auth(
            url, method=method, headers=headers, body=body, json=json, audience=audience, scope=scope,
            raise_for_status=raise_for_status,
        )  # fmt: skip

    def create_fetcher(self, *, base_url: str | None = None, allowed_origins: Sequence[str] = ()) -> Fetcher:
        """For one more API: an object whose `fetch_with_auth` is as this client's, but with these addresses.

        Args:
            base_url: The API's address; relative URLs mean this.
            allowed_origins: Further origins to which an access token may be sent.

        Raises:
            ConfigurationError: One of them is not an address that may see a token.
        """
        return self._fetcher.of(base_url, allowed_origins)

    @_public
    async def logout(
        self,
        *,
        return_to: str | None = None,
        id_token_hint: bool = True,
        federated: bool = False,
        open_url: OpenUrl | Literal[False] | None = None,
    ) -> None:
        """End the session here and, where the provider offers it, there too (RP-initiated logout).

        Does not return once the page leaves. A provider without end_session_endpoint is not visited.

        Args:
            return_to: Where to come back to, on this origin and registered with the provider; by default this page.
            id_token_hint: Whether to show the provider the ID token, so that it need not ask for confirmation.
            federated: Whether to end the session of the provider behind this one as well, where the logout is Auth0's.
            open_url: Called with the address instead of leaving; False logs out here only.

        Raises:
            NavigationError: The page is still here; the session has ended all the same.
            NavigationUnavailableError: There is no window here; the session has ended all the same. Give `open_url`.
        """
        await self._logout.run(return_to=return_to, id_token_hint=id_token_hint, federated=federated, open_url=open_url)

    @_public
    async def revoke_refresh_token(self, *, audience: str | None = None) -> None:
        """Give up the refresh token of an API, at the provider and here (RFC 7009). The session stays.

        Args:
            audience: The API; by default the configured one.

        Raises:
            DiscoveryError: The provider revokes no tokens.
            OAuthError: It refuses.
            NetworkError: It does not answer; the token is kept.
        """
        await self._revocation.refresh_token(audience)

    @_public
    async def revoke_access_token(self, *, audience: str | None = None) -> None:
        """Give up the access tokens of an API, at the provider and here (RFC 7009); raises as `revoke_refresh_token`.

        Args:
            audience: The API; by default the configured one.
        """
        await self._revocation.access_token(audience)

    @_public
    async def get_userinfo(self) -> ReadOnlyMapping:
        """What the provider's userinfo endpoint says of the user (OpenID Connect Core 5.3), asked once in a session.

        It is in `user` from then on, where the ID token does not say otherwise.

        Raises:
            LoginRequiredError: Nobody is logged in.
            SubMismatchError: The answer is about somebody else; none of it is used.
            ResponseError: The endpoint does not accept the access token; `.status`.
            NetworkError: The provider does not answer.
        """
        from spa_auth.client.userinfo import get_userinfo

        return await get_userinfo(self._context, self._tokens)

    def is_user_in_group(self, groups: Sequence[str], *, groups_claim: str = "groups", match_all: bool = False) -> bool:
        """Whether the user is in these groups, as the claims say; False where nobody is logged in.

        It decides what to show. What is allowed, the API decides, by its own look at the token.

        Args:
            groups: The groups.
            groups_claim: The claim that lists the user's groups; or the way to it, with dots between.
            match_all: Whether every group is needed; else one is enough.

        Raises:
            ConfigurationError: `groups` is no list, or empty.
        """
        from spa_auth.protocol.groups import is_user_in_group

        return is_user_in_group(self.user or {}, groups, groups_claim=groups_claim, match_all=match_all)

    @_public
    async def login_with_custom_token_exchange(
        self,
        *,
        subject_token: str,
        subject_token_type: str,
        audience: str | None = None,
        scope: str | None = None,
        organization: str | None = None,
        token_params: Mapping[str, str] | None = None,
    ) -> TokenDetails:
        """Log in with a token of elsewhere, which the provider exchanges for its own (RFC 8693).

        Args:
            subject_token: The token that stands for the user.
            subject_token_type: What it is, as a URI.
            audience: The API that the access token is for; by default the configured one.
            scope: What to ask for beyond the configured scope.
            organization: The organization that the user has to belong to; by default the configured one.
            token_params: What else the provider understands, by its wire names, such as `actor_token`.

        Raises:
            OAuthError: The provider says no.
            ProtocolError: The answer breaks a rule, or brings no ID token.
            NetworkError: The provider does not answer.
        """
        return await self._exchange(
            login=True, subject_token=subject_token, subject_token_type=subject_token_type, audience=audience,
            scope=scope, organization=organization, parameters=token_params,
        )  # fmt: skip

    @_public
    async def custom_token_exchange(
        self,
        *,
        subject_token: str,
        subject_token_type: str,
        audience: str | None = None,
        scope: str | None = None,
        organization: str | None = None,
        token_params: Mapping[str, str] | None = None,
    ) -> TokenDetails:
        """Exchange a token for one of the provider's (RFC 8693). Nothing is kept, and nobody is logged in by this.

        The arguments and errors are those of `login_with_custom_token_exchange`; an ID token may be missing.
        """
        return await self._exchange(
            login=False, subject_token=subject_token, subject_token_type=subject_token_type, audience=audience,
            scope=scope, organization=organization, parameters=token_params,
        )  # fmt: skip

    async def exchange_token(self, **options: Any) -> TokenDetails:  # noqa: ANN401  those of the verb it stands for
        """The old name of `login_with_custom_token_exchange`."""
        text = "exchange_token is the old name of login_with_custom_token_exchange."
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return await self.login_with_custom_token_exchange(**options)

    def close(self) -> None:
        """Stop what goes on behind the scenes: renewal ahead of time, and talk with other tabs. The session stays."""
        self._renewal.stop()
        self._tabs.close()

    def serve(self, open_line: "OpenLine") -> "Broker":
        """Let a worker use this client, over a line to it; `spa_auth.browser.worker.serve_broker` makes one.

        Args:
            open_line: Opens this end, with the listener that hears what the worker posts.
        """
        from spa_auth.client.broker import Broker

        return Broker(self, self._context, self._tokens, open_line)

    def get_configuration(self) -> ReadOnlyMapping:
        """The issuer and client_id, as given."""
        config = self._context.config
        return ReadOnlyMapping({"issuer": config.issuer, "client_id": config.client_id})

    def bind(self) -> None:
        """Make elements with `data-spa-auth` log in, log out, and show the user and errors, now and after each change.

        Raises:
            NavigationUnavailableError: There is no page here, as in a worker.
        """
        self._context.page.bind(self)

    def reports(self, target: str) -> Callable[[Handler], Callable[..., Coroutine[Any, Any, object]]]:
        """A decorator for handlers: what they raise appears in `target` as text with its remedy, as an alert.

        Args:
            target: A CSS selector.
        """
        return reports(self._context, target)

    async def _exchange(self, **options: Any) -> TokenDetails:  # noqa: ANN401  passed on
        from spa_auth.client.exchanges import Exchanges

        return await Exchanges(self._context, self._tokens).run(**options)

    def __reduce__(self) -> NoReturn:
        never_pickled()
