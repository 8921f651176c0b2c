"""Some of the rows, and rows seen as another y, against arrays that hold just these."""

import numpy as np
import pytest

from natfit.rows import BLOCK, Memory, Rows, mean_over, rows_as, rows_where, table_of
from natfit.rows.processes import Processes

N = 9 * BLOCK + 5
RNG = np.random.default_rng(0)
Y, X, W = RNG.standard_normal(N), RNG.standard_normal((N, 2)), RNG.random(N) + 0.5
KINDS = {
    "one chunk": lambda *a: Memory(*a, chunk=N),
    "many chunks": lambda *a: Memory(*a, chunk=BLOCK),
    "processes": lambda *a: Processes(*a, chunk=BLOCK, n_jobs=2),
}


def above(block, limit):
    return block.y > limit


def shifted(block, by):
    return block.y + by


def pair(block):
    return np.stack([block.y, -block.y], axis=1)


def weighted_part(block, power):
    assert block.n == len(block.weight)
    assert block.X is None and block.offset is None
    return block.weight @ block.y**power, block.weight.sum()


def values(block):
    return block.y


def negative(block):
    return block.y < 0.0


def huge(block):
    return block.y > 1e9


@pytest.fixture(params=KINDS)
def rows(request):
    return KINDS[request.param](Y, X, W)


def test_some_rows(rows):
    seen, mask = rows_where(rows, above, 0.5), Y > 0.5
    assert isinstance(seen, Rows)
    assert seen.n == mask.sum()
    assert seen.n_features == 0
    assert seen.total == pytest.approx(W[mask].sum(), rel=1e-12)
    found = seen.sum(weighted_part, 2.0)
    np.testing.assert_allclose(found[0], W[mask] @ Y[mask] ** 2, rtol=1e-12)
    np.testing.assert_allclose(found[1], W[mask].sum(), rtol=1e-12)
    np.testing.assert_array_equal(seen.map(values), Y[mask])
    assert seen.extent() == (Y[mask].min(), Y[mask].max())
    assert mean_over(seen) == pytest.approx(np.average(Y[mask], weights=W[mask]), rel=1e-12)


def test_another_y(rows):
    seen = rows_as(rows, shifted, 3.0)
    assert (seen.n, seen.total) == (rows.n, rows.total)
    np.testing.assert_array_equal(seen.map(values), Y + 3.0)
    assert seen.event_shape == ()
    assert rows_as(rows, pair).event_shape == (2,)
    assert rows_as(rows, pair).extent()[0].tolist() == [Y.min(), -Y.max()]


def test_views_of_views(rows):
    seen = rows_as(rows_where(rows_as(rows, shifted, 1.0), above, 0.0), shifted, -1.0)
    mask = Y + 1.0 > 0.0
    np.testing.assert_array_equal(seen.map(values), (Y[mask] + 1.0) - 1.0)
    assert seen.n == mask.sum()


def test_two_views_of_the_same_rows(rows):
    """What is kept for one view is not used for the other."""
    high, low = rows_where(rows, above, 0.5), rows_where(rows, above, -0.5)
    for _ in range(2):
        assert high.sum(weighted_part, 0.0)[0] == pytest.approx(W[Y > 0.5].sum())
        assert low.sum(weighted_part, 0.0)[0] == pytest.approx(W[Y > -0.5].sum())


def test_the_first_is_counted_among_all_rows(rows):
    y = np.abs(Y) + 1.0
    y[[40, 5_000]] = -1.0, 2e9
    made = rows.holding(y, X, W)
    assert rows_where(made, above, 0.0).first(huge) == 5_000
    assert rows_where(made, above, 0.0).first(negative) is None
    assert rows_as(made, shifted, 0.0).first(negative) == 40
    assert rows_where(made, above, 0.0).row(5_000).y[0] == 2e9


def test_no_rows(rows):
    seen = rows_where(rows, above, 1e9)
    assert (seen.n, seen.total) == (0, 0.0)
    assert seen.sum(weighted_part, 1.0) is None
    assert seen.map(values).size == 0
    assert seen.first(negative) is None
    assert table_of(seen)[0].size == 0
    with pytest.raises(ValueError, match="without rows"):
        seen.few()
    with pytest.raises(ValueError, match="got none"):
        seen.row(3)


def test_few_of_rare_rows(rows):
    y = np.zeros(N)
    y[1_234] = 1.0
    few = rows_where(rows.holding(y, X, W), above, 0.5).few(20)
    assert few.y.tolist() == [1.0]
    assert few.weight.tolist() == [W[1_234]]
    assert rows_where(rows, above, -9.0).few(20).n <= 20


def test_chunks_hardly_matter(rows):
    seen = rows_where(rows, above, 0.0)
    np.testing.assert_allclose(
        seen.cut(3 * BLOCK).sum(weighted_part, 1.0)[0], seen.sum(weighted_part, 1.0)[0], rtol=1e-12
    )
    assert seen.sum(weighted_part, 0.0, wide=True)[0] == pytest.approx(W[Y > 0].sum(), rel=1e-12)


def test_unweighted_rows():
    seen = rows_where(Memory(Y, chunk=BLOCK), above, 0.0)
    assert seen.total == seen.n == (Y > 0).sum()
