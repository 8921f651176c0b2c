"""Profile and score intervals of a conditional model, in which each row has its own eta."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Normal, Poisson
from natfit.inference import Estimate, information
from natfit.inference.profile import profile_interval
from natfit.inference.score_interval import score_interval
from natfit.models import Linear
from natfit.objectives import Likelihood
from natfit.rows import Memory

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
COUNTS = RNG.poisson(np.exp(0.5 + X @ [0.3, -0.2])).astype(float)
Q95 = stats.chi2.ppf(0.95, 1)


def estimate(family, y, constant=()):
    """The optimum by Newton's method with the expected information."""
    objective = Likelihood(family, Linear().bind(2, family, constant), Memory(y, X))
    theta = np.zeros(objective.n_params)
    for _ in range(30):
        _, grad = objective.value_and_grad(theta)
        theta = theta - np.linalg.solve(objective.fisher(theta).dense(), grad)
    found = information(objective, theta)
    return Estimate(family, theta, found, (), objective.total, None, objective)


def interval(function, own, k):
    unit = np.eye(len(own.theta))[k]
    return function(own, lambda theta: theta[k], lambda theta: unit, 0.95)


@pytest.mark.parametrize("k", [0, 1])
def test_a_poisson_regression_against_statsmodels(k):
    import statsmodels.api as sm

    other = sm.add_constant(X[:, [1 - k]])

    def restricted(c):
        model = sm.GLM(COUNTS, other, family=sm.families.Poisson(), offset=c * X[:, k])
        return model.fit(tol=1e-14)

    own = estimate(Poisson(), COUNTS)
    best = sm.GLM(COUNTS, sm.add_constant(X), family=sm.families.Poisson()).fit(tol=1e-14)
    found = interval(profile_interval, own, k)
    assert found.n_iter <= 25
    for end in (found.low, found.high):
        assert 2.0 * (best.llf - restricted(end).llf) == pytest.approx(Q95, abs=1e-5)
    found = interval(score_interval, own, k)
    for end in (found.low, found.high):
        fit = restricted(end)
        statistic, _, _ = fit.model.score_test(fit.params, exog_extra=X[:, [k]])
        assert float(np.squeeze(statistic)) == pytest.approx(Q95, abs=1e-5)


def test_a_linear_regression_in_closed_form():
    # The deviance of one coefficient is n log(1 + t^2 / n), with the scale at its best.
    y = X @ [1.0, -0.5] + RNG.normal(size=80)
    own = estimate(Normal(), y, ("scale",))
    found = interval(profile_interval, own, 0)
    design = np.column_stack([X, np.ones(80)])
    beta, rss, *_ = np.linalg.lstsq(design, y, rcond=None)
    error = np.sqrt(rss[0] / 80 * np.linalg.inv(design.T @ design)[0, 0])
    half = error * np.sqrt(80 * np.expm1(Q95 / 80))
    assert (found.low, found.high) == pytest.approx((beta[0] - half, beta[0] + half), abs=1e-6)
