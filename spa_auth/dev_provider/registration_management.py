"""A registered application reads, changes or removes itself (RFC 7592)."""

import math
from collections.abc import Mapping
from dataclasses import replace

from spa_auth.dev_provider.answers import NO_STORE, json_response
from spa_auth.dev_provider.bearer import bearer_token, refused_token
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.client_metadata import invalid, parse_client, read_metadata
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.records import (
    ClientCredentials,
    DeviceCode,
    PushedRequest,
    Registration,
    RegistrationAccessToken,
)
from spa_auth.dev_provider.registration import (
    REGISTRATION,
    client_event,
    client_information,
    make_registration_access_token,
)
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Response

# RFC 7592 section 2.2: the request "MUST NOT include" these.
SERVER_MADE = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


@endpoint("registration_read", succeeded=client_event)
async def read_registration(service: Service, call: Call, seen: Seen) -> Response:
    """Answer with the application as it is registered (RFC 7592 section 2.1)."""
    registration, token = _authorized(service, call, seen)
    return json_response(client_information(service, registration, token))


@endpoint("registration_update", succeeded=client_event)
async def update_registration(service: Service, call: Call, seen: Seen) -> Response:
    """Put other metadata in the place of all that was registered, and answer as for a read (RFC 7592 section 2.2)."""
    registration, token = _authorized(service, call, seen)
    members = read_metadata(call.request)
    _check_identity(registration.client, members)
    client = parse_client(members, registration.key, registration.client.client_secret or service.secret())
    seen.client = client
    updated = service.registrations.put(replace(registration, client=client), math.inf)
    _destroy_token(service, token)
    return json_response(client_information(service, updated, make_registration_access_token(service, updated.key)))


@endpoint("registration_delete", succeeded=client_event)
async def delete_registration(service: Service, call: Call, seen: Seen) -> Response:
    """Remove the application and all that it was given (RFC 7592 section 2.3)."""
    registration, token = _authorized(service, call, seen)
    service.registrations.remove(registration.key)
    _destroy_token(service, token)
    _withdraw_everything(service, call, registration.client)
    return Response(204, NO_STORE)


def _authorized(service: Service, call: Call, seen: Seen) -> tuple[Registration, RegistrationAccessToken]:
    token = service.registration_access_tokens.get(bearer_token(call))
    if token is None:
        raise refused_token("The registration access token is unknown.")
    registration = service.registrations.get(token.client_id)
    seen.client = None if registration is None else registration.client
    # RFC 7592 section 2.1: for a client that does not exist, or another one than the token was made for, the answer
    # is 401, and "the registration access token used to make this request SHOULD be immediately revoked".
    if registration is None or call.path != f"{REGISTRATION}/{registration.key}":
        _destroy_token(service, token)
        raise refused_token("The registration access token is another client's, and is good no more.")
    return registration, token


def _check_identity(client: Client, members: Mapping[str, object]) -> None:
    if not members.keys().isdisjoint(SERVER_MADE):
        raise invalid(f"Leave out {', '.join(SERVER_MADE)}.")
    # RFC 7592 section 2.2: client_id "MUST be the same as its currently issued client identifier".
    if members.get("client_id") != client.client_id:
        raise invalid("client_id is not the one of this client.")
    # "The client MUST NOT be allowed to overwrite its existing client secret with its own chosen value."
    if members.get("client_secret", client.client_secret) != client.client_secret:
        raise invalid("client_secret is not the one of this client.")


def _destroy_token(service: Service, token: RegistrationAccessToken) -> None:
    service.registration_access_tokens.remove(token.key)
    service.emit("registration_access_token.destroyed", TokenEvent(token))


def _withdraw_everything(service: Service, call: Call, client: Client) -> None:
    # RFC 7592 section 2.3: "SHOULD immediately invalidate all existing authorization grants and currently active
    # access tokens, all refresh tokens, and other tokens associated with this client".
    for grant in [grant for grant in service.grants if grant.client_id == client.client_id]:
        service.revoke(grant.grant_id, service.context(call, client=client), "deregistration")

    def is_theirs(record: ClientCredentials | DeviceCode | PushedRequest) -> bool:
        return record.client_id == client.client_id

    service.destroy(service.client_credentials, "client_credentials.destroyed", is_theirs)
    service.destroy(service.device_codes, "device_code.destroyed", is_theirs)
    service.destroy(service.pushed_requests, "pushed_authorization_request.destroyed", is_theirs)
