"""The documentation names everything that can be configured, watched and controlled, and its examples run."""

import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest
from dev_provider.harness import KEYS

from spa_auth.dev_provider import Api, Client, Options, Organization
from spa_auth.dev_provider.command import _parser
from spa_auth.dev_provider.configuration import options_of, read_configuration
from spa_auth.dev_provider.control_surface import VERBS
from spa_auth.dev_provider.events import EVENT_NAMES
from spa_auth.dev_provider.provider import ROUTES
from spa_auth.dev_provider.thread import run_in_thread

TEXT = (Path(__file__).resolve().parents[2] / "web" / "docs" / "dev-provider.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
NOT_FOR_READERS = ("/login", "/consent", "/oidc/logout/confirm", "/assets/", "/favicon.ico", "/device", "/activate")


def snippets(language: str) -> list[str]:
    return [text for found, text in SNIPPETS if found == language]


def row(name: str) -> str:
    return next((line for line in TEXT.splitlines() if line.startswith(f"| `{name}`") or f"| `{name}` |" in line), "")


@pytest.mark.parametrize("field", fields(Options), ids=lambda field: field.name)
def test_every_option_is_described_with_its_default(field: SimpleNamespace) -> None:
    assert row(field.name)
    if isinstance(field.default, (str, int)):
        shown = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        assert f"| {shown} |" in row(field.name).replace("`", "")


@pytest.mark.parametrize("kind", [Client, Api, Organization])
def test_every_key_of_a_table_is_described(kind: type[Client | Api | Organization]) -> None:
    assert [field.name for field in fields(kind) if not row(field.name)] == []


def test_every_flag_is_described() -> None:
    options = {f"--{field.name.replace('_', '-')}" for field in fields(Options)}
    flags = {flag for action in _parser("x")._actions for flag in action.option_strings if flag.startswith("--")}
    own = {flag for flag in flags if flag not in options and flag.replace("--no-", "--") not in options}
    assert len(own) > 8
    assert [flag for flag in own - {"--help"} if f"`{flag}" not in TEXT] == []


def test_every_event_every_verb_and_every_path_is_named() -> None:
    assert [name for name in EVENT_NAMES if f"`{name}`" not in TEXT] == []
    assert [verb for verb in VERBS if f"`{verb}`" not in TEXT] == []
    paths = [path for path in ROUTES if not path.startswith(NOT_FOR_READERS)]
    assert [path for path in paths if f"`{path}`" not in TEXT] == []


def test_the_configuration_file_of_the_page_is_one(tmp_path: Path) -> None:
    (text,) = snippets("toml")
    path = tmp_path / "provider.toml"
    path.write_text(text, encoding="utf-8")
    options = options_of(read_configuration(path))
    assert [client.client_id for client in options.clients] == ["notes", "worker"]
    assert options.users[0].claims["groups"] == ["admin", "staff"]


def test_the_test_of_the_page_passes() -> None:
    test, _ = snippets("python")
    names: dict[str, object] = {}
    exec(test, names)  # noqa: S102  it is our own page
    run, options = names["test_nobody_is_logged_in_silently"], names["Options"]
    assert callable(run)
    assert options is Options
    with run_in_thread(keys=KEYS) as running:
        run(running)


def test_the_script_of_the_page_runs() -> None:
    _, script = snippets("python")
    names: dict[str, object] = {}
    exec(script, names)  # noqa: S102  it is our own page
    assert str(names["issuer"]).startswith("http://127.0.0.1:")
