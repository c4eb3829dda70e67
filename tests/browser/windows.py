"""Pages and providers for popups and silent logins: each as browsers or providers may be, in one way."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from browser.journey import START
from browser.servers import App, Journal, Message, Provider, Receive, Send, served

from spa_auth.cli.ports import listen
from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import app as provider_asgi

ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}

# Says who is logged in, logs in by popup on a click, and says what came of it.
POPUP = (
    START
    + """
auth = await create_auth_client()
say("ready", auth.user and auth.user.name)

@when("click", "#go")
async def go(event):
    try:
        say((await auth.login_with_popup(OPTIONS)).name)
        say(bool(await auth.get_token_silently(cache_mode="cache-only")))
    except Exception as error:
        say(type(error).__name__, getattr(error, "error", ""))
    done()
"""
)
# Says whether a silent login works, and who is logged in then.
SILENT = (
    START
    + """
auth = await create_auth_client()
try:
    await auth.get_token_silently(cache_mode="off")
    say(auth.user.name)
except Exception as error:
    say(type(error).__name__, getattr(error, "error", ""))
done()
"""
)
# Logs in by popup on a click, then silently, and says who is logged in after that.
CROSS_SITE = (
    START
    + """
auth = await create_auth_client()
say("ready")

@when("click", "#go")
async def go(event):
    await auth.login_with_popup()
    try:
        await auth.get_token_silently(cache_mode="off")
    except Exception as error:
        say(type(error).__name__, error.error)
    say(auth.user and auth.user.name)
    done()
"""
)
# Says who is logged in when the page has started.
WHO = (
    START
    + """
auth = await create_auth_client()
say(auth.user and auth.user.name, auth.redirect_result)
done()
"""
)


@dataclass
class Providers:
    """Providers, each bent in one way."""

    mute: Provider  # lists no web_message
    far: Provider  # on another site than the pages: localhost
    closed: str  # severs whoever opened its pages


@contextmanager
def providers() -> Generator[Providers]:
    """Start them, and stop them."""
    with ExitStack() as stack:
        mute, far, closed = (listen("127.0.0.1", 0, flag="") for _ in range(3))
        without, elsewhere = Provider(mute, web_message=False), Provider(far)
        elsewhere.issuer = far.url.replace("127.0.0.1", "localhost")
        elsewhere.inner = DevProvider(Options(issuer=elsewhere.issuer))
        elsewhere.journal = Journal(provider_asgi(elsewhere.inner))
        severing: Any = _severing(provider_asgi(DevProvider(Options(issuer=closed.url))))
        for listener, app in {mute: without.journal, far: elsewhere.journal, closed: severing}.items():
            stack.enter_context(served(app, listener))
        yield Providers(without, elsewhere, closed.url)


def _severing(app: App) -> App:
    async def severing(scope: Message, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if "headers" in message:
                policy = (b"cross-origin-opener-policy", b"same-origin")
                message["headers"] = [*message["headers"], policy]
            await send(message)

        await app(scope, receive, sending)

    return severing
