"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0), and the older form that some providers have."""

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
    return with_query(server.end_session_endpoint, form.encode(_given(query)))


def v2_logout_url(
    server: ServerMetadata, *, client_id: str | None, return_to: str | None = None, federated: bool = False
) -> str:
    """Where to send the browser at a provider with the trait "v2_logout".

    Args:
        server: The provider's metadata.
        client_id: The client that asks; None for any client of the provider.
        return_to: Where to come back; it has to be registered with the provider.
        federated: Whether to end the session of the provider behind this one as well.
    """
    query = form.encode(_given({"client_id": client_id, "returnTo": return_to}))
    if federated:
        query += "&federated" if query else "federated"
    return with_query(f"{server.issuer.removesuffix('/')}/v2/logout", query)


def _given(query: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in query.items() if value is not None}
