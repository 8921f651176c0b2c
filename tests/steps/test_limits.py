"""Limits and largest steps together: the constrained optimum is reached from every corner."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from natfit.metrics import TensorMetric
from natfit.objectives import Function
from natfit.steps import BacktrackingStep
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
        metric = TensorMetric(a.T @ a)
        fit, _ = trace(BacktrackingStep(), Boxed(a, b), start, metric, tol=1e-7, max_iter=200)
        want = lsq_linear(a, b, bounds=(-1.0, 1.0), tol=1e-14)
        assert fit.status.good or fit.status == "boundary", (seed, fit.message)
        np.testing.assert_allclose(fit.theta, want.x, atol=1e-5)
