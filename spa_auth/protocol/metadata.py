"""What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414)."""

from collections.abc import Mapping
from typing import NamedTuple, cast

from spa_auth.errors import DiscoveryError, ProtocolError
from spa_auth.protocol.http import Request, Response, refuse_redirect
from spa_auth.protocol.strict_json import StrictJSONError, is_texts, loads_object
from spa_auth.protocol.url import is_secure, secure_url

WELL_KNOWN = ".well-known/openid-configuration"
MAX_BYTES = 262_144


class ServerMetadata(NamedTuple):
    """The members of a discovery document that are used here; None or empty where it does not have them."""

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    jwks_uri: str | None = None
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    scopes_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False

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


def metadata_request(issuer: str) -> Request:
    """Ask for the discovery document of an issuer (OpenID Connect Discovery 1.0 section 4.1).

    Raises:
        ProtocolError: `invalid_url` or `insecure_transport`; the issuer is not an address to ask.
    """
    secure_url(issuer)
    check_issuer(issuer)
    return Request("GET", f"{issuer.removesuffix('/')}/{WELL_KNOWN}", (("Accept", "application/json"),))


def parse_metadata_response(response: Response, issuer: str) -> ServerMetadata:
    """Read the discovery document of exactly that issuer.

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
    return parse_metadata(members, issuer)


def parse_metadata(members: Mapping[str, object], issuer: str) -> ServerMetadata:
    """Check a discovery document and take what is used of it.

    "The issuer value returned MUST be identical to the Issuer URL that was used as the prefix to
    /.well-known/openid-configuration" (OpenID Connect Discovery 1.0 section 4.3).

    Raises:
        DiscoveryError: A member is missing, of a wrong type, or an address that is not safe; `.claim` names it.
    """
    found = members.get("issuer")
    if found != issuer:
        raise DiscoveryError(
            f"The provider at {issuer} names itself otherwise.",
            claim="issuer",
            remedy=f'Set "issuer" to exactly "{found}".' if _is_address(found) else None,
        )
    return ServerMetadata(
        issuer=issuer,
        authorization_endpoint=_address(members, "authorization_endpoint"),
        token_endpoint=_address(members, "token_endpoint"),
        jwks_uri=_address(members, "jwks_uri"),
        userinfo_endpoint=_address(members, "userinfo_endpoint"),
        end_session_endpoint=_address(members, "end_session_endpoint"),
        scopes_supported=_texts(members, "scopes_supported"),
        token_endpoint_auth_methods_supported=_texts(members, "token_endpoint_auth_methods_supported"),
        id_token_signing_alg_values_supported=_texts(members, "id_token_signing_alg_values_supported"),
        authorization_response_iss_parameter_supported=(
            members.get("authorization_response_iss_parameter_supported") is True
        ),
    )


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
