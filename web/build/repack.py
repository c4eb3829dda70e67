"""Compile the modules of a zip archive: the same archive, with `name.pyc` where `name.py` was.

This runs inside Pyodide, because bytecode fits exactly one version of Python. Standard library only, one file.
"""

import importlib.util
import marshal
import zipfile
from pathlib import Path


def compile_archive(source: Path, target: Path, *, location: str = "") -> None:
    """Write `target`: what `source` holds, its modules compiled, in the same order.

    Args:
        source: A zip archive, such as Python's standard library or a wheel.
        target: Where the compiled archive goes.
        location: What stands before the names of files in tracebacks.
    """
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for entry in old.infolist():
            if entry.is_dir():
                continue
            name, content = _compiled(entry.filename, old.read(entry), location)
            new.writestr(zipfile.ZipInfo(name, entry.date_time), content, zipfile.ZIP_DEFLATED)


def bytecode(source: bytes, filename: str) -> bytes:
    """The content of a .pyc file: magic number, twelve zero bytes, code.

    Zero flags, time and size: Python compares them with a source file, and there is none.
    """
    code = compile(source, filename, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)


def _compiled(name: str, content: bytes, location: str) -> tuple[str, bytes]:
    if not name.endswith(".py"):
        return name, content
    return f"{name}c", bytecode(content, f"{location}{name}")
