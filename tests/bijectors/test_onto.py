"""A parameter changes its constraint: eta of one at the native value of another."""

import itertools

import mpmath
import numpy as np
import pytest

from natfit.bijectors import (
    Cloglog,
    Identity,
    Loglog,
    Positive,
    Power,
    Probit,
    Real,
    Reciprocal,
    Rooted,
    Share,
    Softplus,
    Unit,
)
from natfit.numerics import autodiff

POSITIVE = [Positive(), Identity(), Power(-1.0), Power(2.0), Softplus(), Reciprocal(), Rooted(2)]
SHARES = [Unit(), Identity(0.0, 1.0), Probit(), Cloglog(), Loglog(), Share()]
LINES = [(Positive(), Real()), (Softplus(), Real()), (Power(-1.0), Real()), (Real(), Real())]
PAIRS = [*itertools.product(POSITIVE, POSITIVE), *itertools.product(SHARES, SHARES), *LINES]


@pytest.mark.parametrize(("here", "there"), PAIRS, ids=str)
def test_the_native_value_stays_and_both_derivatives_are_autograds(here, there):
    native = np.array([0.11, 0.43, 0.87])
    eta = here._backward(native)
    found = here.onto(there, eta)
    np.testing.assert_allclose(there._forward(found), native, rtol=1e-12)
    first, second = (np.broadcast_to(v, 3) for v in here.onto_slopes(there, eta))

    def onto(e):
        return here.onto(there, e)[:, 0]

    np.testing.assert_allclose(first, autodiff.row_grad(onto, eta[:, None])[:, 0], rtol=1e-10)
    curve = autodiff.row_hessian(onto, eta[:, None])[:, 0, 0]
    np.testing.assert_allclose(second, curve, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("eta", [-60.0, -25.0, -8.0, 3.0, 25.0, 60.0])
def test_log_odds_of_a_probit_against_50_digits(eta):
    """From eta = 8.3 on the probability is one in doubles; its log odds are not infinite."""
    with mpmath.workdps(50):
        x = mpmath.mpf(eta)
        high, low = mpmath.ncdf(x), mpmath.ncdf(-x)
        density = mpmath.npdf(x)
        want = float(mpmath.log(high) - mpmath.log(low))
        first = float(density / high + density / low)
        a, b = density / high, density / low
        second = float(-a * (x + a) + b * (b - x))
    at = np.array([eta])
    assert Probit().onto(Unit(), at)[0] == pytest.approx(want, rel=1e-13)
    found = Probit().onto_slopes(Unit(), at)
    assert found[0][0] == pytest.approx(first, rel=1e-12)
    assert found[1][0] == pytest.approx(second, rel=1e-6)


@pytest.mark.parametrize("eta", [-500.0, -40.0, 5.0])
def test_log_odds_of_a_complementary_log_log_against_50_digits(eta):
    with mpmath.workdps(500):
        rate = mpmath.exp(mpmath.mpf(eta))
        want = float(mpmath.log(mpmath.expm1(rate)))
        first = float(rate / -mpmath.expm1(-rate))
    at = np.array([eta])
    assert Cloglog().onto(Unit(), at)[0] == pytest.approx(want, rel=1e-13)
    assert Cloglog().onto_slopes(Unit(), at)[0][0] == pytest.approx(first, rel=1e-13)
    assert Loglog().onto(Unit(), -at)[0] == pytest.approx(-want, rel=1e-13)


@pytest.mark.parametrize("value", [-600.0, -50.0, 50.0, 600.0])
def test_logarithms_and_log_odds_at_the_ends_of_doubles(value):
    at = np.array([value])
    for here, there in [(Positive(), Reciprocal(low=1e-300)), (Unit(), Share())]:
        found = here.onto(there, at)
        assert np.isfinite(found).all() and (found >= 0).all()
        assert np.isfinite(here.onto_slopes(there, at)).all()
