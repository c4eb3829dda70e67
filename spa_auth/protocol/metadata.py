"""What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from spa_auth.errors import ConfigurationError, DiscoveryError, ProtocolError
from spa_auth.protocol.http import Request, Response, refuse_redirect
from spa_auth.protocol.strict_json import StrictJSONError, is_texts, loads_object
from spa_auth.protocol.url import is_secure, secure_url

WELL_KNOWN = ".well-known/openid-configuration"
MAX_BYTES = 262_144
# What stands in an issuer for each of its tenants.
TENANT = "{tenantid}"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class ServerMetadata(NamedTuple):
    """The members of a discovery document that are used here; None or empty where it does not have them.

    `issuer` is the configured one. Where `tenants` are given, ID tokens name another: `issuer_template`, filled
    with the tenant of the user.
    """

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    jwks_uri: str | None = None
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    revocation_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    scopes_supported: tuple[str, ...] | None = None
    claims_supported: tuple[str, ...] | None = None
    response_modes_supported: tuple[str, ...] | None = None
    grant_types_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False
    require_pushed_authorization_requests: bool = False
    issuer_template: str | None = None
    tenants: tuple[str, ...] = ()

    def endpoint(self, name: str) -> str:
        """The address of an endpoint that is needed.

        Raises:
            DiscoveryError: The provider does not list it; `.claim` is its name.
        """
        address = getattr(self, name)
        if not isinstance(address, str):
            raise DiscoveryError(
                f"The provider lists no {name}.",
                claim=name,
                remedy=f'Set "issuer" to a provider that has one, or give metadata={{"{name}": ...}}.',
            )
        return address

    @property
    def issuers(self) -> tuple[str, ...]:
        """Who may answer in the name of this provider: itself, or one of its tenants."""
        return (self.issuer, *((self.issuer_template or "").replace(TENANT, tenant) for tenant in self.tenants))

    @property
    def accepts_public_clients(self) -> bool:
        """Whether the token endpoint lists "none", the authentication of clients that can keep no secret."""
        return "none" in (self.token_endpoint_auth_methods_supported or ())


def check_issuer(issuer: str) -> None:
    """An issuer has "no query or fragment components" (OpenID Connect Core section 1.2).

    Raises:
        ProtocolError: `invalid_url`.
    """
    if "?" in issuer or "#" in issuer:
        raise ProtocolError("An issuer has neither query nor fragment.", error="invalid_url")


def check_tenants(tenants: object) -> None:
    """Tenants are a list of names, each of which is one segment of a path.

    Raises:
        ConfigurationError: They are not.
    """
    names = [*cast("Sequence[object]", tenants)] if isinstance(tenants, list | tuple) else None
    if names is None or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise ConfigurationError("Tenants are a list of names as they stand in issuers, between two slashes.")


def metadata_request(issuer: str, tenants: Sequence[str] = ()) -> Request:
    """Ask for the discovery document of an issuer (OpenID Connect Discovery 1.0 section 4.1).

    Args:
        issuer: The issuer identifier; one with `{tenantid}` needs tenants.
        tenants: The tenants whose users are accepted.

    Raises:
        ProtocolError: `invalid_url` or `insecure_transport`; the issuer is not an address to ask.
    """
    asked = _discovery_issuer(issuer, tenants)
    secure_url(asked)
    check_issuer(asked)
    return Request("GET", f"{asked.removesuffix('/')}/{WELL_KNOWN}", (("Accept", "application/json"),))


def parse_metadata_response(response: Response, issuer: str, tenants: Sequence[str] = ()) -> ServerMetadata:
    """Read the discovery document of exactly that issuer; see `parse_metadata`.

    Raises:
        DiscoveryError: There is no document, it is malformed, or it is another issuer's.
    """
    refuse_redirect(response)
    if response.status != 200:
        raise DiscoveryError(
            f"{issuer} answered discovery with status {response.status}.",
            remedy=f'Check "issuer": {issuer.removesuffix("/")}/{WELL_KNOWN} must be a JSON document.',
        )
    try:
        members = loads_object(response.body, max_bytes=MAX_BYTES)
    except StrictJSONError as error:
        raise DiscoveryError(f"The discovery document of {issuer} is unusable: {error.error_description}") from None
    return parse_metadata(members, issuer, tenants)


def parse_metadata(members: Mapping[str, object], issuer: str, tenants: Sequence[str] = ()) -> ServerMetadata:
    """Check a discovery document and take what is used of it.

    "The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to
    /.well-known/openid-configuration" (OpenID Connect Discovery 1.0 section 4.3). Only where tenants are given may
    it have `{tenantid}` in the place of one path segment; then each ID token has to name one of them.

    Args:
        members: The document.
        issuer: The issuer that was asked.
        tenants: The tenants whose users are accepted, where the provider has one issuer for each.

    Raises:
        DiscoveryError: A member is missing, of a wrong type, or an address that is not safe; `.claim` names it.
    """
    found, asked = members.get("issuer"), _discovery_issuer(issuer, tenants)
    if found not in (issuer, asked) and not (tenants and _is_template_of(found, asked)):
        raise DiscoveryError(
            f"The provider at {issuer} names itself otherwise.", claim="issuer", remedy=_issuer_remedy(found)
        )
    read: dict[str, Any] = {name: _member(members, name) for name in ServerMetadata._fields if name not in _OURS}
    template = str(found) if tenants else None
    return ServerMetadata(issuer, **read, issuer_template=template, tenants=tuple(tenants))


_OURS = ("issuer", "issuer_template", "tenants")


def _discovery_issuer(issuer: str, tenants: Sequence[str]) -> str:
    # With one tenant its own document is asked; "common" is the name of all of them together.
    return issuer.replace(TENANT, f"{tenants[0]}" if len(tenants) == 1 else "common") if tenants else issuer


def _is_template_of(found: object, asked: str) -> bool:
    if not isinstance(found, str) or found.count(TENANT) != 1:
        return False
    head, _, tail = found.partition(TENANT)
    tenant = asked.removeprefix(head).removesuffix(tail)
    return head + tenant + tail == asked and tenant != "" and "/" not in tenant


def _issuer_remedy(found: object) -> str | None:
    if isinstance(found, str) and TENANT in found:
        return "Give tenants=[...], the tenants whose users may log in."
    return f'Set "issuer" to exactly "{found}".' if _is_address(found) else None


def _member(members: Mapping[str, object], name: str) -> object:
    if name.endswith(("_endpoint", "_uri")):
        return _address(members, name)
    if ServerMetadata._field_defaults[name] is False:
        return members.get(name) is True
    return _texts(members, name)


def _is_address(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 2048 and is_secure(value)


def _address(members: Mapping[str, object], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not _is_address(value):
        raise DiscoveryError(f"The {name} is not an https address.", claim=name)
    return cast("str | None", value)


def _texts(members: Mapping[str, object], name: str) -> tuple[str, ...] | None:
    values = members.get(name)
    if values is None:
        return None
    if not is_texts(values):
        raise DiscoveryError(f"The {name} is not a list of strings.", claim=name)
    return tuple(values)
