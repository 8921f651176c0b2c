"""Adam against its published algorithm, with its memory carried by the iterates."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import natfit
from natfit import NaturalMLE, NaturalRegressor
from natfit.models import MLP
from natfit.objectives import Function
from natfit.steps import AdamStep
from natfit.testing.problems import rosenbrock
from natfit.testing.steps import trace


def published(grad, theta, n, rate, beta1, beta2, eps, most=None):
    """Algorithm 1 of Kingma and Ba (2015), line by line; gradients longer than ``most`` are cut."""
    m, v, path = np.zeros_like(theta), np.zeros_like(theta), [theta]
    for t in range(1, n + 1):
        g = grad(theta)
        if most is not None and np.linalg.norm(g) > most:
            g = g * most / np.linalg.norm(g)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - rate * m_hat / (np.sqrt(v_hat) + eps)
        path.append(theta)
    return np.array(path)


def rosen(x):
    a = x[1] - x[0] ** 2
    return np.array([-400 * x[0] * a - 2 * (1 - x[0]), 200 * a])


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, (1e-3, 0.9, 0.999, 1e-8)),
        ({"learning_rate": 0.05, "betas": (0.5, 0.9), "eps": 1e-3}, (0.05, 0.5, 0.9, 1e-3)),
        ({"learning_rate": 0.02, "betas": [0.0, 0.0]}, (0.02, 0.0, 0.0, 1e-8)),
        ({"max_grad_norm": 0.5, "eps": 1e-5}, (1e-3, 0.9, 0.999, 1e-5, 0.5)),
    ],
)
def test_iterates_are_those_of_the_paper(options, arguments):
    start = np.array([-1.2, 1.0])
    _, iterates = trace(AdamStep(**options), rosenbrock(), start, "euclidean", max_iter=40)
    found = np.array([i.theta for i in iterates])
    assert_allclose(found, published(rosen, start, 40, *arguments), rtol=1e-9)
    rate = arguments[0]
    assert_allclose([i.step_length for i in iterates[1:]], rate)


def test_first_step_is_the_rate_whatever_the_gradient():
    for scale in (1e-6, 1.0, 1e6):
        f = Function(lambda x, s=scale: (s * float(x @ x), 2 * s * x), 2, jac=True)
        _, iterates = trace(AdamStep(0.01, eps=1e-20), f, [3.0, -2.0], "euclidean", max_iter=1)
        assert_allclose(iterates[1].theta, [2.99, -1.99], rtol=1e-12)


def test_iterates_are_frozen_and_carry_what_is_remembered():
    _, iterates = trace(AdamStep(), rosenbrock(), [-1.2, 1.0], "euclidean", max_iter=5)
    assert [None if i.memory is None else i.memory.count for i in iterates] == [None, 1, 2, 3, 4, 5]
    first = iterates[1].memory
    assert_allclose(first.first, 0.1 * iterates[0].grad, rtol=1e-12)
    assert_allclose(first.second, 1e-3 * iterates[0].grad ** 2, rtol=1e-12)
    again = pickle.loads(pickle.dumps(iterates[2].memory))
    assert_array_equal(again.first, iterates[2].memory.first)


def test_minimize_and_natural_directions():
    quadratic = np.array([[3.0, 1.0], [1.0, 2.0]])

    def fun(x):
        return 0.5 * x @ quadratic @ x

    options = {"jac": lambda x: quadratic @ x, "step": AdamStep(0.05, max_grad_norm=10.0)}
    found = natfit.minimize(fun, [1.0, -1.0], metric="euclidean", max_iter=400, **options)
    assert_allclose(found.x, 0.0, atol=1e-4)
    # With a metric, it is the natural gradient that is averaged.
    found = natfit.minimize(fun, [1.0, -1.0], metric=quadratic, max_iter=3, **options)
    assert_allclose(
        found.x, published(lambda x: x, np.array([1.0, -1.0]), 3, 0.05, 0.9, 0.999, 1e-8)[-1]
    )


def test_maximum_likelihood_of_a_normal_distribution():
    y = 3.0 + 2.0 * np.random.default_rng(0).standard_normal((200, 1))
    fit = NaturalMLE("normal", metric="euclidean", step=AdamStep(0.05), max_iter=500).fit(y)
    found = np.ravel([fit.params_["loc"], fit.params_["scale"]])
    assert_allclose(found, [y.mean(), y.std()], rtol=1e-4)


def test_batches_of_a_regression_go_on_with_the_moments():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 2))
    y = X @ [1.0, -2.0] + 0.1 * rng.standard_normal(120)
    options = {"metric": "euclidean", "batch_size": 30, "random_state": 0, "step": AdamStep(0.05)}
    few, many = (
        NaturalRegressor("normal", predictor=MLP((4,)), max_iter=n, **options).fit(X, y)
        for n in (2, 40)
    )
    # A score is a mean log-likelihood, in nats per row.
    assert many.score(X, y) > few.score(X, y) + 1.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"learning_rate": 0.0}, "step__learning_rate"),
        ({"learning_rate": "fast"}, "step__learning_rate"),
        ({"eps": -1e-8}, "step__eps"),
        ({"betas": 0.9}, "step__betas"),
        ({"betas": (0.9,)}, "step__betas"),
        ({"betas": (0.9, 1.0)}, "step__betas"),
        ({"betas": "ab"}, "step__betas"),
        ({"max_grad_norm": 0.0}, "step__max_grad_norm"),
    ],
)
def test_options(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        natfit.minimize(lambda x: x @ x, [1.0], step=AdamStep(**options), metric="euclidean")
