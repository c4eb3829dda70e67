"""What the provider says of itself, and its keys (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2)."""

from spa_auth.dev_provider.answers import json_response
from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import GRANT_TYPES, METHODS
from spa_auth.dev_provider.endpoint import Seen, endpoint
from spa_auth.dev_provider.keys import ALGORITHM
from spa_auth.dev_provider.options import STANDARD_SCOPES, Options
from spa_auth.dev_provider.response_modes import response_modes
from spa_auth.dev_provider.service import Service, no_way_out
from spa_auth.dev_provider.signatures import ALGORITHMS as DPOP_ALGORITHMS
from spa_auth.protocol.http import Response
from spa_auth.protocol.userinfo import SCOPE_CLAIMS

PROMPTS = ("none", "login", "consent", "select_account")

# Back-Channel Logout 2.1: logout tokens are sent, and tell the session.
BACKCHANNEL = {"backchannel_logout_supported": True, "backchannel_logout_session_supported": True}


@endpoint("discovery")
async def discovery(service: Service, _call: Call, _seen: Seen) -> Response:
    """Answer with the metadata. There is no Cache-Control: a restart changes the keys, and soon the options."""
    return json_response(metadata(service), headers=())


@endpoint("jwks")
async def jwks(service: Service, _call: Call, _seen: Seen) -> Response:
    """Answer with the public keys (RFC 7517 section 5)."""
    return json_response(service.keys.jwks, headers=())


def metadata(service: Service) -> dict[str, object]:
    """The metadata: nothing is in it that does not work."""
    apis = service.options.apis or ()
    registration = {} if service.options.registration == "off" else {"registration_endpoint": service.url("/register")}
    api_scopes = dict.fromkeys(word for api in apis for word in api.scopes if word not in STANDARD_SCOPES)
    return {
        "issuer": service.options.issuer,
        "authorization_endpoint": service.url("/authorize"),
        "device_authorization_endpoint": service.url("/oauth/device/code"),
        "token_endpoint": service.url("/oauth/token"),
        "userinfo_endpoint": service.url("/userinfo"),
        "revocation_endpoint": service.url("/oauth/revoke"),
        "introspection_endpoint": service.url("/oauth/introspect"),
        "end_session_endpoint": service.url("/oidc/logout"),
        **registration,
        **({} if service.send is no_way_out else BACKCHANNEL),
        "pushed_authorization_request_endpoint": service.url("/oauth/par"),
        "require_pushed_authorization_requests": service.options.require_pushed_requests,
        "jwks_uri": service.url("/.well-known/jwks.json"),
        "scopes_supported": [*STANDARD_SCOPES, *api_scopes],
        "claims_supported": _claims(service.options),
        "response_types_supported": ["code"],
        "response_modes_supported": list(response_modes(service.options)),
        "grant_types_supported": list(GRANT_TYPES),
        "prompt_values_supported": list(PROMPTS),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "revocation_endpoint_auth_methods_supported": list(METHODS),
        "introspection_endpoint_auth_methods_supported": [method for method in METHODS if method != "none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        **({} if service.options.dpop == "off" else {"dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS)}),
        "authorization_response_iss_parameter_supported": True,
        # Discovery 1.0 section 3 gives "true" as the default of the second of these.
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }


def _claims(options: Options) -> list[str]:
    own = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid")
    scoped = [name for names in SCOPE_CLAIMS.values() for name in names]
    organization = ("org_id", "org_name") if options.organizations else ()
    others = [name for user in options.users for name in user.claims]
    return list(dict.fromkeys((*own, *scoped, *organization, *others)))
