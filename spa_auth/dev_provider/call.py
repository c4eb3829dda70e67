"""One request as the endpoints see it: its path below the issuer, its parameters, its cookies."""

import re
from dataclasses import dataclass, field

from spa_auth.dev_provider.controls import Fault
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.errors import ProtocolError
from spa_auth.protocol.http import Request, header_values, media_type
from spa_auth.protocol.url import URL, parse_url

MAX_URL_LENGTH = 16_384
MAX_BODY_LENGTH = 65_536
# RFC 9110 section 15.5.20.
MISDIRECTED = 421
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Call:
    """A request, taken apart once.

    Args:
        request: The request as it came.
        path: Its path below the issuer.
        query: The parameters of its URL.
        fault: What a test wants to go wrong with it.
        jkt: The thumbprint of the key that its DPoP proof has shown; None while none was judged.
    """

    request: Request
    path: str
    query: Parameters = field(repr=False)
    fault: Fault | None = None
    jkt: str | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.method

    @property
    def is_local(self) -> bool:
        """Whether it was made for this machine by one of its own names, not by a name that others know it by."""
        return all(host.is_loopback for host in _hosts(self.request))

    def form(self) -> Parameters:
        """The parameters of the body.

        Raises:
            EndpointError: `invalid_request`; the body is not application/x-www-form-urlencoded in UTF-8.
        """
        if media_type(self.request.headers) != FORM:
            raise EndpointError("invalid_request", f"The body must be {FORM}.")
        try:
            return Parameters.parse(self.request.body.decode())
        except (UnicodeDecodeError, ProtocolError):
            raise EndpointError("invalid_request", "The body is not UTF-8.") from None

    def parameters(self) -> Parameters:
        """The parameters of a GET or of a POST, for endpoints that take both (OpenID Connect Core 3.1.2.1)."""
        return self.form() if self.method == "POST" else self.query

    def cookie(self, name: str) -> str:
        """The value of a cookie, "" where it is absent or comes twice (RFC 6265 section 5.4)."""
        pairs = [pair.strip().partition("=") for line in self._cookie_lines() for pair in line.split(";")]
        values = [value for key, _, value in pairs if key == name]
        return values[0] if len(values) == 1 else ""

    def _cookie_lines(self) -> list[str]:
        return header_values(self.request.headers, "cookie")


def read_call(request: Request, issuer: URL) -> Call:
    """Take a request apart.

    Raises:
        EndpointError: 400, 413 or 414, and 421 for a request that was made for another host.
    """
    if len(request.url) > MAX_URL_LENGTH:
        raise EndpointError("invalid_request", "The URL is too long.", status=414)
    if len(request.body) > MAX_BODY_LENGTH:
        raise EndpointError("invalid_request", "The body is too large.", status=413)
    try:
        url = parse_url(request.url)
        _check_host(request, issuer)
        return Call(request, _below(url.path, issuer.path), Parameters.parse(url.query))
    except ProtocolError:
        raise EndpointError("invalid_request", "The URL or the Host header is malformed.") from None


def apparent_path(request: Request, issuer: URL) -> str:
    """The path below the issuer that a request seems to be for, where `read_call` could not read it."""
    path = re.sub(r"[?#].*", "", request.url.partition("://")[2], flags=re.DOTALL).partition("/")[2]
    return _below(f"/{path}", issuer.path)


def _check_host(request: Request, issuer: URL) -> None:
    # DNS rebinding (threat O01): a foreign name that resolves to 127.0.0.1 still shows in Host.
    if not all(host.is_loopback or host.host == issuer.host for host in _hosts(request)):
        raise EndpointError("invalid_request", "This provider answers on its own host only.", status=MISDIRECTED)


def _hosts(request: Request) -> list[URL]:
    names = header_values(request.headers, "host")
    return [parse_url(request.url), *(parse_url(f"http://{name}/") for name in names)]


def _below(path: str, base: str) -> str:
    prefix = base.removesuffix("/")
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else ""
