"""Values that many protocol tests begin with: a provider's metadata, a pending login, an answer."""

import json

from token_factory import CLIENT_ID, ISSUER, NOW

from spa_auth.protocol.http import Response
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.transaction import Transaction

STATE = "r" + "Q" * 43
NONCE = "n" * 43
SERVER = ServerMetadata(
    issuer=ISSUER,
    authorization_endpoint="https://id.example/authorize",
    token_endpoint="https://id.example/oauth/token",
    jwks_uri="https://id.example/.well-known/jwks.json",
    end_session_endpoint="https://id.example/oidc/logout",
    token_endpoint_auth_methods_supported=("none",),
)
TRANSACTION = Transaction(
    state=STATE,
    nonce=NONCE,
    code_verifier="v" * 43,
    issuer=ISSUER,
    client_id=CLIENT_ID,
    redirect_uri="https://app.example/callback.html",
    return_to="/notes",
    scope="openid profile",
    created_at=NOW,
    app_state={"note": 7},
    token_endpoint="https://id.example/oauth/token",
)


def json_answer(members: object, status: int = 200, content_type: str = "application/json") -> Response:
    """A response with a JSON body; bytes stay as they are."""
    body = members if isinstance(members, bytes) else json.dumps(members).encode()
    return Response(status, (("Content-Type", content_type),), body)
