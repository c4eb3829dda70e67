"""Node and npm: what is said when they are missing or too old."""

import pytest
from node_tools import check_node_version, find_node_tools
from progress import BuildError


def only_node(name: str) -> str | None:
    return "/usr/bin/node" if name == "node" else None


def test_a_missing_node_is_said_in_words_with_what_to_do() -> None:
    with pytest.raises(BuildError, match=r"Node.js was not found.*\n.*Node.js 20 or newer"):
        find_node_tools(which=lambda _name: None)


def test_a_missing_npm_is_told_apart_from_a_missing_node() -> None:
    with pytest.raises(BuildError, match=r"npm was not found, though Node.js was \(/usr/bin/node\)"):
        find_node_tools(which=only_node)


@pytest.mark.parametrize("printed", ["v18.19.1\n", "v8.0.0\n", "", "command not found"])
def test_a_node_that_is_too_old_is_refused(printed: str) -> None:
    with pytest.raises(BuildError, match=r"too old[^$]*apt-get install nodejs npm"):
        check_node_version(printed)


@pytest.mark.parametrize("printed", ["v20.0.0\n", "v26.1.0\n"])
def test_a_node_that_is_new_enough_passes(printed: str) -> None:
    check_node_version(printed)
