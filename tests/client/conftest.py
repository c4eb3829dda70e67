"""Both platforms on which a client has to work."""

import pytest


@pytest.fixture(params=[True, False], ids=["tab", "worker"])
def window(request: pytest.FixtureRequest) -> bool:
    """Whether there is a window with session storage, as in a tab, or neither, as in a worker."""
    return bool(request.param)
