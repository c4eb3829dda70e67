"""Token revocation: an application gives up what it was given (RFC 7009)."""

from spa_auth.dev_provider.answers import NO_STORE
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.client_authentication import authenticated_client
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.records import AccessToken, ClientCredentials, RefreshToken
from spa_auth.dev_provider.service import Service
from spa_auth.errors import JWTError
from spa_auth.protocol.http import Response

Revocable = AccessToken | ClientCredentials | RefreshToken


@endpoint("revocation")
async def revoke(service: Service, call: Call, seen: Seen) -> Response:
    """Make a token worthless, a refresh token with all of its login; answer 200, also where nothing was to do."""
    seen.params = call.form()
    seen.client = authenticated_client(service, call, seen.params)
    if "token" not in seen.params:
        raise EndpointError("invalid_request", "token is missing.")
    token = service.token(seen.params["token"])
    if token is None:
        # RFC 7009 section 2.2: "invalid tokens do not cause an error response".
        _refuse_id_token(service, seen.params["token"])
        return Response(200, NO_STORE)
    _check_owner(seen.client, token)
    if isinstance(token, RefreshToken):
        # Section 2.1: with a refresh token the server "SHOULD also invalidate all access tokens based on the same
        # authorization grant".
        service.revoke(token.grant_id, service.context(call, client=seen.client, params=seen.params), "revocation")
    else:
        _destroy(service, token)
    return Response(200, NO_STORE)


def _refuse_id_token(service: Service, token: str) -> None:
    try:
        service.verify_id_token(token)
    except JWTError:
        return
    raise EndpointError("unsupported_token_type", "An ID token cannot be revoked.")


def _check_owner(client: Client, token: Revocable) -> None:
    # Section 2.1: where the token was not issued to this client, "the request is refused and the client is informed
    # of the error"; section 5.2 of RFC 6749 calls that invalid_grant.
    if token.client_id != client.client_id:
        raise EndpointError("invalid_grant", "The token was issued to another client.")


def _destroy(service: Service, token: AccessToken | ClientCredentials) -> None:
    if isinstance(token, AccessToken):
        service.access_tokens.remove(token.key)
        service.emit("access_token.destroyed", TokenEvent(token))
        return
    service.client_credentials.remove(token.key)
    service.emit("client_credentials.destroyed", TokenEvent(token))
