"""The clients of others: fetched for the tests, at one version each, and for nobody else."""

import json
import subprocess
from pathlib import Path

import pytest
from peer_packages import LOADED, PEERS, ROOT, find_packages
from progress import BuildError


def commands(target: str) -> str:
    """What make would run."""
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return done.stdout


def test_both_runs_of_the_tests_fetch_them_first_and_the_demo_does_not() -> None:
    fetched = {target: "peer_packages.py" in commands(target) for target in ("unit", "browser", "demo", "bench")}
    assert fetched == {"unit": True, "browser": True, "demo": False, "bench": True}


def test_each_package_is_held_to_one_version_and_the_lock_names_no_address_to_load_from() -> None:
    """What is installed is what was locked, whichever registry this machine uses."""
    wanted = json.loads((PEERS / "package.json").read_text())["dependencies"]
    locked = json.loads((PEERS / "package-lock.json").read_text())["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    packages = {name: entry for name, entry in locked.items() if name}
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []


def test_a_missing_package_is_said_in_words_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"oauth4webapi.*Run: make peers"):
        find_packages(tmp_path)
    for name in LOADED:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert find_packages(tmp_path) == tmp_path
