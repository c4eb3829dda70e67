"""The options of a client: each written once, all faults reported at once."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from spa_auth.errors import ConfigurationError, ProtocolError, SpaAuthError
from spa_auth.protocol.authorization import check_parameters
from spa_auth.protocol.id_token import MAX_LEEWAY
from spa_auth.protocol.metadata import ServerMetadata, check_tenants, metadata_request, parse_metadata
from spa_auth.protocol.scope import Scope, scopes_for
from spa_auth.protocol.strict_json import is_number, is_texts
from spa_auth.protocol.traits import check_traits
from spa_auth.protocol.url import secure_url

if TYPE_CHECKING:
    from spa_auth.client.ports import Cache, Clock


class ClientConfig(NamedTuple):
    """The options of `create_auth_client`. None means not given; durations are in seconds.

    Args:
        issuer: The provider's issuer identifier, exactly as in its discovery document.
        domain: In its place, the domain of an Auth0 tenant: the issuer is then https://{domain}/.
        client_id: The id under which the provider knows this application.
        redirect_uri: The address of callback.html, relative to the page or absolute. Without it the page itself is
            the address to register, and popups, links and silent frames need a provider with web_message.
        audience: The API that access tokens are for.
        scope: What to ask for: a text, or a mapping from audience to text, in which "default" holds for each;
            `openid` is added, and `offline_access` with `use_refresh_tokens`.
        authorization_params: What else the provider understands at login, by its wire names.
        metadata: The provider's metadata, for one that publishes no discovery document.
        provider: Traits of the provider that its metadata do not tell; see `spa_auth.protocol.traits`.
        trusted_audiences: Audiences that an ID token may name beside this client.
        tenants: For an issuer with {tenantid} in it: the tenants whose users may log in.
        base_url: The API's address; relative URLs of `fetch_with_auth` mean this.
        allowed_origins: Further origins to which an access token may be sent.
        cache_location: Where tokens are kept: "memory", "sessionstorage" or "localstorage".
        cache: A store of your own in its place.
        use_refresh_tokens: Whether to ask for refresh tokens and to use them.
        use_refresh_tokens_fallback: Whether to log in silently where there is no refresh token.
        use_mrrt: Whether one refresh token is good for every audience.
        use_par: Whether to push authorization requests (RFC 9126): "auto" does so where the provider demands it.
        leeway: How far clocks may differ; at most 300.
        max_age: How long ago the user may have logged in; checked in the ID token.
        verify_id_token_signature: Whether to verify signatures with the provider's keys.
        userinfo: Whether to ask the userinfo endpoint after a login: "auto" where the ID token says too little,
            "always" or "never".
        silent_mode: How to log in silently: "auto", "callback_page", "web_message", "redirect" or "off".
        popup_mode: How a popup answers: "auto", "callback_page" or "web_message".
        auto_renew: Whether to renew tokens ahead of their end.
        revoke_on_logout: Whether a logout revokes the refresh token.
        handle_redirect: Whether `create_auth_client` completes a redirect by itself.
        early_refresh: How long before its end an access token counts as used up.
        authorize_timeout: How long a silent login may take, and a popup.
        http_timeout: How long a request may take.
        navigation_timeout: How long leaving the page may take.
        session_check_expiry_days: How many days after a login a page tries to log in silently.
        clock: Tells the time in seconds since 1970, in the place of this device's clock.
    """

    issuer: str = ""
    domain: str | None = None
    client_id: str = ""
    redirect_uri: str | None = None
    audience: str | None = None
    scope: str | Mapping[str, str] = "openid profile email"
    authorization_params: Mapping[str, str] = {}
    metadata: Mapping[str, object] | None = None
    provider: Mapping[str, object] = {}
    trusted_audiences: Sequence[str] = ()
    tenants: Sequence[str] = ()
    base_url: str | None = None
    allowed_origins: Sequence[str] = ()
    cache_location: str = "memory"
    cache: "Cache | None" = None
    use_refresh_tokens: bool = True
    use_refresh_tokens_fallback: bool = True
    use_mrrt: bool = False
    use_par: bool | str = "auto"
    leeway: float = 60
    max_age: int | None = None
    verify_id_token_signature: bool = True
    userinfo: str = "auto"
    silent_mode: str = "auto"
    popup_mode: str = "auto"
    auto_renew: bool = False
    revoke_on_logout: bool = True
    handle_redirect: bool = True
    early_refresh: float = 60
    authorize_timeout: float = 60
    http_timeout: float = 10
    navigation_timeout: float = 30
    session_check_expiry_days: float = 1
    clock: "Clock | None" = None

    def scopes(self, audience: str | None) -> Scope:
        """The configured scope for an API, `openid` first; one rule for every verb."""
        return scopes_for(self.scope, audience)

    @property
    def server_metadata(self) -> ServerMetadata | None:
        """The `metadata` option, read as a discovery document is."""
        return (
            None
            if self.metadata is None
            else parse_metadata({"issuer": self.issuer, **self.metadata}, self.issuer, self.tenants)
        )


def client_config(options: Mapping[str, object]) -> ClientConfig:
    """The configuration that these options make.

    Raises:
        ConfigurationError: Names every fault at once.
    """
    unknown = sorted(set(options) - set(ClientConfig._fields))
    faults = [f'There is no option "{name}".' for name in unknown]
    config = ClientConfig(**cast("dict[str, Any]", {name: options[name] for name in options if name not in unknown}))
    if config.domain is not None:
        faults += ['Give "issuer" or "domain", not both.'] if config.issuer else []
        config = config._replace(issuer=f"https://{str(config.domain).removeprefix('https://').removesuffix('/')}/")
    faults += [fault for name in ClientConfig._fields if (fault := _fault_of(name, config))]
    if faults:
        raise ConfigurationError(*faults, remedy=f"Options: {', '.join(ClientConfig._fields)}." if unknown else "")
    return config


def check_options(config: ClientConfig, *names: str) -> None:
    """Judge some options of a configuration that was made from another.

    Raises:
        ConfigurationError: Names every fault at once.
    """
    faults = [fault for name in names if (fault := _fault_of(name, config))]
    if faults:
        raise ConfigurationError(*faults)


def check_max_age(max_age: object) -> None:
    """Refuse a `max_age` that could not be sent and compared as it is, such as a text."""
    if max_age is not None and (not isinstance(max_age, int) or isinstance(max_age, bool) or max_age < 0):
        raise ConfigurationError("max_age must be a whole number of seconds.")


def check_cache_mode(cache_mode: object) -> None:
    """Refuse a `cache_mode` that there is not."""
    if cache_mode not in ("on", "off", "cache-only"):
        raise ConfigurationError('cache_mode must be "on", "off" or "cache-only".')


_TEXT, _OPTIONAL_TEXT, _SWITCH, _SECONDS = "a text", "a text or None", "true or false", "a number of seconds"
_TEXTS, _MAPPING, _TEXT_OR_MAPPING = "a list of texts", "a mapping", "a text, or a mapping from audience to text"
_CHOICES: Mapping[str, tuple[object, ...]] = {
    "cache_location": ("memory", "sessionstorage", "localstorage"),
    "use_par": ("auto", True, False),
    "userinfo": ("auto", "always", "never"),
    "silent_mode": ("auto", "callback_page", "web_message", "redirect", "off"),
    "popup_mode": ("auto", "callback_page", "web_message"),
}
_KINDS = {
    "issuer": _TEXT,
    "client_id": _TEXT,
    "redirect_uri": _OPTIONAL_TEXT,
    "audience": _OPTIONAL_TEXT,
    "scope": _TEXT_OR_MAPPING,
    "domain": _OPTIONAL_TEXT,
    "provider": _MAPPING,
    "trusted_audiences": _TEXTS,
    "tenants": _TEXTS,
    "use_refresh_tokens_fallback": _SWITCH,
    "use_mrrt": _SWITCH,
    "auto_renew": _SWITCH,
    "revoke_on_logout": _SWITCH,
    "base_url": _OPTIONAL_TEXT,
    "authorization_params": _MAPPING,
    "allowed_origins": _TEXTS,
    "use_refresh_tokens": _SWITCH,
    "verify_id_token_signature": _SWITCH,
    "handle_redirect": _SWITCH,
    "leeway": _SECONDS,
    "early_refresh": _SECONDS,
    "authorize_timeout": _SECONDS,
    "http_timeout": _SECONDS,
    "navigation_timeout": _SECONDS,
    "session_check_expiry_days": "a number of days",
}


def _holds_texts(mapping: Mapping[object, object]) -> bool:
    return is_texts([*mapping, *mapping.values()])


def _kind_fault(config: ClientConfig, name: str) -> str | None:
    value, kind = getattr(config, name), _KINDS.get(name)
    if name in _CHOICES:
        fits = any(value is choice or (isinstance(value, str) and value == choice) for choice in _CHOICES[name])
        kind = f"one of {', '.join(map(str, _CHOICES[name]))}"
    elif kind == _TEXT_OR_MAPPING:
        fits = (isinstance(value, str) and value != "") or (
            isinstance(value, Mapping) and _holds_texts(cast("Mapping[object, object]", value))
        )
    elif kind in (_TEXT, _OPTIONAL_TEXT):
        fits = (isinstance(value, str) and value != "") or (value is None and kind == _OPTIONAL_TEXT)
    elif kind == _SWITCH:
        fits = isinstance(value, bool)
    elif kind == _MAPPING:
        fits = isinstance(value, Mapping)
    elif kind == _TEXTS:
        fits = isinstance(value, list | tuple) and is_texts([*cast("Sequence[object]", value)])
    else:
        fits = kind is None or (is_number(value) and value >= 0)
    return None if fits else f'"{name}" must be {kind}.'


def _check_issuer(config: ClientConfig) -> None:
    metadata_request(config.issuer, config.tenants)


def _check_base_url(config: ClientConfig) -> None:
    if config.base_url is None:
        return
    if "?" in config.base_url or "#" in config.base_url:
        raise ConfigurationError("It has neither query nor fragment.")
    if "://" in config.base_url:
        secure_url(config.base_url)


def _check_allowed_origins(config: ClientConfig) -> None:
    for origin in config.allowed_origins:
        if secure_url(origin).origin != origin:
            raise ConfigurationError(f"{origin} is not an origin such as https://api.example.")


def _check_leeway(config: ClientConfig) -> None:
    if config.leeway > MAX_LEEWAY:
        raise ConfigurationError(f"It may be at most {MAX_LEEWAY} seconds.")


def _check_max_age(config: ClientConfig) -> None:
    check_max_age(config.max_age)


def _check_cache(config: ClientConfig) -> None:
    if config.cache is not None and config.cache_location != "memory":
        raise ConfigurationError('Give "cache" or "cache_location", not both.')


def _check_authorization_params(config: ClientConfig) -> None:
    check_parameters(config.authorization_params)


def _check_provider(config: ClientConfig) -> None:
    check_traits(config.provider)


def _check_tenants(config: ClientConfig) -> None:
    check_tenants(config.tenants)


def _check_metadata(config: ClientConfig) -> None:
    _ = config.server_metadata


_CHECKS = {
    "issuer": _check_issuer,
    "base_url": _check_base_url,
    "allowed_origins": _check_allowed_origins,
    "leeway": _check_leeway,
    "max_age": _check_max_age,
    "cache": _check_cache,
    "authorization_params": _check_authorization_params,
    "metadata": _check_metadata,
    "provider": _check_provider,
    "tenants": _check_tenants,
}


def _fault_of(name: str, config: ClientConfig) -> str | None:
    if name in ("issuer", "client_id") and not getattr(config, name):
        return f'"{name}" is missing.'
    return _kind_fault(config, name) or _value_fault(name, config)


def _value_fault(name: str, config: ClientConfig) -> str | None:
    check = _CHECKS.get(name)
    try:
        if check is not None:
            check(config)
    except (SpaAuthError, TypeError) as error:
        text = error.error_description if isinstance(error, SpaAuthError) else "It is of a wrong type."
        return f'"{name}": {text}{" " + error.remedy if isinstance(error, ProtocolError) and error.remedy else ""}'
    return None
