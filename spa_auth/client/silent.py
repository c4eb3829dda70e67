"""Logins that show nothing: in a hidden frame, or by a redirect that comes back at once."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spa_auth.client.context import Context
from spa_auth.client.login import Login
from spa_auth.client.negotiation import CALLBACK_PAGE, Surroundings, check_silent, silent_answer_mode
from spa_auth.protocol import form
from spa_auth.protocol.flows import Grant, LoginOptions
from spa_auth.protocol.recipe import TRIED_PREFIX
from spa_auth.protocol.strict_json import loads_object
from spa_auth.protocol.transaction import REDIRECT
from spa_auth.protocol.url import origin_of

if TYPE_CHECKING:
    from spa_auth.client.ports import Storage


async def log_in_silently(context: Context, login: Login, options: LoginOptions) -> Grant:
    """Log in in a hidden frame; see `Login.silent`."""
    check_silent(context.config.silent_mode, surroundings(context))
    traits = await context.driver.run(context.provider.traits())
    mode = silent_answer_mode(context.config.silent_mode, surroundings(context), traits.silent)
    request = await login.begin(
        options._replace(
            parameters={**(options.parameters or {}), **_organization(context), "prompt": "none"},
            response_mode=None if mode == CALLBACK_PAGE else mode,
        )
    )
    query = await context.navigator.ask_in_frame(
        request.request.url,
        state=request.transaction.state,
        origin=origin_of(options.redirect_uri if mode == CALLBACK_PAGE else request.request.url),
        mode=mode,
        timeout=context.config.authorize_timeout,
    )
    return await login.grant(form.parse(query), request.transaction)


def surroundings(context: Context) -> Surroundings:
    """What this page offers to a popup or a hidden frame."""
    navigator = context.platform.navigator
    if navigator is None:
        return Surroundings(has_window=False, has_callback_page=False, is_isolated=False)
    return Surroundings(
        has_window=True, has_callback_page=context.places.has_callback_page, is_isolated=navigator.is_isolated
    )


async def leave_silently(context: Context, login: Login) -> None:
    """With `silent_mode="redirect"`, ask the provider at top level who is logged in; the page comes back at once.

    Only where somebody was logged in not long ago, and once for each time: what comes back without a login leaves the
    page as it is. Does not return once the page leaves.
    """
    storage, navigator = context.platform.session_storage, context.platform.navigator
    tried = _tried(context)
    if context.config.silent_mode != "redirect" or storage is None or navigator is None or not context.session.has_hint:
        return
    until = str(loads_object((context.session.hint or "").encode())["until"])
    if storage.get(tried) == until:
        return
    options = login.options(REDIRECT, parameters={"prompt": "none"})._replace(silent=True)
    request = await login.begin(options)
    context.transactions.add(request.transaction)
    storage.set(tried, until)
    await navigator.leave(request.request.url, timeout=context.config.navigation_timeout)


def forget_try(context: Context, storage: "Storage") -> None:
    """After a silent login that came back well, the next page may try again, even within the same second."""
    storage.remove(_tried(context))


def _tried(context: Context) -> str:
    return f"{TRIED_PREFIX}{context.config.issuer}:{context.config.client_id}"


def _organization(context: Context) -> dict[str, str]:
    # The provider may know the user in several; the session goes on in its own, whatever the options say.
    current = context.session.current
    claims: Mapping[str, object] = {} if current is None else current.claims
    organization = claims.get("org_id", claims.get("org_name"))
    return {"organization": organization} if isinstance(organization, str) else {}
