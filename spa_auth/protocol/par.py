"""Pushed authorization requests: what is asked goes to the provider itself, and only its name through the browser.

RFC 9126; for providers that require it, and for requests too long or too private for an address.
"""

import re
from collections.abc import Collection, Mapping

from spa_auth.errors import ProtocolError
from spa_auth.protocol import effects
from spa_auth.protocol.effects import Flow
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.strict_json import is_number
from spa_auth.protocol.token import answer_members, form_request, refusal, request_secrets

# The name that a provider gives; an address would make it fetch the request from elsewhere (RFC 9101 section 5.2).
_REQUEST_URI = re.compile(r"urn:[A-Za-z0-9][A-Za-z0-9-]{1,31}:[!-~]{1,1024}")


def par_request(server: ServerMetadata, parameters: Mapping[str, str]) -> Request:
    """Push an authorization request (RFC 9126 section 2.1).

    Raises:
        DiscoveryError: The provider has no place for it.
    """
    return form_request(server.endpoint("pushed_authorization_request_endpoint"), parameters)


def parse_par_response(response: Response, server: ServerMetadata, secrets: Collection[str] = ()) -> str:
    """The `request_uri` that stands for a request that was pushed (RFC 9126 section 2.2).

    Args:
        response: The answer.
        server: The metadata of the provider that gave it.
        secrets: What the request carried and no error may repeat.

    Raises:
        OAuthError: The provider refuses the request.
        NetworkError: `server_error`; the provider is out of order for now.
        ProtocolError: `par_error`; the answer breaks a rule.
    """
    if 200 <= response.status < 400 and response.status != 201:
        raise _error(f"The provider answered a pushed request with status {response.status}.")
    if response.status != 201:
        raise refusal(response, server, secrets)
    try:
        members = answer_members(response)
    except ProtocolError as error:
        raise _error(error.error_description) from None
    request_uri, expires_in = members.get("request_uri"), members.get("expires_in")
    if not isinstance(request_uri, str) or not _REQUEST_URI.fullmatch(request_uri):
        raise _error("The provider gave no usable request_uri.")
    if not is_number(expires_in) or expires_in <= 0:
        raise _error("The provider gave a request_uri without a lifetime.")
    return request_uri


def push(server: ServerMetadata, parameters: Mapping[str, str]) -> Flow[dict[str, str]]:
    """Push an authorization request; what is left for the address is its name (RFC 9126 section 4).

    Raises:
        SpaAuthError: It failed. The request must not go through the browser instead (threat A33).
    """
    request = par_request(server, parameters)
    response = yield from effects.send(request)
    request_uri = parse_par_response(response, server, request_secrets(request))
    return {"client_id": parameters["client_id"], "request_uri": request_uri}


def _error(text: str) -> ProtocolError:
    return ProtocolError(text, error="par_error")
