"""Access tokens validated for an API: the rules are the protocol's, the keys come from the provider."""

import re
import time
from collections.abc import Callable, Collection
from typing import Any, cast

from spa_auth.errors import ConfigurationError, JWTError, RequestError, SpaAuthError, without_locals
from spa_auth.protocol.access_token import Rules, access_token_claims
from spa_auth.protocol.effects import Flow, Send
from spa_auth.protocol.http import Request, Response, header_values
from spa_auth.protocol.id_token import Claims
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope
from spa_auth.server.access_token import AccessToken
from spa_auth.server.drivers import adrive, drive
from spa_auth.server.gate import Gate, NetworkNeeded
from spa_auth.server.instruments import Instruments
from spa_auth.server.options import ValidatorOptions
from spa_auth.server.refusals import Refusals, logger
from spa_auth.server.transport import Transport

_CREDENTIALS = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")  # RFC 6750 section 2.1
_OTHER_SCHEME = re.compile(r"(?![Bb][Ee][Aa][Rr][Ee][Rr](?: |\Z))[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: |\Z)")


class AccessTokenValidator:
    """Validates the JWT access tokens that one provider issues for one API (RFC 9068, RFC 6750).

    The provider's metadata and keys are fetched when the first token comes, and kept. When the keys are old, or a
    token names one that is not known, one caller fetches them anew; the others, where their key is known, go on with
    it meanwhile. One object serves any number of threads and event loops, and needs no shutdown.

    Args:
        clock: The current time, in seconds since 1970.
        options: See `ValidatorOptions`; `issuer` and `audience` have to be given.

    Raises:
        ConfigurationError: Names every fault of the options, at once.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, **options: object) -> None:
        self.options = ValidatorOptions(**cast("dict[str, Any]", options))
        skew = self.options.clock_skew
        self._rules = Rules(
            self.options.issuer,
            frozenset(self.options.audiences),
            self.options.clock_tolerance,
            self.options.max_token_length,
        )
        self._algorithms = self.options.accepted_algorithms
        self._provider = Provider(self.options.issuer, lifetime=self.options.jwks_cache_duration)
        self._instruments = Instruments(lambda: clock() + skew)
        self._transport = Transport(self.options.issuer, timeout=self.options.response_timeout)
        self._gate = Gate()
        self._refusals = Refusals(self.options)
        if self.options.is_local:
            logger.warning(
                "Tokens of %s are trusted, a provider on this machine: for development.", self.options.issuer
            )

    def validate(self, token: str, *, scopes: str | Collection[str] = ()) -> AccessToken:
        """The token, validated (RFC 9068 section 4).

        Args:
            token: The access token as it came.
            scopes: What the token has to allow, all of it.

        Raises:
            InvalidTokenError: It is not accepted: 401.
            InsufficientScopeError: It is good, but allows less: 403.
            UpstreamError: The provider's keys are needed and cannot be had: 503.
            ConfigurationError: `scopes` holds something that no token can have.
        """
        required = required_scope(scopes)
        try:
            return self._allowed(self._claims(token), required)
        except SpaAuthError as error:
            without_locals(error)
            refusal = self._refusals.of(error, token)
        del token  # out of the frame that the traceback keeps
        raise refusal

    async def avalidate(self, token: str, *, scopes: str | Collection[str] = ()) -> AccessToken:
        """As `validate`, without blocking the event loop while keys are fetched."""
        required = required_scope(scopes)
        try:
            return self._allowed(await self._aclaims(token), required)
        except SpaAuthError as error:
            without_locals(error)
            refusal = self._refusals.of(error, token)
        del token
        raise refusal

    def validate_request(self, request: Request, *, scopes: str | Collection[str] = ()) -> AccessToken:
        """The token that a request carries in its Authorization header, validated (RFC 6750 section 2.1).

        Raises:
            InvalidRequestError: The header is malformed, or there are two: 400.
            InvalidTokenError: There is no token, or it is not accepted: 401.
            InsufficientScopeError: The token allows less: 403.
            UpstreamError: The provider's keys are needed and cannot be had: 503.
            ConfigurationError: `scopes` holds something that no token can have.
        """
        return self.validate(self._bearer_token(request, required_scope(scopes)), scopes=scopes)

    async def avalidate_request(self, request: Request, *, scopes: str | Collection[str] = ()) -> AccessToken:
        """As `validate_request`, without blocking the event loop while keys are fetched."""
        return await self.avalidate(self._bearer_token(request, required_scope(scopes)), scopes=scopes)

    def _bearer_token(self, request: Request, required: Scope) -> str:
        try:
            return self._credentials(header_values(request.headers, "authorization"), required)
        except RequestError as refusal:
            without_locals(refusal)  # what is malformed, or of another scheme, may be a token all the same
            raise

    def _credentials(self, values: list[str], required: Scope) -> str:
        if len(values) > 1:
            raise self._refusals.malformed("The request has more than one Authorization header.")
        if not values or _OTHER_SCHEME.match(values[0]):
            raise self._refusals.no_token(required)
        credentials = _CREDENTIALS.fullmatch(values[0])
        if credentials is None:
            raise self._refusals.malformed("The Authorization header is not of the form Bearer, one space, token.")
        return credentials[1]

    def _claims(self, token: str) -> Claims:
        try:
            return drive(self._flow(token), _no_network, self._instruments)
        except NetworkNeeded:
            return self._gate.run(
                lambda: drive(self._flow(token), self._transport.send, self._instruments),
                meanwhile=lambda: drive(self._flow(token), _only_if_needed, self._instruments),
            )

    async def _aclaims(self, token: str) -> Claims:
        try:
            return drive(self._flow(token), _no_network, self._instruments)
        except NetworkNeeded:
            return await self._gate.arun(
                lambda: adrive(self._flow(token), self._transport.asend, self._instruments),
                meanwhile=lambda: drive(self._flow(token), _only_if_needed, self._instruments),
            )

    def _flow(self, token: object) -> Flow[Claims]:
        if not isinstance(token, str):
            raise JWTError("The token is not a text.", claim="format")
        return access_token_claims(token, self._provider, self._rules, self._algorithms)

    def _allowed(self, claims: Claims, required: Scope) -> AccessToken:
        token = AccessToken(claims)
        if not token.scope.covers(required):
            raise self._refusals.insufficient_scope(token, required)
        return token


def _no_network(_: Send) -> Response:
    raise NetworkNeeded


def _only_if_needed(effect: Send) -> None:
    if not effect.optional:
        raise NetworkNeeded


def required_scope(scopes: str | Collection[str]) -> Scope:
    """The scope that a route demands.

    Raises:
        ConfigurationError: A word is empty or has characters that no scope can have (RFC 6749 section 3.3).
    """
    scope = Scope(scopes)
    if not scope.is_legal or (scopes and not scope):
        raise ConfigurationError(f"scopes cannot be {scopes!a}: no token ever has that.")
    return scope
