import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

ROOT = Path(__file__).resolve().parents[1]
QUICKSTART = ROOT / "web" / "examples" / "quickstart"
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def test_the_front_page_is_short() -> None:
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("name", ["index.html", "main.py", "pyscript.json", "api.py"])
def test_the_front_page_shows_the_files_that_the_tests_run(name: str) -> None:
    assert (QUICKSTART / name).read_text() in [text for _, text in BLOCKS]


@pytest.mark.parametrize(("name", "lines"), [("main.py", 15), ("api.py", 12)])
def test_the_quickstart_stays_quick(name: str, lines: int) -> None:
    assert len((QUICKSTART / name).read_text().splitlines()) <= lines


def test_the_demo_page_stays_small_and_catches_nothing_itself() -> None:
    source = (ROOT / "web" / "examples" / "demo" / "main.py").read_text()
    assert len(source.splitlines()) <= 40
    assert "try" not in source


def test_the_front_pages_api_passes_the_front_pages_test() -> None:
    (test,) = [text for language, text in BLOCKS if language == "python" and "def test_" in text]
    names: dict[str, object] = {"TestClient": TestClient}
    exec((QUICKSTART / "api.py").read_text() + "\n" + test, names)  # noqa: S102  it is our own front page
    run = names["test_alice_sees_her_notes"]
    assert callable(run)
    run()


def test_every_link_of_the_docs_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "web" / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text())]
    assert not [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()]


def test_the_snippets_about_apis_run() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "web" / "docs" / "apis.md").read_text(), re.DOTALL)
    exec(snippet, {"application": print})  # noqa: S102  it is our own page
