"""What an application says of itself when it registers: read, judged, and told back (RFC 7591 section 2)."""

from collections.abc import Callable, Mapping

from spa_auth.dev_provider.clients import CLIENT_CREDENTIALS, CODE, GRANT_TYPES, METHODS, Client, is_plain_url
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.protocol.http import Request, media_type
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import StrictJSONError, is_texts, loads_object
from spa_auth.protocol.url import is_secure

MAX_DOCUMENT_LENGTH = 16_384
MAX_NAME_LENGTH = 200


def read_metadata(request: Request) -> dict[str, object]:
    """The members of the document that was sent; null is as good as absent (RFC 7592 section 2.2).

    Raises:
        EndpointError: `invalid_client_metadata`; it is not one JSON object that reads in one way only.
    """
    if media_type(request.headers) != "application/json":
        raise invalid("The body must be application/json.")
    try:
        document = loads_object(request.body, max_bytes=MAX_DOCUMENT_LENGTH)
    except StrictJSONError as error:
        raise invalid(error.error_description) from None
    return {name: value for name, value in document.items() if value is not None}


def parse_client(members: Mapping[str, object], client_id: str, client_secret: str) -> Client:
    """The application that these members describe, with the defaults of RFC 7591; unknown members are ignored.

    Args:
        members: As `read_metadata` returns them.
        client_id: Its identifier.
        client_secret: What it will authenticate with, unless it wants to be a public client.

    Raises:
        EndpointError: `invalid_client_metadata` or `invalid_redirect_uri`; the first rule that is broken.
    """
    method = _text({"token_endpoint_auth_method": "client_secret_basic", **members}, "token_endpoint_auth_method")
    scope = _text(members, "scope")
    client = Client(
        client_id=client_id,
        name=_text(members, "client_name") or "",
        client_secret=None if method == "none" else client_secret,
        token_endpoint_auth_method=method,
        redirect_uris=_texts(members, "redirect_uris", (), "invalid_redirect_uri"),
        post_logout_redirect_uris=_texts(members, "post_logout_redirect_uris", ()),
        grant_types=_texts(members, "grant_types", (CODE,)),
        backchannel_logout_uri=_text(members, "backchannel_logout_uri"),
        dpop_bound_access_tokens=_flag(members, "dpop_bound_access_tokens"),
        require_pushed_authorization_requests=_flag(members, "require_pushed_authorization_requests"),
        scope=None if scope is None else Scope(scope),
    )
    for rule in RULES:
        rule(client)
    _check_response_types(members, client)
    return client


def metadata_of(client: Client) -> dict[str, object]:
    """Everything that is registered of an application, in the members of RFC 7591 section 3.2.1."""
    given: dict[str, object] = {
        "client_name": client.name or None,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "scope": None if client.scope is None else str(client.scope),
    }
    return {
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "grant_types": list(client.grant_types),
        "response_types": _response_types(client),
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        **{name: value for name, value in given.items() if value is not None},
    }


def check_auth_method(client: Client) -> None:
    """RFC 7591 section 2: token_endpoint_auth_method is one that discovery lists."""
    if client.token_endpoint_auth_method not in METHODS:
        raise invalid(f"token_endpoint_auth_method must be one of {', '.join(METHODS)}.")


def check_grant_types(client: Client) -> None:
    """RFC 7591 section 2.1: a client must not register itself into a state that makes no sense."""
    if not client.grant_types or not set(client.grant_types) <= set(GRANT_TYPES):
        raise invalid(f"grant_types must be some of {', '.join(GRANT_TYPES)}.")
    # RFC 6749 section 4.4: "MUST only be used by confidential clients".
    if client.is_public and CLIENT_CREDENTIALS in client.grant_types:
        raise invalid(f"{CLIENT_CREDENTIALS} needs another token_endpoint_auth_method than none.")


def check_redirect_uris(client: Client) -> None:
    """RFC 7591 section 2: "Clients using flows with redirection MUST register their redirection URI values"."""
    if CODE in client.grant_types and not client.redirect_uris:
        raise EndpointError("invalid_redirect_uri", "redirect_uris is missing.")
    if not all(_is_safe(uri) for uri in client.redirect_uris):
        raise EndpointError("invalid_redirect_uri", f"Each of redirect_uris must be {_SAFE}.")


def check_logout_uris(client: Client) -> None:
    """RP-Initiated Logout 3.1, Back-Channel Logout 2.2: the same is asked of what a logout leads to."""
    if not all(_is_safe(uri) for uri in client.post_logout_redirect_uris):
        raise invalid(f"Each of post_logout_redirect_uris must be {_SAFE}.")
    if client.backchannel_logout_uri is not None and not _is_safe(client.backchannel_logout_uri):
        raise invalid(f"backchannel_logout_uri must be {_SAFE}.")


def check_name(client: Client) -> None:
    """A name that pages can show to a human being (RFC 7591 section 2, client_name)."""
    if len(client.name) > MAX_NAME_LENGTH or not client.name.isprintable():
        raise invalid(f"client_name must be at most {MAX_NAME_LENGTH} printable characters.")


def check_registered_scope(client: Client) -> None:
    """RFC 6749 section 3.3: words of certain characters."""
    if client.scope is not None and not client.scope.is_legal:
        raise invalid("scope is malformed.")


Rule = Callable[[Client], None]
RULES: tuple[Rule, ...] = (
    check_auth_method,
    check_grant_types,
    check_redirect_uris,
    check_logout_uris,
    check_name,
    check_registered_scope,
)
_SAFE = "an https URL, or an http URL of this machine, without a fragment"


def invalid(text: str) -> EndpointError:
    """The error of RFC 7591 section 3.2.2 for everything but redirect URIs."""
    return EndpointError("invalid_client_metadata", text)


def _check_response_types(members: Mapping[str, object], client: Client) -> None:
    # RFC 7591 section 2.1: response_types "code" goes with grant_types "authorization_code", and with nothing else.
    expected = _response_types(client)
    if sorted(_texts(members, "response_types", tuple(expected))) != expected:
        raise invalid("response_types must be code with the grant type authorization_code, and empty without it.")


def _response_types(client: Client) -> list[str]:
    return ["code"] if CODE in client.grant_types else []


def _is_safe(uri: str) -> bool:
    # Nothing but http and https is a plain URL: javascript: and data: would run in the page that follows them.
    return is_plain_url(uri) and is_secure(uri)


def _text(members: Mapping[str, object], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} must be a string.")
    return value


def _texts(
    members: Mapping[str, object], name: str, default: tuple[str, ...], error: str = "invalid_client_metadata"
) -> tuple[str, ...]:
    value = members.get(name, list(default))
    if not is_texts(value):
        raise EndpointError(error, f"{name} must be an array of strings.")
    return tuple(dict.fromkeys(value))


def _flag(members: Mapping[str, object], name: str) -> bool:
    value = members.get(name, False)
    if not isinstance(value, bool):
        raise invalid(f"{name} must be true or false.")
    return value
