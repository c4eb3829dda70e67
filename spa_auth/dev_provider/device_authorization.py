"""The device authorization endpoint: a device without a browser asks for its codes (RFC 8628 section 3.1)."""

from spa_auth.dev_provider.answers import json_response
from spa_auth.dev_provider.authorization_request import ClientRequest
from spa_auth.dev_provider.authorize_rules import (
    asked_organization,
    check_audiences,
    check_organization,
    check_resources,
    check_scope,
    granted_scope,
    params_read,
)
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.client_authentication import authenticated_client
from spa_auth.dev_provider.clients import DEVICE_CODE
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.records import DeviceCode
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.user_codes import new_user_code, shown_user_code
from spa_auth.protocol import form
from spa_auth.protocol.http import Response

ACTIVATE = "/activate"
# How many seconds an expired code is remembered, so that the device can be told what it asks with (section 3.5).
AFTERLIFE = 600


@endpoint("device_authorization")
async def authorize_device(service: Service, call: Call, seen: Seen) -> Response:
    """Answer with a code for the device and one for its user (RFC 8628 section 3.2)."""
    seen.params = params_read(service, call.form())
    seen.client = authenticated_client(service, call, seen.params)
    if DEVICE_CODE not in seen.client.grant_types:
        raise EndpointError("unauthorized_client", "This client is not registered for this grant type.")
    request = ClientRequest(client=seen.client, params=seen.params)
    for rule in (check_scope, check_resources, check_audiences, check_organization):
        rule(service, request)
    return json_response(_answer(service, _save_code(service, request)))


def _save_code(service: Service, request: ClientRequest) -> DeviceCode:
    scope, organization = granted_scope(service, request), asked_organization(service, request)
    device = DeviceCode(
        key=service.secret(),
        user_code=new_user_code(service),
        client_id=request.client.client_id,
        scope=scope,
        audiences=request.audiences,
        userinfo_too="audience" in request.params and "openid" in scope,
        organization=None if organization is None else organization.org_id,
        interval=service.options.device_poll_interval,
        expires_at=service.now() + service.options.device_code_lifetime,
    )
    service.device_codes.put(device, device.expires_at + AFTERLIFE)
    service.emit("device_code.saved", TokenEvent(device))
    return device


def _answer(service: Service, device: DeviceCode) -> dict[str, object]:
    user_code, address = shown_user_code(device.user_code), service.url(ACTIVATE)
    return {
        "device_code": device.key,
        "user_code": user_code,
        "verification_uri": address,
        "verification_uri_complete": f"{address}?{form.encode({'user_code': user_code})}",
        "expires_in": device.expires_at - service.now(),
        "interval": device.interval,
    }
