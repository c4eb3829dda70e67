"""The command, as a program and as the function that it calls."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from spa_auth.dev_provider import DEMO, Api, Client, Options
from spa_auth.dev_provider.command import main
from spa_auth.dev_provider.configuration import configuration_text
from spa_auth.dev_provider.users import ALICE, typed_user

PROGRAM = (sys.executable, "-m", "spa_auth.dev_provider")


class Running(NamedTuple):
    """A process that is ready, and what it has printed so far."""

    process: subprocess.Popen[str]
    printed: str
    seconds: float

    @property
    def issuer(self) -> str:
        return self.fact("Ready:")

    def fact(self, name: str) -> str:
        lines = [line.strip() for line in self.printed.splitlines()]
        return next(line for line in lines if line.startswith(name)).removeprefix(name).strip()

    def stopped(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=10)
        return self.process.returncode, output.strip(), errors


@contextlib.contextmanager
def started(*arguments: str, **environment: str) -> Generator[Running]:
    began = time.monotonic()
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            printed = ""
            for line in process.stdout or ():
                printed += line
                if "Ctrl-C" in line:
                    break
            yield Running(process, printed, time.monotonic() - began)
        finally:
            process.kill()


def printed_config(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, "--print-config"]) == 0
    return capsys.readouterr().out


def test_it_serves_at_the_issuer_that_it_prints_until_it_is_interrupted() -> None:
    with started("--port", "0") as running:
        assert httpx.get(running.fact("discovery")).json()["issuer"] == running.issuer
        assert httpx.get(running.fact("events")).status_code == 200
        assert running.stopped() == (0, "", "")
    assert "anybody logs in as anybody" in running.printed
    assert "\x1b" not in running.printed


def test_it_is_ready_at_once() -> None:
    """The promise is one second; what is asserted leaves room for a busy machine."""
    with started("--port", "0") as running:
        print(f"ready in {running.seconds:.2f} s")  # noqa: T201  the figure of the documentation, with pytest -rP
        assert running.seconds < 5


def test_a_polite_kill_stops_it_too() -> None:
    with started("--port", "0") as running:
        assert running.stopped(signal.SIGTERM)[0] in {0, -signal.SIGTERM}


def test_events_are_printed_as_they_happen_and_no_code_among_them() -> None:
    with started("--port", "0", "--events") as running:
        httpx.post(f"{running.issuer}oauth/token", data={"grant_type": "authorization_code", "code": "s3cr3t"})
        code, output, errors = running.stopped()
    (line,) = output.splitlines()
    assert "grant.error" in line
    assert "error=invalid_client" in line
    assert "s3cr3t" not in output + errors
    assert code == 0


def test_a_line_is_printed_whatever_characters_the_terminal_knows() -> None:
    with started("--port", "0", "--events", PYTHONIOENCODING="ascii") as running:
        httpx.get(f"{running.issuer}authorize", params={"client_id": "demo", "scope": "é" + "x" * 500})
        code, output, errors = running.stopped()
    assert "authorization.error" in output
    assert "scope=?xxx" in output
    assert (code, errors) == (0, "")


def test_the_place_of_the_issuer_in_the_file_is_where_it_listens(tmp_path: Path) -> None:
    with started("--port", "0") as running:
        free = running.issuer
        running.stopped()
    path = tmp_path / "provider.toml"
    path.write_text(f'issuer = "{free}tenant/"\nclients = [{{ client_id = "spa" }}]\n')
    with started("--config", str(path)) as running:
        assert running.issuer == f"{free}tenant/"
        assert httpx.get(running.fact("discovery")).json()["issuer"] == running.issuer
        assert running.fact("client_id") == "spa"


def test_the_controls_are_closed_without_their_flag_and_need_the_printed_token_with_it_o13() -> None:
    with started("--port", "0") as running:
        assert httpx.get(f"{running.issuer}control").status_code == 404
    with started("--port", "0", "--controls") as running:
        url, _, token = running.fact("controls").partition(", with Authorization: Bearer ")
        assert len(token) >= 32
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_program_that_starts_it_may_choose_the_token_of_the_controls() -> None:
    with started("--port", "0", "--controls", SPA_AUTH_CONTROL_TOKEN="chosen-by-the-test-runner") as running:
        headers = {"Authorization": "Bearer chosen-by-the-test-runner"}
        assert httpx.get(f"{running.issuer}control", headers=headers).status_code == 200


def test_a_delay_holds_its_path() -> None:
    with started("--port", "0", "--delay", "/oauth/token=0.3") as running:
        before = time.monotonic()
        httpx.post(f"{running.issuer}oauth/token")
        assert time.monotonic() - before >= 0.3


def test_others_are_let_in_only_by_a_flag_and_then_without_the_events_o01() -> None:
    with started("--port", "0", "--host", "0.0.0.0", "--allow-external") as running:
        port = running.issuer.rstrip("/").rpartition(":")[2]
        assert "events" not in running.printed
        assert httpx.get(f"http://127.0.0.1:{port}/events").status_code == 404


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "--allow-external"),
        (["--issuer", "http://10.0.0.1:9400/"], "--allow-external"),
        (["--code-lifetime", "0"], "code_lifetime must be at least 1 second."),
        (["--issuer", "nonsense"], "issuer 'nonsense' cannot be used"),
        (["--port", "99999999"], "99999999 is no port"),
        (["--config", "missing.toml"], "missing.toml cannot be read"),
        (["--client", "a=nonsense"], "a registers 'nonsense'"),
        (
            ["--code-lifetime", "0", "--rotation-overlap", "-1"],
            ":\n  code_lifetime must be at least 1 second.\n  rotation",
        ),
    ],
)
def test_what_is_wrong_is_said_and_the_status_is_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--delay", "/oauth/token"],
        ["--delay", "oauth=2"],
        ["--delay", "/oauth/token=soon"],
        ["--delay", "/oauth/token=nan"],
        ["--client", "spa"],
        ["--client", "=http://127.0.0.1/"],
        ["--user", ""],
        ["--dpop", "maybe"],
        ["--code-lifetime", "long"],
        ["--code-life", "5"],
        ["--nonsense"],
    ],
)
def test_what_cannot_be_read_is_refused_with_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m spa_auth.dev_provider [options]" in capsys.readouterr().err


def test_every_option_of_one_value_has_a_flag_that_says_what_options_say(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    elsewhere = {"users", "clients", "apis", "organizations", "initial_access_tokens"}
    flags = {f"--{field.name.replace('_', '-')}" for field in fields(Options) if field.name not in elsewhere}
    assert [flag for flag in flags if flag not in text] == []
    words = " ".join(text.split())
    assert "Keep profile claims out of ID tokens: then only the userinfo endpoint tells them. (off)" in words
    assert "How long access tokens are good. (600)" in words


def test_flags_take_the_place_of_what_the_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "provider.toml"
    path.write_text('consent = true\ncode_lifetime = 30\nid_token_lifetime = 40\n[[users]]\nsub = "adam"\n')
    shown = printed_config(
        capsys, "--config", str(path), "--no-consent", "--code-lifetime", "20",
        "--user", "Alice", "--user", "carol@b.c",
        "--client", "spa=http://127.0.0.1:8000/a", "--client", "spa=http://127.0.0.1:8000/b?c=d",
        "--client", "b=https://b.c/",
        "--audience", "https://api.example?a=b=read write", "--audience", "urn:other", "--dpop-nonces", "required",
    )  # fmt: skip
    carol = typed_user("carol@b.c")
    assert carol is not None
    expected = Options(
        code_lifetime=20,
        id_token_lifetime=40,
        dpop_nonces="required",
        users=(ALICE, carol),
        clients=(
            Client(client_id="spa", redirect_uris=("http://127.0.0.1:8000/a", "http://127.0.0.1:8000/b?c=d")),
            Client(client_id="b", redirect_uris=("https://b.c/",)),
        ),
        apis=(Api(audience="https://api.example?a=b", scopes=("read", "write")), Api(audience="urn:other")),
    )
    assert shown == configuration_text(expected)


def test_the_printed_configuration_of_nothing_is_that_of_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed_config(capsys) == configuration_text(Options(clients=(DEMO,)))
