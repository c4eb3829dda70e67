"""What is shipped: two wheels, with nothing in them that does not belong there."""

import base64
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import browser_wheel
import pytest
from slim import slim

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "web" / "dist"
EXAMPLES = ROOT / "web" / "examples"

# Bytes: what a page loads before its first line, on the slowest connection that it is opened with. A fifth of them is
# what a zip of so many small files costs.
LARGEST_BROWSER_WHEEL = 110_000

PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|[\"']d[\"']\s*:\s*[\"'][A-Za-z0-9_-]{20,}[\"']")


def only(pattern: str) -> Path:
    (path,) = DIST.glob(pattern)
    return path


@pytest.fixture(scope="module")
def whole_wheel() -> Path:
    return only("spa_auth-*-py3-none-any.whl")


@pytest.fixture(scope="module")
def page_wheel() -> Path:
    return only("spa_auth_browser-*-py3-none-any.whl")


@pytest.fixture(scope="module")
def compiled_wheel() -> Path:
    return only("spa_auth_browser-*-cp*-none-any.whl")


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def package_names(wheel: Path) -> set[str]:
    return {name for name in names(wheel) if ".dist-info/" not in name}


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def source_names() -> set[str]:
    files = (path for path in (ROOT / "spa_auth").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in files}


def test_the_whole_wheel_holds_the_package_and_nothing_else(whole_wheel: Path) -> None:
    """X05: no keys, tests or binaries."""
    assert package_names(whole_wheel) == source_names()
    assert {Path(name).suffix for name in package_names(whole_wheel)} <= {
        ".py",
        ".typed",
        ".html",
        ".css",
        ".js",
        ".svg",
    }


def test_the_browser_wheel_holds_what_a_page_needs_and_nothing_else(page_wheel: Path) -> None:
    """X05: the list of files is the list of files."""
    inner = ("protocol/", "client/", "browser/")
    single = {"__init__.py", "errors.py", "events.py"}
    servers = {f"spa_auth/protocol/{name}.py" for name in ("access_token", "dpop_proof", "htu")}
    left_out = servers | {"spa_auth/client/ports.py"}
    wanted = {name for name in source_names() if name.removeprefix("spa_auth/").startswith(inner)} - left_out
    assert package_names(page_wheel) == wanted | {f"spa_auth/{name}" for name in single}


def test_the_browser_wheel_is_small(page_wheel: Path) -> None:
    assert page_wheel.stat().st_size < LARGEST_BROWSER_WHEEL


def test_no_wheel_holds_a_private_key(whole_wheel: Path, page_wheel: Path) -> None:
    """O02: the development provider makes its keys when it starts."""
    for wheel in (whole_wheel, page_wheel):
        assert [name for name, content in contents(wheel).items() if PRIVATE_KEY.search(content)] == []


@pytest.mark.parametrize(
    "leaked", ["-----BEGIN RSA PRIVATE KEY-----", '{"kty": "EC", "d": "ZmFrZSBidXQgbG9uZyBlbm91Z2gh"}']
)
def test_the_scan_for_private_keys_finds_them(leaked: str) -> None:
    """O02: in both of the shapes that keys are written in."""
    assert PRIVATE_KEY.search(leaked.encode())


def test_the_browser_wheel_says_no_more_than_a_page_needs(page_wheel: Path) -> None:
    files = contents(page_wheel)
    assert files["spa_auth/errors.py"].decode() == slim((ROOT / "spa_auth" / "errors.py").read_text())
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in files)


def test_the_browser_wheel_says_what_it_is(page_wheel: Path) -> None:
    files = contents(page_wheel)
    metadata = next(content.decode() for name, content in files.items() if name.endswith(".dist-info/METADATA"))
    assert "\nName: spa-auth-browser\n" in metadata
    assert "Requires-Dist" not in metadata
    assert "Provides-Extra" not in metadata


def test_the_record_of_the_browser_wheel_fits_its_files(page_wheel: Path) -> None:
    files = contents(page_wheel)
    record = next(name for name in files if name.endswith(".dist-info/RECORD"))
    lines = dict(line.split(",", 1) for line in files.pop(record).decode().splitlines())
    assert lines.pop(record) == ","
    assert lines == {name: f"sha256={digest(content)},{len(content)}" for name, content in files.items()}


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def test_the_same_sources_give_the_same_wheels(tmp_path: Path, whole_wheel: Path, page_wheel: Path) -> None:
    """Whoever builds a release again can compare it with ours, byte by byte."""
    again = build_whole_wheel(tmp_path)
    assert again.read_bytes() == whole_wheel.read_bytes()
    repacked = browser_wheel.from_whole_wheel(again).write(tmp_path, tag="py3")
    assert repacked.read_bytes() == page_wheel.read_bytes()


def build_whole_wheel(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_compiled_wheel_holds_the_same_modules_as_bytecode(page_wheel: Path, compiled_wheel: Path) -> None:
    expected = {f"{name}c" if name.endswith(".py") else name for name in package_names(page_wheel)}
    assert package_names(compiled_wheel) == expected


def test_the_compiled_wheel_says_which_python_it_fits(compiled_wheel: Path) -> None:
    files = contents(compiled_wheel)
    tag = compiled_wheel.name.split("-")[2]
    wheel_file = next(content.decode() for name, content in files.items() if name.endswith(".dist-info/WHEEL"))
    assert f"\nTag: {tag}-none-any\n" in wheel_file


def test_pyodide_is_pinned_and_its_lock_file_names_no_address() -> None:
    package = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    assert all(version[0].isdigit() for version in package["dependencies"].values())
    assert "://" not in (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")


def test_the_fast_pyodide_differs_in_its_standard_library_only() -> None:
    plain, fast = ROOT / "web" / "node_modules" / "pyodide", DIST / "pyodide"
    same = {path.name for path in fast.iterdir() if path.read_bytes() == (plain / path.name).read_bytes()}
    assert {path.name for path in fast.iterdir()} - same == {"python_stdlib.zip"}


def test_every_module_of_the_standard_library_is_compiled() -> None:
    plain = names(ROOT / "web" / "node_modules" / "pyodide" / "python_stdlib.zip")
    fast = names(DIST / "pyodide" / "python_stdlib.zip")
    assert fast == {f"{name}c" if name.endswith(".py") else name for name in plain if not name.endswith("/")}


def test_every_page_of_the_examples_loads_files_that_were_built() -> None:
    configurations = [json.loads(path.read_text(encoding="utf-8")) for path in EXAMPLES.rglob("pyscript.json")]
    addresses = [address for one in configurations for address in (one.get("interpreter", ""), *one["files"])]
    built = [re.sub(r"^\./(?:dist/)?", "", address) for address in addresses if re.search(r"/dist/|\.whl$", address)]
    assert len(built) >= 3
    assert [name for name in built if not (DIST / name).is_file()] == []
