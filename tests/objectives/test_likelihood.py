"""The likelihood against sums of scipy.stats' log-densities."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Bernoulli, Gamma, Lomax, Normal, Poisson, StudentT, from_log_prob
from natfit.distributions import Real as RealConstraint
from natfit.rows import BLOCK
from natfit.testing._core import gradient
from natfit.testing.metrics import in_chunks
from natfit.testing.problems import dense, likelihood, regression

RNG = np.random.default_rng(0)
WEIGHT = RNG.integers(1, 5, 40_000).astype(float)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("family", "y", "frozen"),
    [
        (Normal(), RNG.normal(2.0, 3.0, 40_000), stats.norm(0.4, np.exp(0.4))),
        (Gamma(), RNG.gamma(2.0, 3.0, 40_000), stats.gamma(np.exp(0.4), scale=np.exp(0.4))),
        (StudentT(), RNG.standard_t(4.0, 40_000), None),
    ],
    ids=["normal", "gamma", "student_t"],
)
def test_value_is_minus_the_mean_log_likelihood(family, y, frozen, weight):
    theta = np.full(family.n_params, 0.4)
    frozen = frozen or family.counterpart(theta)
    objective = likelihood(family, y, weight=weight)
    want = -np.average(frozen.logpdf(y), weights=weight)
    value, grad = objective.value_and_grad(theta)
    assert value == pytest.approx(want, rel=1e-11)
    assert objective.value(theta) == value
    assert objective.total == (40_000 if weight is None else weight.sum())
    np.testing.assert_allclose(grad, gradient(objective.value, theta), rtol=1e-6, atol=1e-9)


def test_a_hessian_is_computed_only_where_one_is_asked_for(monkeypatch):
    y = stats.lomax(3.0).rvs(50, random_state=np.random.default_rng(3))
    theta = np.array([0.3, 0.4])
    value, grad = likelihood(Lomax(), y).value_and_grad(theta)
    asked = []
    kept = Lomax.sum_terms
    monkeypatch.setattr(Lomax, "sum_terms", lambda *args: asked.append(1) or kept(*args))
    objective = likelihood(Lomax(), y)
    assert objective.value(theta) == pytest.approx(value, rel=1e-13)
    first = objective.first_order(theta)
    assert first[0] == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(first[1], grad, rtol=1e-12)
    assert not asked
    # One pass gives all three.
    objective.value_and_grad(theta)
    want = gradient(lambda t: objective.first_order(t)[1], theta)
    np.testing.assert_allclose(dense(objective.hessian(theta)), want, rtol=1e-7)
    assert len(asked) == 1
    # A pass whose Hessian nobody asked for is followed by passes without one.
    for way in np.linspace(0.1, 0.5, 5):
        objective.value_and_grad(theta + way)
    assert len(asked) == 2
    want = gradient(lambda t: objective.first_order(t)[1], theta + 0.5)
    np.testing.assert_allclose(dense(objective.hessian(theta + 0.5)), want, rtol=1e-7)


def test_data_are_read_once_with_sufficient_statistics():
    class Counting(Gamma):
        passes = 0

        def statistics(self, y):
            if not isinstance(y, tuple):
                type(self).passes += len(y)
            return super().statistics(y)

    y = RNG.gamma(2.0, 3.0, 40_000)
    objective = likelihood(Counting(), y, origin=np.zeros(2))
    for theta in np.linspace(0.0, 1.0, 5):
        objective.value_and_grad(np.full(2, theta))
        objective.hessian(np.full(2, theta))
    assert Counting.passes == 40_000


def test_evaluations_are_counted():
    objective = likelihood(Normal(), np.arange(5.0))
    for _ in range(3):
        objective.value_and_grad(np.zeros(2))
    assert objective.evaluations == 3


@pytest.mark.parametrize("name", ["constant", "no summary", "native", "conditional"])
def test_hessian_and_gradient_by_differences(name):
    from natfit.testing.problems import metric_problems

    objective, theta = metric_problems()[name]
    value, grad = objective.value_and_grad(theta)
    np.testing.assert_allclose(grad, gradient(objective.value, theta), rtol=1e-6, atol=1e-8)
    if name != "conditional":
        want = gradient(lambda t: objective.value_and_grad(t)[1], theta)
        np.testing.assert_allclose(dense(objective.hessian(theta)), want, rtol=1e-6, atol=1e-8)


def test_scores_are_the_outer_products_of_the_rows():
    y, weight = RNG.standard_t(4.0, 50), WEIGHT[:50]
    objective = likelihood(StudentT(), y, weight=weight)
    theta = np.array([0.1, 0.2, 0.4])
    family = StudentT()
    each = np.stack([gradient(lambda e: family.log_prob(y, e[None]), theta)])[0]
    want = (each * weight[:, None]).T @ each / weight.sum()
    np.testing.assert_allclose(dense(objective.scores(theta)), want, rtol=1e-6, atol=1e-9)


def test_conditional_scores_and_kl_do_not_depend_on_chunks():
    objective, theta = regression()
    other = theta + 0.1
    for call in (
        lambda f: dense(f.scores(theta)),
        lambda f: dense(f.fisher(theta)),
        lambda f: np.array([f.kl(theta, other), *f.value_and_grad(theta)[1]]),
    ):
        cut = in_chunks(objective, BLOCK)
        np.testing.assert_allclose(call(cut), call(objective), rtol=1e-11, atol=1e-13)


def test_conditional_kl_is_the_weighted_mean_over_rows():
    objective, theta = regression(300)
    a = objective.rows.X @ theta.reshape(2, 2)
    b = objective.rows.X @ (theta + 0.1).reshape(2, 2)
    ratio = a[:, 1] - b[:, 1]
    each = 0.5 * (np.expm1(2 * ratio) + ((a[:, 0] - b[:, 0]) / np.exp(b[:, 1])) ** 2) - ratio
    want = np.average(each, weights=objective.rows.weight)
    assert objective.kl(theta, theta + 0.1) == pytest.approx(want, rel=1e-11)


def test_information_is_exact_then_observed_then_none():
    y = RNG.normal(size=50)

    def log_prob(y, loc):
        return -0.5 * (y - loc) ** 2

    vague = from_log_prob(log_prob, {"loc": RealConstraint()})
    objective = likelihood(vague, y)
    # No support: the Hessian of the data stands in.
    np.testing.assert_allclose(dense(objective.information(np.zeros(1))), [[1.0]])
    assert np.isnan(objective.kl(np.zeros(1), np.ones(1)))
    objective = likelihood(Normal(), y)
    np.testing.assert_allclose(dense(objective.information(np.zeros(2))), np.diag([1.0, 2.0]))
    # Declared as normalised, it is not: quadrature says so, the Hessian serves.
    wrong = likelihood(from_log_prob(log_prob, {"loc": RealConstraint()}, support="real"), y)
    np.testing.assert_allclose(dense(wrong.information(np.zeros(1))), [[1.0]])
    assert np.isnan(wrong.kl(np.zeros(1), np.ones(1)))


def test_observed_information_of_a_conditional_model_is_refused():
    objective, theta = regression(50)
    with pytest.raises(ValueError, match="metric='exact'"):
        objective.hessian(theta)


@pytest.mark.parametrize(
    ("family", "index", "side", "text"),
    [
        (Normal(), 1, "lower", "scale -> 0"),
        (Poisson(), 0, "lower", r"rate -> 0 \(all counts are zero\)"),
        (Bernoulli(), 0, "upper", r"prob -> 1 \(all rows are 1\)"),
        (StudentT(), 2, "lower", r"df -> inf \(the normal distribution\)"),
        (StudentT(), 2, "upper", "df -> 0.05"),
    ],
)
def test_bounds_in_words(family, index, side, text):
    import re

    objective = likelihood(family, np.array([0.0, 1.0, 1.0]))
    assert re.fullmatch(text, objective.bound(index, side))


def test_native_coordinates_end_at_the_same_limits():
    """In native coordinates df itself has the upper limit, so that the sides are not swapped."""
    objective = likelihood(StudentT(), RNG.standard_normal(20), "native")
    assert objective.bound(2, "upper") == "df -> inf (the normal distribution)"


def test_overflow_gives_a_value_that_steps_reject():
    objective = likelihood(Normal(), np.arange(5.0))
    value, grad = objective.value_and_grad(np.array([0.0, -600.0]))
    assert not np.isfinite(value)
