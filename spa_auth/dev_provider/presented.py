"""An access token as a request presents it, and the refusals with their challenges (RFC 6750, RFC 9449 section 7)."""

import re
from typing import NamedTuple

from spa_auth.dev_provider.call import FORM, Call
from spa_auth.dev_provider.dpop import judged_proof
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.records import AccessToken
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.signatures import ALGORITHMS
from spa_auth.errors import InvalidDPoPProofError, InvalidTokenError, UseDPoPNonceError
from spa_auth.protocol.challenge import build_challenge
from spa_auth.protocol.dpop_proof import DPoPProof, check_binding
from spa_auth.protocol.http import header_values, media_type

BEARER, DPOP = "Bearer", "DPoP"
_AUTHORIZATION = re.compile(r"(?i:(bearer|dpop)) +([A-Za-z0-9._~+/-]+=*)")


class Presented(NamedTuple):
    """A token and the scheme that it came with. The repr shows the scheme only."""

    scheme: str
    token: str

    def __repr__(self) -> str:
        return f"<Presented {self.scheme}>"


def presented_token(service: Service, call: Call) -> Presented:
    """The token of the Authorization header, or of the form of a POST (RFC 6750 sections 2.1 and 2.2).

    Raises:
        EndpointError: `invalid_token` without a token, `invalid_request` for a malformed or doubled one.
    """
    lines, body_token = header_values(call.request.headers, "authorization"), _body_token(service, call)
    if not lines and body_token is None:
        # RFC 6750 section 3.1: without authentication information there "SHOULD NOT" be an error code.
        value = ", ".join(_challenge(scheme) for scheme in _schemes(service))
        headers = (("WWW-Authenticate", value),)
        raise EndpointError("invalid_token", "An access token is needed.", status=401, headers=headers)
    # RFC 6750 section 2: "Clients MUST NOT use more than one method to transmit the token in each request."
    if len(lines) + (body_token is not None) > 1:
        raise refused_access(service, "invalid_request", "Present one access token, in one way.", status=400)
    if body_token is not None:
        return Presented(BEARER, body_token)
    match = _AUTHORIZATION.fullmatch(lines[0])
    scheme = DPOP if match and match[1].lower() == "dpop" else BEARER
    if match is None or (scheme == DPOP and service.options.dpop == "off"):
        raise refused_access(service, "invalid_request", "The Authorization header is malformed.", status=400)
    return Presented(scheme, match[2])


def check_possession(service: Service, call: Call, presented: Presented, token: AccessToken) -> None:
    """A token that is bound to a key comes with a proof of it, and no other token does (RFC 9449 sections 7.1, 7.2).

    Raises:
        EndpointError: `invalid_token`, `invalid_dpop_proof` or `use_dpop_nonce`, all 401.
    """
    if token.jkt is None:
        _check_no_proof(service, call, presented)
        return
    if presented.scheme != DPOP:
        # Section 7.2: "such a protected resource MUST reject a DPoP-bound access token received as a bearer token".
        raise refused_access(service, "invalid_token", "This access token needs the scheme DPoP.", scheme=DPOP)
    proof = _proof(service, call, token)
    if proof is None:
        raise refused_access(service, "invalid_dpop_proof", "A DPoP proof is needed.", scheme=DPOP)
    try:
        check_binding(proof, token.jkt)
    except InvalidTokenError as error:
        raise refused_access(service, error.error, error.error_description, scheme=DPOP) from None


def refused_access(
    service: Service, error: str, text: str, *, status: int = 401, scheme: str = BEARER, scope: str = ""
) -> EndpointError:
    """A refusal with the challenge that RFC 6750 section 3 or RFC 9449 section 7.1 demands.

    Args:
        service: Where this happens.
        error: The code.
        text: What was wrong.
        status: The HTTP status.
        scheme: The scheme that was used, or that should have been.
        scope: The scope that is needed, where too little was the fault.
    """
    needed = {"scope": scope} if scope else {}
    answer = _challenge(scheme, error=error, error_description=text, **needed)
    value = ", ".join([answer, *(_challenge(other) for other in _schemes(service) if other != scheme)])
    return EndpointError(error, text, status=status, headers=(("WWW-Authenticate", value),))


def _challenge(scheme: str, **parameters: str) -> str:
    # RFC 9449 section 7.1: algs is "a space-delimited list of supported DPoP proof JWS algorithms".
    algs = {"algs": " ".join(ALGORITHMS)} if scheme == DPOP else {}
    return build_challenge(scheme, {**parameters, **algs})


def _schemes(service: Service) -> tuple[str, ...]:
    return {"off": (BEARER,), "optional": (BEARER, DPOP), "required": (DPOP,)}[service.options.dpop]


def _body_token(service: Service, call: Call) -> str | None:
    if call.method != "POST" or media_type(call.request.headers) != FORM:
        return None
    try:
        params = call.form()
    except EndpointError as error:
        raise refused_access(service, error.error, error.error_description, status=400) from None
    if len(params.all("access_token")) > 1:
        raise refused_access(service, "invalid_request", "Present one access token, in one way.", status=400)
    return params.get("access_token")


def _check_no_proof(service: Service, call: Call, presented: Presented) -> None:
    has_proof = service.options.dpop != "off" and call.request.header("dpop") is not None
    if presented.scheme == DPOP or has_proof:
        raise refused_access(service, "invalid_token", "This access token is bound to no key.", scheme=presented.scheme)


def _proof(service: Service, call: Call, token: AccessToken) -> DPoPProof | None:
    try:
        return judged_proof(service, call, access_token=token.key)
    except (InvalidDPoPProofError, UseDPoPNonceError) as error:
        text = error.detail or error.error_description
        raise refused_access(service, error.error, text, scheme=DPOP) from None
