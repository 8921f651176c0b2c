"""Each map against its textbook form, over the range of doubles; limits."""

import autograd.numpy as anp
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from natfit.bijectors import (
    CholeskyFactor,
    Covariance,
    Positive,
    Real,
    Reciprocal,
    Simplex,
    Unit,
)

QUIET = settings(deadline=None, derandomize=True, max_examples=50)


def vector(n, low=-20.0, high=20.0):
    return hnp.arrays(float, (1, n), elements=st.floats(low, high))


@QUIET
@given(vector(3))
def test_maps_equal_their_textbook_forms(eta):
    np.testing.assert_array_equal(Real((3,)).to_native(eta), eta)
    np.testing.assert_allclose(Positive((3,)).to_native(eta), np.exp(eta), rtol=1e-14)
    np.testing.assert_allclose(Unit((3,)).to_native(eta), special.expit(eta), rtol=1e-14)
    soft = special.softmax(np.append(eta[0], 0.0))
    np.testing.assert_allclose(Simplex(4).to_native(eta)[0], soft, rtol=1e-12)


@QUIET
@given(vector(2, 1e-9, 23.0))
def test_reciprocal_is_one_over_sinh(eta):
    native = Reciprocal((2,)).to_native(eta)
    np.testing.assert_allclose(native * np.sinh(eta), 1.0, rtol=1e-12)
    np.testing.assert_allclose(Reciprocal((2,)).to_eta(native), eta, rtol=1e-9)


@QUIET
@given(vector(3, -600.0, 600.0))
def test_round_trip_over_the_range_of_doubles(eta):
    np.testing.assert_allclose(
        Positive((3,)).to_eta(Positive((3,)).to_native(eta)), eta, rtol=1e-12, atol=1e-12
    )


@QUIET
@given(vector(6, -3.0, 3.0))
def test_covariance_is_the_factor_times_its_transpose(eta):
    factor = CholeskyFactor(3).to_native(eta)[0]
    assert np.all(np.diagonal(factor) > 0)
    assert not np.any(np.triu(factor, 1))
    sigma = Covariance(3).to_native(eta)[0]
    np.testing.assert_allclose(sigma, factor @ factor.T, rtol=1e-12, atol=1e-14)
    assert Covariance(3).valid(sigma)


def test_unit_keeps_digits_at_both_ends():
    eta = np.array([[-30.0], [30.0]])
    first = Unit().first(eta[:, 0])
    np.testing.assert_allclose(first, np.exp(-30.0), rtol=1e-12)
    assert Unit().to_native(eta)[0] == pytest.approx(np.exp(-30.0), rel=1e-12)


@pytest.mark.parametrize(
    ("constraint", "bad"),
    [
        (Positive(), 0.0),
        (Positive(), np.inf),
        (Reciprocal(), -1.0),
        (Unit(), 0.0),
        (Unit(), 1.0),
        (Simplex(2), np.array([0.5, 0.6])),
        (Simplex(2), np.array([1.0, 0.0])),
        (CholeskyFactor(2), np.array([[1.0, 0.5], [0.0, 1.0]])),
        (CholeskyFactor(2), np.array([[-1.0, 0.0], [0.0, 1.0]])),
        (Covariance(2), np.array([[1.0, 2.0], [2.0, 1.0]])),
        (Covariance(2), np.array([[1.0, 0.5], [0.2, 1.0]])),
    ],
)
def test_values_that_break_the_constraint(constraint, bad):
    assert not constraint.valid(np.asarray(bad))


def test_declared_limits_become_limits_of_eta():
    assert Positive(low=1e-3, high=1e3).bounds == pytest.approx((-np.log(1e3), np.log(1e3)))
    assert Unit(margin=0.01).bounds == pytest.approx((-np.log(99.0), np.log(99.0)))
    low, high = Reciprocal(low=1e-2, high=1e4).bounds
    assert (low, high) == pytest.approx((1e-4, np.arcsinh(100.0)))
    assert Positive().bounds == (-690.0, 690.0)


@pytest.mark.parametrize("constraint", [Real(), Positive(), Reciprocal(), Unit()])
def test_only_reciprocal_falls(constraint):
    rises = constraint.first(np.array([0.7]))[0] > 0
    assert rises != constraint.decreasing


def test_large_gaps_of_a_simplex_do_not_overflow():
    values = Simplex(3).to_native(np.array([[800.0, -800.0]]))
    np.testing.assert_allclose(values, [[1.0, 0.0, 0.0]])


def test_traced_factor_equals_the_plain_one():
    from natfit.numerics import autodiff

    eta = np.array([0.1, -0.2, 0.7])
    value, _ = autodiff.value_and_grad(
        lambda e: anp.sum(anp.sin(CholeskyFactor(2).to_native(e[None]))), eta
    )
    assert value == pytest.approx(np.sin(CholeskyFactor(2).to_native(eta[None])).sum())
