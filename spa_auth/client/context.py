"""What the parts of one client share."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spa_auth.client.background import Background
from spa_auth.client.config import ClientConfig
from spa_auth.client.driver import Driver
from spa_auth.client.events import EVENT_NAMES, AuthEvent, EventName
from spa_auth.client.keeper import Keeper
from spa_auth.client.places import Places
from spa_auth.client.platform import Platform
from spa_auth.client.session import SessionState
from spa_auth.client.transactions import Transactions
from spa_auth.errors import NavigationUnavailableError, without_locals
from spa_auth.events import Emitter
from spa_auth.protocol.authorization import check_parameters
from spa_auth.protocol.flows import IDTokenRules
from spa_auth.protocol.provider import Provider
from spa_auth.protocol.scope import Scope

if TYPE_CHECKING:
    from spa_auth.client.ports import Navigator, Page


class Context:
    """Configuration, ports, provider, session and pending logins of one client.

    Args:
        config: The options.
        platform: The ports.
    """

    def __init__(self, config: ClientConfig, platform: Platform) -> None:
        platform = platform if config.clock is None else platform._replace(clock=config.clock)
        self.config = config
        self.platform = platform
        self.provider = Provider(
            config.issuer,
            metadata=config.server_metadata,
            tenants=config.tenants,
            is_auth0=config.domain is not None,
            overrides=config.provider,
        )
        self.driver = Driver(platform, config.http_timeout)
        self.events: Emitter[AuthEvent] = Emitter(
            EVENT_NAMES, on_error=platform.console.error, spawn=Background(platform.console.error)
        )
        self.session = SessionState(config, platform, platform.console.error)
        self.transactions = Transactions(platform.session_storage, issuer=config.issuer, client_id=config.client_id)
        self.id_token_rules = IDTokenRules(
            leeway=config.leeway,
            verify_signature=config.verify_id_token_signature,
            trusted_audiences=config.trusted_audiences,
        )
        self.places = Places(config, platform)
        self.keeper = Keeper(self)

    @property
    def navigator(self) -> "Navigator":
        """The window.

        Raises:
            NavigationUnavailableError: There is none here.
        """
        if self.platform.navigator is None:
            raise NavigationUnavailableError("There is no window here, as in a worker.")
        return self.platform.navigator

    @property
    def page(self) -> "Page":
        """The page that people see.

        Raises:
            NavigationUnavailableError: There is none here.
        """
        if self.platform.page is None:
            raise NavigationUnavailableError("There is no page here, as in a worker.")
        return self.platform.page

    def emit(
        self,
        name: EventName,
        *,
        audience: str | None = None,
        error: BaseException | None = None,
        revoked: bool | None = None,
    ) -> None:
        """Tell the listeners of a moment, and nothing of what was in the local variables of an error (threat S03)."""
        if error is not None:
            without_locals(error)
        self.events.emit(name, AuthEvent(audience, error, revoked))

    def audience(self, audience: str | None) -> str | None:
        """The audience of a call: its own, else the configured one. One rule for every verb."""
        return self.config.audience if audience is None else audience

    def scope(self, audience: str | None, scope: str | None) -> Scope:
        """The scope of a call for an API: the configured one and what the call adds. One rule for every verb."""
        return Scope([str(self.config.scopes(audience)), scope or ""])

    def parameters(self, given: Mapping[str, str | None] | None) -> dict[str, str]:
        """The extra parameters of an authorization request: the configured ones, overridden by the call's.

        None takes a configured one away.
        """
        # What is protected may not be named at all, not even to take it away.
        check_parameters({name: "" if value is None else value for name, value in (given or {}).items()})
        merged = {**self.config.authorization_params, **(given or {})}
        return {name: value for name, value in merged.items() if value is not None}
