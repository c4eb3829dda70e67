"""A login by token exchange: credentials of elsewhere stand for a user, and no page is shown (RFC 8693)."""

from spa_auth.dev_provider.asked import asked_scope
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.consents import agreed_scope
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.issuing import login_response
from spa_auth.dev_provider.options import Organization
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.prompts import is_member
from spa_auth.dev_provider.records import Grant
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.users import User, find_user
from spa_auth.errors import ProtocolError
from spa_auth.protocol.http import header_values
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.url import origin_of


def exchange_custom_token(
    service: Service, call: Call, client: Client, params: Parameters, audiences: tuple[str, ...]
) -> dict[str, object]:
    """Log in the user whom the subject token names: by `sub`, name or e-mail address.

    Raises:
        EndpointError: `invalid_request`; nobody is called that, the organization does not fit, or a foreign page asks;
            `unauthorized_client` for an application that registered itself; `invalid_target` for an API that the
            user has not agreed to.
    """
    _check_client(service, client)
    _check_origin(call, client)
    user = find_user(service.options.users, params["subject_token"])
    if user is None:
        raise EndpointError("invalid_request", "The subject token names no user of this provider.")
    organization = _find_organization(service, user, params)
    granted = service.options.granted(asked_scope(service, client, params, Scope("openid")), audiences)
    scope = agreed_scope(service, client, user, audiences, granted)
    now = service.now()
    grant = Grant(
        grant_id=service.secret(),
        client_id=client.client_id,
        user=user,
        sid=service.secret(),
        auth_time=now,
        scope=scope,
        audiences=audiences,
        userinfo_too="audience" in params and "openid" in scope and not service.options.resource_only,
        organization=None if organization is None else organization.org_id,
        expires_at=now + service.options.refresh_token_lifetime,
    )
    service.save_grant(grant)
    return login_response(service, call, client, grant, audiences=audiences)


def _check_client(service: Service, client: Client) -> None:
    # Where anybody can register, any site could register its own origin, and pass the next check with it.
    if not service.is_configured(client):
        raise EndpointError("unauthorized_client", "Only configured clients log users in without a page.")


def _check_origin(call: Call, client: Client) -> None:
    # There is no page here on which a user could see who asks. So a page may do this only where an authorization
    # response may go; or any site that a developer visits could get tokens of this provider.
    for origin in header_values(call.request.headers, "origin"):
        if not _is_origin_of(client, origin):
            raise EndpointError("invalid_request", "This client has no redirect_uri on the origin of this page.")


def _is_origin_of(client: Client, origin: str) -> bool:
    try:
        registered = {origin_of(uri) for uri in client.redirect_uris}
        return origin_of(origin) in registered or client.allows_redirect_uri(f"{origin}/")
    except ProtocolError:
        return False


def _find_organization(service: Service, user: User, params: Parameters) -> Organization | None:
    if "organization" not in params:
        return None
    organization = service.options.organization(params["organization"])
    if organization is None or not is_member(user, organization):
        raise EndpointError("invalid_request", "The user does not belong to this organization.")
    return organization
