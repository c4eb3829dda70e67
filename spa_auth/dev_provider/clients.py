"""The applications that may send their users here (RFC 6749 section 2)."""

from dataclasses import dataclass, field

from spa_auth.errors import ProtocolError
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.url import parse_url

CODE = "authorization_code"
REFRESH = "refresh_token"
CLIENT_CREDENTIALS = "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
METHODS = ("none", "client_secret_basic", "client_secret_post")
GRANT_TYPES = (CODE, REFRESH, CLIENT_CREDENTIALS, DEVICE_CODE, TOKEN_EXCHANGE)


@dataclass(frozen=True, kw_only=True)
class Client:
    """An application; a public one, which keeps no secret, as no page can, unless it has a `client_secret`.

    Args:
        client_id: Its identifier.
        name: What pages call it; the client_id where it is empty.
        client_secret: What it authenticates with, in the Authorization header or in the body; None for a public one.
        redirect_uris: Where authorization responses may go, letter by letter (RFC 9700 section 4.1.3).
        post_logout_redirect_uris: Where a logout may lead, letter by letter (RP-Initiated Logout 3.1).
        grant_types: What it may use at the token endpoint (RFC 7591 section 2).
        backchannel_logout_uri: Where it wants to be told of logouts (Back-Channel Logout 2.2).
        dpop_bound_access_tokens: Whether it gets no tokens without a DPoP proof (RFC 9449 section 5.2).
        require_pushed_authorization_requests: Whether its requests have to be pushed (RFC 9126 section 6).
        token_endpoint_auth_method: The one way in which it authenticates; None lets it choose.
        scope: The scope words that it may be granted; None leaves that to the APIs.
    """

    client_id: str
    name: str = ""
    client_secret: str | None = field(default=None, repr=False)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = (CODE, REFRESH)
    backchannel_logout_uri: str | None = None
    dpop_bound_access_tokens: bool = False
    require_pushed_authorization_requests: bool = False
    token_endpoint_auth_method: str | None = None
    scope: Scope | None = None

    @property
    def is_public(self) -> bool:
        """Whether it has nothing to authenticate with (RFC 6749 section 2.1)."""
        return self.client_secret is None

    @property
    def title(self) -> str:
        """What pages call this application."""
        return self.name or self.client_id

    def granted(self, scope: Scope) -> Scope:
        """The part of a scope that it may be granted (RFC 7591 section 2)."""
        return scope if self.scope is None else Scope(word for word in scope if word in self.scope)

    def allows_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether an authorization response may go there."""
        return redirect_uri in self.redirect_uris

    def allows_post_logout_redirect_uri(self, uri: str) -> bool:
        """Whether a logout may lead there."""
        return uri in self.post_logout_redirect_uris


class DemoClient(Client):
    """The built-in application: any http URL of this machine is a redirect URI of it, and of no other."""

    def allows_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether this is an http URL on 127.0.0.0/8, [::1] or localhost, without a fragment."""
        if not is_plain_url(redirect_uri):
            return False
        url = parse_url(redirect_uri)
        return url.scheme == "http" and url.is_loopback

    def allows_post_logout_redirect_uri(self, uri: str) -> bool:
        """As for `allows_redirect_uri`."""
        return self.allows_redirect_uri(uri)


DEMO = DemoClient(client_id="demo", name="Demo application", grant_types=(CODE, REFRESH, DEVICE_CODE, TOKEN_EXCHANGE))


def is_plain_url(text: str) -> bool:
    """Whether this is an http or https URL that every parser reads in the same way, without a fragment."""
    try:
        parse_url(text)
    except ProtocolError:
        return False
    # RFC 6749 section 3.1.2: "The endpoint URI MUST NOT include a fragment component."
    return "#" not in text


def client_faults(client: Client) -> list[str]:
    """Everything that is wrong with an application as it was configured or has registered itself."""
    uris = (*client.redirect_uris, *client.post_logout_redirect_uris, client.backchannel_logout_uri)
    faults = [
        f"{client.client_id} registers {uri!r}, which is not a plain http or https URL without a fragment."
        for uri in uris
        if uri is not None and not is_plain_url(uri)
    ]
    unknown = [grant_type for grant_type in client.grant_types if grant_type not in GRANT_TYPES]
    if unknown:
        faults.append(f"{client.client_id} names grant types that do not exist here: {', '.join(unknown)}.")
    if client.is_public and CLIENT_CREDENTIALS in client.grant_types:
        # RFC 6749 section 4.4: "MUST only be used by confidential clients".
        faults.append(f"{client.client_id} needs a client_secret for {CLIENT_CREDENTIALS}.")
    if client.client_secret == "":
        faults.append(f"{client.client_id} has an empty client_secret.")
    if not client.client_id:
        faults.append("A client has an empty client_id.")
    return [*faults, *_method_faults(client)]


def _method_faults(client: Client) -> list[str]:
    method = client.token_endpoint_auth_method
    if method is None or (method in METHODS and client.is_public == (method == "none")):
        return []
    if method not in METHODS:
        return [f"{client.client_id}: token_endpoint_auth_method must be one of {', '.join(METHODS)}."]
    missing = "needs a client_secret" if client.is_public else "has a client_secret"
    return [f"{client.client_id} {missing}, so token_endpoint_auth_method cannot be {method}."]
