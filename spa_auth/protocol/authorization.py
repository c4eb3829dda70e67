"""The authorization request and its response (RFC 6749 section 4.1, OpenID Connect Core 3.1.2, RFC 9207)."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from spa_auth.errors import (
    ConfigurationError,
    IssuerMismatchError,
    ProtocolError,
    StateMismatchError,
    TransactionExpiredError,
    oauth_error,
)
from spa_auth.protocol import form, pkce
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.text import clean_code, clean_text
from spa_auth.protocol.transaction import Transaction
from spa_auth.protocol.url import with_query

# What makes a login safe is not the caller's to choose (RFC 9700 section 2.1).
PROTECTED_PARAMETERS = frozenset(
    {
        "client_id", "code_challenge", "code_challenge_method", "dpop_jkt", "nonce", "redirect_uri", "request",
        "request_uri", "response_mode", "response_type", "state",
    }
)  # fmt: skip


# What is asked with these is checked in the answer, so it has to be said where it is remembered.
_OPTIONS = ("audience", "max_age", "scope")
# What servers and proxies usually take for the line of a request.
MAX_URL_LENGTH = 8_000


class AuthorizationRequest(NamedTuple):
    """Where to send the browser. The repr hides the query."""

    url: str

    def __repr__(self) -> str:
        return f"<AuthorizationRequest {self.url.partition('?')[0]}>"


class AuthorizationResponse(NamedTuple):
    """A code that belongs to a login of ours: `state` and `iss` have been checked."""

    code: str
    transaction: Transaction

    def __repr__(self) -> str:
        return f"<AuthorizationResponse {self.transaction.issuer}>"


def check_parameters(parameters: Mapping[str, object]) -> None:
    """Refuse extra parameters that would replace what the protocol rests on.

    Raises:
        ConfigurationError: Names every protected parameter that was given.
    """
    faults = [f"{name} cannot be set in authorization_params." for name in named(parameters, PROTECTED_PARAMETERS)]
    faults += [f"{name} is an option of its own." for name in named(parameters, _OPTIONS)]
    faults += [f"{name} must be a string." for name, value in parameters.items() if not isinstance(value, str)]
    if faults:
        raise ConfigurationError(*faults)


def named(parameters: Iterable[str], protected: Collection[str]) -> list[str]:
    """The names, sorted, that a server may take for a protected one: some read `State`, `state[]` or ` state` so."""
    return sorted(name for name in parameters if _plain(name) in protected)


def _plain(name: str) -> str:
    return str(name).partition("[")[0].strip().replace(".", "_").replace(" ", "_").lower()


def authorization_parameters(
    transaction: Transaction, parameters: Mapping[str, str], api_parameter: str = "audience"
) -> dict[str, str]:
    """The parameters that ask for a code, with PKCE S256, state and nonce, always (RFC 6749 4.1.1, RFC 7636 4.3).

    Args:
        transaction: The login this begins.
        parameters: What else the provider understands, by its wire names, such as `prompt` or `login_hint`.
        api_parameter: By which parameter the provider is told the audience; "none" for by none.

    Raises:
        ConfigurationError: A parameter is protected.
    """
    check_parameters(parameters)
    own = {
        "client_id": transaction.client_id,
        "response_type": "code",
        "redirect_uri": transaction.redirect_uri,
        "scope": transaction.scope,
        "state": transaction.state,
        "nonce": transaction.nonce,
        "code_challenge": pkce.code_challenge(transaction.code_verifier),
        "code_challenge_method": pkce.METHOD,
        **api_parameters(transaction.audience, api_parameter),
    }
    remembered = {
        "max_age": None if transaction.max_age is None else str(transaction.max_age),
        "organization": transaction.organization,
        "acr_values": transaction.acr_values,
    }
    return {**parameters, **own, **{name: value for name, value in remembered.items() if value is not None}}


def authorization_request(
    server: ServerMetadata,
    transaction: Transaction,
    parameters: Mapping[str, str] | None = None,
    *,
    api_parameter: str = "audience",
) -> AuthorizationRequest:
    """Ask for a code; see `authorization_parameters` and `request_of`."""
    return request_of(server, authorization_parameters(transaction, parameters or {}, api_parameter))


def request_of(server: ServerMetadata, parameters: Mapping[str, str]) -> AuthorizationRequest:
    """The address that asks with these parameters: all of them, or the client and the name of a pushed request.

    Raises:
        ConfigurationError: It is longer than servers on the way take.
        DiscoveryError: The provider has no authorization endpoint.
    """
    url = with_query(server.endpoint("authorization_endpoint"), form.encode(parameters))
    if len(url) > MAX_URL_LENGTH:
        raise ConfigurationError(
            f"The address of this login has {len(url)} characters, and at most {MAX_URL_LENGTH} get through.",
            remedy="Give shorter authorization_params, or set use_par=True if the provider takes pushed requests.",
        )
    return AuthorizationRequest(url)


def api_parameters(audience: str | None, api_parameter: str) -> dict[str, str]:
    """How a request names the API that tokens are for: `audience`, `resource` (RFC 8707 section 2), or not at all."""
    return {} if audience is None or api_parameter == "none" else {api_parameter: audience}


def response_state(parameters: list[tuple[str, str]]) -> str:
    """The one `state` of a response, which is looked at before all else.

    Raises:
        StateMismatchError: There is none, or more than one.
    """
    states = [value for name, value in parameters if name == "state"]
    if len(states) != 1 or not states[0]:
        raise StateMismatchError("The provider's answer does not carry exactly one state.")
    return states[0]


def check_state(parameters: list[tuple[str, str]], transaction: Transaction) -> None:
    """The answer is to this login (RFC 6749 section 10.12).

    Raises:
        StateMismatchError: It is to another one.
    """
    if response_state(parameters) != transaction.state:
        raise StateMismatchError("The provider's answer belongs to another login.")


def parse_authorization_response(
    parameters: list[tuple[str, str]], transaction: Transaction, server: ServerMetadata, now: float
) -> AuthorizationResponse:
    """Judge the answer to a login: state, age, issuer, then error or code, in this order.

    Args:
        parameters: The decoded query of the redirect, doubles kept.
        transaction: The pending login with the state of the answer.
        server: The metadata of the issuer that was asked.
        now: The current time in seconds.

    Raises:
        ProtocolError: The answer breaks a rule; `.error` says which.
        OAuthError: The provider says no.
    """
    check_state(parameters, transaction)
    if transaction.is_expired(now):
        raise TransactionExpiredError("The login took longer than 15 minutes.")
    answer = form.unique(parameters)
    _check_iss(answer.get("iss"), transaction, server)
    if not answer.keys().isdisjoint(("access_token", "id_token", "token_type", "response")):
        raise ProtocolError("The provider answered with tokens in the address.", error="unsupported_response")
    if "error" in answer:
        raise oauth_error(clean_code(answer["error"]), clean_text(answer.get("error_description")))
    if not answer.get("code"):
        raise ProtocolError("The provider's answer carries neither a code nor an error.")
    return AuthorizationResponse(answer["code"], transaction)


def _check_iss(iss: str | None, transaction: Transaction, server: ServerMetadata) -> None:
    # "clients MUST then compare the result to the issuer identifier of the authorization server", and MUST
    # reject an answer without it where the server announces the parameter (RFC 9207 section 2.4).
    if iss is None and not server.authorization_response_iss_parameter_supported:
        iss = server.issuer
    if iss not in server.issuers or server.issuer != transaction.issuer:
        raise IssuerMismatchError("The answer does not come from the provider that was asked.")
