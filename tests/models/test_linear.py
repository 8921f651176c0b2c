"""The linear model against Kronecker products written row by row."""

import numpy as np
import pytest

from natfit._component import resolve
from natfit.distributions import MultivariateNormal, Normal
from natfit.models import Linear, Model
from natfit.objectives import Likelihood
from natfit.rows import Memory

RNG = np.random.default_rng(3)
X = RNG.standard_normal((8, 3))


def test_products_are_those_of_kronecker():
    bound = Linear().bind(3, Normal())
    theta = RNG.standard_normal(8)
    lin = bound.linearize(theta, X)
    b = RNG.standard_normal((8, 2, 2))
    c = np.einsum("nkr,nlr->nkl", b, b)
    jac = np.stack([np.kron(np.append(x, 1.0), np.eye(2)) for x in X])
    np.testing.assert_allclose(lin.eta, jac @ theta, rtol=1e-12)
    want = sum(j.T @ inner @ j for j, inner in zip(jac, c, strict=True))
    np.testing.assert_allclose(lin.gram(c), want, rtol=1e-12)
    np.testing.assert_allclose(lin.diag(c), np.diagonal(want), rtol=1e-12)
    columns = np.concatenate([j.T @ inner for j, inner in zip(jac, b, strict=True)], axis=1)
    np.testing.assert_allclose(lin.pull_columns(b), columns, rtol=1e-12)
    np.testing.assert_allclose(lin.kernel(b), columns.T @ columns, rtol=1e-12, atol=1e-12)
    assert lin.linear
    assert not lin.curvature(b[:, :, 0]).any()


def test_theta_is_weights_intercept_constants():
    bound = resolve("linear", Model).bind(2, Normal(), constant=("scale",))
    assert bound.names() == ["loc[x0]", "loc[x1]", "loc[intercept]", "scale"]
    theta = np.array([2.0, -1.0, 0.5, 0.25])
    eta = bound.eta(theta, np.array([[1.0, 3.0], [0.0, 0.0]]))
    np.testing.assert_allclose(eta, [[-0.5, 0.25], [0.5, 0.25]])
    np.testing.assert_array_equal(bound.init(RNG, np.array([4.0, 5.0])), [0.0, 0.0, 4.0, 5.0])


def test_without_an_intercept():
    bound = Linear(intercept=False).bind(2, Normal())
    assert bound.names() == ["loc[x0]", "scale[x0]", "loc[x1]", "scale[x1]"]
    assert not bound.init(RNG, np.ones(2)).any()
    assert not bound.starts_at_eta


def test_natural_step_of_a_regression_is_least_squares():
    """With a constant scale the Fisher step in the location's block is numpy's solution."""
    y = RNG.standard_normal(8)
    bound = Linear().bind(3, Normal(), constant=("scale",))
    objective = Likelihood(Normal(), bound, Memory(y, X))
    theta = bound.init(RNG, np.array([0.7, -0.3]))
    _, grad = objective.value_and_grad(theta)
    landed = theta - np.linalg.solve(objective.fisher(theta).dense(), grad)
    want, *_ = np.linalg.lstsq(np.column_stack([X, np.ones(8)]), y, rcond=None)
    np.testing.assert_allclose(landed[:4], want, rtol=1e-10)


def test_constants_keep_the_familys_limits_and_blocks():
    family = MultivariateNormal("full", 2)
    bound = Linear().bind(1, family, constant=("covariance",))
    assert bound.varying.tolist() == [0, 1]
    assert bound.constant.tolist() == [2, 3, 4]
    assert bound.names()[:4] == [
        "loc[0][x0]",
        "loc[1][x0]",
        "loc[0][intercept]",
        "loc[1][intercept]",
    ]
    assert bound.names()[4:] == family.eta_names()[2:]
    for ours, theirs in zip(bound.limits(), family.limits, strict=True):
        np.testing.assert_array_equal(ours[4:], theirs[2:])
    low, high, step = (side[:4] for side in bound.limits())
    assert (low == -np.inf).all()
    assert (high == np.inf).all()
    assert (step == np.inf).all()
    inside = [b for b in family.cut_together if b.start >= 2]
    assert bound.cut_together() == [slice(b.start + 2, b.stop + 2) for b in inside]
    theta = bound.init(RNG, np.zeros(5))
    assert bound.in_domain(theta)
    theta[4] = family.limits[1][2] + 1.0
    assert not bound.in_domain(theta)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Linear(intercept=2).bind(1, Normal()), "intercept must be True or False"),
        (lambda: Linear().bind(0, Normal()), "n_features must be >= 1"),
        (lambda: Linear().bind(1, Normal(), ("sigma",)), r"\['loc', 'scale'\], got 'sigma'"),
        (lambda: Linear().bind(1, Normal(), ("loc", "scale")), "use the model 'constant'"),
        (lambda: Linear().n_params, "call bind"),
        (lambda: Linear().init(RNG, np.zeros(2)), "call bind"),
        (lambda: Linear().names(), "call bind"),
        (lambda: Linear().bind(1, Normal()).init(RNG, np.zeros(3)), r"eta0 must have shape \(2,\)"),
        (lambda: Linear().bind(3, Normal()).eta(np.zeros(8), X[:, :2]), r"X must .* \(n, 3\)"),
        (lambda: Linear().bind(3, Normal()).eta(np.zeros(7), X), r"theta must .* \(8,\)"),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_single_name_may_be_a_string():
    assert Linear().bind(1, Normal(), constant="scale").constant.tolist() == [1]
