"""Login for a page in the browser: `auth = await create_auth_client()`."""

import asyncio

from spa_auth.browser.platform import browser_platform
from spa_auth.client.auth_client import AuthClient
from spa_auth.client.config import ClientConfig, client_config
from spa_auth.errors import ConfigurationError

__all__ = ["AuthClient", "browser_platform", "create_auth_client"]

# The clients of this page, and those being made: scripts of one page run by turns, and share them.
_clients: dict[tuple[str, str], tuple[ClientConfig, "asyncio.Future[AuthClient]"]] = {}


async def create_auth_client(**options: object) -> AuthClient:
    """The page's client, which has completed a pending login and knows whether somebody is logged in.

    Every script of the page may call this; for one issuer and client_id they all get the same client.

    Args:
        options: Those of `spa_auth.client.config.ClientConfig`; without any, the block "spa_auth" of the page's
            PyScript configuration.

    Raises:
        ConfigurationError: The options have faults, or differ from those of another script.
    """
    config = client_config(options or _page_options())
    made = _clients.get(key := (config.issuer, config.client_id))
    if made is None:
        made = _clients[key] = (config, asyncio.ensure_future(AuthClient.create(config, browser_platform())))
        made[1].add_done_callback(lambda future: _forget_failure(key, future))
    if made[0] != config:
        raise ConfigurationError(
            "Another script of this page has made this client with other options.",
            remedy='Write them once, in the block "spa_auth" of pyscript.json.',
        )
    return await asyncio.shield(made[1])


def _forget_failure(key: tuple[str, str], future: "asyncio.Future[AuthClient]") -> None:
    if future.cancelled() or future.exception() is not None:
        del _clients[key]


def _page_options() -> dict[str, object]:
    try:
        from spa_auth.browser.pyscript_page import page_options
    except ImportError:
        options = dict[str, object]()
    else:
        options = page_options()
    if not options:
        raise ConfigurationError(
            "There are no options.",
            remedy='Give issuer= and client_id=, or put a block "spa_auth" into the page\'s pyscript.json.',
        )
    return options
