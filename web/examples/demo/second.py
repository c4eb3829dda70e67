from pyscript import document, web

from spa_auth.browser import create_auth_client

auth = await create_auth_client()


@auth.reports("#error")
async def greet():
    user = await auth.require_login()
    web.page["hello"].textContent = f"Hello {user.name}"


await greet()
document.documentElement.dataset.state = "in" if auth.user else "out"
