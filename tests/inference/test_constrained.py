"""Constrained refits against searches of scipy's over the level sets of a function."""

import numpy as np
import pytest
from scipy import optimize, stats

from natfit.inference.constrained import Constrained, lagrangian
from natfit.inference.surface import Function, Surface, definite, solved
from tests.fits import fitted

RNG = np.random.default_rng(0)
WAITS = RNG.gamma(2.5, 3.0, 120)


def posed(family, y, value, gradient):
    y = np.asarray(y, dtype=float)
    own = fitted(family, y)._estimates(y[:, None])[0]
    return own, Surface(own.objective, own.information.known), Function(value, gradient)


def mean(theta):
    return float(np.exp(theta.sum()))


def slope(theta):
    return np.full(2, np.exp(theta.sum()))


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.3, 2.0])
def test_a_gamma_whose_mean_is_known(factor):
    own, surface, function = posed("gamma", WAITS, mean, slope)
    target = factor * mean(own.theta)
    found = Constrained(surface, function, target).refit(own.theta)

    def loss(log_shape):
        k = np.exp(log_shape)
        return -stats.gamma.logpdf(WAITS, k, scale=target / k).mean()

    best = optimize.minimize_scalar(loss, bracket=(-2, 0, 2), options={"xtol": 1e-12})
    assert found.converged and found.rest.all()
    assert mean(found.theta) == pytest.approx(target, rel=1e-9)
    assert found.value == pytest.approx(best.fun, rel=1e-10)
    assert found.theta[0] == pytest.approx(best.x, abs=1e-5)
    # The multiplier is the derivative of the profile in the value.
    step = 1e-4 * target
    ends = [Constrained(surface, function, target + s).refit(found.theta) for s in (-step, step)]
    change = (ends[1].value - ends[0].value) / (2 * step)
    assert found.multiplier == pytest.approx(change, rel=1e-5, abs=1e-8)


def test_a_warm_start_needs_few_iterations():
    own, surface, function = posed("gamma", WAITS, mean, slope)
    theta = own.theta
    for factor in (1.02, 1.04, 1.06):
        found = Constrained(surface, function, factor * mean(own.theta)).refit(theta)
        assert found.n_iter <= 3
        theta = found.theta


def test_values_that_no_theta_has():
    own, surface, function = posed("gamma", WAITS, mean, slope)
    assert Constrained(surface, function, -1.0).refit(own.theta) is None


def test_a_limit_holds_its_coordinate():
    # Of normal rows with any mean the best degrees of freedom stay infinite.
    y = stats.norm.ppf((np.arange(100) + 0.5) / 100)
    first = np.array([1.0, 0.0, 0.0])
    own, surface, function = posed("student_t", y, lambda t: t[0], lambda t: first)
    found = Constrained(surface, function, 0.1).refit(own.theta)
    assert found.rest.tolist() == [True, True, False] and found.theta[2] == surface.low[2]
    assert np.exp(found.theta[1]) == pytest.approx(np.sqrt(np.mean((y - 0.1) ** 2)), rel=1e-6)


def test_the_curvature_of_a_function():
    own, surface, function = posed("gamma", WAITS, mean, slope)
    width = surface.widths(surface.curvature(own.theta)[0])
    want = np.full((2, 2), mean(own.theta))
    np.testing.assert_allclose(function.curvature(own.theta, width), want, rtol=1e-3)
    matrix, own_curvature = surface.curvature(own.theta)
    assert own_curvature
    bent = lagrangian(surface, function, own.theta, matrix, 1e-3)
    np.testing.assert_allclose(bent, matrix - 1e-3 * want, rtol=1e-3)
    # One that is not positive definite is not used.
    np.testing.assert_array_equal(lagrangian(surface, function, own.theta, matrix, 1e3), matrix)


def test_curvatures_are_positive():
    # A t with 3 degrees of freedom far from its rows: the observed information is indefinite.
    y = np.linspace(-1.0, 1.0, 30)
    own, surface, _ = posed("student_t", y, lambda t: t[0], lambda t: np.eye(3)[0])
    theta = np.array([50.0, 0.0, 0.3])
    assert not definite(own.objective.hessian(theta).dense())
    matrix, is_own = surface.curvature(theta)
    assert definite(matrix) and not is_own


def test_systems_are_scaled():
    matrix = np.array([[1e18, 3e8], [3e8, 1.0]])
    np.testing.assert_allclose(matrix @ solved(matrix, np.array([1.0, 2.0])), [1.0, 2.0])
    assert definite(matrix) and not definite(np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert not definite(np.diag([1.0, np.nan])) and not definite(np.diag([1.0, 0.0]))


@pytest.mark.parametrize("family", ["cauchy", "logistic", "student_t"])
@pytest.mark.parametrize("nonlinear", [False, True])
def test_curvatures_need_be_positive_along_the_values_alone(family, nonlinear):
    # Along a location far from the rows the likelihood has inflexions, and the refit none.
    y = stats.cauchy.ppf((np.arange(25) + 0.5) / 25)
    size = 3 if family == "student_t" else 2
    first = np.eye(size)[0]
    if nonlinear:
        value, gradient = (lambda t: np.exp(t[0])), (lambda t: np.exp(t[0]) * first)
    else:
        value, gradient = (lambda t: t[0]), (lambda t: first)
    own, surface, function = posed(family, y, value, gradient)
    theta, indefinite = own.theta, 0
    for place in np.arange(0.5, 5.0, 0.5):
        held = place * first
        found = Constrained(surface, function, value(held)).refit(theta)
        assert found.converged and found.n_iter <= 7
        theta = found.theta
        indefinite += not definite(own.objective.hessian(theta).dense())

        def loss(free, place=place):
            return own.objective.value(np.array([place, *free]))

        best = optimize.minimize(loss, theta[1:] + 0.01, method="Nelder-Mead", tol=1e-12)
        assert found.value == pytest.approx(best.fun, abs=1e-9)
        np.testing.assert_allclose(theta[1:], best.x, atol=1e-4)
    assert indefinite >= 3 or family == "logistic"
