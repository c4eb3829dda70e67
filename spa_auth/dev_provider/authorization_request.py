"""An authorization request on its way: first its sender is known, then all of it is judged (RFC 6749 section 4.1.1)."""

from dataclasses import dataclass, field

from spa_auth.dev_provider.clients import Client
from spa_auth.dev_provider.options import Organization
from spa_auth.dev_provider.parameters import Parameters
from spa_auth.protocol.scope import Scope


@dataclass(frozen=True, kw_only=True)
class ClientRequest:
    """What a known application asks for, by way of the browser or of a device (RFC 8628 section 3.1)."""

    client: Client
    params: Parameters

    @property
    def audiences(self) -> tuple[str, ...]:
        """The APIs to make tokens for: `resource` (RFC 8707), or `audience`, which other providers read."""
        return tuple(dict.fromkeys(self.params.all("resource") or self.params.all("audience")))


@dataclass(frozen=True, kw_only=True)
class AddressedRequest(ClientRequest):
    """A request whose client and redirect URI are registered: from here on, errors go to the application.

    Args:
        redirect_uri: Where the response goes.
        request_uri: What names the request, where it was pushed (RFC 9126).
    """

    redirect_uri: str
    request_uri: str | None = field(default=None, repr=False)

    @property
    def state(self) -> str | None:
        """The application's own value, sent back as it came."""
        return self.params.get("state")

    @property
    def response_mode(self) -> str:
        """How the response travels; "query" is the default of response_type=code."""
        return self.params.get("response_mode", "query")

    @property
    def prompt(self) -> frozenset[str]:
        """What the application wants the user to be asked (OpenID Connect Core 3.1.2.1)."""
        return frozenset(self.params.get("prompt", "").split())


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest(AddressedRequest):
    """A request that keeps every rule.

    Args:
        scope: What will be granted of the scope that was asked.
        max_age: How old the login may be, in seconds.
        hinted_sub: The user of the id_token_hint.
        organization: Whom the login is for; only its members get through.
        dpop_jkt: The thumbprint of the key that the code will be bound to (RFC 9449 section 10).
    """

    scope: Scope
    nonce: str | None = field(repr=False)
    code_challenge: str
    max_age: int | None
    hinted_sub: str | None
    organization: Organization | None
    dpop_jkt: str | None
