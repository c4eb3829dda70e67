"""Logins: how they begin, by redirect or silently, and how the provider's answer completes them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from spa_auth.client.config import check_max_age
from spa_auth.client.context import Context
from spa_auth.errors import (
    ConfigurationError,
    MissingTransactionError,
    ProtocolError,
    SilentAuthUnavailableError,
    SpaAuthError,
    SubMismatchError,
)
from spa_auth.protocol import form
from spa_auth.protocol.authorization import response_state
from spa_auth.protocol.flows import Grant, LoginOptions, LoginRequest, begin_login, complete_login
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.transaction import LINK, REDIRECT, SILENT, Transaction, is_state
from spa_auth.protocol.url import origin_of, parse_url, safe_return_to, secure_url

OpenUrl = Callable[[str], object]
_ANSWERS = ("code", "error", "access_token", "id_token")
_BY_URL = "Log in with login_with_redirect(open_url=...), then call handle_redirect_callback(url)."


class RedirectResult(NamedTuple):
    """How a login by redirect ended: what the application gave to it, where it began, and the error if it failed."""

    app_state: object = None
    return_to: str | None = None
    error: SpaAuthError | None = None


class Login:
    """Begins and completes the logins of one client."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def redirect(
        self,
        *,
        app_state: object = None,
        return_to: str | None = None,
        audience: str | None = None,
        scope: str | None = None,
        max_age: int | None = None,
        authorization_params: Mapping[str, str] | None = None,
        open_url: OpenUrl | None = None,
    ) -> None:
        """Send the browser to the provider; see `AuthClient.login_with_redirect`."""
        context = self._context
        if open_url is None:
            _ = context.navigator  # where there is no window, say so before anything is stored
        wanted = context.audience(audience)
        request = await self._begin(
            REDIRECT,
            app_state=app_state,
            return_to=return_to,
            audience=wanted,
            scope=context.scope(wanted, scope),
            max_age=max_age,
            parameters=context.parameters(authorization_params),
        )
        context.transactions.add(request.transaction)
        context.emit("login.started", audience=request.transaction.audience)
        context.platform.console.info(
            f"spa_auth: logging in at {context.config.issuer}; it must list "
            f"{request.transaction.redirect_uri} as a redirect URI of {context.config.client_id}."
        )
        await self._open(request.request.url, open_url)

    async def plan(self, parameters: Mapping[str, str]) -> LoginRequest:
        """A login by redirect as it would begin now, for gate.js; nothing is stored, and the page stays."""
        audience = self._context.audience(None)
        return await self._begin(
            REDIRECT,
            audience=audience,
            scope=self._context.scope(audience, None),
            parameters=self._context.parameters(parameters),
        )

    async def link(
        self,
        *,
        audience: str | None,
        scope: str | None,
        max_age: int | None,
        authorization_params: Mapping[str, str] | None,
    ) -> LoginRequest:
        """A login by link, which waits for its answer; see `AuthClient.login_link`."""
        context, wanted = self._context, self._context.audience(audience)
        request = await self._begin(
            LINK,
            audience=wanted,
            scope=context.scope(wanted, scope),
            max_age=max_age,
            parameters=context.parameters(authorization_params),
        )
        context.transactions.add(request.transaction)
        context.emit("login.started", audience=wanted)
        return request

    async def complete(self, query: str) -> RedirectResult:
        """Complete the login that a redirect's query answers, well or with `error`.

        Raises:
            StateMismatchError: The answer belongs to no login of this tab, while another is pending.
            MissingTransactionError: The answer belongs to no login of this tab.
        """
        context = self._context
        pairs = form.parse(query)
        transaction = context.transactions.take(response_state(pairs))
        return_to = safe_return_to(transaction.return_to, self._here())
        generation = context.session.generation
        try:
            grant = await self._grant(pairs, transaction)
            context.session.accept(grant, Scope(transaction.scope), generation)
        except SpaAuthError as error:
            del query, pairs  # a listener may look at the frames of the error
            error.app_state = transaction.app_state
            context.emit("login.failed", audience=transaction.audience, error=error)
            return RedirectResult(transaction.app_state, return_to, error)
        context.emit("token.received", audience=transaction.audience)
        return RedirectResult(transaction.app_state, return_to)

    def query_of(self, url: str) -> str:
        """The query of an address that the provider redirected to.

        Raises:
            MissingTransactionError: It is not the redirect URI of this client (threat A20).
        """
        address = parse_url(url)
        if f"{address.origin}{address.path}" != self._redirect_uri().partition("?")[0]:
            raise MissingTransactionError("This address is not the redirect URI of this client.")
        return address.query

    def take_response(self) -> str | None:
        """The query of an answer that waits for this client, from the callback page or in this page's address.

        The address is cleaned at once, before anything else can read it or fail (RFC 9700 section 4.2).
        """
        in_address = self._response_in_address()
        return self._context.transactions.waiting_response() if in_address is None else in_address

    async def silent(self, audience: str | None, scope: Scope) -> Grant:
        """Log in without showing anything, in a hidden frame, with the provider's own session.

        Raises:
            LoginRequiredError: The provider has no session, or may not see its cookie in a frame.
            SilentAuthUnavailableError: This page has no callback page, or cannot load frames.
            SubMismatchError: Somebody else is logged in at the provider.
        """
        context = self._context
        redirect_uri = self._silent_redirect_uri()
        request = await self._begin(
            SILENT,
            audience=audience,
            scope=scope,
            parameters={**context.config.authorization_params, "prompt": "none"},
        )
        query = await context.navigator.ask_in_frame(
            request.request.url,
            state=request.transaction.state,
            origin=secure_url(redirect_uri).origin,
            mode="callback_page",
            timeout=context.config.authorize_timeout,
        )
        grant = await self._grant(form.parse(query), request.transaction)
        self._check_same_user(grant)
        return grant

    async def _grant(self, pairs: list[tuple[str, str]], transaction: Transaction) -> Grant:
        context = self._context
        return await context.driver.run(complete_login(context.provider, pairs, transaction, context.id_token_rules))

    async def _begin(
        self,
        kind: str,
        *,
        audience: str | None,
        scope: Scope,
        parameters: Mapping[str, str],
        app_state: object = None,
        return_to: str | None = None,
        max_age: int | None = None,
    ) -> LoginRequest:
        context = self._context
        check_max_age(max_age)
        options = LoginOptions(
            client_id=context.config.client_id,
            redirect_uri=self._redirect_uri(),
            return_to=self._return_to(return_to),
            scope=await self._with_offline_access(scope),
            kind=kind,
            audience=audience,
            max_age=context.config.max_age if max_age is None else max_age,
            app_state=app_state,
            parameters=parameters,
        )
        return await context.driver.run(begin_login(context.provider, options))

    async def _with_offline_access(self, scope: Scope) -> Scope:
        if not self._context.config.use_refresh_tokens:
            return scope
        server = await self._context.driver.run(self._context.provider.metadata())
        listed = server.scopes_supported
        return scope if listed is not None and "offline_access" not in listed else Scope([*scope, "offline_access"])

    def _redirect_uri(self) -> str:
        navigator, given = self._context.platform.navigator, self._context.config.redirect_uri
        if navigator is None and given is None:
            raise ConfigurationError('"redirect_uri" must be given where there is no window.')
        address = given if navigator is None else navigator.resolve(navigator.url if given is None else given)
        try:
            url = secure_url(str(address))
            is_here = navigator is None or url.origin == origin_of(navigator.url)
        except ProtocolError as error:
            raise ConfigurationError(f'"redirect_uri": {error.error_description}', remedy=error.remedy) from None
        if given is not None and url.fragment:
            raise ConfigurationError('"redirect_uri" must have no fragment (RFC 6749 section 3.1.2).')
        if not is_here:
            raise ConfigurationError('"redirect_uri" must be on the origin of this page.')
        query = f"?{url.query}" if given is not None and url.query else ""
        return f"{url.origin}{url.path}{query}"

    def _silent_redirect_uri(self) -> str:
        if self._context.config.silent_mode == "off":
            raise SilentAuthUnavailableError("Silent login is switched off.", remedy='Set silent_mode to "auto".')
        navigator = self._context.platform.navigator
        if navigator is None:
            raise SilentAuthUnavailableError("There is no window here that could hold a hidden frame.", remedy=_BY_URL)
        redirect_uri = self._redirect_uri()
        page = parse_url(navigator.url)
        if self._context.config.redirect_uri is None or redirect_uri == f"{page.origin}{page.path}":
            raise SilentAuthUnavailableError("There is no callback page for a hidden frame.")
        return redirect_uri

    def _here(self) -> str:
        navigator = self._context.platform.navigator
        return self._redirect_uri() if navigator is None else navigator.url

    def _return_to(self, given: str | None) -> str:
        navigator, here = self._context.platform.navigator, self._here()
        address = given if given is None or navigator is None else navigator.resolve(given)
        default = "/" if navigator is None else safe_return_to(here, here)
        return default if address is None else safe_return_to(address, here, default)

    async def _open(self, url: str, open_url: OpenUrl | None) -> None:
        if open_url is None:
            await self._context.navigator.leave(url, timeout=self._context.config.navigation_timeout)
        else:
            opened = open_url(url)
            if isinstance(opened, Awaitable):
                await opened

    def _response_in_address(self) -> str | None:
        navigator = self._context.platform.navigator
        if navigator is None:
            return None
        address, page = self._redirect_uri().partition("?")[0], parse_url(navigator.url)
        is_answer = self._is_response(page.query) or self._is_response(page.fragment)
        if f"{page.origin}{page.path}" != address or not is_answer:
            return None
        navigator.replace_url(address)
        if self._is_response(page.query):
            return page.query
        # Nothing was asked to come in the fragment (RFC 9700 section 2.1.2): marked, it is refused, after its state.
        return f"{page.fragment}&response=fragment"

    def _is_response(self, query: str) -> bool:
        try:
            pairs = form.parse(query)
        except ProtocolError:
            return False
        is_ours = any(name == "state" and is_state(value) for name, value in pairs)
        # An answer without a good state is one all the same where a login is pending (threat A07).
        return is_ours or (self._context.transactions.is_pending and any(name in _ANSWERS for name, _ in pairs))

    def _check_same_user(self, grant: Grant) -> None:
        current = self._context.session.current
        if current is not None and grant.claims["sub"] != current.claims["sub"]:
            raise SubMismatchError("Somebody else is logged in at the provider.", claim="sub")
