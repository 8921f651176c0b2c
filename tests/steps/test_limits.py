"""Limits and largest steps together: the constrained optimum is reached from every corner."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear, minimize_scalar

import natfit
from natfit.metrics import TensorMetric
from natfit.objectives import Function
from natfit.steps import BacktrackingStep, ExactLineSearch
from natfit.testing.steps import trace


class Boxed(Function):
    """A quadratic |A x - b|^2 / 2 inside [-1, 1], whose coordinates move by 0.3 at most."""

    def __init__(self, a, b):
        super().__init__(self._both, a.shape[1], jac=True)
        self.a, self.b = a, b

    def _both(self, x):
        gap = self.a @ x - self.b
        return 0.5 * gap @ gap, self.a.T @ gap

    def limits(self):
        return np.full(3, -1.0), np.full(3, 1.0), np.full(3, 0.3)


def reaches_the_optimum(step, a, b, start):
    metric = TensorMetric(a.T @ a)
    fit, _ = trace(step, Boxed(a, b), start, metric, tol=1e-7, max_iter=200)
    assert fit.status.good or fit.status == "boundary", fit.message
    want = lsq_linear(a, b, bounds=(-1.0, 1.0), tol=1e-14)
    np.testing.assert_allclose(fit.theta, want.x, atol=1e-5)


@pytest.mark.parametrize("corner", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("spread", [1.0, 30.0, 1000.0])
def test_the_constrained_optimum_of_a_quadratic(spread, corner):
    """A coordinate at its limit may be pulled inside alone, and pushed out with the others."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        a = np.diag([1.0, spread**0.5, spread]) @ turn
        b = a @ rng.uniform(-2.0, 2.0, 3)
        start = corner * rng.choice([-1.0, 1.0], 3)
        reaches_the_optimum(BacktrackingStep(), a, b, start)


@pytest.mark.parametrize("step", ["backtracking", "exact_line"])
@pytest.mark.parametrize("metric", ["euclidean", "observed"])
def test_a_way_along_a_limit(step, metric):
    """The first coordinate rests at zero after one step; the other goes on."""
    result = natfit.minimize(
        lambda x: (x[0] + 5.0) ** 2 + (x[1] - 1.0) ** 4 + x[1] ** 2,
        [1.0, 3.0],
        bounds=[(0.0, None), (None, None)],
        step=step,
        metric=metric,
        tol=1e-7,
    )
    assert result.status == "boundary", result.message
    want = minimize_scalar(lambda x: (x - 1.0) ** 4 + x**2, tol=1e-12).x
    np.testing.assert_allclose(result.x, [0.0, want], atol=1e-6)


@pytest.mark.parametrize("corner", [-1.0, 0.0, 1.0])
def test_an_exact_line_search_inside_limits(corner):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, b = rng.standard_normal((4, 3)), rng.standard_normal(4)
        start = corner * rng.choice([-1.0, 1.0], 3)
        reaches_the_optimum(ExactLineSearch(), a, b, start)
