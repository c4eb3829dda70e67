"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0)."""

from spa_auth.protocol import form
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.url import with_query


def logout_url(
    server: ServerMetadata,
    *,
    client_id: str,
    post_logout_redirect_uri: str | None = None,
    id_token_hint: str | None = None,
    state: str | None = None,
) -> str | None:
    """Where to send the browser so that the provider ends its session too; None if it offers no such place.

    Args:
        server: The provider's metadata.
        client_id: The client that asks (section 2).
        post_logout_redirect_uri: Where to come back; it has to be registered with the provider.
        id_token_hint: The ID token of the session, by which a provider needs no confirmation.
        state: Comes back with the redirect.
    """
    if server.end_session_endpoint is None:
        return None
    query = {
        "client_id": client_id,
        "id_token_hint": id_token_hint,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state,
    }
    given = {name: value for name, value in query.items() if value is not None}
    return with_query(server.end_session_endpoint, form.encode(given))
