"""What is up to date is not made again, and what is not, is."""

from pathlib import Path

from stamps import Stamp, files_under, fingerprint


def test_a_changed_content_a_new_name_and_a_lost_file_change_the_fingerprint(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("1", encoding="utf-8")
    before = fingerprint([source])
    source.write_text("2", encoding="utf-8")
    changed = fingerprint([source])
    renamed = fingerprint([source.rename(tmp_path / "b.py")])
    assert len({before, changed, renamed, fingerprint([source])}) == 4


def test_a_step_is_done_only_once_while_nothing_changes(tmp_path: Path) -> None:
    made = tmp_path / "made"
    stamp = Stamp(tmp_path / "stamps" / "step", "fingerprint")
    assert not stamp.is_current(made)
    made.touch()
    assert not stamp.is_current(made)
    stamp.press()
    assert stamp.is_current(made)
    assert not Stamp(stamp.path, "another").is_current(made)


def test_a_step_is_done_again_when_what_it_made_is_gone(tmp_path: Path) -> None:
    stamp = Stamp(tmp_path / "step", "fingerprint")
    stamp.press()
    assert not stamp.is_current(tmp_path / "made")
    assert not stamp.is_current()


def test_what_python_caches_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.cpython-314.pyc").touch()
    (tmp_path / "a.py").touch()
    assert files_under(tmp_path) == [tmp_path / "a.py"]
