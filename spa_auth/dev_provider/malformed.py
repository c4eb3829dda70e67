"""Answers spoiled on purpose, for tests of clients: what a broken proxy or a broken provider would send."""

from collections.abc import Callable, Mapping

from spa_auth.dev_provider.controls import Malformation
from spa_auth.protocol.http import Response
from spa_auth.protocol.strict_json import StrictJSONError, dumps, loads_object

# More than a client should be ready to read: spa_auth's own reads one mebibyte.
HUGE = 2 * 1_048_576
_HTML = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"


def malform(response: Response, malformation: Malformation) -> Response:
    """The same answer with its body spoiled in one way; status and headers stay, but for the type of "html"."""
    return MALFORMATIONS[malformation](response)


def empty(response: Response) -> Response:
    """No body at all."""
    return response._replace(body=b"")


def truncated(response: Response) -> Response:
    """The first half of the body, as if the connection had broken."""
    return response._replace(body=response.body[: len(response.body) // 2])


def html(response: Response) -> Response:
    """A page in the place of JSON, as gateways send it."""
    kept = tuple((name, value) for name, value in response.headers if name.lower() != "content-type")
    return response._replace(headers=(("Content-Type", "text/html; charset=utf-8"), *kept), body=_HTML)


def array(response: Response) -> Response:
    """The body inside an array: JSON, but no object."""
    return response._replace(body=b"[" + response.body + b"]")


def doubled(response: Response) -> Response:
    """An object that names its first member twice, which every parser reads as it likes (RFC 8259 section 4)."""
    members = _members(response.body)
    if not members:
        return response._replace(body=b'{"error":"one","error":"two"}')
    first = dumps(dict([next(iter(members.items()))]))
    return response._replace(body=first[:-1] + b"," + response.body.lstrip()[1:])


def huge(response: Response) -> Response:
    """The body with white space behind it, until it has more than two mebibytes."""
    return response._replace(body=response.body + b" " * HUGE)


def _members(body: bytes) -> dict[str, object]:
    try:
        return loads_object(body)
    except StrictJSONError:
        return {}


MALFORMATIONS: Mapping[Malformation, Callable[[Response], Response]] = {
    "empty": empty,
    "truncated": truncated,
    "html": html,
    "array": array,
    "doubled": doubled,
    "huge": huge,
}
