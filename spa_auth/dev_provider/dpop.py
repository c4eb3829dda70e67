"""DPoP at the provider's own endpoints: proofs judged, and each accepted once (RFC 9449 sections 4.3, 5 and 11.1)."""

import hashlib
from typing import cast

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.records import ReplayDetection
from spa_auth.dev_provider.service import Service
from spa_auth.dev_provider.signatures import ALGORITHMS, is_signed
from spa_auth.errors import InvalidDPoPProofError, UseDPoPNonceError
from spa_auth.protocol import base64url
from spa_auth.protocol.dpop_proof import (
    DPoPProof,
    Expected,
    VerifiedDPoPProof,
    find_dpop_proof,
    validate_dpop_proof,
    verified_dpop_proof,
)

MAX_AGE = 300
LEEWAY = 60


def dpop_jkt_of(service: Service, call: Call) -> str | None:
    """The thumbprint of the key that a request has shown; None where it has no proof, or DPoP is off.

    A proof is used up by this.

    Raises:
        EndpointError: `invalid_dpop_proof` or `use_dpop_nonce`, both 400 (RFC 9449 sections 5 and 8).
    """
    try:
        proof = judged_proof(service, call)
    except (InvalidDPoPProofError, UseDPoPNonceError) as error:
        raise EndpointError(error.error, error.detail or error.error_description) from None
    return None if proof is None else proof.jkt


def demanded_jkt_of(service: Service, call: Call, client: Client) -> str | None:
    """As `dpop_jkt_of`, where tokens are at stake: some clients get none without a proof (RFC 9449 section 5.2).

    Raises:
        EndpointError: `invalid_dpop_proof`, also for a proof that is missing, or `use_dpop_nonce`.
    """
    jkt = dpop_jkt_of(service, call)
    if jkt is None and (service.options.dpop == "required" or client.dpop_bound_access_tokens):
        raise EndpointError("invalid_dpop_proof", "This client needs a DPoP proof.")
    return jkt


def judged_proof(service: Service, call: Call, *, access_token: str | None = None) -> DPoPProof | None:
    """The proof of a request, used up by this; None where there is none, or DPoP is off.

    Args:
        service: Where this happens.
        call: The request.
        access_token: The access token that it carries, which the proof has to name.

    Raises:
        InvalidDPoPProofError: It breaks a rule of RFC 9449 section 4.3, or was seen before.
        UseDPoPNonceError: It needs another nonce.
    """
    text = None if service.options.dpop == "off" else find_dpop_proof(call.request.headers)
    if text is None:
        return None
    proof = validate_dpop_proof(_verified(text), _expected(service, call, access_token))
    _remember(service, proof)
    return proof


def _verified(text: str) -> VerifiedDPoPProof:
    flow = verified_dpop_proof(text, ALGORITHMS)
    try:
        effect = next(flow)
        while True:
            effect = flow.send(is_signed(effect))
    except StopIteration as end:
        return cast("VerifiedDPoPProof", end.value)


def _expected(service: Service, call: Call, access_token: str | None) -> Expected:
    nonces = None if service.options.dpop_nonces == "off" else service.nonces.good(service.now())
    return Expected(
        call.method,
        # Of the issuer, never of the Host header: that is the sender's to choose (threat P11).
        service.url(call.path),
        service.time(),
        access_token,
        nonces,
        nonce_required=service.options.dpop_nonces == "required",
        max_age=MAX_AGE,
        leeway=LEEWAY,
    )


def _remember(service: Service, proof: DPoPProof) -> None:
    # RFC 9449 section 11.1: digests, so that "excessively large jti values" cost no memory.
    key = base64url.encode(hashlib.sha256(f"{proof.jkt} {proof.jti}".encode(errors="surrogatepass")).digest())
    if service.replay_detections.get(key) is not None:
        raise InvalidDPoPProofError("The DPoP proof is not accepted.", claim="jti", detail="The proof was used before.")
    if service.replay_detections.is_full:  # one more would make room for a replay (threat P16)
        raise InvalidDPoPProofError("Too many DPoP proofs at once; try again in some minutes.", claim="jti")
    # With a nonce of ours a proof is good as long as the nonce is, whatever its iat.
    until = service.now() + 1 + max(MAX_AGE + LEEWAY, 2 * service.nonces.lifetime)
    seen = service.replay_detections.put(ReplayDetection(key=key, expires_at=until), until)
    service.emit("replay_detection.saved", TokenEvent(seen))
