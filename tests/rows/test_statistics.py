"""What families ask of y, against plain numpy, in one chunk, in several and in processes."""

import numpy as np
import pytest

from natfit.rows import (
    BLOCK,
    Memory,
    distance,
    dot,
    mean_over,
    means_over,
    moments_over,
    n_distinct,
    nearest_to,
    share_equal,
    squared_gap,
    table_of,
    total_weight,
    weighted_total,
)
from natfit.rows._statistics import kept
from natfit.rows.base import KEEP
from natfit.rows.processes import Processes

N = 9 * BLOCK + 5
RNG = np.random.default_rng(0)
Y, COUNTS = 5.0 + RNG.standard_normal(N), RNG.poisson(3.0, N).astype(float)
WIDE = np.stack([COUNTS, COUNTS[::-1]], axis=1)
W = RNG.integers(1, 5, N).astype(float)
KINDS = {
    "one chunk": lambda y, w=None: Memory(y, weight=w, chunk=N),
    "many chunks": lambda y, w=None: Memory(y, weight=w, chunk=BLOCK),
    "processes": lambda y, w=None: Processes(y, weight=w, chunk=BLOCK, n_jobs=2),
}


@pytest.fixture(params=KINDS)
def rows(request):
    return KINDS[request.param]


def two(y, shift):
    return y - shift, (y - shift) ** 2


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_means(rows, weight):
    made = rows(Y, weight)
    assert mean_over(made) == pytest.approx(np.average(Y, weights=weight), rel=1e-13)
    want = np.average((Y - 2.0) ** 2, weights=weight)
    assert mean_over(made, squared_gap, 2.0) == pytest.approx(want, rel=1e-13)
    assert mean_over(made, distance, 2.0) == pytest.approx(
        np.average(np.abs(Y - 2.0), weights=weight), rel=1e-13
    )
    np.testing.assert_allclose(
        mean_over(rows(WIDE, weight)), np.average(WIDE, axis=0, weights=weight), rtol=1e-13
    )
    found = means_over(made, two, 2.0)
    np.testing.assert_allclose(found, [np.average(v, weights=weight) for v in two(Y, 2.0)])


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize("shift", [0.0, 5.1])
def test_moments(rows, weight, shift):
    mean = np.average(Y, weights=weight)
    found = moments_over(rows(Y, weight), shift)
    np.testing.assert_allclose(found, (mean, np.average((Y - mean) ** 2, weights=weight)), 1e-12)
    positive = np.exp(0.1 * Y)
    logs = moments_over(rows(positive, weight), 0.1 * shift, np.log)
    np.testing.assert_allclose(logs, (0.1 * found[0], 0.01 * found[1]), rtol=1e-11)


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_ties(rows, weight):
    assert share_equal(rows(COUNTS, weight), 3.0) == pytest.approx(
        np.average(COUNTS == 3.0, weights=weight), rel=1e-13
    )
    same = (WIDE == [2.0, 3.0]).all(axis=1)
    found = share_equal(rows(WIDE, weight), np.array([2.0, 3.0]))
    assert found == pytest.approx(np.average(same, weights=weight), rel=1e-13)


def test_nearest(rows):
    assert nearest_to(rows(Y), 4.321) == Y[np.argmin(np.abs(Y - 4.321))]
    at, unit = np.array([2.2, 3.3]), np.array([1.0, 2.0])
    gap = np.abs((WIDE - at) / unit).max(axis=1)
    np.testing.assert_array_equal(nearest_to(rows(WIDE), at, unit), WIDE[np.argmin(gap)])
    # Of two that are as near, the first.
    y = np.zeros(N)
    y[[3_000, 6_000]] = 1.0, 3.0
    assert nearest_to(rows(y + (y == 0) * 9.0), 2.0) == 1.0


@pytest.mark.parametrize("weight", [None, W], ids=["plain", "weighted"])
def test_tables(rows, weight):
    for y, axis in ((COUNTS, None), (WIDE, 0), (Y, None)):
        made = rows(y, weight)
        values, weights = table_of(made)
        want, where = np.unique(y, axis=axis, return_inverse=True)
        np.testing.assert_array_equal(values, want)
        np.testing.assert_array_equal(weights, np.bincount(where.ravel(), weight))
        assert table_of(made)[0] is values


def test_distinct_rows_are_counted_up_to_a_limit(rows):
    assert n_distinct(rows(COUNTS), 1_000) == len(np.unique(COUNTS))
    assert n_distinct(rows(COUNTS), 3) == 3
    assert n_distinct(rows(np.ones((N, 2))), 5) == 1


def test_extent_is_read_once(rows):
    made = rows(Y)
    assert made.extent() == made.extent() == (Y.min(), Y.max())
    assert made.holding(-Y).extent() == (-Y.max(), -Y.min())


def test_inner_products_of_any_length():
    for n in (1, 8_192, 8_193, 40_000):
        a, b = RNG.standard_normal((2, n))
        assert dot(a, b) == pytest.approx(a @ b, rel=1e-10, abs=1e-12)
    assert weighted_total(Y, W) == pytest.approx(W @ Y, rel=1e-13)
    assert weighted_total(Y, None) == Y.sum()
    assert (total_weight(W, len(Y)), total_weight(None, 3)) == (W.sum(), 3.0)


def test_what_rows_know_is_kept_also_where_passes_leave_nothing():
    rows = Memory(np.zeros(KEEP + 1))
    # A pass before: many rows keep nothing of it.
    assert rows.sum(_count) == KEEP + 1
    made = []
    for _ in range(2):
        assert kept(rows, "once", lambda rows: made.append(rows) or 7.0) == 7.0
    assert made == [rows]
    assert rows.block(0, 10).kept is None


def _count(block):
    return block.n
