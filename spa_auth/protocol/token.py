"""The token endpoint: what is asked and what may come back (RFC 6749 sections 4.1.3, 5, 6)."""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple, NoReturn

from spa_auth.errors import ClientNotPublicError, NetworkError, OAuthError, ProtocolError, oauth_error
from spa_auth.protocol import form
from spa_auth.protocol.authorization import AuthorizationResponse, api_parameters
from spa_auth.protocol.http import Request, Response, refuse_redirect
from spa_auth.protocol.mapping import never_pickled
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import StrictJSONError, loads_object
from spa_auth.protocol.text import clean_code, clean_text

DEFAULT_LIFETIME = 300
MAX_LIFETIME = 31_536_000
MAX_ACCESS_TOKEN_LENGTH = 16_384
# The token types that are used here, as an Authorization header names them.
TOKEN_TYPES = ("Bearer",)
# RFC 6750 section 2.1: the characters that an Authorization header can carry.
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_DIGITS = re.compile(r"[0-9]{1,10}")
_SECRETS = (
    "code", "code_verifier", "refresh_token", "token", "subject_token", "actor_token", "state", "nonce",
    "id_token_hint",
)  # fmt: skip
_PASSING = (429, 500, 502, 503, 504)


class TokenSet(NamedTuple):
    """What one answer of the token endpoint gave. `expires_at` in seconds; the repr shows no token."""

    access_token: str
    token_type: str
    expires_at: int
    scope: Scope
    audience: str | None = None
    refresh_token: str | None = None
    id_token: str | None = None

    def is_fresh(self, now: float, margin: float = 0) -> bool:
        """Whether the access token is still good in `margin` seconds."""
        return now + margin < self.expires_at

    def __reduce__(self) -> NoReturn:
        never_pickled()

    def __repr__(self) -> str:
        return f"<TokenSet {self.token_type} audience={self.audience!r} scope={str(self.scope)!r}>"


def code_request(
    server: ServerMetadata, response: AuthorizationResponse, *, api_parameter: str = "audience"
) -> Request:
    """Exchange a code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5, RFC 8707 section 2.2)."""
    transaction = response.transaction
    return token_request(
        server,
        grant_type="authorization_code",
        client_id=transaction.client_id,
        code=response.code,
        redirect_uri=transaction.redirect_uri,
        code_verifier=transaction.code_verifier,
        **(api_parameters(transaction.audience, api_parameter) if api_parameter == "resource" else {}),
    )


def refresh_request(
    server: ServerMetadata,
    *,
    client_id: str,
    refresh_token: str,
    scope: Scope | None = None,
    audience: str | None = None,
    api_parameter: str = "audience",
) -> Request:
    """Exchange a refresh token for a new access token (RFC 6749 section 6).

    Args:
        server: The provider's metadata.
        client_id: This client.
        refresh_token: The token to use.
        scope: What to ask for; None for the scope that the token was given for.
        audience: The API to ask for; None for that of the token.
        api_parameter: By which parameter the provider is told the audience.
    """
    asked = {} if scope is None else {"scope": str(scope)}
    return token_request(
        server,
        grant_type="refresh_token",
        client_id=client_id,
        refresh_token=refresh_token,
        **asked,
        **api_parameters(audience, api_parameter),
    )


def parse_token_response(
    response: Response,
    *,
    server: ServerMetadata,
    now: float,
    scope: Scope,
    audience: str | None,
    secrets: Collection[str] = (),
) -> TokenSet:
    """Read the answer of the token endpoint.

    Args:
        response: The answer.
        server: The metadata of the provider that gave it.
        now: When it came, in seconds.
        scope: What was asked; it is what was granted where the answer names no scope (RFC 6749 section 5.1).
        audience: For whom the access token was asked.
        secrets: What the request carried and no error may repeat; see `request_secrets`.

    Raises:
        OAuthError: The provider says no; an InvalidGrantError means that code or refresh token is spent.
        NetworkError: `server_error`; the provider is out of order for now and nothing was decided.
        ProtocolError: The answer breaks a rule; none of it may be used.
    """
    refuse_redirect(response)
    if response.status != 200:
        raise refusal(response, server, secrets)
    # "The parameters are included in the entity-body of the HTTP response using the application/json media type."
    if response.media_type != "application/json":
        raise ProtocolError("The token endpoint did not answer with JSON.")
    members = answer_members(response)
    if "error" in members:
        raise ProtocolError("The token endpoint answered with an error and status 200.")
    return TokenSet(
        _access_token(members),
        _token_type(members),
        int(now) + _lifetime(members),
        _granted(members, scope),
        audience,
        _optional_text(members, "refresh_token"),
        _optional_text(members, "id_token"),
    )


