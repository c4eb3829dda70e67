"""What a token request asks for that no login has decided before: scope and APIs (RFC 6749 section 3.3, RFC 8707)."""

from spa_auth.dev_provider.authorization_request import ClientRequest
from spa_auth.dev_provider.authorize_rules import check_audiences, check_resources, check_scope, params_read
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.scope import Scope


def asked_audiences(service: Service, client: Client, params: Parameters) -> tuple[str, ...]:
    """The APIs that a request names, by `resource` or by `audience`.

    Raises:
        EndpointError: `invalid_target`; one is malformed or not known (RFC 8707 section 2).
    """
    request = ClientRequest(client=client, params=params_read(service, params))
    check_resources(service, request)
    check_audiences(service, request)
    return request.audiences


def asked_scope(service: Service, client: Client, params: Parameters, default: Scope) -> Scope:
    """The scope that a request names, as far as the client may be granted it.

    Raises:
        EndpointError: `invalid_scope`; it is malformed.
    """
    check_scope(service, ClientRequest(client=client, params=params))
    return client.granted(Scope(params["scope"]) if "scope" in params else default)
