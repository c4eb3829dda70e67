"""What a development provider can be told, once and for all."""

from dataclasses import dataclass

from spa_auth.dev_provider.clients import DEMO, Client, is_plain_url
from spa_auth.dev_provider.users import ALICE, BOB, SCOPE_CLAIMS, User
from spa_auth.errors import ConfigurationError, ProtocolError
from spa_auth.protocol.metadata import check_issuer
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.url import parse_url

ISSUER = "http://127.0.0.1:9400/"
STANDARD_SCOPES = ("openid", *SCOPE_CLAIMS, "offline_access")


@dataclass(frozen=True, kw_only=True)
class Api:
    """An API that access tokens are made for.

    Args:
        audience: Its identifier, the `aud` of its tokens.
        scopes: The scope words that it knows; others are not granted.
    """

    audience: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Options:
    """The whole configuration. All durations are seconds.

    Args:
        issuer: The provider's own identifier and address, with the final slash that it shall have everywhere.
        users: Who appears on the login page as one click; any other name can be typed.
        clients: The applications that are known.
        apis: The APIs that are known; None accepts any audience and grants any scope for it.
        access_token_lifetime: How long access tokens are good.
        id_token_lifetime: How long ID tokens are good.
        code_lifetime: How long an authorization code waits; RFC 6749 section 4.1.2 allows ten minutes at most.
        refresh_token_lifetime: How long a refresh token and all that follow from it live, from the login on.
        session_lifetime: How long the login at the provider lasts.
        interaction_lifetime: How long a login page can be answered.

    Raises:
        ConfigurationError: Names everything that is wrong, at once.
    """

    issuer: str = ISSUER
    users: tuple[User, ...] = (ALICE, BOB)
    clients: tuple[Client, ...] = (DEMO,)
    apis: tuple[Api, ...] | None = None
    access_token_lifetime: int = 600
    id_token_lifetime: int = 3600
    code_lifetime: int = 60
    refresh_token_lifetime: int = 14 * 86_400
    session_lifetime: int = 86_400
    interaction_lifetime: int = 3600

    def __post_init__(self) -> None:
        faults = [
            *_issuer_faults(self.issuer),
            *_lifetime_faults(self),
            *_doubles(self),
            *_address_faults(self.clients),
        ]
        if faults:
            raise ConfigurationError(*faults)

    def client(self, client_id: str) -> Client | None:
        """The application of that identifier."""
        return next((client for client in self.clients if client.client_id == client_id), None)

    def knows_audience(self, audience: str) -> bool:
        """Whether access tokens are made for that API."""
        return self.apis is None or any(api.audience == audience for api in self.apis)

    def granted(self, scope: Scope, audiences: tuple[str, ...]) -> Scope:
        """The part of a scope that is granted; the rest is left out without an error (RFC 6749 section 3.3)."""
        if self.apis is None and audiences:
            return scope
        known = {word for api in self.apis or () if api.audience in audiences for word in api.scopes}
        return Scope(word for word in scope if word in known or word in STANDARD_SCOPES)


def _issuer_faults(issuer: str) -> list[str]:
    try:
        parse_url(issuer)
        check_issuer(issuer)
    except ProtocolError as error:
        return [f"issuer {issuer!a} cannot be used: {error.error_description}"]
    return []


def _address_faults(clients: tuple[Client, ...]) -> list[str]:
    addresses = [
        (client.client_id, uri) for client in clients for uri in client.redirect_uris + client.post_logout_redirect_uris
    ]
    return [
        f"{client_id} registers {uri!r}, which is not a plain http or https URL without a fragment."
        for client_id, uri in addresses
        if not is_plain_url(uri)
    ]


def _lifetime_faults(options: Options) -> list[str]:
    names = [name for name in Options.__dataclass_fields__ if name.endswith("_lifetime")]
    return [f"{name} must be at least 1 second." for name in names if getattr(options, name) < 1]


def _doubles(options: Options) -> list[str]:
    groups = {
        "users": [user.sub for user in options.users],
        "clients": [client.client_id for client in options.clients],
        "apis": [api.audience for api in options.apis or ()],
    }
    return [f"{name} names something twice." for name, keys in groups.items() if len(set(keys)) < len(keys)]