def request_secrets(request: Request) -> list[str]:
    """The secrets in a form that was sent: a provider may echo them in its error text."""
    return [value for name, value in form.parse(request.body.decode()) if name in _SECRETS]


def token_request(server: ServerMetadata, **parameters: str) -> Request:
    """A request to the token endpoint."""
    return form_request(server.endpoint("token_endpoint"), parameters)


def form_request(url: str, parameters: Mapping[str, str]) -> Request:
    """Post a form to an endpoint of the provider that answers with JSON."""
    # No header of our own: with a form body alone a browser asks for no preflight.
    headers = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))
    return Request("POST", url, headers, form.encode(parameters).encode())


def answer_members(response: Response) -> dict[str, object]:
    """The JSON object that an endpoint of the provider answered with.

    Raises:
        ProtocolError: It is none.
    """
    try:
        return loads_object(response.body)
    except StrictJSONError as error:
        raise ProtocolError(f"The provider's answer is unusable: {error.error_description}") from None


def refusal(
    response: Response, server: ServerMetadata, secrets: Collection[str] = ()
) -> OAuthError | NetworkError | ProtocolError:
    """What an answer means that is no success (RFC 6749 section 5.2).

    Args:
        response: The answer.
        server: The metadata of the provider that gave it.
        secrets: What the request carried and no error may repeat; see `request_secrets`.
    """
    try:
        members = loads_object(response.body)
    except StrictJSONError:
        members = {}
    if response.status in _PASSING:
        seconds = response.header("retry-after") or ""
        return NetworkError(
            f"The provider answered with status {response.status}.",
            error="server_error",
            reason="server_error",
            remedy=f"Try again in {seconds} seconds." if _DIGITS.fullmatch(seconds) else "Try again later.",
        )
    if not 400 <= response.status < 500 or "error" not in members:
        return ProtocolError(f"The provider answered with status {response.status} and no error code.")
    code, text = clean_code(members["error"]), clean_text(members.get("error_description"), secrets)
    if code in ("invalid_client", "unauthorized_client") and not server.accepts_public_clients:
        return ClientNotPublicError(text, error=code, status=response.status)
    return oauth_error(code, text, status=response.status)


def is_access_token(text: str) -> bool:
    """Whether a text can stand in an Authorization header, behind the type of the token."""
    return len(text) <= MAX_ACCESS_TOKEN_LENGTH and _TOKEN68.fullmatch(text) is not None


def _access_token(members: dict[str, object]) -> str:
    token = members.get("access_token")
    if not isinstance(token, str) or not is_access_token(token):
        raise ProtocolError("The token endpoint gave no usable access token.")
    return token


def _token_type(members: dict[str, object]) -> str:
    token_type = members.get("token_type")
    if not isinstance(token_type, str) or not token_type:
        raise ProtocolError("The token endpoint named no token type.")
    for known in TOKEN_TYPES:
        if token_type.lower() == known.lower():
            return known
    # "The client MUST NOT use an access token if it does not understand the token type" (RFC 6749 section 7.1).
    raise ProtocolError("The token endpoint gave a token of an unknown type.", error="unsupported_token_type")


def _lifetime(members: dict[str, object]) -> int:
    value = members.get("expires_in")
    if "expires_in" not in members:
        return DEFAULT_LIFETIME
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ProtocolError("The token endpoint gave a lifetime that is no number of seconds.")
    return min(value, MAX_LIFETIME)


def _granted(members: dict[str, object], asked: Scope) -> Scope:
    if "scope" not in members:
        return asked
    scope = members["scope"]
    if not isinstance(scope, str) or not Scope(scope).is_legal:
        raise ProtocolError("The token endpoint named an illegal scope.")
    return Scope(scope)


def _optional_text(members: dict[str, object], name: str) -> str | None:
    if name not in members:
        return None
    value = members[name]
    if not isinstance(value, str) or not value:
        raise ProtocolError(f"The token endpoint gave a {name} that is no text.")
    return value
