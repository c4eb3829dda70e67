"""The demo finds its files, or says where they are to be had."""

from pathlib import Path

import pytest

from spa_auth.cli.checkout import find_checkout
from spa_auth.cli.failure import CannotStartError


def clone(folder: Path) -> Path:
    (folder / "web" / "examples" / "demo").mkdir(parents=True)
    (folder / "web" / "examples" / "demo" / "index.html").touch()
    return folder


def build_assets(folder: Path) -> None:
    (folder / "web" / "dist" / "pyodide").mkdir(parents=True)
    (folder / "web" / "node_modules" / "@pyscript" / "core" / "dist").mkdir(parents=True)


def test_outside_a_clone_it_says_so_and_names_both_ways_on(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match=r"not inside a clone[^$]*make demo[^$]*spa-auth dev-provider"):
        find_checkout(tmp_path)


def test_a_clone_without_built_assets_is_told_to_build_them(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match=r"not built yet. Run: make demo"):
        find_checkout(clone(tmp_path))


def test_a_clone_is_found_from_any_folder_in_it(tmp_path: Path) -> None:
    build_assets(clone(tmp_path))
    inner = tmp_path / "tests" / "browser"
    inner.mkdir(parents=True)
    assert find_checkout(inner).root == tmp_path
    assert find_checkout(tmp_path).demo == tmp_path / "web" / "examples" / "demo"
