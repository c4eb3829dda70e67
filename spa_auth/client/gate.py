"""The other side of gate.js: what Python takes over from it, and what it leaves for it until the next page."""

from typing import TYPE_CHECKING

from spa_auth.client.context import Context
from spa_auth.client.login import Login
from spa_auth.errors import SpaAuthError
from spa_auth.protocol.recipe import LIFETIME, RECIPE_PREFIX, dump_recipe

if TYPE_CHECKING:
    from spa_auth.client.ports import Gate


async def follow_gate(context: Context, login: Login, gate: "Gate") -> None:
    """Tell the gate who is logged in, leave it a recipe, and log in where a click on "log in" waits.

    Does not return once the page leaves for the login that was clicked for.

    Raises:
        SpaAuthError: That login could not begin.
    """
    config = context.config
    if not gate.serves(config.issuer, config.client_id):
        context.platform.console.info(
            "spa_auth: gate.js stands before another client than this one, which has "
            f'data-issuer="{config.issuer}" data-client-id="{config.client_id}".'
        )
        return
    context.session.changed.add_listener(lambda user: gate.show(signed_in=user is not None))
    is_wanted = gate.take_click()
    await _leave_recipe(context, login)
    if is_wanted and context.session.user is None:
        await login.redirect()


async def _leave_recipe(context: Context, login: Login) -> None:
    storage = context.platform.local_storage
    if storage is None or not _is_known(context):
        return
    name = f"{RECIPE_PREFIX}{context.config.issuer}:{context.config.client_id}"
    recipe = await _recipe(context, login)
    if recipe is None:
        storage.remove(name)
    else:
        storage.set(name, recipe)


def _is_known(context: Context) -> bool:
    # A flow that ends without an effect has asked nobody: a recipe is worth no request of its own.
    try:
        next(context.provider.metadata())
    except StopIteration:
        return True
    return False


def _may_leave_silently(context: Context) -> bool:
    # Where tokens outlive the page, Python looks at them first: the gate cannot.
    config = context.config
    return config.silent_mode == "redirect" and config.cache_location == "memory" and config.cache is None


async def _recipe(context: Context, login: Login) -> str | None:
    server = await context.driver.run(context.provider.metadata())
    if context.config.use_par is True or server.require_pushed_authorization_requests:
        return None
    try:
        usual = await login.plan({})
        silent = await login.plan({"prompt": "none"}) if _may_leave_silently(context) else None
    except SpaAuthError:  # whoever logs in will see it; nobody has asked yet
        return None
    return dump_recipe(until=int(context.platform.clock()) + LIFETIME, login=usual, silent=silent)
