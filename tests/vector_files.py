"""The examples of the specifications, as they stand in tests/vectors/."""

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent / "vectors"


def vectors(name: str) -> Any:  # noqa: ANN401  each file has a form of its own
    """The content of a file of vectors."""
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
