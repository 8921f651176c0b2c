"""Factors of layers against their definition, and the solver where it is exact and where not."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalClassifier
from natfit.distributions import MultivariateNormal, Normal
from natfit.distributions.wrappers.fixed import Fixed
from natfit.linops import Damped, Dense, KroneckerFactors
from natfit.linops.restricted import Restricted
from natfit.metrics.monte_carlo import MonteCarloFisher
from natfit.models import MLP, Linear
from natfit.models.standardised import Standardised
from natfit.objectives import Likelihood
from natfit.rows import Memory
from natfit.solvers.cg import CGSolver
from natfit.solvers.kronecker import KroneckerSolver
from natfit.testing.operators import Layered

RNG = np.random.default_rng(6)


def likelihood(family, model, y, X, weight=None, constant=()):
    rows = Memory(y, X, weight)
    family = family.bind(rows)
    objective = Likelihood(family, model.bind(X.shape[1], family, constant), rows)
    return objective, 0.5 * RNG.standard_normal(objective.n_params)


def jacobians(objective, theta, X):
    """J (n, K, P) by products with unit vectors."""
    lin = objective.model.linearize(theta, X)
    return np.stack([lin.jvp(v) for v in np.eye(len(theta))], axis=2)


@pytest.mark.parametrize("n", [40, 40_000])
@pytest.mark.parametrize("weighted", [False, True])
def test_factors_are_means_of_inputs_and_deltas(n, weighted):
    """A by numpy from a forward pass, S from J's rows of the biases, in one chunk and in several."""
    X, y = RNG.standard_normal((n, 2)), RNG.standard_normal(n)
    weight = RNG.integers(1, 4, n).astype(float) if weighted else None
    objective, theta = likelihood(Normal(), MLP((3,)), y, X, weight, ("scale",))
    (one, two, rest) = objective.fisher(theta).kronecker().pairs
    share = (np.ones(n) if weight is None else weight) / (n if weight is None else weight.sum())
    first = np.column_stack([X, np.ones(n)])
    hidden = np.column_stack([np.tanh(first @ theta[:9].reshape(3, 3)), np.ones(n)])
    jac = jacobians(objective, theta, X[:1])
    eta = objective.model.eta(theta, X)
    c = share / np.exp(2.0 * eta[:, 1])
    slope = (1.0 - hidden[:, :3] ** 2) * theta[9:12]
    np.testing.assert_allclose(jac[0, 0, 6:9], slope[0], rtol=1e-10)
    np.testing.assert_allclose(one[0], (first.T * share) @ first, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one[1], (slope.T * c) @ slope, rtol=1e-9)
    np.testing.assert_allclose(two[0], (hidden.T * share) @ hidden, rtol=1e-9)
    np.testing.assert_allclose(two[1], [[c.sum()]], rtol=1e-9)
    np.testing.assert_allclose(rest[0], [[1.0]], rtol=1e-12)
    # The information of log sigma is 2.
    np.testing.assert_allclose(rest[1], [[2.0]], rtol=1e-9)


@pytest.mark.parametrize("metric", ["exact", "draws"])
def test_one_layer_of_rows_that_share_c_is_exact(metric):
    """The information of a linear model of a normal location is A (x) S, in units or not."""
    X, y = RNG.standard_normal((30, 3)), RNG.standard_normal((30, 2))
    family = Fixed(MultivariateNormal(), {"covariance": [[1.0, 0.3], [0.3, 2.0]]})
    for model in (Linear(), Linear(intercept=False), Standardised(Linear())):
        objective, theta = likelihood(family, model, y, X)
        fisher = objective.fisher(theta)
        if metric == "draws":
            draws = MonteCarloFisher(n_draws=1000, per="row")
            factors = draws.at(objective, _At(theta), np.random.default_rng(0)).kronecker()
            tolerance = {"rtol": 0.1, "atol": 0.1}
        else:
            factors, tolerance = fisher.kronecker(), {"rtol": 1e-10, "atol": 1e-12}
        ((a, s),) = factors.pairs
        np.testing.assert_allclose(np.kron(a, s), fisher.dense(), **tolerance)


class _At:
    def __init__(self, theta):
        self.theta = theta


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_deep_linear_networks_are_solved_exactly(depth):
    """F is singular, the gradient lies in its range, and the step of eta is the shallow one's."""
    rng = np.random.default_rng(depth)
    X, y = rng.standard_normal((50, 3)), rng.standard_normal((50, 2))
    family = Fixed(MultivariateNormal(), {"covariance": np.eye(2)})
    model = MLP([4] * (depth - 1), activation="identity")
    objective, theta = likelihood(family, model, y, X)
    theta = rng.standard_normal(objective.n_params) / 2.0
    operator, (_, g) = objective.fisher(theta), objective.value_and_grad(theta)
    assert np.linalg.matrix_rank(operator.dense()) < operator.size
    d, info = KroneckerSolver().solve(operator, g)
    np.testing.assert_allclose(operator @ d, g, atol=1e-9 * np.abs(g).max())
    assert info.residual < 1e-9 and info.truncated and info.iterations == 1
    # One over the depth, where each layer makes the whole step.
    longer, _ = KroneckerSolver(rescale=False).solve(operator, g)
    np.testing.assert_allclose(longer, depth * d, rtol=1e-6, atol=1e-9 * np.abs(d).max())
    # Oracle: least squares of the residuals on (x, 1).
    lin = objective.model.linearize(theta, X)
    features = np.column_stack([X, np.ones(50)])
    want = features @ np.linalg.lstsq(features, lin.eta - y, rcond=None)[0]
    np.testing.assert_allclose(lin.jvp(d), want, rtol=1e-6, atol=1e-7)


