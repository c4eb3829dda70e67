"""Build what a page loads, into web/dist/: both wheels, and Pyodide with its standard library compiled.

::

    web/node_modules/                                   PyScript and Pyodide as npm has them
    web/dist/spa_auth-X-py3-none-any.whl                the whole package
    web/dist/spa_auth_browser-X-py3-none-any.whl        what a page needs of it
    web/dist/spa_auth_browser-X-cp314-none-any.whl      the same compiled, for the Pyodide beside it only
    web/dist/pyodide/                                   Pyodide that boots in half the time

What is up to date is left alone. Run `python web/build/assets.py`, or only one part: `... assets.py wheels`.
"""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import browser_wheel
from node_tools import NodeTools, find_node_tools
from progress import BuildError, give_up, note, step
from stamps import Stamp, files_under, fingerprint

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
BUILD = WEB / "build"
DIST = WEB / "dist"
PLAIN_PYODIDE = WEB / "node_modules" / "pyodide"
FAST_PYODIDE = DIST / "pyodide"

NPM_FILES = (WEB / "package.json", WEB / "package-lock.json", WEB / ".npmrc")
PACKAGE_FILES = (ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE")
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide-lock.json")
STDLIB = "python_stdlib.zip"
INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended


def main(arguments: list[str]) -> int:
    """Build all, or the wheels only, and return an exit code."""
    try:
        build_wheels()
        if arguments != ["wheels"]:
            install_npm_packages()
            compile_pyodide()
            compile_browser_wheel()
    except BuildError as error:
        return give_up(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def build_wheels() -> None:
    """Build the whole wheel, and repack what a page needs of it."""
    tools = [BUILD / "browser_wheel.py", BUILD / "slim.py"]
    stamp = _stamp("wheels", [*PACKAGE_FILES, *files_under(ROOT / "spa_auth"), *tools])
    if stamp.is_current(*DIST.glob("spa_auth*-py3-none-any.whl")):
        return
    with step("both wheels, from spa_auth/"):
        _forget("spa_auth*-py3-none-any.whl")
        build_whole_wheel(DIST)
        path = browser_wheel.from_whole_wheel(whole_wheel()).write(DIST, tag="py3")
        note(f"{path.name}: {_kilobytes(path)}")
    stamp.press()


def build_whole_wheel(folder: Path) -> None:
    """Call hatchling, which the virtual environment holds; the bytes depend on the sources only."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"The wheel could not be built; `make` installs what that needs.\n{done.stdout}{done.stderr}")


def install_npm_packages() -> None:
    """Fetch PyScript and Pyodide, at exactly the versions of the lock file."""
    stamp = _stamp("npm", NPM_FILES)
    if stamp.is_current(PLAIN_PYODIDE, WEB / "node_modules" / "@pyscript" / "core" / "dist" / "core.js"):
        return
    with step("PyScript and Pyodide, from npm"):
        # No package of ours needs a script of its own at install time, so none may run one.
        _node().run_npm("ci", "--ignore-scripts", folder=WEB)
    stamp.press()


def compile_pyodide() -> None:
    """Make a Pyodide whose standard library need not be compiled at every start of every page."""
    stamp = _stamp("pyodide", [*NPM_FILES, *_repack_files()])
    if stamp.is_current(*(FAST_PYODIDE / name for name in (*PYODIDE_FILES, STDLIB))):
        return
    with step("Pyodide with a compiled standard library"):
        FAST_PYODIDE.mkdir(parents=True, exist_ok=True)
        for name in PYODIDE_FILES:
            shutil.copyfile(PLAIN_PYODIDE / name, FAST_PYODIDE / name)
        _repack(PLAIN_PYODIDE, PLAIN_PYODIDE / STDLIB, FAST_PYODIDE / STDLIB, "stdlib")
        _show_gain()
    stamp.press()


def compile_browser_wheel() -> None:
    """Compile our own modules for that Pyodide, as a wheel that says by its tag which Python it fits."""
    source = DIST / _only("spa_auth_browser-*-py3-none-any.whl")
    stamp = _stamp("compiled-wheel", [source, *NPM_FILES, *_repack_files()])
    if stamp.is_current(*DIST.glob("spa_auth_browser-*-cp*-none-any.whl")):
        return
    with step("the browser wheel, compiled"):
        _forget("spa_auth_browser-*-cp*-none-any.whl")
        path = _compiled_wheel(source)
        note(f"{path.name}: {_kilobytes(path)}, from {_kilobytes(source)}")
    stamp.press()


def whole_wheel() -> Path:
    """The wheel with everything in it, as it was built last."""
    return DIST / _only("spa_auth-*-py3-none-any.whl")


def _compiled_wheel(source: Path) -> Path:
    archive = DIST / "compiled.zip"
    tag = _repack(FAST_PYODIDE, source, archive)
    package = browser_wheel.package_files(archive)
    archive.unlink()
    plain = browser_wheel.from_whole_wheel(whole_wheel())
    compiled = browser_wheel.BrowserWheel(plain.version, plain.metadata, plain.licence, package)
    return compiled.write(DIST, tag=tag)


def _repack(pyodide: Path, source: Path, target: Path, *kind: str) -> str:
    script = BUILD / "repack.mjs"
    return _node().run_node(str(script), str(pyodide), str(source), str(target), *kind, folder=WEB).strip()


def _repack_files() -> list[Path]:
    return [BUILD / "repack.py", BUILD / "repack.mjs"]


def _show_gain() -> None:
    before, after = _boot_time(PLAIN_PYODIDE), _boot_time(FAST_PYODIDE)
    sizes = f"{_kilobytes(PLAIN_PYODIDE / STDLIB)} -> {_kilobytes(FAST_PYODIDE / STDLIB)}"
    note(f"start of Python, in Node: {before} ms -> {after} ms; {STDLIB}: {sizes}")


def _boot_time(pyodide: Path) -> int:
    return int(_node().run_node(str(BUILD / "boot_time.mjs"), str(pyodide), folder=WEB))


@cache
def _node() -> NodeTools:
    return find_node_tools()


def _stamp(name: str, sources: list[Path] | tuple[Path, ...]) -> Stamp:
    return Stamp(DIST / ".stamps" / name, fingerprint([*sources, Path(__file__)]))


def _only(pattern: str) -> str:
    names = [path.name for path in DIST.glob(pattern)]
    if len(names) != 1:
        raise BuildError(f"web/dist/ should hold one {pattern}, and holds {len(names)}. Run: make clean")
    return names[0]


def _forget(pattern: str) -> None:
    for path in DIST.glob(pattern):
        path.unlink()


def _kilobytes(path: Path) -> str:
    return f"{path.stat().st_size / 1000:.0f} KB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
