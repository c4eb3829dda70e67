"""The benchmark of the client runs to its end; what it measures is not judged."""

import math

from benchmarks.bench_client import compare, show
from benchmarks.bench_pages import site
from playwright.sync_api import Browser


def test_every_row_of_the_benchmark_has_two_figures(browser: Browser) -> None:
    with site() as pages:
        rows, known = compare(browser, pages, "compiled", 1)
    assert len({row.name for row in rows}) == len(rows) == 11
    assert all(math.isfinite(value) and value > 0 for row in rows for value in (row.ours, row.theirs))
    assert all(math.isfinite(value) and value > 0 for values in known.values() for value in values)
    assert len(known) == 5
    show(rows, known, "compiled", 1)