def test_a_uniform_damping_is_split_by_the_traces():
    left, right = 0.1 * RNG.standard_normal((3, 3)), 10.0 * RNG.standard_normal((4, 4))
    a, s = left @ left.T, right @ right.T
    strength = 0.5
    pi = np.sqrt((np.trace(a) / 3) / (np.trace(s) / 4))
    root = np.sqrt(strength)
    want = np.kron(
        np.linalg.inv(a + pi * root * np.eye(3)), np.linalg.inv(s + root / pi * np.eye(4))
    )
    inverse = KroneckerFactors([(a, s)]).inverse(np.full(12, strength))
    got = np.stack([inverse(v) for v in np.eye(12)], axis=1)
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-12 * np.abs(want).max())
    assert inverse.regular


def test_a_damping_relative_to_the_diagonal_is_split_whatever_the_units():
    a, s = np.diag([1e-6, 1.0, 1e6]), np.diag([1e3, 1e-3])
    shift = 0.1 * np.outer(np.diagonal(a), np.diagonal(s)).ravel()
    inverse = KroneckerFactors([(a, s)]).inverse(shift)
    root = np.sqrt(0.1)
    want = 1.0 / (np.kron(np.diagonal(a), np.diagonal(s)) * (1.0 + root) ** 2)
    np.testing.assert_allclose(inverse(np.ones(6)), want, rtol=1e-10)


def test_other_operators_are_refused_with_a_remedy():
    for operator in (Dense(np.eye(3)), Damped(Dense(np.eye(3)), np.ones(3))):
        with pytest.raises(ValueError, match=r"model with layers.*solver='cholesky' or 'cg'"):
            KroneckerSolver().solve(operator, np.ones(3))
    for wrong in (1.0, -0.1, np.nan):
        with pytest.raises(ValueError, match="solver__decay"):
            KroneckerSolver(decay=wrong).check()
    with pytest.raises(ValueError, match="solver__precondition"):
        CGSolver(precondition="kfac").check()


def test_a_held_constant_leaves_the_layers():
    X, y = RNG.standard_normal((30, 2)), RNG.standard_normal(30)
    objective, theta = likelihood(Normal(), MLP((3,)), y, X, constant=("scale",))
    fisher = objective.fisher(theta)
    free = np.ones(len(theta), dtype=bool)
    free[-1] = False
    assert Restricted(fisher, free).kronecker().size == len(theta) - 1
    free[0] = False
    assert Restricted(fisher, free).kronecker() is None


def test_the_running_average_counts_each_operator_once():
    one, two = (Layered(np.eye(2) * k, np.eye(2)) for k in (1.0, 3.0))
    # kronecker() of a Sandwich is kept; that of Layered is made anew.
    first, second = one.kronecker(), two.kronecker()
    one.kronecker, two.kronecker = (lambda: first), (lambda: second)
    solver = KroneckerSolver(decay=0.9, rescale=False)
    g = np.ones(4)
    for _ in range(3):
        d, _ = solver.solve(one, g)
    np.testing.assert_allclose(d, 1.0)
    for _ in range(3):
        # The average of two is their mean, of which both count the same.
        d, _ = solver.solve(two, g)
    np.testing.assert_allclose(d, 1.0 / 5.0)
    d, _ = solver.solve(one, g)
    again, _ = solver.anew().solve(one, g)
    np.testing.assert_allclose(again, 1.0)
    assert KroneckerSolver().anew() == KroneckerSolver()


class Recorder(CGSolver):
    """Conjugate gradients that keep what they were first asked to solve."""

    asked = None

    def solve(self, operator, g):
        self.asked = self.asked or (operator, g.copy())
        return super().solve(operator, g)


@pytest.fixture(scope="module")
def digits():
    """F and the gradient at the start of a network of the usual options on digits."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    solver = Recorder(max_iter=1)
    with warnings.catch_warnings():
        # It is stopped after one iteration.
        warnings.simplefilter("ignore", ConvergenceWarning)
        NaturalClassifier(
            predictor=MLP((128, 128)), metric="exact", solver=solver, max_iter=1, random_state=0
        ).fit(X[:1000] / 16.0, y[:1000])
    operator, g = solver.asked
    return operator.operator, g


@pytest.mark.parametrize("tol", [0.1, 1e-2])
@pytest.mark.parametrize("damping", [0.1, 1e-3])
def test_as_a_preconditioner_it_saves_two_thirds_of_the_products(digits, damping, tol):
    """In a fit's first step, to the same residual; the default damping of networks is 0.1."""
    fisher, g = digits
    operator = Damped(fisher, np.full(len(g), damping))

    def reached(precondition, most):
        solver = CGSolver(tol=0.0, max_iter=most, precondition=precondition)
        d, _ = solver.solve(operator, g)
        return np.linalg.norm(operator @ d - g) <= tol * np.linalg.norm(g)

    most = next(m for m in range(1, 20) if reached("kronecker", m))
    for precondition in (False, True):
        assert not reached(precondition, 3 * most - 1)


def test_conjugate_gradients_say_where_there_are_no_layers():
    operator = Dense(np.array([[2.0, 1.0], [1.0, 3.0]]))
    d, info = CGSolver(precondition="kronecker").solve(operator, np.array([1.0, -1.0]))
    np.testing.assert_allclose(operator @ d, [1.0, -1.0], atol=1e-9)
    assert "no layers" in info.fallback
