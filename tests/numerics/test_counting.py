"""Sums over whole numbers, against the sums themselves."""

import numpy as np
import pytest
from scipy import special, stats

from natfit.numerics.counting import Stretch, reach, reach_of_one

#: Terms h(y), first and last number, a number in the middle, and whether both ends are sharp.
SUMS = {
    "a power": (lambda y: y**-1.5, 1.0, 1e6, 1.0, True, True),
    "a power far out": (lambda y: (y / 1e6) ** -3.0, 1e6, 3e6, 1.1e6, True, True),
    "from the middle of a bell": (stats.norm(5e4, 3e3).pdf, 49_000.0, 9e4, 5e4, True, False),
    "to the middle of a bell": (stats.norm(5e4, 3e3).pdf, 1e4, 49_000.0, 5e4, False, True),
    "a bell": (stats.norm(5e4, 3e3).pdf, 1e4, 1e5, 5e4, False, False),
    "a slice of a bell": (stats.norm(5e4, 3e3).pdf, 48_000.0, 53_000.0, 5e4, True, True),
    "few terms": (lambda y: np.exp(-y), 3.0, 40.0, 5.0, True, True),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_sum_of_many_terms_is_that_of_few_nodes(name):
    h, low, high, centre, *sharp = SUMS[name]
    ends = [np.array([v]) for v in (low, high, centre)]
    stretch = Stretch(*ends, *(np.array([flag]) for flag in sharp))
    y, weight = stretch.nodes(16)
    assert y.shape[1] < 3_000
    assert (weight * h(y)).sum() == pytest.approx(h(np.arange(low, high + 1.0)).sum(), rel=1e-10)


def test_short_and_long_sums_side_by_side():
    low, high = np.array([1.0, 1.0, 7.0]), np.array([9.0, 1e5, 7.0])
    sharp = np.ones(3, dtype=bool)
    y, weight = Stretch(low, high, 0.5 * (low + high), sharp, sharp).nodes(16)
    want = special.zeta(2.0, low) - special.zeta(2.0, high + 1.0)
    np.testing.assert_allclose((weight / y**2).sum(axis=1), want, rtol=1e-10)


@pytest.mark.parametrize("side", [1, -1])
def test_the_end_of_a_tail_is_found_from_where_it_begins(side):
    scale = np.array([1.0, 1e3, 1e9])
    start = np.array([5.0, -3.0, 1e10])
    end = reach(lambda y: np.abs(y - start) > 40.0 * scale, start, side, side * np.inf)
    gap = side * (end - start)
    assert np.all(gap >= 40.0 * scale)
    assert np.all(gap <= 1.1 * 40.0 * scale + 64.0)
    assert reach(lambda y: y > np.inf, np.zeros(1), 1, 1234.0)[0] == 1234.0


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("length", [0.0, 3.0, 64.0, 65.0, 900.0, 4e3, 5e3, 1e7, 3e20])
@pytest.mark.parametrize("room", [50.0, 1e4, np.inf])
def test_one_tail_reaches_as_far_in_few_calls(side, length, room):
    seen = []

    def beyond(y):
        seen.append(y)
        return side * (y - 7.0) >= length

    end = float(reach_of_one(beyond, 7.0, side, 7.0 + side * room)[0])
    least = min(length, room)
    assert least <= side * (end - 7.0) * (1.0 + 1e-12)
    assert side * (end - 7.0) <= min(room, 1.5 * least + 80.0) * (1.0 + 1e-12)
    assert len(seen) < 9
    other = reach(beyond, np.array([7.0]), side, 7.0 + side * room)
    assert end == pytest.approx(float(other[0]), rel=0.5, abs=1.0)
