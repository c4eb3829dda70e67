"""The options: every fault is said, and all at once."""

import asyncio
from typing import Any

import pytest
from client.wire import CALLBACK, ISSUER

from spa_auth.client.config import ClientConfig, client_config
from spa_auth.errors import ConfigurationError
from spa_auth.testing import pair

GOOD: dict[str, object] = {"issuer": ISSUER, "client_id": "demo"}


def faults(**options: object) -> tuple[str, ...]:
    """What is wrong with these options."""
    with pytest.raises(ConfigurationError) as caught:
        client_config({**GOOD, **options})
    return caught.value.faults


def test_two_options_are_enough() -> None:
    config = client_config(GOOD)
    assert config == ClientConfig(issuer=ISSUER, client_id="demo")
    assert str(config.scopes(None)) == "openid profile email"
    assert config.server_metadata is None


def test_every_option_may_be_given_with_its_own_default() -> None:
    assert client_config({**ClientConfig()._asdict(), **GOOD}) == client_config(GOOD)


def test_all_faults_are_said_at_once() -> None:
    found = faults(issuer="", client_id=None, leeway="60", use_refresh_tokens="yes", http_timeout=-1, scope=["openid"])
    assert len(found) == 6
    found = faults(
        issuer="http://evil.example/",
        base_url="http://api.example",
        allowed_origins=["https://api.example/path"],
        leeway=301,
        max_age=-1,
        silent_mode="popup",
        authorization_params={"state": "x", "max_age": "0", "prompt": 1},
        metadata={"token_endpoint": "javascript:alert(1)"},
    )
    assert len(found) == 8


def test_an_unknown_option_is_named_beside_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_config({**GOOD, "clientId": "x", "audiance": "y"})
    assert caught.value.faults == ('There is no option "audiance".', 'There is no option "clientId".')
    assert "audience" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", None), ("issuer", 7), ("issuer", "tenant.example"), ("issuer", "https://a.example/?x=1"),
        ("issuer", "https://a.example/#x"), ("issuer", "https://user@a.example/"), ("issuer", "ftp://a.example/"),
        ("client_id", ""), ("redirect_uri", ""), ("redirect_uri", 1), ("audience", ""), ("scope", None),
        ("base_url", ""), ("base_url", "https://api.example/?x=1"), ("base_url", "/api#x"),
        ("base_url", "http://api.example"), ("base_url", "https://user@api.example"),
        ("allowed_origins", "https://api.example"), ("allowed_origins", ["https://api.example/"]),
        ("allowed_origins", [7]), ("allowed_origins", None), ("allowed_origins", ["*"]),
        ("authorization_params", "prompt=login"), ("authorization_params", {"redirect_uri": "x"}),
        ("authorization_params", {"audience": "x"}), ("authorization_params", {"prompt": None}),
        ("metadata", "x"), ("metadata", 7), ("metadata", {"issuer": "https://b.example/"}),
        ("use_refresh_tokens", 1), ("handle_redirect", None), ("verify_id_token_signature", "false"),
        ("leeway", True), ("leeway", -1), ("leeway", 300.1), ("leeway", None), ("leeway", float("nan")),
        ("max_age", "0"), ("max_age", 1.5), ("max_age", True), ("silent_mode", None), ("early_refresh", "1"),
        ("authorize_timeout", None), ("navigation_timeout", -0.1), ("session_check_expiry_days", "1"),
        ("tenants", "tenant-1"), ("tenants", [7]), ("tenants", ["a/b"]), ("tenants", ["tenant-1", ""]),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_names_its_option(name: str, value: object) -> None:
    """A03, A26, I19, K02."""
    found = faults(**{name: value})
    assert len(found) == 1
    assert f'"{name}"' in found[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("leeway", 0), ("leeway", 300), ("max_age", 0), ("allowed_origins", ("https://api.example",)),
     ("base_url", "/api"), ("early_refresh", 0), ("session_check_expiry_days", 0), ("metadata", {}), ("issuer", "http://[::1]:9400/")],
)  # fmt: skip
def test_zero_means_zero_and_every_plain_value_fits(name: str, value: object) -> None:
    """I19."""
    assert getattr(client_config({**GOOD, name: value}), name) == value


def test_given_metadata_is_that_of_the_issuer() -> None:
    server = client_config({**GOOD, "metadata": {"token_endpoint": f"{ISSUER}t"}}).server_metadata
    assert server is not None
    assert (server.issuer, server.token_endpoint) == (ISSUER, f"{ISSUER}t")


def test_an_insecure_issuer_comes_with_its_remedy() -> None:
    assert "https://a.example" in faults(issuer="http://a.example/")[0]


@pytest.mark.parametrize("options", [{"early_refresh": 0}, {"leeway": 0}, {"http_timeout": 5}, {"scope": "openid"}])
def test_a_client_works_with_options_at_their_edges(options: dict[str, Any]) -> None:
    async def run() -> None:
        page = pair(redirect_uri=CALLBACK, **options)
        auth = await page.login(await page.open())
        assert auth.user is not None

    asyncio.run(run())


def test_one_run_shows_every_fault_whatever_its_kind() -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_config({"issuer": "nope", "leeway": 900, "silent_mode": "x", "max_age": "a", "foo": 1, "scope": ""})
    faults = " ".join(caught.value.faults)
    for name in ('"foo"', '"issuer"', '"client_id" is missing', '"scope"', '"leeway"', '"max_age"', '"silent_mode"'):
        assert name in faults


def test_scopes_may_be_given_by_audience_and_every_one_of_them_is_a_text() -> None:
    config = client_config({**GOOD, "scope": {"default": "profile", "https://api.example": "read:notes"}})
    assert str(config.scopes("https://api.example")) == "openid profile read:notes"
    assert str(config.scopes(None)) == "openid profile"
    (fault,) = faults(scope={"https://api.example": 1})
    assert fault.startswith('"scope" must be a text, or a mapping')
