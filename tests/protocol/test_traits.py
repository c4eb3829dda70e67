from typing import Any

import pytest
from protocol_values import SERVER
from token_factory import ISSUER
from vector_files import VECTORS, vectors

from spa_auth.errors import ConfigurationError
from spa_auth.protocol.metadata import ServerMetadata, parse_metadata
from spa_auth.protocol.traits import ProviderTraits, check_traits, provider_traits

# What follows from each document: api_parameter, shared_refresh_token, logout, userinfo, offline_scope, silent.
TRAITS = {
    "auth0": ("audience", False, "local", "auto", "offline_access", "callback_page"),
    "keycloak": ("audience", False, "end_session", "auto", "offline_access", "callback_page"),
    "entra": ("none", True, "end_session", "auto", "offline_access", "callback_page"),
    "okta": ("audience", False, "end_session", "auto", "offline_access", "callback_page"),
    "google": ("audience", False, "local", "auto", "", "callback_page"),
    "cognito": ("audience", False, "end_session", "auto", "", "callback_page"),
    "zitadel": ("audience", False, "end_session", "auto", "offline_access", "callback_page"),
    "oidc-provider": ("audience", False, "end_session", "auto", "offline_access", "web_message"),
    "glewlwyd": ("audience", False, "end_session", "auto", "", "callback_page"),
}
ENTRA = "https://login.entra.example/common/v2.0"


def discovered(name: str) -> ServerMetadata:
    document = vectors(f"discovery/{name}")
    if name == "entra":
        return parse_metadata(document, ENTRA, ("tenant-1", "tenant-2"))
    return parse_metadata(document, document["issuer"])


def traits(
    server: ServerMetadata = SERVER,
    *,
    is_auth0: bool = False,
    **overrides: Any,  # noqa: ANN401
) -> ProviderTraits:
    return provider_traits(server, is_auth0=is_auth0, overrides=overrides)


def test_there_is_a_row_for_each_document() -> None:
    assert sorted(TRAITS) == sorted(path.stem for path in (VECTORS / "discovery").glob("*.json"))


@pytest.mark.parametrize("name", TRAITS)
def test_the_traits_follow_from_the_document(name: str) -> None:
    assert traits(discovered(name)) == TRAITS[name]


def test_a_provider_that_is_given_by_its_domain_does_more_than_it_lists() -> None:
    found = traits(discovered("auth0"), is_auth0=True)
    assert found == ("audience", False, "v2_logout", "auto", "offline_access", "web_message")
    listed = discovered("auth0")._replace(end_session_endpoint="https://tenant.auth0.example/oidc/logout")
    assert traits(listed, is_auth0=True).logout == "end_session"


def test_what_is_not_there_is_not_used() -> None:
    assert traits(ServerMetadata(ISSUER)) == ("audience", False, "local", "never", "offline_access", "callback_page")
    assert traits(ServerMetadata(ISSUER, scopes_supported=())).offline_scope == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_parameter", "resource"),
        ("shared_refresh_token", True),
        ("logout", "v2_logout"),
        ("userinfo", "always"),
        ("offline_scope", ""),
        ("offline_scope", "refresh now"),
        ("silent", "off"),
    ],
)
def test_every_trait_can_be_overridden(name: str, value: Any) -> None:  # noqa: ANN401
    assert traits(**{name: value}) == traits()._replace(**{name: value})
    assert getattr(traits(is_auth0=True, **{name: value}), name) == value


def test_without_a_parameter_for_the_api_a_refresh_token_is_for_all_unless_it_is_said_not_to_be() -> None:
    assert traits(api_parameter="none").shared_refresh_token
    assert not traits(api_parameter="none", shared_refresh_token=False).shared_refresh_token


def test_all_faults_of_overrides_are_reported_at_once() -> None:
    wrong: dict[str, Any] = {
        "api_parameter": "both", "shared_refresh_token": 1, "logout": None, "userinfo": True, "silent": [],
        "offline_scope": "ä", "color": "blue",
    }  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        traits(**wrong)
    assert len(caught.value.faults) == len(wrong)
    assert all(f'"{name}"' in str(caught.value) for name in wrong)
    with pytest.raises(ConfigurationError):
        check_traits({"offline_scope": None})
    check_traits({})
