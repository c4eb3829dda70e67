"""What is up to date is not made again: a stamp remembers the fingerprint of what a thing was made from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


def files_under(folder: Path) -> list[Path]:
    """Every file that belongs to the source: not what Python caches beside it."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def fingerprint(paths: Iterable[Path]) -> str:
    """One hash over names and contents. A missing file counts as empty, so that its arrival is a change."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


@dataclass(frozen=True)
class Stamp:
    """The memory of one step: the file that holds it, and the fingerprint that it should hold."""

    path: Path
    fingerprint: str

    def is_current(self, *made: Path) -> bool:
        """Whether all that the step makes is there, made from what is there now."""
        if not made or not all(path.exists() for path in made):
            return False
        return self.path.is_file() and self.path.read_text(encoding="ascii") == self.fingerprint

    def press(self) -> None:
        """Remember that the step is done."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.fingerprint, encoding="ascii")
