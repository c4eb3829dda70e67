"""Token revocation: a token is given up before its time (RFC 7009)."""

from collections.abc import Collection

from spa_auth.protocol import effects
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.http import Request, Response, refuse_redirect
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.token import form_request, refusal, request_secrets

REFRESH_TOKEN = "refresh_token"
ACCESS_TOKEN = "access_token"


def revocation_request(server: ServerMetadata, *, token: str, token_type_hint: str, client_id: str) -> Request:
    """Ask that a token be revoked (RFC 7009 section 2.1).

    Raises:
        DiscoveryError: The provider has no place for it.
    """
    parameters = {"token": token, "token_type_hint": token_type_hint, "client_id": client_id}
    return form_request(server.endpoint("revocation_endpoint"), parameters)


def parse_revocation_response(response: Response, server: ServerMetadata, secrets: Collection[str] = ()) -> None:
    """Return if the token is revoked, or was worth nothing already (RFC 7009 section 2.2).

    Raises:
        OAuthError: The provider refuses; `unsupported_token_type` where it revokes no such tokens.
        NetworkError: `server_error`; the token still exists, and `.remedy` says when to try again.
        ProtocolError: The answer is a redirect, or none of a revocation endpoint.
    """
    refuse_redirect(response)
    # "The content of the response body is ignored by the client as all necessary information is conveyed in the
    # response code."
    if response.status != 200:
        raise refusal(response, server, secrets)


def revoke_token(provider: Provider, token: str, token_type_hint: str, client_id: str) -> Flow[None]:
    """Revoke a token, with one request.

    A logout catches whatever this raises, and goes on: that the token lives on is no reason to stay (threat L03).

    Args:
        provider: The provider that issued it.
        token: The token.
        token_type_hint: "refresh_token", with which every token of the login ends, or "access_token".
        client_id: This client.

    Raises:
        DiscoveryError: The provider revokes no tokens.
        OAuthError: It refuses.
        ProtocolError: Its answer breaks a rule.
        NetworkError: It does not answer; the token still exists.
    """
    server = yield from provider.metadata()
    request = revocation_request(server, token=token, token_type_hint=token_type_hint, client_id=client_id)
    response = yield from effects.send(request)
    parse_revocation_response(response, server, request_secrets(request))
