"""Addresses for the servers of the demo, on this machine only, and missed in the words of the command."""

from spa_auth.cli.failure import CannotStartError
from spa_auth.dev_provider import addresses
from spa_auth.dev_provider.addresses import Listener
from spa_auth.errors import ConfigurationError

__all__ = ["Listener", "listen"]


def listen(host: str, port: int, *, flag: str) -> Listener:
    """Take an address.

    Args:
        host: A loopback address or "localhost".
        port: The port, 0 for any that is free.
        flag: The option of the command that chooses another one.

    Raises:
        CannotStartError: the host is not of this machine only, or the port is taken.
    """
    try:
        addresses.check_loopback(host)
    except ConfigurationError as error:
        raise CannotStartError(f"{error.error_description} Use --host 127.0.0.1") from error
    try:
        return addresses.listen(host, port, flag=flag)
    except ConfigurationError as error:
        raise CannotStartError(f'{error.error_description} {error.remedy} With make: ARGS="{flag} PORT"') from error
