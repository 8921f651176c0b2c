"""Generators per block of rows, and the rows that a start looks at."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natfit import rows

QUIET = settings(deadline=None, derandomize=True, max_examples=40)


def test_block_generators_are_independent_and_repeatable():
    stream = rows.block_rng(np.random.default_rng(5))
    again = rows.block_rng(np.random.default_rng(5))
    first = [stream(b).random(3) for b in range(4)]
    np.testing.assert_array_equal(first, [again(b).random(3) for b in range(4)])
    # Asked again, in any order, a block gives the same.
    np.testing.assert_array_equal(stream(2).random(3), first[2])
    assert len({tuple(f) for f in first}) == 4


def test_block_generators_move_the_parent_by_one_draw():
    parent = np.random.default_rng(5)
    one, two = rows.block_rng(parent), rows.block_rng(parent)
    assert one(0).random() != two(0).random()


def test_block_generators_travel():
    stream = rows.block_rng(np.random.default_rng(5))
    there = pickle.loads(pickle.dumps(stream))
    assert there(3).random() == stream(3).random()


@QUIET
@given(st.integers(1, 200_000), st.integers(1, 2_000))
def test_subsample_is_at_most_that_many(n, most):
    picked = np.arange(n)[rows.subsample(n, most)]
    assert len(picked) == min(n, most)
    assert (np.diff(picked) > 0).all()


def test_subsamples_of_fewer_rows_are_within_those_of_more():
    many = np.arange(300_000)[rows.subsample(300_000, 2_000)]
    few = np.arange(300_000)[rows.subsample(300_000, 100)]
    assert set(few) < set(many)
    # An even share of each third.
    assert np.histogram(many, bins=3, range=(0, 300_000))[0] == pytest.approx(2_000 / 3, rel=0.1)
