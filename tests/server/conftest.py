import logging
from collections.abc import Iterator

import pytest
from server.issuing import LocalIssuer, local_issuer

from spa_auth.server import AccessTokenValidator


@pytest.fixture(scope="session")
def shared_issuer() -> Iterator[LocalIssuer]:
    """One that no test changes."""
    with local_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def shared_validator(shared_issuer: LocalIssuer) -> AccessTokenValidator:
    """Of that issuer, with the defaults."""
    return shared_issuer.validator()


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    """One for this test alone."""
    with local_issuer() as issuer:
        yield issuer


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """Every line is seen, and what a test sets is forgotten after it."""
    logger = logging.getLogger("spa_auth.server")
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(logging.NOTSET)
