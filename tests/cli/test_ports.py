"""Ports: taken before anything starts, and missed in words that name the option."""

import pytest

from spa_auth.cli.failure import CannotStartError
from spa_auth.cli.ports import listen


def test_a_taken_port_is_named_with_the_option_that_changes_it() -> None:
    first = listen("127.0.0.1", 0, flag="--page-port")
    with first.socket, pytest.raises(CannotStartError, match=f"Port {first.port} .* is taken.*--api-port PORT"):
        listen("127.0.0.1", first.port, flag="--api-port")


def test_port_0_takes_any_free_one_and_says_which() -> None:
    listener = listen("127.0.0.1", 0, flag="--port")
    with listener.socket:
        assert listener.port > 0
        assert listener.origin == f"http://127.0.0.1:{listener.port}"
        assert listener.url == f"{listener.origin}/"


def test_an_address_of_version_6_stands_in_brackets() -> None:
    listener = listen("::1", 0, flag="--port")
    with listener.socket:
        assert listener.origin == f"http://[::1]:{listener.port}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.1.example.com", ""])
def test_what_others_could_reach_is_refused(host: str) -> None:
    """O01: whoever reaches the provider can log in as anybody."""
    with pytest.raises(CannotStartError, match=r"--host 127\.0\.0\.1"):
        listen(host, 0, flag="--port")
