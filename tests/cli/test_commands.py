"""The command line, as it is typed."""

import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from spa_auth import __version__

ROOT = Path(__file__).resolve().parents[2]
SPA_AUTH = str(Path(sysconfig.get_path("scripts")) / "spa-auth")
FREE_PORTS = ("--page-port", "0", "--provider-port", "0", "--api-port", "0")


def run(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SPA_AUTH, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def started(*arguments: str) -> Generator[tuple[subprocess.Popen[str], list[str]]]:
    """The process, and what it printed up to its last line about Ctrl-C."""
    with subprocess.Popen(
        [SPA_AUTH, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process, printed_until_ready(process)
        finally:
            process.kill()


def printed_until_ready(process: subprocess.Popen[str]) -> list[str]:
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line.strip())
        if "Ctrl-C" in line:
            break
    return lines


def address(lines: list[str], name: str) -> str:
    line = next(line for line in lines if line.startswith(name))
    return line.removeprefix(name).strip()


def test_the_demo_starts_three_servers_that_know_each_other_and_ctrl_c_stops_them() -> None:
    with started("demo", *FREE_PORTS) as (process, lines):
        page, provider = address(lines, "Ready:"), address(lines, "the provider")
        configuration = httpx.get(f"{page}pyscript.json").json()["spa_auth"]
        discovery = httpx.get(f"{provider}.well-known/openid-configuration").json()
        assert configuration["issuer"] == discovery["issuer"] == provider
        assert configuration["base_url"] == address(lines, "the API")
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert rest.strip() == ""


def test_who_watches_the_events_of_the_demo_does_not_hold_up_its_end() -> None:
    with started("demo", *FREE_PORTS) as (process, lines):
        with httpx.stream("GET", f"{address(lines, 'its events')}/stream") as response:
            assert response.status_code == 200
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=20)[0].strip() == ""  # what is cut off would be complained of
        assert process.returncode == 0


def test_the_demo_runs_on_another_loopback_address_too() -> None:
    with started("demo", *FREE_PORTS, "--host", "127.0.0.2") as (process, lines):
        page = address(lines, "Ready:")
        assert page.startswith("http://127.0.0.2:")
        assert httpx.get(page).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_the_demo_says_that_its_page_cannot_name_an_address_of_version_6() -> None:
    done = run("demo", *FREE_PORTS, "--host", "::1")
    assert done.returncode == 1
    assert "cannot name ::1. Use --host 127.0.0.1" in done.stderr


def test_the_provider_alone_prints_its_issuer_and_its_discovery() -> None:
    with started("dev-provider", "--port", "0") as (process, lines):
        issuer = address(lines, "Ready:")
        assert httpx.get(address(lines, "discovery")).json()["issuer"] == issuer
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_the_provider_has_one_command_line_whichever_way_it_is_started() -> None:
    module = [sys.executable, "-m", "spa_auth.dev_provider"]
    for arguments in (["--help"], ["--user", "carol", "--dpop=required", "--print-config"], ["--code-lifetime", "0"]):
        typed = run("dev-provider", *arguments)
        same = subprocess.run([*module, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert (typed.returncode, typed.stderr) == (same.returncode, same.stderr)
        assert typed.stdout == same.stdout.replace("python -m spa_auth.dev_provider", "spa-auth dev-provider")
    assert "usage: spa-auth dev-provider [options]" in run("dev-provider", "--help").stdout


@pytest.mark.parametrize("flag", ["--page-port", "--provider-port", "--api-port"])
def test_a_taken_port_is_said_in_words_and_nothing_starts(flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("demo", *FREE_PORTS, flag, port)
    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 is taken" in done.stderr
    assert f"{flag} PORT" in done.stderr
    assert "Ready" not in done.stdout
    assert "Traceback" not in done.stderr


def test_outside_a_clone_the_demo_says_so_and_what_to_do(tmp_path: Path) -> None:
    done = run("demo", folder=tmp_path)
    assert done.returncode == 1
    assert "In a clone run: make demo" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout == f"spa-auth {__version__}\n"


def test_without_the_extra_one_line_says_what_to_install() -> None:
    script = "import sys; sys.modules['typer'] = None; from spa_auth.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'spa-auth needs the package typer: in a clone, pip install ".[demo]"\n'


def test_a_port_that_cannot_be_is_refused_in_words() -> None:
    done = run("demo", "--page-port", "99999")
    assert done.returncode == 2
    assert "65535" in done.stderr
    assert "Traceback" not in done.stderr
