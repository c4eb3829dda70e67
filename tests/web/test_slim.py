import ast
from pathlib import Path

import pytest
from slim import slim

import spa_auth

SOURCES = sorted(Path(spa_auth.__file__).parent.glob("*/*.py"))


TYPES_ONLY = "if TYPE_CHECKING:\n    class A:\n        b: int\nelse:\n    A = object\nC = 1\n"


def statements(source: str) -> list[tuple[int, str]]:
    """Every statement but the docstrings, with its line."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass(lineno=node.body[0].lineno)]
    found = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    is_words = [isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in found]
    return [(node.lineno, type(node).__name__) for node, words in zip(found, is_words, strict=True) if not words]


def test_a_slim_file_has_no_words_left() -> None:
    source = '"""Module."""\n\n# why\nclass Thing:\n    """A thing."""\n\n\ndef act() -> int:  # how\n    """Act."""\n'
    source += "    return 1\n"
    assert slim(source) == "\n\n\nclass Thing:\n ...\n\n\ndef act():\n\n return 1\n"


def test_functions_lose_their_annotations_and_classes_keep_them() -> None:
    source = "class Pair(NamedTuple):\n    a: int = 0\n\n    def add(self, b: str = '->', *c: int) -> 'X':\n"
    source += "        d: int = 1\n"
    wanted = "class Pair(NamedTuple):\n a: int = 0\n\n def add(self, b = '->', *c):\n  d: int = 1\n"
    assert slim(source) == wanted


def test_what_only_type_checkers_read_is_gone() -> None:
    assert slim(TYPES_ONLY) == "if TYPE_CHECKING:\n pass\n\nelse:\n A = object\nC = 1\n"


def test_a_text_of_several_lines_keeps_its_spaces() -> None:
    source = "def act():\n    return '''a\n        b'''\n"
    assert slim(source) == source


def test_what_looks_like_a_comment_in_a_text_stays() -> None:
    assert slim('COLOUR = "#fff"  # white\n') == 'COLOUR = "#fff"\n'


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_statement_stays_on_its_line(path: Path) -> None:
    source = path.read_text()
    assert statements(slim(source)) == statements(source)
