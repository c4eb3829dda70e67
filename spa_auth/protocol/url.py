r"""URLs, strictly: what two parsers could read in two ways is refused rather than repaired.

Browsers follow WHATWG URL and repair much (`https:e`, `\\e`, tabs, `127.1`); a check that reads such a text
in another way than the browser does is no check. So only plain http and https URLs pass.
"""

import re
from typing import NamedTuple

from spa_auth.errors import ProtocolError

# What a browser leaves as it is in each part (WHATWG URL section 1.3); it writes all else as %XX.
_PATH = r"[!$-;=@-Z\[\]_a-z|~]*"
_TAIL = r"(?:\?(?P<query>[!$-;=?-~]*))?(?:#(?P<fragment>[!#-;=?-_a-~]*))?"
_URL = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    rf"(?P<path>/{_PATH})?{_TAIL}"
)
_DOTTED_QUAD = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_NUMERIC_LABEL = re.compile(r"(?:.*\.)?(?:0[xX][0-9A-Fa-f]*|[0-9]+)")
# A browser resolves these away; what is left could begin with two slashes.
_DOT_SEGMENT = re.compile(r"(?:^|/)(?:\.|%2[Ee]){1,2}(?:/|$)")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class URL(NamedTuple):
    """The parts of an http or https URL; host in lower case, no port where it is the scheme's own."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    fragment: str

    @property
    def origin(self) -> str:
        """Scheme, host and port as a browser writes them (RFC 6454 section 6.2)."""
        return f"{self.scheme}://{self.host}" + ("" if self.port is None else f":{self.port}")

    @property
    def is_loopback(self) -> bool:
        """Whether the host is 127.0.0.0/8, [::1] or localhost."""
        return self.host in ("localhost", "[::1]") or (
            self.host.startswith("127.") and _DOTTED_QUAD.fullmatch(self.host) is not None
        )

    @property
    def is_secure(self) -> bool:
        """Whether nothing on the way can read along: https, or http that does not leave this machine."""
        return self.scheme == "https" or self.is_loopback

    def __repr__(self) -> str:
        return f"<URL {self.origin}{self.path}>"


def parse_url(text: str) -> URL:
    """Read an absolute http or https URL without user information.

    Raises:
        ProtocolError: `invalid_url`; the text is not one, or is one that parsers read differently.
    """
    match = _URL.fullmatch(text)
    if match is None or not _is_host(match["host"]) or int(match["port"] or 0) > 65535:
        raise ProtocolError("This is not an http or https URL in plain form.", error="invalid_url")
    scheme, port = match["scheme"].lower(), int(match["port"]) if match["port"] else None
    return URL(
        scheme,
        match["host"].lower(),
        None if port == _DEFAULT_PORTS[scheme] else port,
        match["path"] or "/",
        match["query"] or "",
        match["fragment"] or "",
    )


def origin_of(text: str) -> str:
    """The origin of a URL; raises as `parse_url` does."""
    return parse_url(text).origin


def secure_url(text: str) -> URL:
    """Read a URL that may be used for tokens: https, or http on loopback.

    Raises:
        ProtocolError: `invalid_url`, or `insecure_transport` for http to another machine.
    """
    url = parse_url(text)
    if not url.is_secure:
        raise ProtocolError(
            f"{url.origin} is not encrypted.", error="insecure_transport", remedy=f"Use https://{url.host}."
        )
    return url


def is_secure(text: str) -> bool:
    """Whether `secure_url` accepts a text."""
    try:
        return bool(secure_url(text))
    except ProtocolError:
        return False


def has_dot_segments(path: str) -> bool:
    """Whether a path, absolute or relative, goes up or stays by a segment `.` or `..` (RFC 3986 section 3.3)."""
    return _DOT_SEGMENT.search(path) is not None


def safe_return_to(candidate: str, base_url: str, default: str = "/") -> str:
    """The path, query and fragment of a same-origin address; `default` for anything else.

    Args:
        candidate: A path that begins with one slash, or an absolute URL.
        base_url: The page's own URL; only its origin counts.
        default: What to return instead of a foreign or malformed address.
    """
    try:
        base = parse_url(base_url)
        url = parse_url(base.origin + candidate if candidate.startswith("/") else candidate)
    except ProtocolError:
        return default
    if url.origin != base.origin or url.path.startswith("//") or has_dot_segments(url.path):
        return default
    return url.path + (f"?{url.query}" if url.query else "") + (f"#{url.fragment}" if url.fragment else "")


def with_query(url: str, query: str) -> str:
    """The URL with more query parameters, in front of its fragment (RFC 6749 section 3.1 keeps those it has)."""
    base, hash_sign, fragment = url.partition("#")
    joint = "" if not query else "&" if "?" in base else "?"
    return f"{base}{joint}{query}{hash_sign}{fragment}"


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return _is_ipv6(host[1:-1])
    # WHATWG URL reads a host whose last label is a number as IPv4, in any of its short and octal forms.
    if _NUMERIC_LABEL.fullmatch(host):
        return _DOTTED_QUAD.fullmatch(host) is not None and all(int(part) < 256 for part in host.split("."))
    return ".." not in host


def _is_ipv6(address: str) -> bool:
    halves = [half.split(":") if half else [] for half in address.split("::")]
    groups = [group for half in halves for group in half]
    if not all(0 < len(group) <= 4 for group in groups):
        return False
    return len(groups) == 8 if len(halves) == 1 else len(halves) == 2 and len(groups) < 8
