"""Chromium for the browser tests: Playwright's own, else the system's, else words that say what to install."""

from pathlib import Path

import pytest
from chromium import browser_settings, ensure_chromium
from progress import BuildError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which there is nothing, by its folder of programs."""
    programs, caches = tmp_path / "bin", tmp_path / "ms-playwright"
    programs.mkdir()
    caches.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(caches))
    return tmp_path


def add_program(machine: Path, name: str) -> str:
    program = machine / "bin" / name
    program.touch(mode=0o755)
    return str(program)


def test_without_any_browser_the_words_name_both_ways_to_get_one(machine: Path) -> None:
    assert browser_settings().executable_path() is None
    with pytest.raises(BuildError, match=r"playwright install chromium[^$]*apt-get install chromium"):
        ensure_chromium()
    assert list((machine / "bin").iterdir()) == []


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_the_browser_of_the_system_is_taken(machine: Path, name: str) -> None:
    program = add_program(machine, name)
    ensure_chromium()
    assert browser_settings().launch_options()["executable_path"] == program


def test_the_browser_of_playwright_goes_first(machine: Path) -> None:
    add_program(machine, "chromium")
    (machine / "ms-playwright" / "chromium-1234").mkdir()
    ensure_chromium()
    assert browser_settings().executable_path() is None
