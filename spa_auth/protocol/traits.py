"""Providers as they are: where the specifications leave a choice, what this one does."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from spa_auth.errors import ConfigurationError
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.scope import Scope

OFFLINE_ACCESS = "offline_access"


class ProviderTraits(NamedTuple):
    """How one provider wants to be asked.

    Args:
        api_parameter: By which parameter a request names the API: "audience", "resource" (RFC 8707) or "none".
        shared_refresh_token: Whether one refresh token gives access tokens for every API.
        logout: Where its session ends: "end_session" (OpenID Connect RP-Initiated Logout), "v2_logout", or "local"
            where there is no such place.
        userinfo: Whether its userinfo endpoint is asked: "auto", "always" or "never".
        offline_scope: The scope that asks for a refresh token; "" where none does.
        silent: How it answers in a hidden frame: through the "callback_page", also by "web_message", or "off".
    """

    api_parameter: str = "audience"
    shared_refresh_token: bool = False
    logout: str = "local"
    userinfo: str = "auto"
    offline_scope: str = OFFLINE_ACCESS
    silent: str = "callback_page"


_VALUES: dict[str, tuple[object, ...]] = {
    "api_parameter": ("audience", "resource", "none"),
    "shared_refresh_token": (True, False),
    "logout": ("end_session", "v2_logout", "local"),
    "userinfo": ("auto", "always", "never"),
    "silent": ("callback_page", "web_message", "off"),
}


def check_traits(overrides: Mapping[str, object]) -> None:
    """Refuse traits that there are not, and values that they cannot have.

    Raises:
        ConfigurationError: Names every fault.
    """
    faults = [fault for name, value in overrides.items() if (fault := _fault(name, value))]
    if faults:
        raise ConfigurationError(*faults, remedy=f"Traits: {', '.join(ProviderTraits._fields)}.")


def provider_traits(metadata: ServerMetadata, *, is_auth0: bool, overrides: Mapping[str, object]) -> ProviderTraits:
    """The traits that a provider's metadata show, and what the application knows better.

    Args:
        metadata: What the provider says of itself.
        is_auth0: Whether it is one of Auth0, which does more than it lists.
        overrides: Traits by their names.

    Raises:
        ConfigurationError: An override names no trait, or a value that it cannot have.
    """
    check_traits(overrides)
    given: dict[str, Any] = dict(overrides)
    # A provider with an issuer for each tenant finds the API in the scope, and refuses both parameters.
    given.setdefault("api_parameter", "audience" if metadata.issuer_template is None else "none")
    found = ProviderTraits(
        # Without a parameter that names the API, a refresh token cannot be for one of them only.
        shared_refresh_token=given["api_parameter"] == "none",
        logout="local" if metadata.end_session_endpoint is None else "end_session",
        userinfo="never" if metadata.userinfo_endpoint is None else "auto",
        offline_scope=OFFLINE_ACCESS if _lists_offline_access(metadata.scopes_supported) else "",
        silent="web_message" if "web_message" in (metadata.response_modes_supported or ()) else "callback_page",
    )
    return (_auth0(found) if is_auth0 else found)._replace(**given)


def _lists_offline_access(scopes: tuple[str, ...] | None) -> bool:
    # A provider that lists no scopes may have any (OpenID Connect Discovery 1.0 section 3).
    return scopes is None or OFFLINE_ACCESS in scopes


def _auth0(found: ProviderTraits) -> ProviderTraits:
    logout = "v2_logout" if found.logout == "local" else found.logout
    return found._replace(silent="web_message", offline_scope=OFFLINE_ACCESS, logout=logout)


def _fault(name: str, value: object) -> str | None:
    if name == "offline_scope":
        is_legal = isinstance(value, str) and Scope(value).is_legal
        return None if is_legal else 'The trait "offline_scope" must be a scope, or "".'
    if name not in _VALUES:
        return f'There is no trait "{name}".'
    # 1 == True, but a switch is not a number.
    if any(value == allowed and type(value) is type(allowed) for allowed in _VALUES[name]):
        return None
    return f'The trait "{name}" must be one of {", ".join(map(repr, _VALUES[name]))}.'
