"""Differences of a log-density against its closed-form derivatives."""

import numpy as np

from natfit.distributions import Gamma
from natfit.numerics.differences import gradient, hessian


def test_differences_against_closed_forms():
    family, y = Gamma(), np.array([0.3, 2.0, 9.0])
    eta = np.array([[0.4, -0.2]])

    def log_prob(e):
        return family.log_prob(y, e)

    step = np.full((1, 2), 2e-3)
    np.testing.assert_allclose(gradient(log_prob, eta, step), family.score(y, eta), rtol=1e-9)
    got = -hessian(log_prob, eta, 4.0 * step)
    np.testing.assert_allclose(got, family.observed(y, eta), rtol=1e-7)
