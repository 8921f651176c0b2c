"""What docs/scale.md says of a pass: its formula against a simulated scheduler, and its table."""

import itertools
from pathlib import Path

import pytest

from tests.benchmarks.scheduler import STATED, closed, levels, simulate, table

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"


def test_the_closed_formula_agrees_with_the_simulation():
    """Within 15 %, for 16 partitions or more whose sums take at most a tenth of their work."""
    sizes = itertools.product((16, 100, 1_000, 4_000), (2, 16, 200, 1_000))
    times = itertools.product((0.0, 0.001, 0.01, 0.1, 1.0, 10.0), (1e-4, 1e-3), (1e-4, 1e-3, 1e-2))
    for (n, m), (work, submit, latency) in itertools.product(sizes, list(times)[::5]):
        call = (n, m, work, submit, latency, 3e-4, min(work / 10, 0.01))
        assert closed(*call) == pytest.approx(simulate(*call), rel=0.15), call


def test_one_partition_is_a_message_there_and_back():
    # From the client to the scheduler to the worker and back, and one task between them.
    assert simulate(1, 5, 2.0, 0.5, 0.25) == 4 * 0.25 + 0.5 + 2.0


def test_more_workers_than_the_scheduler_can_feed_do_not_help():
    few, many = (simulate(2_000, m, 0.01, 1e-3, 1e-4) for m in (20, 500))
    assert many == pytest.approx(sum(levels(2_000)) * 1e-3, rel=0.05)
    assert few < 1.1 * many


def test_the_table_is_that_of_the_formula():
    assert table(STATED, simulated=True) in PAGE.read_text(encoding="utf-8"), "run scheduler.py"
