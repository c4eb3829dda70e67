"""What the build says while it works, and how it says that it cannot."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager


class BuildError(Exception):
    """The build cannot go on. The text says why, and what to do."""


@contextmanager
def step(text: str) -> Generator[None]:
    """Show what begins, and how long it took."""
    print(f"  {text} ...", flush=True)
    started = time.monotonic()
    yield
    print(f"  {text}: done in {time.monotonic() - started:.1f} s", flush=True)


def note(text: str) -> None:
    """Show a fact that the step found out."""
    print(f"    {text}", flush=True)


def give_up(error: BuildError) -> int:
    """Show an error in words and return the exit code that goes with it."""
    print(f"\n{error}\n", file=sys.stderr)
    return 1
