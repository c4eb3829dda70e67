import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Generator

import pytest
import uvicorn

from spa_auth.dev_provider import DevProvider, Options
from spa_auth.dev_provider.asgi import app
from spa_auth.errors import InsufficientScopeError, InvalidTokenError
from spa_auth.server import AccessTokenValidator
from spa_auth.testing import Pair, pair

AUDIENCE = "https://api.example"


@contextlib.contextmanager
def served(provider: DevProvider, listener: socket.socket) -> Generator[None, None, None]:
    server = uvicorn.Server(uvicorn.Config(app(provider), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield
    server.should_exit = True
    thread.join(10)


async def access_token(pages: Pair) -> str:
    auth = await pages.login(await pages.open())
    token = await auth.get_token_silently()
    assert isinstance(token, str)
    return token


def test_a_token_that_a_page_got_from_the_development_provider_opens_the_api() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        pages = pair(provider_options=Options(issuer=issuer), audience=AUDIENCE, scope="openid read:notes")
        token = asyncio.run(access_token(pages))
        with served(pages.provider, listener):
            validator = AccessTokenValidator(issuer=issuer, audience=AUDIENCE, clock=pages.clock)
            assert validator.validate(token, scopes=["read:notes"]).subject == "alice"
            with pytest.raises(InsufficientScopeError):
                validator.validate(token, scopes=["write:notes"])
            other = AccessTokenValidator(issuer=issuer, audience="https://other.example", clock=pages.clock)
            with pytest.raises(InvalidTokenError):
                other.validate(token)
