"""The wheel for the browser: repacked from the whole one, without what runs on servers only and without words."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slim import slim

NAME = "spa_auth_browser"
FILES = ("spa_auth/__init__.py", "spa_auth/errors.py", "spa_auth/events.py")
FOLDERS = ("spa_auth/protocol/", "spa_auth/client/", "spa_auth/browser/")
# What no page imports: the resource server's rules, and types.
NOT_IN_PAGES = (
    "spa_auth/protocol/access_token.py",
    "spa_auth/protocol/dpop_proof.py",
    "spa_auth/protocol/htu.py",
    "spa_auth/client/ports.py",
)

# What a page has no use for: extras, their requirements, and the README behind the headers.
DROPPED_HEADERS = ("Provides-Extra:", "Requires-Dist:", "Description-Content-Type:")
# A zip cannot hold an earlier time, and the real one would make every build another file.
NO_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class BrowserWheel:
    """What goes into a wheel: version, metadata, licence, and the files of the package."""

    version: str
    metadata: str
    licence: bytes
    package: Mapping[str, bytes]

    def write(self, folder: Path, *, tag: str) -> Path:
        """Write the wheel and return its path. The same content gives the same bytes.

        Args:
            folder: Where it goes; the name of the file follows from version and tag.
            tag: Which Pythons it fits: "py3" for source, "cp314" for the bytecode of 3.14.
        """
        path = folder / f"{NAME}-{self.version}-{tag}-none-any.whl"
        info = f"{NAME}-{self.version}.dist-info"
        members = {
            **self.package,
            f"{info}/METADATA": self.metadata.encode(),
            f"{info}/WHEEL": _wheel_file(tag).encode(),
            f"{info}/licenses/LICENSE": self.licence,
        }
        members[f"{info}/RECORD"] = _record(members, f"{info}/RECORD").encode()
        _write_zip(path, members)
        return path


def from_whole_wheel(path: Path) -> BrowserWheel:
    """Take from the whole wheel what a page needs."""
    with zipfile.ZipFile(path) as whole:
        info = next(name.split("/")[0] for name in whole.namelist() if name.endswith(".dist-info/METADATA"))
        return BrowserWheel(
            version=info.removesuffix(".dist-info").split("-")[1],
            metadata=_browser_metadata(whole.read(f"{info}/METADATA").decode()),
            licence=whole.read(f"{info}/licenses/LICENSE"),
            package={name: _slim(name, whole.read(name)) for name in whole.namelist() if belongs_in_browser(name)},
        )


def belongs_in_browser(name: str) -> bool:
    """Whether a file of the whole wheel runs in a page."""
    return name in FILES or (name.startswith(FOLDERS) and name not in NOT_IN_PAGES)


def _slim(name: str, content: bytes) -> bytes:
    return slim(content.decode()).encode() if name.endswith(".py") else content


def package_files(archive: Path) -> dict[str, bytes]:
    """The files of the package in a wheel, by name, without the wheel's own records."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist() if ".dist-info/" not in name}


def _browser_metadata(whole: str) -> str:
    headers = whole.split("\n\n", 1)[0].splitlines()
    kept = [line for line in headers if not line.startswith(DROPPED_HEADERS)]
    renamed = ["Name: spa-auth-browser" if line.startswith("Name:") else line for line in kept]
    return "\n".join(renamed) + "\n"


def _wheel_file(tag: str) -> str:
    return f"Wheel-Version: 1.0\nGenerator: spa_auth\nRoot-Is-Purelib: true\nTag: {tag}-none-any\n"


def _record(members: Mapping[str, bytes], record: str) -> str:
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(members.items())]
    return "\n".join([*lines, f"{record},,"]) + "\n"


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(members.items()):
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)
