"""Python source for a page: without docstrings, comments, annotations and wide indents, every line where it was.

A page downloads and compiles what it never shows; in Python 3.14 each annotated function even makes a second
one. The whole wheel keeps every word; line numbers in a page's tracebacks are those of the repository.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DOCUMENTED = (ast.Module, ast.ClassDef, *_FUNCTIONS)


def slim(source: str) -> str:
    """The same program with nothing that is only read by people or type checkers; what is left stays on its line."""
    return _indented_less(_without_comments(_without_annotations(_without_docstrings(_without_type_checking(source)))))


def _without_type_checking(source: str) -> str:
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            first, last = node.body[0], node.body[-1]
            _blank(lines, first.lineno, last.end_lineno)
            lines[first.lineno - 1] = " " * first.col_offset + "pass"
    return "\n".join(lines)


def _without_docstrings(source: str) -> str:
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            _blank(lines, docstring.lineno, docstring.end_lineno)
            if len(node.body) == 1 and not isinstance(node, ast.Module):
                lines[docstring.lineno - 1] = " " * docstring.col_offset + "..."
    return "\n".join(lines)


def _without_annotations(source: str) -> str:
    lines = source.split("\n")
    for line, start, end in sorted(_annotations(source, lines), reverse=True):
        lines[line - 1] = lines[line - 1][:start] + lines[line - 1][end:]
    return "\n".join(lines)


def _annotations(source: str, lines: list[str]) -> Iterator[tuple[int, int, int]]:
    """Where annotations of functions stand: line, first column, column after. Those of several lines stay."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and node.annotation is not None and node.annotation.end_lineno == node.lineno:
            yield node.lineno, node.col_offset + len(node.arg), node.annotation.end_col_offset or 0
        if isinstance(node, _FUNCTIONS) and node.returns is not None and node.returns.end_lineno == node.returns.lineno:
            line, end = node.returns.lineno, node.returns.end_col_offset or 0
            yield line, lines[line - 1].rindex(" ->", 0, end), end


def _without_comments(source: str) -> str:
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            number, column = token.start
            lines[number - 1] = lines[number - 1][:column].rstrip()
    return "\n".join(lines)


def _indented_less(source: str) -> str:
    narrow = re.sub(r"^(?: {4})+", lambda indent: " " * (len(indent[0]) // 4), source, flags=re.MULTILINE)
    # A text of several lines would lose spaces, too; then the source stays as wide as it is.
    return narrow if ast.dump(ast.parse(narrow)) == ast.dump(ast.parse(source)) else source


def _blank(lines: list[str], first: int, last: int | None) -> None:
    lines[first - 1 : last] = [""] * ((last or first) - first + 1)
