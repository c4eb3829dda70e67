"""The rules of an authorization request, one function each, in the order of `RULES`.

A rule returns or raises. The two of `addressed` come first: until both are kept, there is no place to send
an error to (RFC 6749 section 4.1.2.1), and a page shows it.
"""

import re
from collections.abc import Callable

from spa_auth.dev_provider.authorization_request import AddressedRequest, AuthorizationRequest, ClientRequest
from spa_auth.dev_provider.clients import CODE, Client
from spa_auth.dev_provider.discovery import PROMPTS
from spa_auth.dev_provider.failures import AuthorizationError, PageError
from spa_auth.dev_provider.options import Organization
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.response_modes import response_modes
from spa_auth.dev_provider.service import Service
from spa_auth.errors import JWTError
from spa_auth.protocol.scope import Scope

DEFAULT_SCOPE = "openid"
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!$-;=?-Z\[\]_a-z|~]+")
_AUDIENCE = re.compile(r"[!-~]{1,2048}")
_SHA256 = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_AGE = re.compile(r"[0-9]{1,10}")


def addressed(service: Service, params: Parameters, *, request_uri: str | None = None) -> AddressedRequest:
    """The request with its client and redirect URI, both registered.

    Args:
        service: Whose clients are meant.
        params: The parameters of the request, or of the pushed one that it names.
        request_uri: What names it, where it was pushed (RFC 9126).

    Raises:
        PageError: One of them is missing, unknown or doubled. There must be no redirect (threat O05).
    """
    client = _find_client(service, params)
    redirect_uri = _find_redirect_uri(client, params)
    read = params_read(service, params)
    return AddressedRequest(client=client, redirect_uri=redirect_uri, params=read, request_uri=request_uri)


def params_read(service: Service, params: Parameters) -> Parameters:
    """The parameters without those that this provider does not know by its options (RFC 6749 section 3.1)."""
    return params.changed(audience="") if service.options.resource_only else params


def judged(service: Service, request: AddressedRequest) -> AuthorizationRequest:
    """The request, once it keeps every rule.

    Raises:
        AuthorizationError: The first rule that it breaks.
    """
    for rule in RULES:
        rule(service, request)
    params = request.params
    return AuthorizationRequest(
        client=request.client,
        redirect_uri=request.redirect_uri,
        params=params,
        request_uri=request.request_uri,
        scope=granted_scope(service, request),
        nonce=params.get("nonce"),
        code_challenge=params["code_challenge"],
        max_age=int(params["max_age"]) if "max_age" in params else None,
        hinted_sub=_hinted_sub(service, request),
        organization=asked_organization(service, request),
        dpop_jkt=None if service.options.dpop == "off" else params.get("dpop_jkt"),
    )


def granted_scope(service: Service, request: ClientRequest) -> Scope:
    """The part of the asked scope that will be granted; the rest is left out (RFC 6749 section 3.3)."""
    asked = Scope(request.params.get("scope", DEFAULT_SCOPE))
    return service.options.granted(request.client.granted(asked), request.audiences)


def asked_organization(service: Service, request: ClientRequest) -> Organization | None:
    """The organization that a request names, where it is known."""
    return service.options.organization(request.params.get("organization", ""))


def check_doubled_parameters(_service: Service, request: ClientRequest) -> None:
    """RFC 6749 section 3.1: "Request and response parameters MUST NOT be included more than once"."""
    if request.params.doubled() is not None:
        raise AuthorizationError("invalid_request", "A parameter was given more than once.")


def check_request_objects(_service: Service, request: AddressedRequest) -> None:
    """OpenID Connect Core 3.1.2.6: what is not supported has an error of its own."""
    for name in ("request", "registration"):
        if name in request.params:
            raise AuthorizationError(f"{name}_not_supported", f"The parameter {name} is not supported.")


def check_pushed(service: Service, request: AddressedRequest) -> None:
    """RFC 9126 sections 5 and 6: who requires pushed requests takes no others."""
    required = service.options.require_pushed_requests or request.client.require_pushed_authorization_requests
    if required and request.request_uri is None:
        raise AuthorizationError("invalid_request", "The request must be pushed first, to /oauth/par.")


def check_grant_type(_service: Service, request: AddressedRequest) -> None:
    """RFC 7591 section 2: the grant types that a client registered decide which response types it may use."""
    if CODE not in request.client.grant_types:
        raise AuthorizationError("unauthorized_client", f"This client is not registered for {CODE}.")


def check_response_type(_service: Service, request: AddressedRequest) -> None:
    """RFC 6749 section 4.1.1: response_type is required, and there is only one here."""
    if "response_type" not in request.params:
        raise AuthorizationError("invalid_request", "response_type is missing.")
    if request.params["response_type"] != "code":
        raise AuthorizationError("unsupported_response_type", "response_type must be code.")


def check_response_mode(service: Service, request: AddressedRequest) -> None:
    """OAuth 2.0 Multiple Response Types 2.1: only the modes that discovery lists."""
    modes = response_modes(service.options)
    if request.response_mode not in modes:
        raise AuthorizationError("invalid_request", f"response_mode must be one of {', '.join(modes)}.")


def check_scope(_service: Service, request: ClientRequest) -> None:
    """RFC 6749 section 3.3: words of certain characters. Unknown words are left out later, not refused."""
    if not Scope(request.params.get("scope", DEFAULT_SCOPE)).is_legal:
        raise AuthorizationError("invalid_scope", "scope is malformed.")


