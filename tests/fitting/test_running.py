"""The recursion of fits that go on: its quadratic, its tests and its merges."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats

from natfit.distributions import Logistic, Normal, Poisson
from natfit.fitting.drift import Test as ScoreTest
from natfit.fitting.drift import drift_table, score_test
from natfit.fitting.past import Past, Summary
from natfit.fitting.running import absorbed, merged
from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.rows import Memory


def objective(family, y):
    return Likelihood(family, Constant().bind(0, family), Memory(y))


def test_a_batch_moves_the_estimate_to_the_optimum_that_scipy_finds():
    y = np.random.default_rng(0).logistic(2.0, 1.5, 60)
    past = Past(np.array([1.0, 0.0]), np.array([[40.0, 3.0], [3.0, 20.0]]), 50.0, -70.0)

    def value(theta):
        gap = theta - past.theta
        log_prob = stats.logistic(theta[0], np.exp(theta[1])).logpdf(y).sum()
        return 0.5 * gap @ past.information @ gap - log_prob

    want = optimize.minimize(value, past.theta, method="BFGS", options={"gtol": 1e-8})
    found = absorbed(objective(Logistic(), y), past, past.theta)
    assert_allclose(found.past.theta, want.x, rtol=1e-6)
    assert found.distance < 1e-6 and found.active == ()
    assert_allclose(found.past.log_likelihood, -70.0 - want.fun, rtol=1e-9)
    assert found.past.total == 110.0


def test_without_a_past_it_is_the_fit():
    y = np.random.default_rng(1).normal(5.0, 2.0, 80)
    found = absorbed(objective(Normal(), y), None, np.zeros(2)).past
    assert_allclose(found.theta, [y.mean(), np.log(y.std())], rtol=1e-7)
    assert_allclose(found.information, np.diag([80 / y.var(), 160.0]), rtol=1e-6, atol=1e-6)


def test_the_score_test_allows_for_the_error_of_the_estimate():
    """Of two Poisson means, it is the square of their difference over its variance."""
    y = np.array([3.0, 5.0, 4.0, 7.0, 2.0])
    past = Past(np.array([np.log(3.0)]), np.array([[3.0 * 20.0]]), 20.0, 0.0)
    found = score_test(objective(Poisson(), y), past)
    s, info = y.sum() - 15.0, 15.0
    assert_allclose(found.statistic, s**2 / (info + info**2 / 60.0))
    assert found.df == 1
    assert_allclose(found.p_value, stats.chi2(1).sf(found.statistic))
    assert_allclose(found.nats, found.statistic / 2)


def test_directions_of_which_a_batch_tells_nothing_do_not_count():
    class OfOne:
        total, expects = 10.0, True

        def first_order(self, theta):
            return 0.0, np.array([0.3, 0.0])

        def score_covariance(self, theta):
            from natfit.linops import Dense

            return Dense(np.diag([2.0, 0.0]))

    past = Past(np.zeros(2), np.diag([50.0, 70.0]), 30.0, 0.0)
    found = score_test(OfOne(), past)
    assert found.df == 1
    assert_allclose(found.statistic, 9.0 / (20.0 + 400.0 / 50.0))


def test_merged_normal_means_are_weighted_by_their_information():
    one = Past(np.array([1.0]), np.array([[4.0]]), 4.0, -3.0)
    two = Past(np.array([3.0]), np.array([[12.0]]), 12.0, -9.0)
    moved, test = merged(one, two)
    past = moved.past
    assert_allclose(past.theta, [2.5])
    assert_allclose(test.statistic, 4.0 / (1 / 4.0 + 1 / 12.0))
    assert past.total == 16.0
    assert_allclose(past.log_likelihood, -12.0 - test.nats)


def test_forgetting_leaves_a_share():
    past = Past(np.array([1.0]), np.array([[4.0]]), 8.0, -3.0)
    assert past.forgotten(1.0) is past
    left = past.forgotten(0.25)
    assert (left.information[0, 0], left.total, left.log_likelihood) == (1.0, 2.0, -0.75)
    assert left.left == 0.25


def test_summaries_that_forget():
    y = np.array([1.0, 2.0, 4.0, 9.0])
    parts = [Summary(Normal().sufficient(Memory(p)), 2.0) for p in (y[:2], y[2:])]
    found = parts[0].forgotten(0.5).joined(Normal(), parts[1])
    weight = np.array([0.5, 0.5, 1.0, 1.0])
    mean = np.average(y, weights=weight)
    assert found.total == 3.0
    assert_allclose(found.values[0], mean)
    assert_allclose(found.values[1], np.average((y - mean) ** 2, weights=weight))


def test_a_batch_without_a_finite_likelihood_is_refused():
    past = Past(np.array([0.0, -800.0]), np.eye(2), 1.0, 0.0)
    with pytest.raises(ValueError, match="finite likelihood at the estimate so far"):
        absorbed(objective(Normal(), np.array([1.0, 2.0])), past, past.theta)


def test_the_table_of_drift():
    table = drift_table([(2, 10.0, ScoreTest(3.0, 2)), (3, 11.0, ScoreTest(np.nan, 0))])
    assert list(table) == ["batch", "n", "statistic", "df", "p_value", "nats"]
    # A batch whose statistic does not exist has no row.
    assert table["batch"].tolist() == [2] and np.isfinite(table["p_value"]).all()
    assert "p_value" in str(table)
    assert drift_table([]).n_rows == 0
