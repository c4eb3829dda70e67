"""The API's side: access tokens validated by their signature and claims, without a framework or with one.

`AccessTokenValidator` is the whole of it; spa_auth.server.asgi and spa_auth.server.fastapi put it to use.
"""

from spa_auth.server.access_token import AccessToken
from spa_auth.server.options import ValidatorOptions
from spa_auth.server.validator import AccessTokenValidator

__all__ = ["AccessToken", "AccessTokenValidator", "ValidatorOptions"]
