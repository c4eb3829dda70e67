import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris has no wheel for this platform")

TARGETS = sorted(Path(__file__).parent.glob("fuzz_*.py"))
SECONDS = 10


@pytest.mark.parametrize("target", TARGETS, ids=lambda path: path.stem)
def test_no_input_is_found_that_breaks_it(target: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(target), f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS * 12)
    assert run.returncode == 0, run.stderr[-4000:]
    assert "Done " in run.stderr
