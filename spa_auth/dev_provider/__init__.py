"""A development identity provider: `await DevProvider().handle(request)` answers, `python -m` serves it."""

from spa_auth.dev_provider.clients import DEMO, Client
from spa_auth.dev_provider.control import Control
from spa_auth.dev_provider.controls import Controls
from spa_auth.dev_provider.options import Api, Options, Organization
from spa_auth.dev_provider.provider import DevProvider
from spa_auth.dev_provider.users import ALICE, BOB, User, named_user

__all__ = [
    "ALICE",
    "BOB",
    "DEMO",
    "Api",
    "Client",
    "Control",
    "Controls",
    "DevProvider",
    "Options",
    "Organization",
    "User",
    "named_user",
]
