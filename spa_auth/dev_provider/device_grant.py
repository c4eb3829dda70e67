"""grant_type=urn:ietf:params:oauth:grant-type:device_code: a device asks whether its user has answered (RFC 8628)."""

from dataclasses import replace

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.issuing import login_response, requested_audiences
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.records import DeviceCode, Grant
from spa_auth.dev_provider.service import Service

# RFC 8628 section 3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests".
SLOWER = 5


def poll(service: Service, call: Call, client: Client, params: Parameters) -> dict[str, object]:
    """Give tokens once the user has approved, and only once.

    Raises:
        EndpointError: `authorization_pending`, `slow_down`, `access_denied` or `expired_token` (RFC 8628 section
            3.5), else `invalid_request`, `invalid_grant` or `invalid_target`.
    """
    device = _find_device(service, client, params)
    _check_answer(service, device)
    if device.grant_id is None:
        raise _pending(service, device)
    grant = _find_grant(service, device.grant_id)
    audiences = requested_audiences(service, grant, params)
    consumed = service.device_codes.replace(replace(device, consumed=True))
    service.emit("device_code.consumed", TokenEvent(consumed))
    return login_response(service, call, client, grant, audiences=audiences)


def _find_device(service: Service, client: Client, params: Parameters) -> DeviceCode:
    if "device_code" not in params:
        raise EndpointError("invalid_request", "device_code is missing.")
    device = service.device_codes.get(params["device_code"])
    if device is None or device.client_id != client.client_id:
        raise EndpointError("invalid_grant", "The device_code is unknown or was given to another client.")
    if device.consumed:
        raise EndpointError("invalid_grant", "The device_code was used before.")
    return device


def _check_answer(service: Service, device: DeviceCode) -> None:
    if device.denied:
        raise EndpointError("access_denied", "The user refused, or is no member of the organization.")
    if service.now() >= device.expires_at:
        raise EndpointError("expired_token", "The device_code has expired; ask for a new one.")


def _pending(service: Service, device: DeviceCode) -> EndpointError:
    now = service.now()
    too_early = device.polled_at is not None and now < device.polled_at + device.interval
    interval = device.interval + (SLOWER if too_early else 0)
    service.device_codes.replace(replace(device, polled_at=now, interval=interval))
    if too_early:
        return EndpointError("slow_down", f"Wait {interval} seconds between two questions from now on.")
    return EndpointError("authorization_pending", "The user has not answered yet.")


def _find_grant(service: Service, grant_id: str) -> Grant:
    grant = service.grants.get(grant_id)
    if grant is None:
        raise EndpointError("invalid_grant", "What the user gave was revoked.")
    return grant
