"""The token endpoint: who asks, for which grant (RFC 6749 section 3.2)."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from spa_auth.dev_provider.answers import json_response
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.client_authentication import authenticated_client
from spa_auth.dev_provider.client_credentials_grant import grant_client
from spa_auth.dev_provider.clients import CLIENT_CREDENTIALS, CODE, DEVICE_CODE, REFRESH, TOKEN_EXCHANGE, Client
from spa_auth.dev_provider.code_grant import exchange_code
from spa_auth.dev_provider.device_grant import poll
from spa_auth.dev_provider.dpop import demanded_jkt_of
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.refresh_grant import refresh
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.token_exchange_grant import exchange_token
from spa_auth.protocol.http import Response

GrantType = Callable[[Service, Call, Client, Parameters], dict[str, object]]
GRANTS: Mapping[str, GrantType] = {
    CODE: exchange_code,
    REFRESH: refresh,
    CLIENT_CREDENTIALS: grant_client,
    DEVICE_CODE: poll,
    TOKEN_EXCHANGE: exchange_token,
}


@endpoint("grant")
async def token(service: Service, call: Call, seen: Seen) -> Response:
    """Answer with tokens, or with an error of RFC 6749 section 5.2."""
    seen.params = call.form()
    seen.client = authenticated_client(service, call, seen.params)
    grant_type = _grant_type(seen.params)
    if grant_type not in seen.client.grant_types:
        raise EndpointError("unauthorized_client", "This client is not registered for this grant type.")
    call = replace(call, jkt=demanded_jkt_of(service, call, seen.client))
    return json_response(GRANTS[grant_type](service, call, seen.client, seen.params))


def _grant_type(params: Parameters) -> str:
    if "grant_type" not in params:
        raise EndpointError("invalid_request", "grant_type is missing.")
    if params["grant_type"] not in GRANTS:
        raise EndpointError("unsupported_grant_type", f"grant_type must be one of {', '.join(GRANTS)}.")
    return params["grant_type"]
