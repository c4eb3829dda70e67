"""Which application calls: by its name alone, or by its secret (RFC 6749 section 2.3)."""

import base64
import hmac

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.service import Service
from spa_auth.errors import ProtocolError
from spa_auth.protocol.form import unquote
from spa_auth.protocol.http import Headers, header_values


def authenticated_client(service: Service, call: Call, params: Parameters) -> Client:
    """The application that sent these parameters.

    Raises:
        EndpointError: `invalid_client`, or `invalid_request` where it shows itself in two ways.
    """
    if params.doubled() is not None:
        raise EndpointError("invalid_request", "A parameter was given more than once.")
    lines = header_values(call.request.headers, "authorization")
    if lines:
        return _by_header(service, lines, params)
    method = "client_secret_post" if "client_secret" in params else "none"
    return _checked(service, method, params.get("client_id", ""), params.get("client_secret"))


def confidential_client(service: Service, call: Call, params: Parameters) -> Client:
    """As `authenticated_client`, for endpoints that tell nothing to applications without a secret.

    Raises:
        EndpointError: `invalid_client`, or `invalid_request` where it shows itself in two ways.
    """
    client = authenticated_client(service, call, params)
    if client.is_public:
        raise EndpointError("invalid_client", "This endpoint needs a client with a secret.", status=401)
    return client


def _by_header(service: Service, lines: list[str], params: Parameters) -> Client:
    # RFC 6749 section 2.3: "The client MUST NOT use more than one authentication method in each request."
    if len(lines) > 1 or "client_secret" in params:
        raise EndpointError("invalid_request", "Authenticate in one way only.")
    client_id, secret = _credentials(lines[0])
    if params.get("client_id", client_id) != client_id:
        raise EndpointError("invalid_request", "client_id is not the one of the Authorization header.")
    # RFC 6749 section 5.2: the answer to an attempt by Authorization header is 401 with a challenge.
    return _checked(
        service, "client_secret_basic", client_id, secret, (("WWW-Authenticate", 'Basic realm="token endpoint"'),)
    )


def _credentials(line: str) -> tuple[str, str]:
    scheme, _, encoded = line.partition(" ")
    try:
        if scheme.lower() == "basic":
            # RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
            client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
            return _form_decoded(client_id), _form_decoded(secret)
    except (ValueError, ProtocolError):
        pass
    challenge: Headers = (("WWW-Authenticate", 'Basic realm="token endpoint"'),)
    raise EndpointError("invalid_client", "The Authorization header is not Basic.", status=401, headers=challenge)


def _form_decoded(text: str) -> str:
    return unquote(text.replace("+", " "))


def _checked(service: Service, method: str, client_id: str, secret: str | None, headers: Headers = ()) -> Client:
    client = service.client(client_id)
    expected = None if client is None else client.client_secret
    if client is None or not _same(expected, secret):
        text = "client_id is unknown, or its secret is wrong, missing, or too much."
        raise EndpointError("invalid_client", text, status=401, headers=headers)
    # OpenID Connect Core 9: a client uses the method that it registered.
    if client.token_endpoint_auth_method not in (None, method):
        text = f"This client registered to authenticate by {client.token_endpoint_auth_method}."
        raise EndpointError("invalid_client", text, status=401, headers=headers)
    return client


def _same(expected: str | None, given: str | None) -> bool:
    if expected is None or given is None:
        return expected is given
    return hmac.compare_digest(expected.encode(), given.encode())
