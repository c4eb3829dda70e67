"""grant_type=authorization_code (RFC 6749 section 4.1.3, RFC 7636 section 4.6)."""

import hmac
from dataclasses import replace

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.events import TokenEvent
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.issuing import login_response, requested_audiences
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.dev_provider.records import AuthorizationCode, Grant
from spa_auth.dev_provider.service import Service
from spa_auth.protocol.pkce import code_challenge, is_verifier


def exchange_code(service: Service, call: Call, client: Client, params: Parameters) -> dict[str, object]:
    """Give tokens for a code, once.

    Raises:
        EndpointError: `invalid_request`, `invalid_grant` or `invalid_target`. Where the code was used before,
            all tokens that came of it are revoked (threat O06).
    """
    code = _find_code(service, client, params)
    _check_redirect_uri(code, params)
    _check_verifier(code, params)
    _check_key(call, code)
    # After these: who has found no more than a code, in some history, must not be able to end a login with it.
    _refuse_replay(service, call, client, code, params)
    grant = _find_grant(service, code)
    audiences = requested_audiences(service, grant, params)
    _consume(service, code, grant)
    return login_response(service, call, client, grant, audiences=audiences, nonce=code.nonce)


def _find_code(service: Service, client: Client, params: Parameters) -> AuthorizationCode:
    if "code" not in params:
        raise EndpointError("invalid_request", "code is missing.")
    code = service.codes.get(params["code"])
    # RFC 6749 section 4.1.3: "if the client is public, ensure that the code was issued to client_id in the request".
    if code is None or code.client_id != client.client_id:
        raise EndpointError("invalid_grant", "The code is unknown or was given to another client.")
    return code


def _refuse_replay(service: Service, call: Call, client: Client, code: AuthorizationCode, params: Parameters) -> None:
    if not code.consumed:
        return
    # RFC 6749 section 4.1.2: "the authorization server MUST deny the request and SHOULD revoke (when possible)
    # all tokens previously issued based on that authorization code".
    service.revoke(code.grant_id, service.context(call, client=client, params=params), "code_replay")
    raise EndpointError("invalid_grant", "The code was used before; its tokens are revoked.")


def _check_redirect_uri(code: AuthorizationCode, params: Parameters) -> None:
    if params.get("redirect_uri") != code.redirect_uri:
        raise EndpointError("invalid_grant", "redirect_uri is not the one of the authorization request.")


def _check_verifier(code: AuthorizationCode, params: Parameters) -> None:
    verifier = params.get("code_verifier", "")
    if not is_verifier(verifier):
        raise EndpointError("invalid_request", "code_verifier must be 43 to 128 unreserved characters.")
    if not hmac.compare_digest(code_challenge(verifier), code.code_challenge):
        raise EndpointError("invalid_grant", "code_verifier does not match code_challenge.")


def _check_key(call: Call, code: AuthorizationCode) -> None:
    # RFC 9449 section 10: the server "MUST reject the request" where the key is not the one of the code.
    if code.dpop_jkt not in (None, call.jkt):
        raise EndpointError("invalid_grant", "The code is bound to a key that the DPoP proof does not show.")


def _find_grant(service: Service, code: AuthorizationCode) -> Grant:
    grant = service.grants.get(code.grant_id)
    if grant is None:
        raise EndpointError("invalid_grant", "The login that the code came of was revoked.")
    return grant


def _consume(service: Service, code: AuthorizationCode, grant: Grant) -> None:
    consumed = replace(code, consumed=True)
    # Kept as long as its tokens may live: only then is its reuse seen (RFC 6749 section 4.1.2).
    service.codes.put(consumed, service.grants.until(grant.key))
    service.emit("authorization_code.consumed", TokenEvent(consumed))
