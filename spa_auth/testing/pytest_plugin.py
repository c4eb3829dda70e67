"""pytest fixtures: a development provider for each test, on a loopback port.

pytest loads this module at every start, wherever spa_auth is installed, so it imports nothing but pytest until a test
wants a provider.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spa_auth.dev_provider.keys import SigningKeys
    from spa_auth.dev_provider.options import Options
    from spa_auth.dev_provider.thread import RunningProvider


@pytest.fixture
def spa_auth_provider(
    spa_auth_provider_options: "Options | None", spa_auth_provider_keys: "SigningKeys"
) -> "Iterator[RunningProvider]":
    """A provider of its own for each test: `.issuer`, `.provider.events`, `.provider.controls`."""
    from spa_auth.dev_provider.thread import run_in_thread

    with run_in_thread(spa_auth_provider_options, keys=spa_auth_provider_keys) as running:
        yield running


@pytest.fixture
def spa_auth_provider_options() -> "Options | None":
    """The configuration of `spa_auth_provider`; write a fixture of this name to have another one."""
    return None


@pytest.fixture(scope="session")
def spa_auth_provider_keys() -> "SigningKeys":
    """The keys that the providers of all tests sign with: making them takes longer than all else."""
    try:
        from spa_auth.dev_provider.keys import SigningKeys
    except ModuleNotFoundError as missing:
        pytest.fail(f'{missing.name} is missing: pip install "spa-auth[dev-provider]"', pytrace=False)
    return SigningKeys()
