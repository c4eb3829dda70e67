"""HTTP as values: a request to be sent, a response that came.

Nothing here touches a network. Whoever drives a flow (spa_auth.protocol.flows) turns a `Request` into
a `Response`; the development provider turns one into the other with a function.
"""

from typing import NamedTuple

from spa_auth.errors import ProtocolError

Headers = tuple[tuple[str, str], ...]


def header(headers: Headers, name: str) -> str | None:
    """The value of the only header of that name, without regard to case; None where it is absent.

    Several fields of one name are joined with ", " (RFC 9110 section 5.3).
    """
    values = header_values(headers, name)
    return ", ".join(values) if values else None


def header_values(headers: Headers, name: str) -> list[str]:
    """Every value of the headers of that name, in order (RFC 9110 section 5.2)."""
    wanted = name.lower()
    return [value for key, value in headers if key.lower() == wanted]


def media_type(headers: Headers) -> str:
    """The media type in lower case, without its parameters; "" where there is none (RFC 9110 section 8.3)."""
    return (header(headers, "content-type") or "").partition(";")[0].strip().lower()


def refuse_redirect(response: "Response") -> None:
    """Endpoints of a provider answer themselves: what was sent must not travel on (RFC 9700 section 4.12).

    Raises:
        ProtocolError: `redirect_forbidden`.
    """
    if 300 <= response.status < 400:
        raise ProtocolError("The provider answered with a redirect.", error="redirect_forbidden")


class Request(NamedTuple):
    """One HTTP request. Its repr shows neither query, headers nor body: each may hold a secret."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value of a header; see `header`."""
        return header(self.headers, name)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.partition('#')[0].partition('?')[0]}>"


class Response(NamedTuple):
    """One HTTP response with its whole body. Its repr shows the status only."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    url: str = ""

    def header(self, name: str) -> str | None:
        """The value of a header; see `header`."""
        return header(self.headers, name)

    @property
    def media_type(self) -> str:
        """The media type; see `media_type`."""
        return media_type(self.headers)

    def __repr__(self) -> str:
        return f"<Response {self.status}>"
