"""Objectives against scipy's densities and finite differences."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import approx_fprime, rosen, rosen_der, rosen_hess

from natfit.distributions import Gamma, MultivariateNormal, Normal, Poisson, StudentT
from natfit.linops import Damped
from natfit.metrics import EmpiricalFisher, MonteCarloFisher
from natfit.models import Linearization, Model
from natfit.objectives import Function, Likelihood
from natfit.rows import BLOCK, Memory
from natfit.solvers import CholeskySolver, WoodburySolver
from natfit.testing._core import gradient
from natfit.testing.metrics import in_chunks
from natfit.testing.problems import likelihood

RNG = np.random.default_rng(0)
COUNTS = RNG.integers(1, 4, 60)
CASES = {
    "normal": (Normal(), RNG.normal(3.0, 2.0, 60), [2.0, 0.5]),
    "gamma": (Gamma(), RNG.gamma(2.0, 1.5, 60), [0.4, 0.2]),
    "poisson": (Poisson(), RNG.poisson(4.0, 60).astype(float), [1.1]),
    "student_t": (StudentT(), RNG.standard_t(4, 60), [0.1, 0.2, 0.4]),
    "multivariate": (
        MultivariateNormal(dim=2),
        RNG.normal(size=(60, 2)),
        [0.1, 0.2, 0.1, -0.2, 0.3],
    ),
}


def frozen(name, theta):
    """scipy's distribution, from the meaning of eta in the documentation."""
    if name == "normal":
        return stats.norm(theta[0], np.exp(theta[1])).logpdf
    if name == "gamma":
        return stats.gamma(np.exp(theta[0]), scale=np.exp(theta[1])).logpdf
    if name == "poisson":
        return stats.poisson(np.exp(theta[0])).logpmf
    family, _, _ = CASES[name]
    native = family.native_dict(theta)
    if name == "student_t":
        return stats.t(native["df"], native["loc"], native["scale"]).logpdf
    return stats.multivariate_normal(native["loc"], native["covariance"]).logpdf


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_value_and_gradient(name, weighted):
    family, y, theta = CASES[name]
    theta = np.array(theta)
    weight = COUNTS.astype(float) if weighted else None
    objective = likelihood(family, y, weight=weight)

    def want(t):
        return -np.average(frozen(name, t)(y), weights=weight)

    value, grad = objective.value_and_grad(theta)
    assert value == pytest.approx(want(theta), rel=1e-12)
    np.testing.assert_allclose(grad, gradient(want, theta), rtol=1e-7, atol=1e-9)
    hessian = gradient(lambda t: gradient(want, t, 1e-3), theta, 1e-3)
    np.testing.assert_allclose(objective.hessian(theta).dense(), hessian, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_weights_are_repetitions(name):
    family, y, theta = CASES[name]
    theta = np.array(theta)
    weighted = likelihood(family, y, weight=COUNTS.astype(float))
    repeated = likelihood(family, np.repeat(y, COUNTS, axis=0))
    assert weighted.total == repeated.total
    for a, b in zip(weighted.value_and_grad(theta), repeated.value_and_grad(theta), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
    for verb in ("hessian", "scores", "fisher"):
        a, b = (getattr(o, verb)(theta).dense() for o in (weighted, repeated))
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


class Lines(Linearization):
    """eta_k = (x - c)^2 scaled by theta_k: a toy of one feature for each of K outputs."""

    def __init__(self, theta, X):
        self.X, self.eta = X, X * theta

    def jvp(self, v):
        return self.X * v

    def vjp(self, u):
        return np.sum(self.X * u, axis=0)

    def gram(self, c):
        return np.einsum("nk,nkl,nl->kl", self.X, c, self.X)

    def pull_columns(self, b):
        return np.moveaxis(self.X[:, :, None] * b, 0, 1).reshape(self.X.shape[1], -1)


class Elementwise(Model):
    """eta_ik = theta_k x_ik: a conditional model whose J_i is diag(x_i)."""

    def __init__(self, size=2):
        self.size = size

    @property
    def n_params(self):
        return self.size

    def linearize(self, theta, X):
        return Lines(theta, X)


THETA = np.array([0.8, 0.3])


def conditional(n=300, weighted=True):
    """Heteroscedastic normal rows: y ~ N(theta_0 x_0, exp(theta_1 x_1)^2)."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, 2))
    y = X[:, 0] + np.exp(0.4 * X[:, 1]) * rng.standard_normal(n)
    weight = rng.integers(1, 4, n).astype(float) if weighted else None
    return Likelihood(Normal(), Elementwise(), Memory(y, X, weight))


def mean_loss(objective, theta):
    """By scipy."""
    X = objective.rows.X
    logpdf = stats.norm(theta[0] * X[:, 0], np.exp(theta[1] * X[:, 1])).logpdf(objective.rows.y)
    return -np.average(logpdf, weights=objective.rows.weight)


def row_scores(objective, theta):
    """Scores in theta by hand, (N, 2)."""
    X = objective.rows.X
    z = (objective.rows.y - theta[0] * X[:, 0]) * np.exp(-theta[1] * X[:, 1])
    return np.column_stack([X[:, 0] * z * np.exp(-theta[1] * X[:, 1]), X[:, 1] * (z**2 - 1.0)])


def fisher_by_hand(objective, theta):
    X, w = objective.rows.X, objective.rows.weight
    w = np.full(len(X), 1.0) if w is None else w
    diagonal = [w @ (X[:, 0] ** 2 * np.exp(-2 * theta[1] * X[:, 1])), w @ (2 * X[:, 1] ** 2)]
    return np.diag(diagonal) / w.sum()


@pytest.mark.parametrize("weighted", [False, True])
def test_conditional_value_gradient_and_kl(weighted):
    objective = conditional(weighted=weighted)
    value, grad = objective.value_and_grad(THETA)
    assert value == pytest.approx(mean_loss(objective, THETA), rel=1e-12)
    want = gradient(lambda t: mean_loss(objective, t), THETA)
    np.testing.assert_allclose(grad, want, rtol=1e-8)
    other = np.array([0.7, 0.5])
    (m, s), (m2, s2) = (
        (t[0] * objective.rows.X[:, 0], np.exp(t[1] * objective.rows.X[:, 1]))
        for t in (THETA, other)
    )
    gaps = np.log(s2 / s) + (s**2 + (m - m2) ** 2) / (2 * s2**2) - 0.5
    want = np.average(gaps, weights=objective.rows.weight)
    assert objective.kl(THETA, other) == pytest.approx(want, rel=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
def test_conditional_fisher_and_scores(weighted):
    objective = conditional(weighted=weighted)
    fisher = objective.fisher(THETA)
    want = fisher_by_hand(objective, THETA)
    np.testing.assert_allclose(fisher.dense(), want, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(fisher @ np.array([1.0, -2.0]), want @ [1.0, -2.0], rtol=1e-12)
    np.testing.assert_allclose(objective.information(THETA).dense(), want, rtol=1e-12, atol=1e-15)
    s = row_scores(objective, THETA)
    w = np.ones(len(s)) if objective.rows.weight is None else objective.rows.weight
    want = (s * w[:, None]).T @ s / w.sum()
    empirical = EmpiricalFisher().prepare(objective)
    at = type("At", (), {"theta": THETA})
    found = empirical.at(objective, at, np.random.default_rng(0))
    np.testing.assert_allclose(found.dense(), want, rtol=1e-11)
    np.testing.assert_allclose(found.factor() @ found.factor().T, want, rtol=1e-11)


def test_no_sum_depends_on_the_chunk():
    objective = in_chunks(conditional(3_000), BLOCK)
    assert not objective.rows.single
    np.testing.assert_allclose(
        objective.fisher(THETA).dense(), fisher_by_hand(objective, THETA), rtol=1e-11, atol=1e-15
    )
    assert objective.value(THETA) == pytest.approx(mean_loss(objective, THETA), rel=1e-12)


@pytest.mark.parametrize("metric", [MonteCarloFisher(60, "row"), MonteCarloFisher(30_000)])
def test_monte_carlo_of_a_conditional_model(metric):
    objective = conditional(500)
    at = type("At", (), {"theta": THETA})
    found = metric.prepare(objective).at(objective, at, np.random.default_rng(2)).dense()
    want = fisher_by_hand(objective, THETA)
    # 30,000 draws of a product whose relative standard deviation is about 2.
    np.testing.assert_allclose(np.diag(found), np.diag(want), rtol=0.06)
    assert abs(found[0, 1]) < 0.06 * np.sqrt(want[0, 0] * want[1, 1])
    again = metric.at(objective, at, np.random.default_rng(2)).dense()
    np.testing.assert_array_equal(found, again)


def test_woodbury_on_fewer_rows_than_parameters():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((3, 9))
    family = MultivariateNormal(dim=3)
    objective = Likelihood(family, Elementwise(9), Memory(rng.standard_normal((3, 3)), X))
    scores = objective.scores(0.1 * np.ones(9))
    assert scores.rank_bound == 3
    damped = Damped(scores, np.linspace(0.1, 1.0, 9))
    g = rng.standard_normal(9)
    want = np.linalg.solve(scores.dense() + np.diag(np.linspace(0.1, 1.0, 9)), g)
    for solver in (WoodburySolver(), CholeskySolver()):
        np.testing.assert_allclose(solver.solve(damped, g)[0], want, rtol=1e-8)


def test_function_by_autograd_and_by_jac():
    x = np.array([-1.2, 1.0])

    def fun(x, k=1.0):
        return k * (100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2)

    objectives = [
        Function(fun, 2),
        Function(rosen, 2, jac=rosen_der),
        Function(lambda x: (rosen(x), rosen_der(x)), 2, jac=True),
        Function(lambda x, k: k * rosen(x) / 2, 2, lambda x, k: k * rosen_der(x) / 2, (2.0,)),
        Function(lambda x, k: fun(x, k) / 2, 2, args=(2.0,)),
    ]
    for count, objective in enumerate(objectives):
        value, grad = objective.value_and_grad(x)
        assert value == pytest.approx(rosen(x), rel=1e-14), count
        np.testing.assert_allclose(grad, rosen_der(x), rtol=1e-12)
        np.testing.assert_allclose(grad, approx_fprime(x, rosen), rtol=1e-5)
        np.testing.assert_allclose(objective.hessian(x).dense(), rosen_hess(x), rtol=1e-6)
        assert objective.information(x) is None
        assert np.isnan(objective.kl(x, x))


def test_function_counts_evaluations():
    objective = Function(lambda x: anp.sum(x**2), 2)
    objective.value(np.ones(2))
    objective.value_and_grad(np.ones(2))
    assert objective.evaluations == 2


@pytest.mark.parametrize(
    ("fun", "jac", "message"),
    [
        (lambda x: x, None, r"fun must return one number, got shape \(2,\)"),
        (lambda x: x, lambda x: x, r"fun must return one number, got shape \(2,\)"),
        (lambda x: 1.0, lambda x: np.ones(3), r"jac must return shape \(2,\), got \(3,\)"),
        (lambda x: (1.0, np.ones((2, 1))), True, r"jac must return shape \(2,\), got \(2, 1\)"),
        (lambda x: float(x[0]), None, "fun could not be differentiated.*or pass jac"),
        (lambda x: stats.norm.logpdf(x).sum(), None, "fun could not be differentiated"),
    ],
)
def test_bad_functions(fun, jac, message):
    with pytest.raises(ValueError, match=message):
        Function(fun, 2, jac).value_and_grad(np.array([1.0, 2.0]))


def test_errors_of_the_function_itself_pass_through():
    def fun(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Function(fun, 2).value_and_grad(np.ones(2))