def check_prompt(_service: Service, request: AddressedRequest) -> None:
    """OpenID Connect Core 3.1.2.1: "If this parameter contains none with any other value, an error is returned"."""
    if not request.prompt <= set(PROMPTS):
        raise AuthorizationError("invalid_request", f"prompt must be one of {', '.join(PROMPTS)}.")
    if "none" in request.prompt and len(request.prompt) > 1:
        raise AuthorizationError("invalid_request", "prompt=none goes with no other value.")


def check_max_age(_service: Service, request: AddressedRequest) -> None:
    """OpenID Connect Core 3.1.2.1: max_age is a number of seconds; 0 is one too."""
    if "max_age" in request.params and not _MAX_AGE.fullmatch(request.params["max_age"]):
        raise AuthorizationError("invalid_request", "max_age must be a number of seconds.")


def check_pkce(_service: Service, request: AddressedRequest) -> None:
    """RFC 7636 section 4.4.1, RFC 9700 section 2.1.1: public clients MUST use PKCE; S256 is the only method here."""
    if "code_challenge" not in request.params:
        raise AuthorizationError("invalid_request", "code_challenge is missing; PKCE is required.")
    # "defaults to 'plain' if not present in the request" (section 4.3): absent is as bad as plain.
    if request.params.get("code_challenge_method") != "S256":
        raise AuthorizationError("invalid_request", "code_challenge_method must be S256.")
    if not _SHA256.fullmatch(request.params["code_challenge"]):
        raise AuthorizationError("invalid_request", "code_challenge must be 43 characters of base64url.")


def check_resources(_service: Service, request: ClientRequest) -> None:
    """RFC 8707 section 2: resource "MUST be an absolute URI" and "MUST NOT include a fragment component"."""
    if not all(_ABSOLUTE_URI.fullmatch(resource) for resource in request.params.all("resource")):
        raise AuthorizationError("invalid_target", "resource must be an absolute URI without a fragment.")
    if {"resource", "audience"} <= set(request.params):
        raise AuthorizationError("invalid_target", "Give either resource or audience.")


def check_audiences(service: Service, request: ClientRequest) -> None:
    """RFC 8707 section 2: invalid_target, where "the requested resource is invalid, missing, unknown, or malformed"."""
    if not all(_AUDIENCE.fullmatch(audience) for audience in request.audiences):
        raise AuthorizationError("invalid_target", "audience is malformed.")
    if not all(service.options.knows_audience(audience) for audience in request.audiences):
        raise AuthorizationError("invalid_target", "This API is not registered.")


def check_id_token_hint(service: Service, request: AddressedRequest) -> None:
    """OpenID Connect Core 3.1.2.2: the OP "MUST validate that it was the issuer of the ID Token"."""
    try:
        _hinted_sub(service, request)
    except JWTError:
        raise AuthorizationError("invalid_request", "id_token_hint is not an ID token of this provider.") from None


def check_organization(service: Service, request: ClientRequest) -> None:
    """`organization`, the identifier or the name of one that is known."""
    if "organization" in request.params and asked_organization(service, request) is None:
        raise AuthorizationError("invalid_request", "This organization is not known.")


def check_dpop_jkt(_service: Service, request: AddressedRequest) -> None:
    """RFC 9449 section 10: dpop_jkt is the base64url of a SHA-256."""
    if "dpop_jkt" in request.params and not _SHA256.fullmatch(request.params["dpop_jkt"]):
        raise AuthorizationError("invalid_request", "dpop_jkt must be 43 characters of base64url.")


Rule = Callable[[Service, AddressedRequest], None]
RULES: tuple[Rule, ...] = (
    check_doubled_parameters,
    check_pushed,
    check_grant_type,
    check_request_objects,
    check_response_type,
    check_response_mode,
    check_scope,
    check_prompt,
    check_max_age,
    check_pkce,
    check_resources,
    check_audiences,
    check_id_token_hint,
    check_organization,
    check_dpop_jkt,
)


def _find_client(service: Service, params: Parameters) -> Client:
    client_id = params.get("client_id", "")
    client = service.client(client_id) if len(params.all("client_id")) == 1 else None
    if client is None:
        known = ", ".join(client.client_id for client in service.options.clients)
        raise PageError(
            "invalid_client",
            "No application of this client_id is registered here." if client_id else "client_id is missing.",
            remedy=f"Set client_id to one of these: {known}.",
            evidence=client_id,
        )
    return client


def _find_redirect_uri(client: Client, params: Parameters) -> str:
    redirect_uri = params.get("redirect_uri", "")
    if len(params.all("redirect_uri")) != 1 or not client.allows_redirect_uri(redirect_uri):
        # RFC 6749 section 4.1.2.1: "MUST NOT automatically redirect the user-agent to the invalid redirection URI".
        raise PageError(
            "invalid_redirect_uri",
            f"This redirect_uri is not registered for {client.title}." if redirect_uri else "redirect_uri is missing.",
            remedy=f"Register exactly this address for the client {client.client_id}; every character counts."
            if redirect_uri
            else f"Send one that is registered for the client {client.client_id}.",
            evidence=redirect_uri,
        )
    return redirect_uri


def _hinted_sub(service: Service, request: AddressedRequest) -> str | None:
    hint = request.params.get("id_token_hint")
    return None if hint is None else service.verify_id_token(hint).sub
