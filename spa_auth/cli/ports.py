"""Addresses to listen on: of this machine only, taken before anything starts, and missed in words."""

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass

from spa_auth.cli.failure import CannotStartError
from spa_auth.errors import ProtocolError
from spa_auth.protocol.url import parse_url


@dataclass(frozen=True)
class Listener:
    """An address that is ours: a socket that listens, and the host by which browsers name it."""

    host: str
    socket: socket.socket

    @property
    def port(self) -> int:
        """The port; the one that the system chose where 0 was asked for."""
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a browser writes an origin."""
        return f"http://{_in_url(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """The origin with a final slash."""
        return f"{self.origin}/"


def listen(host: str, port: int, *, flag: str) -> Listener:
    """Take an address.

    Args:
        host: A loopback address or "localhost".
        port: The port, 0 for any that is free.
        flag: The option of the command that chooses another one.

    Raises:
        CannotStartError: the host is not of this machine only, or the port is taken.
    """
    check_loopback(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return Listener(host, socket.create_server((host, port), family=family))
    except OSError as error:
        raise CannotStartError(_why(error, host, port, flag)) from error


def check_loopback(host: str) -> None:
    """Refuse a host that others can reach: what listens here lets anybody log in as anybody."""
    with suppress(ProtocolError):
        if parse_url(f"http://{_in_url(host)}/").is_loopback:
            return
    raise CannotStartError(f"{host} is no loopback address. This is for development only: use --host 127.0.0.1")


def _why(error: OSError, host: str, port: int, flag: str) -> str:
    if error.errno == errno.EADDRINUSE:
        why = f"Port {port} of {host} is taken, perhaps by another demo. Stop that, or choose another port"
    else:
        why = f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another port"
    return f'{why}: {flag} PORT (with make: ARGS="{flag} PORT"; 0 takes any free one)'


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
