"""Each metric against its definition."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest

from natfit.distributions import Normal, Positive, Real, StudentT, from_log_prob
from natfit.linops import Diagonal
from natfit.metrics.auto import AutoMetric
from natfit.metrics.empirical import EmpiricalFisher
from natfit.metrics.euclidean import EuclideanMetric
from natfit.metrics.exact import ExactFisher
from natfit.metrics.monte_carlo import MonteCarloFisher
from natfit.metrics.observed import ObservedInformation
from natfit.metrics.tensor import TensorMetric
from natfit.optimize import Iterate
from natfit.testing._core import gradient
from natfit.testing.metrics import operator_at
from natfit.testing.problems import dense, likelihood, metric_problems, quadratic, regression

Y = 1.0 + 2.0 * np.random.default_rng(0).standard_normal(400)
THETA = np.array([0.8, 0.5])


def _normal(y, loc, scale):
    return -0.5 * ((y - loc) / scale) ** 2 - anp.log(scale) - 0.5 * np.log(2 * np.pi)


PARAMS = {"loc": Real(), "scale": Positive()}


def sampler(rng, n, loc, scale):
    return rng.normal(loc, scale, n)


def test_exact_is_the_closed_form():
    want = np.diag([np.exp(-1.0), 2.0])
    found = operator_at(ExactFisher(), likelihood(Normal(), Y), THETA)
    np.testing.assert_allclose(dense(found), want, rtol=1e-12)


def test_exact_by_quadrature():
    family = from_log_prob(_normal, PARAMS, support="real")
    found = operator_at(ExactFisher(), likelihood(family, Y), THETA)
    np.testing.assert_allclose(dense(found), np.diag([np.exp(-1.0), 2.0]), rtol=1e-6, atol=1e-8)


def test_exact_in_native_coordinates_is_the_papers():
    """diag(1 / sigma^2, 2 / sigma^2), the paper's Gaussian example."""
    objective = likelihood(Normal(), Y, "native")
    found = dense(operator_at(ExactFisher(), objective, np.array([0.8, 2.5])))
    np.testing.assert_allclose(found, np.diag([1.0, 2.0]) / 2.5**2, rtol=1e-12)


def test_exact_without_any_names_monte_carlo():
    family = from_log_prob(_normal, PARAMS)
    with pytest.raises(ValueError, match="metric='monte_carlo'"):
        ExactFisher().prepare(likelihood(family, Y))


def iterate(decrease):
    return Iterate(np.array([1.0, 0.6, 0.4]), 0.0, np.zeros(3), decrease=decrease)


def test_endgame_takes_the_observed_information_near_the_optimum():
    y = 1.0 + 2.0 * np.random.default_rng(1).standard_t(5.0, 500)
    objective = likelihood(StudentT(), y)
    rng = np.random.default_rng(0)
    theta = iterate(0.0).theta
    exact, observed = dense(objective.fisher(theta)), dense(objective.hessian(theta))
    metric = ExactFisher(endgame=True)
    far, near = (metric.at(objective, iterate(d), rng) for d in (1.0, 1e-3))
    np.testing.assert_allclose(dense(far), exact)
    np.testing.assert_allclose(dense(near), observed)
    assert near.note == "observed"
    assert near.positive
    never = ExactFisher().at(objective, iterate(1e-3), rng)
    np.testing.assert_allclose(dense(never), exact)


def test_endgame_does_not_trust_an_indefinite_hessian():
    y = np.random.default_rng(1).standard_t(5.0, 500)
    objective = likelihood(StudentT(), y)
    far = Iterate(np.array([6.0, -1.0, 0.4]), 0.0, np.zeros(3), decrease=1e-3)
    assert np.linalg.eigvalsh(dense(objective.hessian(far.theta)))[0] < 0
    found = ExactFisher(endgame=True).at(objective, far, np.random.default_rng(0))
    np.testing.assert_allclose(dense(found), dense(objective.fisher(far.theta)))


def test_endgame_is_for_families_in_which_the_informations_differ():
    objective = likelihood(Normal(), Y)
    near = Iterate(THETA, 0.0, np.zeros(2), decrease=1e-6)
    found = ExactFisher(endgame=True).at(objective, near, np.random.default_rng(0))
    assert found.note is None


def test_monte_carlo_converges_to_exact_within_its_error():
    objective = likelihood(Normal(), Y)
    exact = dense(objective.fisher(THETA))
    previous = np.inf
    for n_draws in (100, 10_000, 400_000):
        found = operator_at(MonteCarloFisher(n_draws), objective, THETA, seed=3)
        off = np.linalg.norm(dense(found) - exact) / np.linalg.norm(exact)
        assert off < 4.0 * found.standard_error
        assert found.standard_error < 0.2 * previous
        previous = found.standard_error


def test_monte_carlo_error_falls_as_the_root_of_the_draws():
    objective = likelihood(Normal(), Y)
    errors = [
        operator_at(MonteCarloFisher(n), objective, THETA).standard_error for n in (2_000, 200_000)
    ]
    assert errors[0] / errors[1] == pytest.approx(10.0, rel=0.3)


def test_monte_carlo_per_row_multiplies_by_the_rows():
    objective = likelihood(Normal(), Y)
    few, many = (
        operator_at(MonteCarloFisher(50, per), objective, THETA).standard_error
        for per in ("total", "row")
    )
    assert few / many > 5.0


def test_monte_carlo_draws_from_the_model_not_the_data():
    shifted = likelihood(Normal(), Y + 1e3)
    a = dense(operator_at(MonteCarloFisher(), likelihood(Normal(), Y), THETA, 4))
    np.testing.assert_array_equal(a, dense(operator_at(MonteCarloFisher(), shifted, THETA, 4)))


