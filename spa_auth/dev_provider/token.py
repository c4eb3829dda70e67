"""The token endpoint: who asks, for which grant (RFC 6749 section 3.2)."""

from collections.abc import Callable, Mapping

from spa_auth.dev_provider.answers import json_error, json_response
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.code_grant import exchange_code
from spa_auth.dev_provider.events import ContextEvent, ErrorEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.refresh_grant import refresh
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Response

GrantType = Callable[[Service, Call, Client, Parameters], dict[str, object]]
GRANTS: Mapping[str, GrantType] = {"authorization_code": exchange_code, "refresh_token": refresh}


async def token(service: Service, call: Call) -> Response:
    """Answer with tokens, or with an error of RFC 6749 section 5.2."""
    params = Parameters()
    try:
        params = call.form()
        client = _authenticated_client(service, call, params)
        response = json_response(_grant_type(params)(service, call, client, params))
    except EndpointError as error:
        refusal = json_error(error)
        service.emit("grant.error", ErrorEvent(service.context(call, params=params, response=refusal), error))
        return refusal
    context = service.context(call, client=client, params=params, response=response)
    service.emit("grant.success", ContextEvent(context))
    return response


def _authenticated_client(service: Service, call: Call, params: Parameters) -> Client:
    if params.doubled() is not None:
        raise EndpointError("invalid_request", "A parameter was given more than once.")
    if call.request.header("authorization") is not None:
        # RFC 6749 section 5.2: the answer to an attempt by Authorization header is 401 with a challenge.
        challenge = ("WWW-Authenticate", 'Basic realm="token endpoint"')
        text = "Clients here are public; send client_id in the body."
        raise EndpointError("invalid_client", text, status=401, headers=(challenge,))
    client = service.options.client(params.get("client_id", ""))
    if client is None or "client_secret" in params or "client_assertion" in params:
        raise EndpointError("invalid_client", "client_id is unknown, or the client has no secret.", status=401)
    return client


def _grant_type(params: Parameters) -> GrantType:
    if "grant_type" not in params:
        raise EndpointError("invalid_request", "grant_type is missing.")
    if params["grant_type"] not in GRANTS:
        raise EndpointError("unsupported_grant_type", f"grant_type must be one of {', '.join(GRANTS)}.")
    return GRANTS[params["grant_type"]]
