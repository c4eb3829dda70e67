"""Subject tokens of this provider's own making, judged (RFC 8693 section 2.1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from spa_auth.dev_provider.call import Call
from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.failures import EndpointError
from spa_auth.dev_provider.records import AccessToken, Grant
from spa_auth.dev_provider.service import Service
from spa_auth.errors import JWTError
from spa_auth.protocol.jwt import numeric_date
from spa_auth.protocol.scope import Scope

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a subject token stands for.

    Args:
        grant: The login that it came of, in the name of whoever exchanges it.
        scope: What it allows.
        audiences: The APIs that it is for.
        expires_at: When it ends; what comes of it does not outlive it.
    """

    grant: Grant
    scope: Scope
    audiences: tuple[str, ...]
    expires_at: int


def access_token_subject(service: Service, call: Call, client: Client, text: str) -> Subject:
    """The subject of an access token: one of the client's own, or any that came to a configured client with a secret.

    Raises:
        EndpointError: `invalid_request`; it is unknown, expired, revoked, another's, or bound to another key.
    """
    token = service.access_tokens.get(text)
    grant = None if token is None else service.grants.get(token.grant_id)
    if token is None or grant is None or not (_is_api(service, client) or _is_own(call, client, token)):
        raise _not_accepted()
    audiences = tuple(audience for audience in token.audiences if audience != service.url("/userinfo"))
    return Subject(grant=_for(client, grant), scope=token.scope, audiences=audiences, expires_at=token.expires_at)


def id_token_subject(service: Service, call: Call, client: Client, text: str) -> Subject:
    """The subject of an ID token that the client itself got, in a login that still holds.

    Raises:
        EndpointError: `invalid_request`; it is another's, has expired, or its login was revoked or bound to
            another key.
    """
    try:
        hint = service.verify_id_token(text)
        expires_at = numeric_date(service.keys.verify(text).claims, "exp") or 0
    except JWTError:
        raise _not_accepted() from None
    grants = [grant for grant in service.grants if (grant.sid, grant.user.sub) == (hint.sid, hint.sub)]
    # ID tokens travel in URLs, as id_token_hint: who finds one has not found the key of its login.
    own = [
        grant
        for grant in grants
        if grant.client_id == hint.client_id == client.client_id and grant.jkt in (None, call.jkt)
    ]
    if not own or service.time() >= expires_at:
        raise _not_accepted()
    newest = own[-1]
    return Subject(
        grant=_for(client, newest), scope=newest.scope, audiences=newest.audiences, expires_at=int(expires_at)
    )


SUBJECTS: Mapping[str, Callable[[Service, Call, Client, str], Subject]] = {
    ACCESS_TOKEN: access_token_subject,
    ID_TOKEN: id_token_subject,
}


def _is_api(service: Service, client: Client) -> bool:
    # An API gets tokens that its users' applications were given, and not their keys. Who registers itself is none: a
    # thief of a bound token could become a client in no time, and have it exchanged for a Bearer token.
    return not client.is_public and service.is_configured(client)


def _is_own(call: Call, client: Client, token: AccessToken) -> bool:
    return token.client_id == client.client_id and token.jkt in (None, call.jkt)


def _for(client: Client, grant: Grant) -> Grant:
    # The same grant_id: a revocation of the login takes what was exchanged along.
    return replace(grant, client_id=client.client_id, userinfo_too=False)


def _not_accepted() -> EndpointError:
    # RFC 8693 section 2.2.2: for a subject token that "is invalid for any reason", invalid_request.
    return EndpointError("invalid_request", "The subject token is not accepted.")
