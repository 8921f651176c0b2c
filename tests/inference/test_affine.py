"""Refits under linear restrictions, and the effect of Hauck and Donner, in closed form."""

import numpy as np
import pytest

from natfit.distributions import Normal, Poisson
from natfit.inference.affine import independent, restricted
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Regression
from natfit.rows import Memory

RNG = np.random.default_rng(2)
X = RNG.normal(size=(60, 3))
Y = X @ [1.0, 0.5, -0.5] + RNG.normal(size=60)


def test_restricted_least_squares_in_closed_form():
    model = LinearPredictors({"loc": None}).bind(3, Normal())
    objective = Regression(Normal(), model, Memory(Y, X))
    rows, values = np.array([[1.0, 1.0, 0, 0, 0], [0, 0, 1.0, 0, 0]]), np.array([2.0, -1.0])
    found = restricted(objective, model.init(RNG, np.zeros(2)), rows, values)
    assert found.converged
    np.testing.assert_allclose(rows @ found.theta, values, atol=1e-12)
    # beta - (Z'Z)^-1 A' (A (Z'Z)^-1 A')^-1 (A beta - b), Theil (1971), equation 6.7.
    design = np.column_stack([X, np.ones(60)])
    inverse, a = np.linalg.inv(design.T @ design), rows[:, :4]
    beta = inverse @ design.T @ Y
    beta = beta - inverse @ a.T @ np.linalg.solve(a @ inverse @ a.T, a @ beta - values)
    np.testing.assert_allclose(found.theta[:4], beta, atol=1e-6)
    scale = np.sqrt(np.square(Y - design @ beta).mean())
    assert np.exp(found.theta[4]) == pytest.approx(scale, rel=1e-6)


def test_what_is_held_does_not_move():
    counts = RNG.poisson(2.0, 60).astype(float)
    model = LinearPredictors().bind(3, Poisson())
    objective = Regression(Poisson(), model, Memory(counts, X))
    start = model.init(RNG, np.array([0.7]))
    found = restricted(objective, start, np.eye(4)[:1], np.zeros(1), held=(3,))
    assert found.converged and found.theta[3] == start[3]
    _, grad = objective.value_and_grad(found.theta)
    np.testing.assert_allclose(grad[1:3], 0.0, atol=1e-8)


def test_all_coordinates_may_be_given():
    model = LinearPredictors({"loc": None}).bind(3, Normal())
    objective = Regression(Normal(), model, Memory(Y, X))
    target = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    found = restricted(objective, np.zeros(5), np.eye(5), target)
    assert found.converged
    np.testing.assert_allclose(found.theta, target, atol=1e-12)


def test_restrictions_that_follow_from_others_are_left_out():
    rows, values = independent(
        np.array([[1.0, 0, 0], [0, 2.0, 0], [1.0, 2.0, 0]]), np.array([1, 2, 3.0])
    )
    assert len(rows) == 2
    np.testing.assert_allclose(np.linalg.lstsq(rows, values, rcond=None)[0][:2], [1.0, 1.0])
    with pytest.raises(ValueError, match="contradict"):
        independent(np.array([[1.0, 0], [3.0, 0]]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="got none in row 1"):
        independent(np.array([[1.0, 0], [0, 0]]), np.zeros(2))
