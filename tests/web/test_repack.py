"""Modules compiled in a zip archive run as they did from source."""

import importlib
import sys
import zipfile
from pathlib import Path

import pytest
from repack import compile_archive

SOURCE = '"""A docstring that stays."""\n\n\ndef answer() -> int:\n    return 42\n'


@pytest.fixture
def archives(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "source.zip", tmp_path / "target.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.mkdir("repacked_example")
        archive.writestr("repacked_example/__init__.py", SOURCE)
        archive.writestr("repacked_example/data.txt", "as it was")
    compile_archive(source, target, location="/lib/")
    return source, target


def test_modules_become_bytecode_and_other_files_stay(archives: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(archives[1]) as compiled:
        assert compiled.namelist() == ["repacked_example/__init__.pyc", "repacked_example/data.txt"]
        assert compiled.read("repacked_example/data.txt") == b"as it was"


def test_a_compiled_module_runs_and_keeps_its_docstring(
    archives: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(archives[1]))
    module = importlib.import_module("repacked_example")
    del sys.modules["repacked_example"]
    assert module.answer() == 42
    assert module.__doc__ == "A docstring that stays."
    assert module.answer.__code__.co_filename == "/lib/repacked_example/__init__.py"
