"""FastAPI: one object that guards routes, documents them, and answers for them."""

from collections.abc import Collection
from typing import Annotated

from fastapi import FastAPI, HTTPException, Security
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Send
from starlette.types import Scope as ASGIScope

from spa_auth.errors import ConfigurationError, RequestError
from spa_auth.protocol.http import header_values
from spa_auth.server.access_token import AccessToken
from spa_auth.server.asgi import refuse, request_of
from spa_auth.server.options import origin_faults
from spa_auth.server.validator import AccessTokenValidator

__all__ = ["AccessToken", "TokenAuth"]

METADATA_PATH = "/.well-known/oauth-protected-resource"
_OPTIONAL = "(the token is optional)"  # with its spaces and brackets it cannot be a scope that anybody asks for


class TokenAuth(SecurityBase):
    """Guards the routes of a FastAPI application with access tokens.

    `Security(auth, scopes=[...])` is a dependency that gives the AccessToken of the request, or refuses it. In a test,
    `app.dependency_overrides[auth] = lambda: AccessToken({"sub": "alice"})` covers every route.

    Args:
        origins: The origins of the pages that may call this API, such as https://app.example.
        options: See spa_auth.server.ValidatorOptions; `issuer` and `audience` have to be given.

    Raises:
        ConfigurationError: Names every fault of the options, at once.
    """

    def __init__(self, *, origins: str | Collection[str] = (), **options: object) -> None:
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = type(self).__name__
        self.origins = (origins,) if isinstance(origins, str) else tuple(origins)
        self.validator = _validator(origin_faults(self.origins), options)

        async def optional(
            token: Annotated[AccessToken | None, Security(self, scopes=[_OPTIONAL])],
        ) -> AccessToken | None:
            return token

        self.optional = optional
        """As the object itself, but None for a request without Authorization; an invalid token is still refused."""

    async def __call__(self, connection: HTTPConnection, security_scopes: SecurityScopes) -> AccessToken | None:
        """The token of a request; None only for `optional`, where the request has no Authorization at all."""
        request = request_of(connection.scope)
        if _OPTIONAL in security_scopes.scopes and not header_values(request.headers, "authorization"):
            return None
        scopes = [scope for scope in security_scopes.scopes if scope != _OPTIONAL]
        try:
            return await self.validator.avalidate_request(request, scopes=scopes)
        except RequestError as error:
            raise RefusedError(error) from None

    def install(self, app: FastAPI) -> None:
        """Have an application answer refusals, pages of the origins (CORS), and who asks about tokens (RFC 9728).

        There is nothing to shut down.
        """
        app.add_exception_handler(RefusedError, _answer)
        app.add_exception_handler(RequestError, _answer)  # of a route that calls the validator itself
        app.add_api_route(METADATA_PATH, self._metadata, include_in_schema=False)
        app.add_middleware(
            CORSMiddleware,
            allow_origins=self.origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "DPoP", "Content-Type"],
            expose_headers=["WWW-Authenticate", "DPoP-Nonce"],
        )

    async def _metadata(self) -> JSONResponse:
        options = self.validator.options
        return JSONResponse(
            {
                "resource": options.audiences[0],
                "authorization_servers": [options.issuer],
                "bearer_methods_supported": ["header"],
            }
        )


class RefusedError(HTTPException):
    """A RequestError in the form that every FastAPI application answers, one without `install` or mounted, too."""

    def __init__(self, error: RequestError) -> None:
        super().__init__(error.status, error.error_description, dict(error.headers))
        self.error = error


class _Answer(Response):
    """The answer of an error, written as the ASGI guard writes it."""

    def __init__(self, error: RequestError) -> None:
        super().__init__()
        self._error = error

    async def __call__(self, scope: ASGIScope, _receive: Receive, send: Send) -> None:
        await refuse(self._error, scope, send)


async def _answer(_connection: HTTPConnection, raised: Exception) -> Response:
    error = raised.error if isinstance(raised, RefusedError) else raised
    assert isinstance(error, RequestError)  # noqa: S101  it is registered for no other
    return _Answer(error)


def _validator(faults: list[str], options: dict[str, object]) -> AccessTokenValidator:
    try:
        validator = AccessTokenValidator(**options)  # type: ignore[arg-type]  # clock is among them
    except ConfigurationError as error:
        raise ConfigurationError(*error.faults, *faults) from None
    if faults:
        raise ConfigurationError(*faults)
    return validator
