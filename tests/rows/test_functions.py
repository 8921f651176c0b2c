import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natfit import rows

QUIET = settings(deadline=None, derandomize=True, max_examples=40)


@QUIET
@given(st.integers(0, 60_000), st.integers(1, 40_000) | st.none())
def test_chunks_cover_every_row_once(n, chunk):
    parts = list(rows.chunks(n, chunk))
    covered = np.concatenate([np.arange(n)[p] for p in parts]) if parts else np.arange(0)
    np.testing.assert_array_equal(covered, np.arange(n))
    assert all(p.start % rows.BLOCK == 0 for p in parts)
    assert all(p.stop - p.start <= (chunk or rows.CHUNK) + rows.BLOCK for p in parts)


@pytest.mark.parametrize("chunk", [1, 1024, 5000, None])
def test_sums_do_not_depend_on_the_chunk(chunk):
    x = np.random.default_rng(0).standard_normal((20_000, 2))
    w = np.arange(20_000.0)
    found = rows.sum_rows(lambda x, w, none: (w @ x, float(len(x))), (x, w, None), chunk)
    np.testing.assert_allclose(found[0], w @ x, rtol=1e-11)
    assert found[1] == 20_000


def test_sum_of_numbers_and_arrays():
    x = np.arange(30_000.0)
    assert rows.sum_rows(lambda a: a.sum(), (x,)) == x.sum()
    np.testing.assert_allclose(rows.sum_rows(lambda a: np.array([a.sum()]), (x,)), [x.sum()])


def test_the_first_array_may_be_none():
    assert rows.sum_rows(lambda none, a: a.sum(), (None, np.ones(5))) == 5.0


@pytest.mark.parametrize("chunk", [1024, None])
def test_map_rows_keeps_the_order(chunk):
    x = np.arange(20_000.0)
    np.testing.assert_array_equal(rows.map_rows(lambda a: a**2, (x,), chunk), x**2)
    two = rows.map_rows(lambda a: np.stack([a, -a], axis=1), (x,), chunk)
    np.testing.assert_array_equal(two, np.stack([x, -x], axis=1))


def test_map_rows_of_nothing():
    assert rows.map_rows(lambda a: a, (np.empty(0),)).size == 0


def test_first_row_counts_across_chunks():
    x = np.zeros(50_000)
    assert rows.first_row(lambda a: a > 0, (x,)) is None
    x[[40_000, 45_000]] = 1.0
    assert rows.first_row(lambda a: a > 0, (x,)) == 40_000
    assert rows.first_row(lambda a: a > 0, (x,), chunk=1024) == 40_000
