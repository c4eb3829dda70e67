"""The cookies of a browser in memory, as far as a login needs them (RFC 6265)."""

from spa_auth.protocol.http import Response, header_values
from spa_auth.protocol.url import parse_url


class CookieJar:
    """Cookies by host. Ports do not tell hosts apart (RFC 6265 section 8.5), nor do paths here."""

    def __init__(self) -> None:
        self._cookies: dict[str, dict[str, str]] = {}

    def header(self, url: str) -> tuple[tuple[str, str], ...]:
        """The Cookie header for an address; empty where there is nothing to send."""
        cookies = self._cookies.get(parse_url(url).host, {})
        line = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return (("Cookie", line),) if line else ()

    def take(self, url: str, response: Response) -> None:
        """Keep, replace or drop what a response sets."""
        cookies = self._cookies.setdefault(parse_url(url).host, {})
        for line in header_values(response.headers, "set-cookie"):
            pair, *attributes = line.split(";")
            name, _, value = pair.strip().partition("=")
            cookies[name] = value
            if "max-age=0" in (attribute.strip().lower() for attribute in attributes):
                del cookies[name]

    def clear(self) -> None:
        """Forget every cookie."""
        self._cookies = {}
