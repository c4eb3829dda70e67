"""The snippets of the pages in web/docs/: each is read, and every name of ours in it is held against the code.

In a diff the lines with `+` and those without a sign are read, as the page has them afterwards.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.config import ClientConfig, client_config
from spa_auth.client.events import EVENT_NAMES
from spa_auth.client.link import LoginLink

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "web" / "docs"
OURS: dict[str, type[Any]] = {"auth": AuthClient, "link": LoginLink}
GIVEN: dict[str, object] = {"issuer": "https://id.example/", "client_id": "notes-page"}


class Snippet(NamedTuple):
    """A block of code on a page, as it is after the change that it shows."""

    page: str
    language: str
    text: str


def snippets() -> list[Snippet]:
    """Every block of Python or JSON on the pages about the browser."""
    found: list[Snippet] = []
    for name in ("pages.md", "migrating.md"):
        for language, text in re.findall(r"```(\w+)\n(.*?)```", (DOCS / name).read_text(), re.DOTALL):
            code = _after(text) if language == "diff" else text
            kind = "json" if code.lstrip().startswith('"') else "python" if language == "diff" else language
            found.append(Snippet(name, kind, code))
    return found


def _after(diff: str) -> str:
    return "".join(line[1:] for line in diff.splitlines(keepends=True) if not line.startswith("-"))


def python() -> list[tuple[str, ast.Module]]:
    """The Python of the pages, read; a page's own code may await at its top."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return [
        (each.text, compile(each.text, each.page, "exec", flags, dont_inherit=True))
        for each in snippets()
        if each.language == "python"
    ]


def _used(tree: ast.AST) -> Iterator[tuple[type[Any], str]]:
    """What a snippet uses of ours: the class and the name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in OURS:
            yield OURS[node.value.id], node.attr


def test_there_are_snippets_of_every_kind() -> None:
    kinds = [each.language for each in snippets()]
    assert set(kinds) == {"python", "json", "html"}
    assert len(kinds) > 30


def test_every_member_that_a_snippet_uses_is_there() -> None:
    used = [pair for _, tree in python() for pair in _used(tree)]
    assert len(used) > 30
    assert [f"{kind.__name__}.{name}" for kind, name in used if not hasattr(kind, name)] == []


def test_every_call_of_a_verb_has_arguments_that_it_takes() -> None:
    checked = 0
    for _, tree in python():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            function = call.func
            if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)):
                continue
            kind = OURS.get(function.value.id)
            if kind is None or not inspect.isfunction(member := getattr(kind, function.attr)):
                continue
            names = {str(each.arg): None for each in call.keywords}
            inspect.signature(member).bind(None, *call.args, **names)
            checked += 1
    assert checked > 20


def test_every_option_in_a_call_or_a_json_snippet_is_one_with_a_value_that_fits() -> None:
    checked = 0
    for each in snippets():
        if each.language == "json":
            options = json.loads(f"{{{each.text.rstrip().removesuffix(',')}}}")
            client_config({**GIVEN, **options})
            checked += 1
    for _, tree in python():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "create_auth_client":
                assert {each.arg for each in call.keywords} <= set(ClientConfig._fields)
                checked += 1
    assert checked > 10


def test_every_import_of_ours_leads_somewhere() -> None:
    checked = 0
    for _, tree in python():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("spa_auth"):
                defined = _defined(str(node.module))
                assert {each.name for each in node.names} <= defined
                checked += 1
    assert checked > 3


def _defined(module: str) -> set[str]:
    # Read, not imported: what is for the browser only cannot be imported elsewhere.
    path = ROOT / Path(*module.split("."))
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    return {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def test_every_event_that_a_snippet_listens_to_exists() -> None:
    listened = [name for text, _ in python() for name in re.findall(r'events\.on(?:ce)?\("([^"]+)"', text)]
    assert listened
    assert set(listened) <= set(EVENT_NAMES)


@pytest.mark.parametrize("where", ["pages.md", "migrating.md"])
def test_every_verb_in_a_table_has_the_arguments_that_it_shows(where: str) -> None:
    calls = re.findall(
        r"`(?:await )?(?:auth\.)?(\w+)\(([^()`]*)\)", (DOCS / where).read_text().partition("## Not yet")[0]
    )
    checked = 0
    for name, arguments in calls:
        if not inspect.isfunction(member := getattr(AuthClient, name, None)):
            continue
        shown = set(re.findall(r"(\w+)=", arguments))
        parameters = inspect.signature(member).parameters
        assert shown <= set(parameters), name
        checked += 1
    assert checked > 20


def test_the_table_of_options_says_every_default() -> None:
    text = (DOCS / "pages.md").read_text().partition("## Options")[2].partition("## Verbs")[0]
    table = dict(re.findall(r"^\| `(\w+)` \| `?([^|`]+)`? \|", text, re.MULTILINE))
    defaults = ClientConfig()._asdict()
    assert set(table) == set(defaults)
    for name, default in defaults.items():
        if isinstance(default, bool | int | float) or (isinstance(default, str) and default):
            assert table[name].strip() == str(default).lower(), name
