"""Token exchange: a token of elsewhere becomes one of this provider (RFC 8693)."""

from collections.abc import Mapping
from typing import NamedTuple

from spa_auth.errors import ConfigurationError, ProtocolError
from spa_auth.protocol import effects
from spa_auth.protocol.authorization import api_parameters, named
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.flows import IDTokenRules, id_token_claims
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.id_token import Claims, Expected
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import SESSION_SCOPES, Scope
from spa_auth.protocol.strict_json import StrictJSONError, loads_object
from spa_auth.protocol.token import TokenSet, parse_token_response, request_secrets, token_request

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
TOKEN_TYPES = ("urn:ietf:params:oauth:token-type:access_token", "urn:ietf:params:oauth:token-type:jwt")
# These are arguments of their own, or are nobody's to choose.
PROTECTED_PARAMETERS = frozenset(
    {
        "audience", "client_assertion", "client_assertion_type", "client_id", "client_secret", "grant_type",
        "organization", "resource", "scope", "subject_token", "subject_token_type",
    }
)  # fmt: skip


class Exchange(NamedTuple):
    """What is exchanged for what. The repr shows no token.

    Args:
        subject_token: The token that stands for the user.
        subject_token_type: What it is, as a URI.
        scope: What to ask for.
        audience: The API that the new token is for.
        organization: The organization that the user has to belong to.
        parameters: What else the provider understands, by its wire names, such as `actor_token`.
    """

    subject_token: str
    subject_token_type: str
    scope: Scope
    audience: str | None = None
    organization: str | None = None
    parameters: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return f"<Exchange audience={self.audience!r} scope={str(self.scope)!r}>"


class Exchanged(NamedTuple):
    """What an exchange gave: tokens, and the claims of the ID token if there is one, validated."""

    tokens: TokenSet
    claims: Claims | None

    def __repr__(self) -> str:
        return f"<Exchanged {self.tokens!r}>"


def exchange_request(
    server: ServerMetadata, exchange: Exchange, *, client_id: str, api_parameter: str = "audience"
) -> Request:
    """Ask for a token in the place of another (RFC 8693 section 2.1).

    Raises:
        ConfigurationError: A parameter is protected or no text; names every one.
        DiscoveryError: The provider has no token endpoint.
    """
    extra: Mapping[str, object] = exchange.parameters or {}
    faults = [f"{name} cannot be set in the parameters." for name in named(extra, PROTECTED_PARAMETERS)]
    faults += [f"{name} must be a string." for name, value in extra.items() if not isinstance(value, str)]
    if faults:
        raise ConfigurationError(*faults)
    organization = {} if exchange.organization is None else {"organization": exchange.organization}
    own = {
        "grant_type": GRANT_TYPE,
        "client_id": client_id,
        "subject_token": exchange.subject_token,
        "subject_token_type": exchange.subject_token_type,
        "scope": str(exchange.scope),
        **api_parameters(exchange.audience, api_parameter),
        **organization,
    }
    return token_request(server, **{**(exchange.parameters or {}), **own})


def parse_exchange_response(
    response: Response, *, server: ServerMetadata, now: float, exchange: Exchange, request: Request
) -> TokenSet:
    """Read the answer to an exchange (RFC 8693 section 2.2.1); raises as `parse_token_response` does.

    What was issued has to be an access token. A refresh token comes only with a scope that asks for one.
    """
    if response.status == 200:
        _check_issued(response)
    secrets = request_secrets(request)
    tokens = parse_token_response(
        response, server=server, now=now, scope=exchange.scope, audience=exchange.audience, secrets=secrets
    )
    if tokens.refresh_token is not None and not set(SESSION_SCOPES) & set(exchange.scope):
        raise ProtocolError("The token endpoint gave a refresh token that was not asked for.")
    return tokens


def custom_exchange(
    provider: Provider, exchange: Exchange, client_id: str, rules: IDTokenRules, *, login: bool = False
) -> Flow[Exchanged]:
    """Exchange a token, once, and validate the ID token that comes with the new one.

    Args:
        provider: The provider.
        exchange: What to exchange for what.
        client_id: This client.
        rules: How to judge the ID token.
        login: Whether this logs the user in, which takes an ID token.

    Raises:
        ConfigurationError: A parameter is protected.
        OAuthError: The provider says no.
        ProtocolError: The answer breaks a rule.
        NetworkError: The provider does not answer.
    """
    server = yield from provider.metadata()
    traits = yield from provider.traits()
    request = exchange_request(server, exchange, client_id=client_id, api_parameter=traits.api_parameter)
    response = yield from effects.send(request)
    now = yield from effects.now()
    tokens = parse_exchange_response(response, server=server, now=now, exchange=exchange, request=request)
    if tokens.id_token is None:
        if login:
            raise ProtocolError("The token endpoint gave no ID token, without which nobody is logged in.")
        return Exchanged(tokens, None)
    expected = Expected(
        provider.issuer, client_id, now=now, access_token=tokens.access_token, organization=exchange.organization
    )
    return Exchanged(tokens, (yield from id_token_claims(tokens.id_token, provider, expected, rules)))


def _check_issued(response: Response) -> None:
    try:
        members = loads_object(response.body)
    except StrictJSONError:
        return  # the next reader says so
    # "N_A": what was issued is no access token, and cannot be used as one.
    if members.get("issued_token_type") not in TOKEN_TYPES or str(members.get("token_type")).lower() == "n_a":
        raise ProtocolError("The token endpoint issued another kind of token than an access token.")
