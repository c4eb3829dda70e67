"""Token introspection: an API asks what a token is worth (RFC 7662)."""

from spa_auth.dev_provider.answers import json_response
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.claims import access_token_claims, client_credentials_claims
from spa_auth.dev_provider.client_authentication import confidential_client
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.issuing import token_type
from spa_auth.dev_provider.records import AccessToken, ClientCredentials, RefreshToken
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Response

Members = dict[str, object]


@endpoint("introspection")
async def introspect(service: Service, call: Call, seen: Seen) -> Response:
    """Answer what a token of this provider says, and of any other only that it is not active."""
    seen.params = call.form()
    # RFC 7662 section 2.1: "To prevent token scanning attacks, the endpoint MUST also require some form of
    # authorization to access this endpoint".
    seen.client = confidential_client(service, call, seen.params)
    if "token" not in seen.params:
        raise EndpointError("invalid_request", "token is missing.")
    members = _members(service, seen.client, seen.params["token"])
    # Section 2.2: the server "SHOULD NOT include any additional information about an inactive token, including why".
    return json_response({"active": False} if members is None else {"active": True, **members})


def _members(service: Service, client: Client, token: str) -> Members | None:
    found = service.token(token)
    if found is None or not _may_know(service, client, found):
        return None
    if isinstance(found, AccessToken):
        return _access_token(service, found)
    return _refresh_token(service, found) if isinstance(found, RefreshToken) else _client_credentials(service, found)


def _may_know(service: Service, client: Client, token: AccessToken | ClientCredentials | RefreshToken) -> bool:
    # RFC 7662 section 2.2: a token is not active either where "the protected resource is not allowed to introspect
    # this particular token". APIs ask about what their callers send: access tokens. Who registers itself is no API.
    is_api = service.is_configured(client) and not isinstance(token, RefreshToken)
    return is_api or token.client_id == client.client_id


def _access_token(service: Service, token: AccessToken) -> Members | None:
    grant = service.grants.get(token.grant_id)
    if grant is None:
        return None
    claims = access_token_claims(service, grant, token)
    return {**claims, "username": grant.user.name, "token_type": token_type(token)}


def _client_credentials(service: Service, token: ClientCredentials) -> Members:
    return {**client_credentials_claims(service, token), "token_type": token_type(token)}


def _refresh_token(service: Service, token: RefreshToken) -> Members | None:
    grant = service.grants.get(token.grant_id)
    # A spent one is worth nothing.
    if grant is None or token.consumed_at is not None:
        return None
    return {
        "iss": service.options.issuer,
        "sub": grant.user.sub,
        "client_id": token.client_id,
        "username": grant.user.name,
        "scope": str(grant.scope),
        "iat": token.issued_at,
        "exp": token.expires_at,
    }
