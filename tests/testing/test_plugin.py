"""What somebody has who installs spa_auth beside pytest: their project, their pytest, in a process of its own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import spa_auth.testing

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]

PROJECT = """
import httpx
import pytest

from spa_auth.dev_provider import Options, User

seen = []


def test_discovery(spa_auth_provider):
    url = f"{spa_auth_provider.issuer}.well-known/openid-configuration"
    assert httpx.get(url).json()["issuer"] == spa_auth_provider.issuer
    spa_auth_provider.provider.controls.deny_silent_login = True
    seen.append(spa_auth_provider.provider)


def test_a_fresh_one_for_each_test(spa_auth_provider):
    assert spa_auth_provider.provider is not seen[0]
    assert spa_auth_provider.provider.controls.deny_silent_login is False


class TestOptions:
    @pytest.fixture
    def spa_auth_provider_options(self):
        return Options(users=(User("adam", {"groups": ["admin"]}),))

    def test_of_their_own(self, spa_auth_provider):
        assert spa_auth_provider.provider.options.users[0].sub == "adam"
        assert "adam" in httpx.get(spa_auth_provider.issuer).text
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project of somebody else, and an installed distribution that announces the plugin as ours does."""
    (tmp_path / "test_theirs.py").write_text(PROJECT)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    announced = tmp_path / "installed" / "announced-1.0.dist-info"
    announced.mkdir(parents=True)
    (announced / "METADATA").write_text("Metadata-Version: 2.1\nName: announced\nVersion: 1.0\n")
    lines = "\n".join(f"{name} = {module}" for name, module in PLUGIN.items())
    (announced / "entry_points.txt").write_text(f"[pytest11]\n{lines}\n")
    return tmp_path


def their_pytest(project: Path, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(project / "installed"), *(str(Path(each).resolve()) for each in sys.path if each)])
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({without.split()!r})); import pytest; sys.exit(pytest.main())"
    )
    return subprocess.run(
        [sys.executable, "-c", script, "-p", "no:playwright", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_test_has_a_provider_of_its_own_by_naming_the_fixture(project: Path) -> None:
    done = their_pytest(project, "-q")
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert "warning" not in done.stdout


def test_whoever_uses_no_fixture_of_ours_loads_no_provider_and_sees_no_warning(project: Path) -> None:
    (project / "test_theirs.py").write_text(
        "import sys\n\n\ndef test_nothing():\n"
        "    heavy = {'joserfc', 'uvicorn', 'spa_auth.dev_provider', 'spa_auth.client', 'spa_auth.protocol'}\n"
        "    assert 'spa_auth.testing.pytest_plugin' in sys.modules\n"
        "    assert [name for name in heavy if sys.modules.get(name)] == []\n"
    )
    done = their_pytest(project, "-q", without="joserfc uvicorn")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert "warning" not in done.stdout


def test_without_the_extra_the_fixture_says_what_to_install(project: Path) -> None:
    (project / "test_theirs.py").write_text("def test_it(spa_auth_provider):\n    pass\n")
    done = their_pytest(project, "-q", without="joserfc")
    assert 'joserfc is missing: pip install "spa-auth[dev-provider]"' in done.stdout
    assert "1 error" in done.stdout


def test_the_names_of_the_package_are_there_on_first_use_and_no_others() -> None:
    assert all(callable(getattr(spa_auth.testing, name)) for name in ("pair", "Pair", "FakeBrowser", "FakeClock"))
    assert not hasattr(spa_auth.testing, "nonsense")


def test_the_fixtures_are_listed_with_what_they_promise(project: Path) -> None:
    listed = their_pytest(project, "--fixtures", "-q").stdout
    assert "A provider of its own for each test" in listed
