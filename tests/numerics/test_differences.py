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


def test_a_stack_of_points_in_one_call_gives_the_same_derivatives():
    family, y = Gamma(), np.array([0.3, 2.0, 9.0])
    eta, calls = np.array([[0.4, -0.2]]), []

    def log_prob(e):
        return family.log_prob(y, e)

    def stacked(points):
        calls.append(len(points))
        return np.stack([log_prob(e) for e in points])

    # A step of its own for each row, too.
    for step in (np.full((1, 2), 2e-3), 2e-3 * np.array([[1.0, 2.0], [0.5, 1.0], [1.0, 0.7]])):
        for derivative in (gradient, hessian):
            got = derivative(stacked, eta, step, stacked=True)
            np.testing.assert_array_equal(got, derivative(log_prob, eta, step))
    assert calls == [12, 17, 12, 17]
