"""Addresses to listen on: of this machine only, taken before anything starts, and missed in words (threat O01)."""

import errno
import socket
from dataclasses import dataclass

from spa_auth.errors import ConfigurationError, ProtocolError
from spa_auth.protocol.url import parse_url

MAX_PORT = 65_535


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
        return f"http://{in_url(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """The origin with a final slash."""
        return f"{self.origin}/"


def listen(host: str, port: int, *, flag: str = "--port") -> Listener:
    """Take an address.

    Args:
        host: An address of this machine or "localhost".
        port: The port, 0 for any that is free.
        flag: The option that chooses another one.

    Raises:
        ConfigurationError: The port is taken, or the address is not one of this machine.
    """
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    remedy = f"Choose another port: {flag} PORT (0 takes any free one)."
    if not 0 <= port <= MAX_PORT:
        raise ConfigurationError(f"{port} is no port: they go from 0 to {MAX_PORT}.", remedy=remedy)
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(_why(error, host, port), remedy=remedy) from error
    # Else an answer waits 40 ms for an acknowledgement: asyncio sees to that only where a socket names its protocol.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Listener(host, listening)


def check_loopback(host: str, *urls: str) -> None:
    """Judge who can reach what lets anybody log in as anybody.

    Args:
        host: The address to listen on.
        urls: What else names the place, as an issuer does.

    Raises:
        ConfigurationError: One of them is not on loopback.
    """
    outside = [name for name in (host, *urls) if not _is_loopback(name)]
    if outside:
        raise ConfigurationError(
            f"Other machines could reach {outside[0] or 'every address'}, and anybody can log in here as anybody.",
            remedy="Use --host 127.0.0.1, or say --allow-external (allow_external=True) on a network that you trust.",
        )


def in_url(host: str) -> str:
    """An address as it stands in a URL: one of version 6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _is_loopback(name: str) -> bool:
    try:
        return parse_url(name if "/" in name else f"http://{in_url(name)}/").is_loopback
    except ProtocolError:
        return False


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken, perhaps by another of these."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."
