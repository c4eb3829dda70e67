"""Applications register themselves (RFC 7591)."""

import hmac
import math

from spa_auth.dev_provider.answers import json_response
from spa_auth.dev_provider.bearer import bearer_token, refused_token
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.client_metadata import metadata_of, parse_client, read_metadata
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.events import ClientEvent, Context, TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.options import Options
from spa_auth.dev_provider.records import InitialAccessToken, Registration, RegistrationAccessToken
from spa_auth.dev_provider.service import Service
from spa_auth.errors import ProtocolError
from spa_auth.protocol.http import Request, Response, header_values
from spa_auth.protocol.url import parse_url

REGISTRATION = "/register"


def client_event(context: Context) -> ClientEvent:
    """What the events of registrations show."""
    return ClientEvent(context, context.client)


@endpoint("registration_create", succeeded=client_event)
async def register(service: Service, call: Call, seen: Seen) -> Response:
    """Answer with the new application and the token that manages it (RFC 7591 section 3.2.1)."""
    _check_origin(service, call)
    _check_initial_access_token(service, call)
    client = parse_client(read_metadata(call.request), service.secret(), service.secret())
    seen.client = client
    registration = Registration(client=client, issued_at=service.now())
    service.registrations.put(registration, math.inf)
    token = make_registration_access_token(service, client.client_id)
    return json_response(client_information(service, registration, token), status=201)


def may_register(options: Options, request: Request) -> bool:
    """Whether a request comes from where it may: where anybody can register, no page of elsewhere can (threat O01).

    A page of any site that a developer visits can call this machine, and would have the tokens of a client with a
    secret; "protected" asks pages for a token instead. Programs send no Origin.
    """
    return options.registration != "open" or all(map(_is_loopback, header_values(request.headers, "origin")))


def client_information(
    service: Service, registration: Registration, token: RegistrationAccessToken
) -> dict[str, object]:
    """All that an application may know of itself (RFC 7591 section 3.2.1, RFC 7592 section 3)."""
    client = registration.client
    # "REQUIRED if client_secret is issued ... or 0 if it will not expire."
    secret = (
        {} if client.client_secret is None else {"client_secret": client.client_secret, "client_secret_expires_at": 0}
    )
    return {
        "client_id": client.client_id,
        "client_id_issued_at": registration.issued_at,
        **secret,
        "registration_access_token": token.key,
        "registration_client_uri": service.url(f"{REGISTRATION}/{client.client_id}"),
        **metadata_of(client),
    }


def make_registration_access_token(service: Service, client_id: str) -> RegistrationAccessToken:
    """A new token that manages one application."""
    token = RegistrationAccessToken(key=service.secret(), client_id=client_id)
    service.registration_access_tokens.put(token, math.inf)
    service.emit("registration_access_token.saved", TokenEvent(token))
    return token


def make_initial_access_token(service: Service) -> str:
    """A new token that allows to register applications, any number of them (RFC 7591 section 3)."""
    token = InitialAccessToken(key=service.secret())
    service.initial_access_tokens.put(token, math.inf)
    service.emit("initial_access_token.saved", TokenEvent(token))
    return token.key


def destroy_initial_access_token(service: Service, token: str) -> None:
    """Take back a token that was made while the provider runs; an unknown one is gone already."""
    destroyed = service.initial_access_tokens.remove(token)
    if destroyed is not None:
        service.emit("initial_access_token.destroyed", TokenEvent(destroyed))


def _check_origin(service: Service, call: Call) -> None:
    if not may_register(service.options, call.request):
        text = "Pages of other machines cannot register; use registration=protected and an initial access token."
        raise EndpointError("invalid_request", text, status=403)


def _is_loopback(origin: str) -> bool:
    try:
        return parse_url(origin).is_loopback
    except ProtocolError:
        return False  # "null", the origin of a frame in a sandbox, is anybody's


def _check_initial_access_token(service: Service, call: Call) -> None:
    if service.options.registration == "open":
        return
    token = bearer_token(call)
    configured = any(
        hmac.compare_digest(known.encode(), token.encode()) for known in service.options.initial_access_tokens
    )
    if not configured and service.initial_access_tokens.get(token) is None:
        raise refused_token("The initial access token is unknown.")
