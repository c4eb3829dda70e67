"""What takes several exchanges, written once: generators that yield effects and return a value.

The page drives flows with fetch and WebCrypto, the API with httpx and joserfc, a test with a list of answers
(spa_auth.protocol.effects). So all of them share every line of this file, and none of them imports another.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from spa_auth.errors import ConfigurationError, DiscoveryError, JWTError, ProtocolError, SpaAuthError
from spa_auth.protocol import effects, pkce
from spa_auth.protocol.authorization import (
    AuthorizationRequest,
    AuthorizationResponse,
    authorization_parameters,
    check_state,
    parse_authorization_response,
    request_of,
)
from spa_auth.protocol.challenge import parse_challenges
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.id_token import Claims, Expected, id_token_error, validate_id_token
from spa_auth.protocol.jwk import ALGORITHMS
from spa_auth.protocol.jwt import UnverifiedJWT, VerifiedJWT, parse_jwt
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.token import TokenSet, code_request, parse_token_response, refresh_request, request_secrets
from spa_auth.protocol.transaction import Transaction


def verified_jwt(token: str, provider: Provider, algorithms: Collection[str]) -> Flow[VerifiedJWT]:
    """Take a token apart and verify its signature with the provider's keys, fetched anew once if need be.

    Args:
        token: The token in compact form.
        provider: Whose keys to use; never one that the token names (RFC 8725 section 3.10).
        algorithms: The algorithms to accept.

    Raises:
        JWTError: The token is malformed or not signed by the provider; `.claim` says what is wrong.
    """
    return (yield from verify_jwt(parse_jwt(token), provider, algorithms))


def verify_jwt(jwt: UnverifiedJWT, provider: Provider, algorithms: Collection[str]) -> Flow[VerifiedJWT]:
    """Verify the signature of a token that was taken apart; see `verified_jwt`."""
    # "Libraries MUST enable the caller to specify a supported set of algorithms" (RFC 8725 section 3.1).
    if jwt.alg not in algorithms:
        raise JWTError(f"Tokens signed with {_clean_alg(jwt)} are not accepted.", claim="alg")
    keys = yield from provider.find_keys(jwt.kid, jwt.alg)
    for key in keys:
        if (yield from effects.verify(jwt.alg, key, jwt.signing_input, jwt.signature)):
            return VerifiedJWT(jwt.header, jwt.claims)
    raise JWTError("The signature of the token is not the provider's.", claim="signature")


def _clean_alg(jwt: UnverifiedJWT) -> str:
    return jwt.alg if jwt.alg in ALGORITHMS else "an unknown algorithm"


class LoginRequest(NamedTuple):
    """A login that can begin: the record to keep and the address to go to."""

    transaction: Transaction
    request: AuthorizationRequest


class LoginOptions(NamedTuple):
    """What the application wants of a login. `kind` is the first letter of `state`; `max_age` in seconds.

    Of the `parameters`, `organization` and `acr_values` are remembered, as the ID token has to answer them. `use_par`
    says whether the request is pushed (RFC 9126): always, never, or "auto": where the provider requires it. A
    `response_mode` is for what answers here in this page, and `silent` for what a page asks by itself.
    """

    client_id: str
    redirect_uri: str
    return_to: str
    scope: Scope
    kind: str
    audience: str | None = None
    max_age: int | None = None
    app_state: object = None
    parameters: Mapping[str, str] | None = None
    use_par: bool | str = "auto"
    nonce: str | None = None
    response_mode: str | None = None
    silent: bool = False

    def __repr__(self) -> str:
        return f"<LoginOptions {self.client_id} {self.redirect_uri}>"


def begin_login(provider: Provider, options: LoginOptions) -> Flow[LoginRequest]:
    """Make state, nonce and PKCE verifier, 256 random bits each, and the address that begins a login.

    Raises:
        ConfigurationError: A parameter is protected, or the provider requires what the options forbid.
        OAuthError: The provider refuses a request that was pushed.
        ProtocolError: An answer of the provider breaks a rule.
        NetworkError: The provider does not answer.
    """
    server = yield from provider.metadata()
    traits = yield from provider.traits()
    given = dict(options.parameters or {})
    transaction = Transaction(
        state=options.kind + (yield from effects.random_text(32)),
        nonce=options.nonce or (yield from effects.random_text(32)),
        code_verifier=(yield from effects.random_text(pkce.VERIFIER_BYTES)),
        issuer=provider.issuer,
        client_id=options.client_id,
        redirect_uri=options.redirect_uri,
        return_to=options.return_to,
        scope=str(options.scope),
        created_at=int((yield from effects.now())),
        audience=options.audience,
        max_age=options.max_age,
        app_state=options.app_state,
        organization=given.pop("organization", None) or None,
        acr_values=given.pop("acr_values", None) or None,
        silent=options.silent,
        token_endpoint=server.token_endpoint,
    )
    parameters = authorization_parameters(transaction, given, traits.api_parameter)
    if options.response_mode is not None:
        parameters["response_mode"] = options.response_mode
    if _is_pushed(server, options.use_par):
        from spa_auth.protocol.par import push

        parameters = yield from push(server, parameters)
    return LoginRequest(transaction, request_of(server, parameters))


def _is_pushed(server: ServerMetadata, use_par: bool | str) -> bool:
    if use_par is False and server.require_pushed_authorization_requests:
        raise ConfigurationError(
            "The provider requires pushed authorization requests.", remedy='Set use_par to "auto".'
        )
    return use_par is True or server.require_pushed_authorization_requests


class Grant(NamedTuple):
    """What a login gave: tokens, the ID token among them, and its claims, validated."""

    tokens: TokenSet
    id_token: str
    claims: Claims

    def __repr__(self) -> str:
        return f"<Grant {self.tokens!r}>"


class IDTokenRules(NamedTuple):
    """How this client judges ID tokens; `leeway` in seconds, `trusted_audiences` beside this client."""

    algorithms: Collection[str] = tuple(ALGORITHMS)
    leeway: float = 60
    verify_signature: bool = True
    trusted_audiences: Collection[str] = ()

    def applied(self, expected: Expected, server: ServerMetadata) -> Expected:
        """What is expected of an ID token, by these rules and from that provider."""
        return expected._replace(
            issuer=server.issuer_template or expected.issuer,
            tenants=server.tenants,
            leeway=self.leeway,
            trusted_audiences=self.trusted_audiences,
        )


def complete_login(
    provider: Provider, parameters: list[tuple[str, str]], transaction: Transaction, rules: IDTokenRules
) -> Flow[Grant]:
    """From the provider's answer to validated tokens: judge the answer, exchange the code, validate the ID token.

    Args:
        provider: The provider that was asked.
        parameters: The decoded query of the redirect.
        transaction: The login that this answers.
        rules: How to judge the ID token.

    Raises:
        OAuthError: The provider says no.
        ProtocolError: An answer breaks a rule.
        NetworkError: The provider does not answer. The code is not sent a second time.
    """
    check_state(parameters, transaction)  # a foreign answer costs no request, and learns nothing of app_state
    try:
        server = yield from provider.metadata()
        response = parse_authorization_response(parameters, transaction, server, (yield from effects.now()))
        return (yield from exchange_code(provider, response, rules))
    except SpaAuthError as error:
        error.app_state = transaction.app_state
        raise


def exchange_code(provider: Provider, response: AuthorizationResponse, rules: IDTokenRules) -> Flow[Grant]:
    """Exchange a code, once, and validate the ID token that comes with the tokens (RFC 6749 section 4.1.3)."""
    transaction = response.transaction
    server = yield from provider.metadata()
    traits = yield from provider.traits()
    if server.token_endpoint != transaction.token_endpoint:  # metadata count for a whole login (threat M09)
        text = "The provider has changed its token endpoint since this login began."
        raise DiscoveryError(text, claim="token_endpoint", remedy="Log in again.")
    request = code_request(server, response, api_parameter=traits.api_parameter)
    tokens = yield from token_answer(request, server, Scope(transaction.scope), transaction.audience)
    if tokens.id_token is None:
        raise ProtocolError("The token endpoint gave no ID token, though openid was asked for.")
    expected = Expected(
        transaction.issuer,
        transaction.client_id,
        now=(yield from effects.now()),
        nonce=transaction.nonce,
        max_age=transaction.max_age,
        access_token=tokens.access_token,
        organization=transaction.organization,
        acr_values=transaction.acr_values,
    )
    return Grant(tokens, tokens.id_token, (yield from id_token_claims(tokens.id_token, provider, expected, rules)))


def renew_tokens(
    provider: Provider,
    tokens: TokenSet,
    refresh_token: str,
    client_id: str,
    *,
    audience: str | None = None,
    scope: Scope | None = None,
) -> Flow[TokenSet]:
    """Use a refresh token, once; keep it where the answer brings no new one (RFC 6749 section 6).

    Whoever gets the new tokens has to keep their refresh token at once, as the old one is spent; the access token
    counts only after `continued_claims`, and after a look at `missing_scopes`.

    Args:
        provider: The provider that issued it.
        tokens: The tokens to be renewed: their scope and audience.
        refresh_token: The token to use.
        client_id: This client.
        audience: Another API that the new access token is for, where one refresh token serves several.
        scope: Another scope to ask for; None for that of `tokens`.

    Raises:
        InvalidGrantError: The refresh token is spent or revoked.
        ProtocolError: The answer breaks a rule.
        NetworkError: The provider does not answer; nothing is known of the refresh token.
    """
    server = yield from provider.metadata()
    traits = yield from provider.traits()
    # With RFC 8707 each request says anew for which API it is; else only one for another API does.
    named = tokens.audience if audience is None and traits.api_parameter == "resource" else audience
    request = refresh_request(
        server,
        client_id=client_id,
        refresh_token=refresh_token,
        scope=scope,
        audience=named,
        api_parameter=traits.api_parameter,
    )
    asked = tokens.scope if scope is None else scope
    renewed = yield from token_answer(request, server, asked, tokens.audience if audience is None else audience)
    return renewed._replace(refresh_token=renewed.refresh_token or refresh_token)


def continued_claims(
    provider: Provider, renewed: TokenSet, login: Claims, client_id: str, rules: IDTokenRules
) -> Flow[Claims | None]:
    """The claims of the ID token that came with renewed tokens; None where none came (OpenID Connect Core 12.2).

    Args:
        provider: The provider that issued it.
        renewed: The tokens, of which only the refresh token may be used if this raises.
        login: The claims of the login, which the ID token has to continue.
        client_id: This client.
        rules: How to judge the ID token.

    Raises:
        IDTokenError: The ID token breaks a rule.
        DiscoveryError: The provider's keys cannot be used.
        NetworkError: The provider's keys are needed and it does not answer.
    """
    if renewed.id_token is None:
        return None
    expected = Expected(
        provider.issuer,
        client_id,
        now=(yield from effects.now()),
        access_token=renewed.access_token,
        previous=login,
    )
    return (yield from id_token_claims(renewed.id_token, provider, expected, rules))


def token_answer(request: Request, server: ServerMetadata, scope: Scope, audience: str | None) -> Flow[TokenSet]:
    """Send a request to the token endpoint, once, and read the answer; see `parse_token_response`."""
    response = yield from effects.send(request)
    now = yield from effects.now()
    secrets = request_secrets(request)
    return parse_token_response(response, server=server, now=now, scope=scope, audience=audience, secrets=secrets)


def id_token_claims(token: str, provider: Provider, expected: Expected, rules: IDTokenRules) -> Flow[Claims]:
    """The claims of an ID token that the provider signed and that says what is expected.

    Raises:
        IDTokenError: It breaks a rule.
        InsufficientUserAuthenticationError: The user has logged in less strongly than was asked for.
        DiscoveryError: The provider's keys cannot be used.
        NetworkError: They are needed and it does not answer.
    """
    jwt = yield from verified_id_token(token, provider, rules)
    return validate_id_token(jwt, rules.applied(expected, (yield from provider.metadata())))


def verified_id_token(token: str, provider: Provider, rules: IDTokenRules) -> Flow[VerifiedJWT]:
    """An ID token that the provider signed, whatever it says; raises as `id_token_claims` does."""
    server = yield from provider.metadata()
    listed = server.id_token_signing_alg_values_supported or rules.algorithms
    try:
        if rules.verify_signature:
            return (yield from verified_jwt(token, provider, set(rules.algorithms) & set(listed)))
        return VerifiedJWT(*parse_jwt(token)[:2])
    except JWTError as error:
        raise id_token_error(error) from None


def protected_request(request: Request, audience: str | None, scope: Scope) -> Flow[Response]:
    """Send a request with an access token; once more if the API says it is invalid, and there is a new one.

    "invalid_token: The access token provided is expired, revoked, malformed, or invalid for other reasons. [...]
    The client MAY request a new access token and retry" (RFC 6750 section 3.1).

    Args:
        request: The request; an Authorization of its own is replaced.
        audience: For whom the token is.
        scope: What the token has to allow.
    """
    tokens = yield from effects.token(audience, scope)
    response = yield from _authorized(request, tokens)
    errors = {challenge.error for challenge in parse_challenges(response.header("www-authenticate"))}
    if response.status != 401 or "invalid_token" not in errors:
        return response
    renewed = yield from effects.token(audience, scope, refresh=True)
    return response if renewed.access_token == tokens.access_token else (yield from _authorized(request, renewed))


def _authorized(request: Request, tokens: TokenSet) -> Flow[Response]:
    others = tuple(field for field in request.headers if field[0].lower() != "authorization")
    authorization = ("Authorization", f"{tokens.token_type} {tokens.access_token}")
    return (yield from effects.send(request._replace(headers=(*others, authorization)), max_bytes=None))
