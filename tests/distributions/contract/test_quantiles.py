"""The order of the doubles, and searches in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from natfit.distributions import Normal, Poisson
from natfit.distributions.contract.quantiles import double_at, order_of, quantile, smallest

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE)
def test_places_have_the_order_of_the_doubles(a, b):
    places = order_of(np.array([a, b]))
    assert (places[0] < places[1]) == (a < b)
    np.testing.assert_array_equal(double_at(places), [a, b])


@given(FINITE)
def test_neighbours_are_one_place_apart(a):
    if abs(a) < np.finfo(float).max:
        here, above = order_of(np.array([a, np.nextafter(a, np.inf)]))
        assert above - here == 1


@given(FINITE)
def test_the_smallest_double_at_which_a_condition_holds_is_found(edge):
    largest = np.finfo(float).max
    if abs(edge) == largest:
        return
    calls = []

    def reached(y):
        calls.append(len(y))
        return y >= edge

    found = smallest(reached, np.array([-largest]), np.array([largest]))
    assert found[0] == edge and len(calls) <= 64


@given(st.integers(-(10**15), 10**15))
def test_the_smallest_whole_number_is_found(edge):
    low, high = np.array([-(2.0**60)]), np.array([2.0**60])
    found = smallest(lambda y: y >= edge, low, high, integer=True)
    assert found[0] == edge


def test_few_and_many_probabilities_have_the_same_quantiles():
    eta = Normal().eta(loc=3e6, scale=1e-3)[None]
    p = np.random.default_rng(0).uniform(size=5000)
    many = quantile(Normal(), eta, p, False)
    few = np.array([quantile(Normal(), eta, p[i : i + 1], False)[0] for i in range(0, 5000, 250)])
    np.testing.assert_allclose(many[::250], few, rtol=1e-15)
    np.testing.assert_allclose(many, stats.norm(3e6, 1e-3).ppf(p), rtol=1e-14)


def test_a_wrong_formula_is_mended():
    """What a formula gives is taken only if the tails confirm it."""
    eta = Normal().eta(loc=0.0, scale=1.0)[None]
    p = np.random.default_rng(0).uniform(size=5000)

    def wrong(q, upper):
        return special.ndtri(q) * (1.0 + 1e-6)

    got = quantile(Normal(), eta, p, False, guess=wrong)
    np.testing.assert_allclose(got, special.ndtri(p), rtol=1e-11, atol=1e-15)

    def absurd(q, upper):
        return np.where(q < 0.5, np.nan, np.inf)

    got = quantile(Normal(), eta, p, False, guess=absurd)
    np.testing.assert_allclose(got, special.ndtri(p), rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("rate", [1e-3, 2.0, 1e9])
def test_whole_numbers_follow_scipys_convention(rate):
    family, known = Poisson(), stats.poisson(rate)
    eta = family.eta(rate=rate)[None]
    p = np.append(np.random.default_rng(0).uniform(size=300), [0.0, 1.0])
    got = quantile(family, eta, p, True)
    want = known.ppf(p)
    # scipy's own tail decides at a probability that is between two of its roundings.
    assert np.all(np.abs(got[:-2] - want[:-2]) <= 1e-9 * rate)
    assert got[-2] == -1.0 and got[-1] == np.inf
    np.testing.assert_array_equal(
        quantile(family, eta, np.array([0.0, 1.0]), True, True), [np.inf, -1.0]
    )


def test_rows_of_parameters_have_their_own_quantiles():
    eta = np.stack([Normal().eta(loc=m, scale=s) for m, s in ((0.0, 1.0), (1e5, 3.0))])
    got = quantile(Normal(), eta, np.array([0.2, 0.9]), False)
    np.testing.assert_allclose(got, stats.norm([0.0, 1e5], [1.0, 3.0]).ppf([0.2, 0.9]), rtol=1e-13)
