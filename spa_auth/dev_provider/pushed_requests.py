"""Pushed authorization requests: sent by the application itself, fetched by name later (RFC 9126)."""

from spa_auth.dev_provider.answers import json_response
from spa_auth.dev_provider.authorization_request import AuthorizationRequest
from spa_auth.dev_provider.authorize_rules import addressed, judged
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.client_authentication import authenticated_client
from spa_auth.dev_provider.dpop import dpop_jkt_of
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.events import ClientEvent, TokenEvent
from spa_auth.dev_provider.failures import EndpointError, PageError
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.records import PushedRequest
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.http import Response
from spa_auth.protocol.text import clean_text

REQUEST_URI = "urn:ietf:params:oauth:request_uri:"


@endpoint("pushed_authorization_request", succeeded=lambda context: ClientEvent(context, context.client))
async def push_request(service: Service, call: Call, seen: Seen) -> Response:
    """Keep a request that is in order, and answer with its name (RFC 9126 section 2)."""
    seen.params = call.form()
    seen.client = authenticated_client(service, call, seen.params)
    if "request_uri" in seen.params:
        raise EndpointError("invalid_request", "request_uri cannot be pushed.")
    # The secret has done its work; an Authorization header names the client as well as the parameter does.
    params = seen.params.changed(client_id=seen.client.client_id, client_secret="")
    request_uri = REQUEST_URI + service.secret()
    request = _judged(service, _bound(service, call, params), request_uri)
    lifetime = service.options.pushed_request_lifetime
    pushed = PushedRequest(
        key=request_uri,
        client_id=request.client.client_id,
        params=request.params,
        expires_at=service.now() + lifetime,
    )
    service.pushed_requests.put(pushed, pushed.expires_at)
    service.emit("pushed_authorization_request.saved", TokenEvent(pushed))
    return json_response({"request_uri": request_uri, "expires_in": lifetime}, status=201)


def find_pushed_request(service: Service, params: Parameters) -> PushedRequest | None:
    """The request that a request_uri names; None where there is no request_uri.

    Raises:
        PageError: It names none, or one of another application (RFC 9126 section 7.3); whatever redirect_uri stands
            beside it, there must be no redirect (threat O05).
    """
    request_uri = params.get("request_uri")
    if request_uri is None:
        return None
    pushed = service.pushed_requests.get(request_uri) if params.doubled() is None else None
    if pushed is None or pushed.client_id != params.get("client_id"):
        raise PageError(
            "invalid_request_uri",
            "This request_uri was used already, has expired, or was never given to this client_id.",
            remedy="Go back to the application and start again there.",
            evidence=request_uri,
        )
    return pushed


def _judged(service: Service, params: Parameters, request_uri: str) -> AuthorizationRequest:
    try:
        return judged(service, addressed(service, params, request_uri=request_uri))
    except PageError as error:
        # RFC 9126 section 2.3: the errors are those of the authorization endpoint, and there is no page to show.
        # A page can show the name of an application as it is; RFC 6749 section 5.2 wants plain ASCII here.
        raise EndpointError("invalid_request", clean_text(error.error_description)) from None


def _bound(service: Service, call: Call, params: Parameters) -> Parameters:
    # RFC 9449 section 10.1: a DPoP header at this endpoint is as good as dpop_jkt, and must not contradict it.
    jkt = dpop_jkt_of(service, call)
    if jkt is None:
        return params
    if params.get("dpop_jkt", jkt) != jkt:
        raise EndpointError("invalid_request", "dpop_jkt is not the thumbprint of the key of the DPoP proof.")
    return params.changed(dpop_jkt=jkt)
