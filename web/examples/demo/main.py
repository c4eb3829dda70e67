import asyncio

import view
from pyscript import when

from spa_auth.browser import create_auth_client

auth = await create_auth_client()  # its options are in pyscript.json


@when("click", "#login, #logout")
@auth.reports("#error")
async def log_in_or_out():
    await (auth.logout() if auth.user else auth.login_with_redirect())


@when("click", "#load")
@auth.reports("#error")
async def load():
    view.show_notes(await auth.fetch_with_auth("/notes", raise_for_status=True).json())


@when(auth.changed)
async def show(user):
    view.show_user(user, await auth.get_id_token_claims())
    if user:
        await load()


@auth.reports("#error")
async def welcome():
    if auth.redirect_result and auth.redirect_result.error:
        raise auth.redirect_result.error


await welcome()
while True:
    view.show_expiry(await auth.get_token_silently(cache_mode="cache-only", detailed_response=True))
    await asyncio.sleep(1)
