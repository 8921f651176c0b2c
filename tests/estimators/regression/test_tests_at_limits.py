"""Hypotheses on fits in which a parameter rests at a limit that it leaves without a feature."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from natfit import NaturalRegressor
from natfit.distributions import ZeroInflated
from natfit.inference import affine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(3)
N = 300
X = RNG.normal(size=(N, 2))
# Less dispersed than Poisson given x0, more without it.
COUNTS = np.floor(RNG.uniform(size=N) + np.exp(0.2 + 0.9 * X[:, 0]))
# Lighter tails than the normal given x0, heavy ones without it.
RARE = np.column_stack([8.0 * (RNG.random(N) < 0.05) + 0.1 * RNG.normal(size=N), X[:, 1]])
FLAT = 2.0 * RARE[:, 0] + RNG.uniform(-1.0, 1.0, N)

CASES = {
    "negative_binomial": ("negative_binomial", "mean", X, COUNTS),
    "generalized_poisson": ("generalized_poisson", "mean", X, COUNTS),
    "poisson_inverse_gaussian": ("poisson_inverse_gaussian", "mean", X, COUNTS),
    "zero_inflated": (ZeroInflated("poisson"), "rate", X, COUNTS),
    "student_t": ("student_t", "loc", RARE, FLAT),
}


@pytest.mark.parametrize("case", CASES)
def test_a_parameter_at_its_limit_is_free_under_the_hypothesis(case):
    family, place, x, y = CASES[case]
    fit = NaturalRegressor(family).fit(x, y)
    smaller = NaturalRegressor(family, features_for={place: [1]}).fit(x, y)
    assert (fit.status_.value, smaller.status_.value) == ("boundary", "converged")
    found = fit.likelihood_ratio_test("x0", X=x, y=y)
    assert found.statistic == pytest.approx(2.0 * (fit.loglik_ - smaller.loglik_), rel=1e-7)
    assert "rests at a limit" in str(found)
    if case == "poisson_inverse_gaussian":
        return  # Its expected information is a sum over counts for each row: a second a test.
    none = NaturalRegressor(family, features_for={place: []}).fit(x, y)
    both = fit.likelihood_ratio_test(["x0", "x1"], X=x, y=y)
    assert both.statistic == pytest.approx(2.0 * (fit.loglik_ - none.loglik_), rel=1e-7)
    score = fit.score_test("x0", X=x, y=y)
    own = smaller.score_test(f"{place}[x0]", X=x, y=y)
    assert score.statistic == pytest.approx(own.statistic, rel=1e-5)


def test_negative_binomial_at_poisson_agrees_with_statsmodels():
    fit = NaturalRegressor("negative_binomial").fit(X, COUNTS)
    found = fit.likelihood_ratio_test("x0", X=X, y=COUNTS)
    larger = sm.GLM(COUNTS, sm.add_constant(X), family=sm.families.Poisson()).fit()
    smaller = sm.NegativeBinomial(COUNTS, sm.add_constant(X[:, 1])).fit(disp=0)
    assert found.statistic == pytest.approx(2.0 * (larger.llf - smaller.llf), rel=1e-6)


def test_a_parameter_that_runs_to_its_limit_under_the_hypothesis_settles_there():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(-2.0, 2.0, N), rng.normal(size=N)])
    y = 0.9 * x[:, 0] + 0.3 * np.sinh(rng.normal(size=N) / 1.2)
    fit = NaturalRegressor("johnson_su").fit(x, y)
    smaller = NaturalRegressor("johnson_su", features_for={"median": [1]}).fit(x, y)
    assert (fit.status_.value, smaller.status_.value) == ("converged", "boundary")
    found = fit.likelihood_ratio_test("x0", X=x, y=y)
    assert found.statistic == pytest.approx(2.0 * (fit.loglik_ - smaller.loglik_), rel=1e-7)


def test_a_score_interval_ends_where_the_score_test_does_although_the_statistic_falls_beyond():
    fit = NaturalRegressor("student_t").fit(RARE, FLAT)
    quantile = stats.chi2.ppf(0.999, 1)
    ends = fit.conf_int(method="score", of="loc[x0]", level=0.999, X=RARE, y=FLAT)["loc[x0]"]
    for end in ends:
        found = fit.score_test({"x0": end}, X=RARE, y=FLAT)
        assert found.statistic == pytest.approx(quantile, rel=1e-6)
    # Beyond them df leaves its limit, and the statistic falls.
    assert fit.score_test({"x0": 2.5 * ends[1]}, X=RARE, y=FLAT).statistic < quantile


def test_a_fit_that_does_not_settle_names_the_parameter_and_the_way_out(monkeypatch):
    fit = NaturalRegressor("negative_binomial").fit(X, COUNTS)
    monkeypatch.setattr(affine, "_MOST", 1)
    with pytest.raises(ValueError, match=r"with n at a limit; fit the smaller model and pass it"):
        fit.likelihood_ratio_test("x0", X=X, y=COUNTS)