def test_monte_carlo_below_full_rank_keeps_a_factor():
    objective, theta = metric_problems()["few rows"]
    found = operator_at(MonteCarloFisher(4), objective, theta)
    assert found.rank_bound == 4
    assert np.linalg.matrix_rank(dense(found)) == 4


def test_monte_carlo_per_row_of_a_conditional_model():
    objective, theta = regression(300)
    exact = dense(objective.fisher(theta))
    found = dense(operator_at(MonteCarloFisher(400, "row"), objective, theta))
    assert np.linalg.norm(found - exact) / np.linalg.norm(exact) < 0.03


@pytest.mark.parametrize(
    ("metric", "error", "match"),
    [
        (MonteCarloFisher(0), ValueError, "metric__n_draws must be >= 1, got 0; try 1000"),
        (MonteCarloFisher(2.5), TypeError, "metric__n_draws must be an integer"),
        (MonteCarloFisher(per="all"), ValueError, "metric__per must be one of"),
    ],
)
def test_monte_carlo_options(metric, error, match):
    with pytest.raises(error, match=match):
        metric.prepare(likelihood(Normal(), Y))


def test_monte_carlo_needs_a_sampler():
    with pytest.raises(ValueError, match=r"sample=\.\.\. to from_log_prob"):
        MonteCarloFisher().prepare(likelihood(from_log_prob(_normal, PARAMS), Y))


def test_empirical_is_the_outer_product_of_scores():
    y, weight = Y[:30], np.arange(1.0, 31.0)
    objective = likelihood(Normal(), y, weight=weight)
    z = (y - THETA[0]) / np.exp(THETA[1])
    scores = np.stack([z / np.exp(THETA[1]), z**2 - 1], axis=1)
    want = (scores * weight[:, None]).T @ scores / weight.sum()
    found = dense(operator_at(EmpiricalFisher(), objective, THETA))
    np.testing.assert_allclose(found, want, rtol=1e-10)


def test_empirical_with_few_rows_keeps_the_factor():
    objective, theta = metric_problems()["few rows"]
    found = operator_at(EmpiricalFisher(), objective, theta)
    assert found.rank_bound == 7 < found.size == 9


def test_observed_is_the_hessian_in_native_coordinates_too():
    """Without the curvature of the coordinates its sign was wrong."""
    objective, theta = metric_problems()["native"]
    want = gradient(lambda t: objective.value_and_grad(t)[1], theta)
    found = operator_at(ObservedInformation(), objective, theta)
    np.testing.assert_allclose(dense(found), want, rtol=1e-6, atol=1e-8)
    assert not found.positive


def test_observed_of_a_function():
    hessian = np.array([[3.0, 1.0], [1.0, 2.0]])
    objective = quadratic(hessian, np.zeros(2))
    found = operator_at(ObservedInformation(), objective, np.ones(2))
    np.testing.assert_allclose(dense(found), hessian, rtol=1e-8)


def test_euclidean_is_the_identity():
    found = operator_at(EuclideanMetric(), likelihood(Normal(), Y), THETA)
    assert isinstance(found, Diagonal)
    np.testing.assert_array_equal(dense(found), np.eye(2))


def test_tensor_is_the_users():
    objective = quadratic(np.eye(2), np.zeros(2))
    x = np.array([2.0, 3.0])
    moving = TensorMetric(lambda x: np.diag(x))
    np.testing.assert_array_equal(dense(operator_at(moving, objective, x)), np.diag(x))
    fixed = TensorMetric([[2.0, 0.5], [0.5, 1.0]])
    np.testing.assert_array_equal(dense(operator_at(fixed, objective, x)), fixed.G)
    with pytest.raises(ValueError, match=r"needs a G: pass natfit.metrics.TensorMetric\(G\)"):
        TensorMetric().prepare(objective)


@pytest.mark.parametrize(
    ("G", "match"),
    [
        (np.eye(3), r"shape \(2, 2\), got \(3, 3\)"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "finite"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), r"symmetric; use \(G \+ G.T\) / 2"),
        (np.diag([1.0, -1.0]), "positive semidefinite, got smallest eigenvalue -1"),
        (lambda x: x, "shape"),
    ],
)
def test_bad_tensors(G, match):
    objective = quadratic(np.eye(2), np.zeros(2))
    start = Iterate(np.ones(2), 0.0, np.ones(2))
    with pytest.raises(ValueError, match=f"metric G must .*{match}"):
        TensorMetric(G).at(objective, start, np.random.default_rng(0))


def test_auto_takes_the_best_there_is():
    assert AutoMetric().prepare(likelihood(Normal(), Y)) == ExactFisher(endgame=True)
    sampled = from_log_prob(_normal, PARAMS, sample=sampler)
    assert AutoMetric().prepare(likelihood(sampled, Y)) == MonteCarloFisher()
    bare = likelihood(from_log_prob(_normal, PARAMS), Y)
    with pytest.warns(UserWarning, match="empirical Fisher is used instead"):
        assert AutoMetric().prepare(bare) == EmpiricalFisher()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert AutoMetric().prepare(quadratic(np.eye(2), np.zeros(2))) == EuclideanMetric()


@pytest.mark.parametrize("metric", [ExactFisher(), EmpiricalFisher(), MonteCarloFisher()])
def test_fisher_metrics_refuse_plain_functions(metric):
    with pytest.raises(ValueError, match="metric='euclidean', 'observed'"):
        metric.prepare(quadratic(np.eye(2), np.zeros(2)))
