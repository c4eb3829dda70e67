from pyscript import web, when
from spa_auth.browser import create_auth_client

auth = await create_auth_client()  # "spa_auth": {...}
user = await auth.require_login()  # in pyscript.json
web.page["hello"].textContent = f"Hello {user.name}"


@when("click", "#load")
@auth.reports("#error")
async def load(event):
    notes = await auth.fetch_with_auth("/notes", raise_for_status=True).json()
    web.page["notes"].textContent = ", ".join(notes)
