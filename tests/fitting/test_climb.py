"""Short descents from several starts: they end at maxima, not at saddles."""

import warnings

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

import natfit
from natfit.distributions import Mixture, MultivariateNormal
from natfit.fitting import climb
from natfit.linops import Dense
from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.rows import rows_of
from tests.distributions.wrappers.mixtures import random_set


def posed(family, y):
    """The bound family and its objective."""
    rows = rows_of(y)
    bound = family.bind(rows)
    return bound, Likelihood(bound, Constant().bind(0, bound), rows)


class Double:
    """The double well ``a (x^2 - 1)^2 / 4 + y^2 / 2``: minima 0 at x = +-1, a saddle between."""

    total = 100.0

    def __init__(self, a, high=np.inf):
        self.a, self.high = a, high

    def limits(self):
        return np.full(2, -np.inf), np.array([self.high, np.inf]), np.full(2, 3.0)

    def cut_together(self):
        return []

    def value_and_grad(self, theta):
        x, y = theta
        well = x * x - 1.0
        value = 0.25 * self.a * well**2 + 0.5 * y * y
        return value, np.array([self.a * x * well, y])

    def hessian(self, theta):
        return Dense(np.diag([self.a * (3.0 * theta[0] ** 2 - 1.0), 1.0]))


@pytest.mark.parametrize("a", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("y", [0.0, 2.0])
def test_a_descent_leaves_a_saddle(a, y):
    """On the line of symmetry the gradient has no part across it."""
    end = climb._descended(Double(a), np.array([0.0, y]))
    assert end.known
    assert abs(end.value) < 1e-3
    assert np.isclose(abs(end.eta[0]), 1.0, atol=0.1)


def test_a_descent_leaves_a_saddle_inside_the_limits():
    end = climb._descended(Double(1.0, high=0.0), np.array([0.0, 1.0]))
    assert np.allclose(end.eta, [-1.0, 0.0], atol=0.02)


def test_an_optimum_has_no_lower_point_beside_it():
    """A positive curvature is no way to leave."""
    rng = np.random.default_rng(0)
    y = rng.normal(2.0, 3.0, 100)
    family, objective = posed(Mixture("normal", 1), y)
    eta = np.array([y.mean(), np.log(y.std())])
    value, way = climb._flattest(objective.hessian(eta).dense(), np.ones(2, dtype=bool))
    assert value > 0.5
    assert np.isclose(np.sqrt(way @ objective.hessian(eta).dense() @ way), np.sqrt(value))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 35])
def test_a_saddle_and_a_collapse_are_no_starts(seed):
    """Of these descents one met a saddle, one collapsed where the information is not positive."""
    c, y = random_set(seed, 2)
    peer = GaussianMixture(c, tol=1e-6, max_iter=2_000, random_state=100 * seed).fit(y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = natfit.fit(Mixture(MultivariateNormal("full"), c), y)
    assert model.status_ == "converged"
    assert model.score(y) > peer.score(y) - 1e-6
