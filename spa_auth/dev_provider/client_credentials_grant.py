"""grant_type=client_credentials: an application acts for itself (RFC 6749 section 4.4)."""

from dataclasses import replace

from spa_auth.dev_provider.asked import asked_audiences, asked_scope
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.claims import client_credentials_claims
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.issuing import access_token_members
from spa_auth.dev_provider.options import STANDARD_SCOPES
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.records import ClientCredentials
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.scope import Scope


def grant_client(service: Service, call: Call, client: Client, params: Parameters) -> dict[str, object]:
    """Give an application an access token of its own: a JWT for the APIs that it names, else an opaque one.

    Raises:
        EndpointError: `unauthorized_client`, `invalid_scope` or `invalid_target`.
    """
    if client.is_public:
        # RFC 6749 section 4.4: "The client credentials grant type MUST only be used by confidential clients."
        raise EndpointError("unauthorized_client", "This client has no secret.")
    audiences = asked_audiences(service, client, params)
    scope = _granted_scope(service, client, params, audiences)
    return access_token_members(service, _issue(service, call, client, scope, audiences))


def _granted_scope(service: Service, client: Client, params: Parameters, audiences: tuple[str, ...]) -> Scope:
    granted = service.options.granted(asked_scope(service, client, params, Scope()), audiences)
    # There is no user of whom openid, profile or offline_access could tell anything.
    return Scope(word for word in granted if word not in STANDARD_SCOPES)


def _issue(service: Service, call: Call, client: Client, scope: Scope, audiences: tuple[str, ...]) -> ClientCredentials:
    token = ClientCredentials(
        key=service.secret(),
        jti=service.secret(),
        client_id=client.client_id,
        scope=scope,
        audiences=audiences,
        format="jwt" if audiences else "opaque",
        jkt=call.jkt,
        issued_at=service.now(),
        expires_at=service.now() + service.options.access_token_lifetime,
    )
    if audiences:
        token = replace(token, key=service.keys.sign("at+jwt", client_credentials_claims(service, token)))
    service.client_credentials.put(token, token.expires_at)
    service.emit("client_credentials.issued" if audiences else "client_credentials.saved", TokenEvent(token))
    return token
