"""Logins: how they begin, and how the provider's answer completes them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from spa_auth.client.config import check_max_age
from spa_auth.client.context import Context
from spa_auth.errors import LoginRequiredError, OAuthError, ProtocolError, SpaAuthError
from spa_auth.protocol import form
from spa_auth.protocol.authorization import response_state
from spa_auth.protocol.flows import Grant, LoginOptions, LoginRequest, begin_login, complete_login
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.transaction import LINK, REDIRECT, SILENT, Transaction, is_state
from spa_auth.protocol.url import parse_url, safe_return_to

OpenUrl = Callable[[str], object]
Parameters = Mapping[str, str | None]
_ANSWERS = ("code", "error", "access_token", "id_token")


class RedirectResult(NamedTuple):
    """How a login by redirect ended: what the application gave to it, where it began, and the error if it failed.

    `silent` says that the page had left by itself.
    """

    app_state: object = None
    return_to: str | None = None
    error: SpaAuthError | None = None
    silent: bool = False


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
        authorization_params: Parameters | None = None,
        fragment: str | None = None,
        open_url: OpenUrl | None = None,
    ) -> None:
        """Send the browser to the provider; see `AuthClient.login_with_redirect`."""
        context = self._context
        if open_url is None:
            _ = context.navigator  # where there is no window, say so before anything is stored
        options = self.options(
            REDIRECT, audience=audience, scope=scope, max_age=max_age, parameters=authorization_params
        )
        options = options._replace(app_state=app_state, return_to=context.places.return_to(return_to))
        request = await self.begin(options)
        context.transactions.add(request.transaction)
        self.announce(request)
        await self._open(request.request.url + (f"#{fragment.removeprefix('#')}" if fragment else ""), open_url)

    async def plan(self, parameters: Parameters) -> LoginRequest:
        """A login by redirect as it would begin now, for gate.js; nothing is stored, and the page stays."""
        # What the gate asks with prompt=none, it asks by itself.
        is_silent = parameters.get("prompt") == "none"
        return await self.begin(self.options(REDIRECT, parameters=parameters)._replace(silent=is_silent))

    async def link(
        self,
        *,
        audience: str | None,
        scope: str | None,
        max_age: int | None,
        authorization_params: Parameters | None,
    ) -> LoginRequest:
        """A login by link, which waits for its answer; see `AuthClient.login_link`."""
        options = self.options(LINK, audience=audience, scope=scope, max_age=max_age, parameters=authorization_params)
        request = await self.begin(options)
        self._context.transactions.add(request.transaction)
        self.announce(request)
        return request

    async def silent(self, audience: str | None, scope: Scope) -> Grant:
        """Log in without showing anything, in a hidden frame, with the provider's own session.

        Raises:
            LoginRequiredError: The provider has no session, or may not see its cookie in a frame.
            InteractionRequiredError: The provider has to ask the user something first.
            SilentAuthUnavailableError: This page and the provider know no common way; the error says why.
        """
        from spa_auth.client.silent import log_in_silently

        options = self.options(SILENT)._replace(audience=audience, scope=scope)
        return await log_in_silently(self._context, self, options)

    def options(
        self,
        kind: str,
        *,
        audience: str | None = None,
        scope: str | None = None,
        max_age: int | None = None,
        parameters: Parameters | None = None,
    ) -> LoginOptions:
        """What the application wants of a login: what it configured, and what this call says.

        Raises:
            ConfigurationError: A parameter is protected, or an option of another type than it can have.
        """
        context = self._context
        check_max_age(max_age)
        wanted = context.audience(audience)
        return LoginOptions(
            client_id=context.config.client_id,
            redirect_uri=context.places.redirect_uri,
            return_to=context.places.return_to(None),
            scope=context.scope(wanted, scope),
            kind=kind,
            audience=wanted,
            max_age=context.config.max_age if max_age is None else max_age,
            parameters=context.parameters(parameters),
            use_par=context.config.use_par,
        )

    async def begin(self, options: LoginOptions) -> LoginRequest:
        """The record to keep and the address to go to."""
        driver, provider = self._context.driver, self._context.provider
        if self._context.config.use_refresh_tokens:
            traits = await driver.run(provider.traits())
            options = options._replace(scope=Scope([*options.scope, traits.offline_scope]))
        return await driver.run(begin_login(provider, options))

    def announce(self, request: LoginRequest) -> None:
        """Tell listeners and developers that a login begins."""
        context, transaction = self._context, request.transaction
        context.emit("login.started", audience=transaction.audience)
        context.platform.console.info(
            f"spa_auth: logging in at {context.config.issuer}; it must list "
            f"{transaction.redirect_uri} as a redirect URI of {context.config.client_id}."
        )

    async def grant(self, pairs: list[tuple[str, str]], transaction: Transaction) -> Grant:
        """What the provider gives for an answer to a login."""
        context = self._context
        return await context.driver.run(complete_login(context.provider, pairs, transaction, context.id_token_rules))

    async def complete(self, query: str) -> RedirectResult:
        """Complete the login that a redirect's query answers, well or with `error`.

        Raises:
            StateMismatchError: The answer belongs to no login of this tab, while another is pending.
            MissingTransactionError: The answer belongs to no login of this tab.
        """
        context = self._context
        pairs = form.parse(query)
        transaction = context.transactions.take(response_state(pairs))
        return_to = safe_return_to(transaction.return_to, context.places.here)
        result = RedirectResult(transaction.app_state, return_to, silent=transaction.silent)
        generation = context.session.generation
        try:
            grant = await self.grant(pairs, transaction)
            await context.keeper.accept(grant, Scope(transaction.scope), generation, silent=transaction.silent)
        except SpaAuthError as error:
            del query, pairs  # a listener may look at the frames of the error
            error.app_state = transaction.app_state
            self._report_failure(error, transaction)
            return result._replace(error=error)
        context.emit("token.received", audience=transaction.audience)
        return result

    def take_response(self) -> str | None:
        """The query of an answer that waits for this client, from the callback page or in this page's address.

        The address is cleaned at once, before anything else can read it or fail (RFC 9700 section 4.2).
        """
        in_address = self._response_in_address()
        return self._context.transactions.waiting_response() if in_address is None else in_address

    def _report_failure(self, error: SpaAuthError, transaction: Transaction) -> None:
        if not transaction.silent:
            self._context.emit("login.failed", audience=transaction.audience, error=error)
        elif isinstance(error, LoginRequiredError):
            self._context.session.forget_hint()
        elif isinstance(error, OAuthError):
            self._context.emit("interaction.required", audience=transaction.audience, error=error)

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
        address, page = self._context.places.redirect_uri.partition("?")[0], parse_url(navigator.url)
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
