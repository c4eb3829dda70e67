"""Login and API tokens for Python in the browser, with any OpenID Provider."""

from spa_auth import errors
from spa_auth.errors import *  # noqa: F403  the tree of errors is the public face of this package

__version__ = "0.1.0"
__all__: list[str] = ["__version__"]
__all__ += errors.__all__
