"""Successes and failures: scipy's binomial row by row, and statsmodels' regressions."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

import natfit
from natfit.distributions import Binomial, BinomialRows
from natfit.estimators.regression.regressor import NaturalRegressor
from natfit.rows import Memory
from tests.cases import Case


def rows():
    rng = np.random.default_rng(1)
    trials = 5 + np.arange(200) % 9
    successes = rng.binomial(trials, 0.3)
    return np.column_stack([successes, trials - successes]).astype(float)


CASE = Case(data=rows(), optimum=lambda y: [y[:, 0].sum() / y.sum()])


def test_the_density_of_a_row_is_the_binomials():
    y, eta = rows(), np.random.default_rng(2).normal(size=(200, 1))
    want = stats.binom.logpmf(y[:, 0], y.sum(axis=1), 1.0 / (1.0 + np.exp(-eta[:, 0])))
    np.testing.assert_allclose(BinomialRows().log_prob(y, eta), want, rtol=1e-11)


def test_binomial_without_trials_reads_them_from_two_columns():
    y = rows()
    assert isinstance(Binomial().bind(Memory(y)), BinomialRows)
    model = natfit.fit("binomial", y)
    assert float(model.params_["prob"]) == pytest.approx(y[:, 0].sum() / y.sum(), rel=1e-6)
    with pytest.raises(ValueError, match="must be the number of trials"):
        natfit.fit("binomial", y[:, 0])


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_regression_on_star98_is_statsmodels(link):
    """Rows have 15 to 2,000 trials."""
    data = sm.datasets.star98.load_pandas()
    y, X = np.asarray(data.endog, float), np.asarray(data.exog, float)[:, :8]
    made = {"logit": "Logit", "probit": "Probit", "cloglog": "CLogLog"}[link]
    family = sm.families.Binomial(getattr(sm.families.links, made)())
    want = sm.GLM(y, sm.add_constant(X), family=family).fit(tol=1e-12)
    model = NaturalRegressor("binomial", link=link, tol=1e-8).fit(X, y)
    assert model.status_ == "converged", model.message_
    assert model.n_iter_ <= 10
    assert model.loglik_ == pytest.approx(want.llf, abs=1e-7)
    np.testing.assert_allclose(
        [model.intercept_["prob"], *model.coef_["prob"]], want.params, rtol=1e-6
    )
    np.testing.assert_allclose(model.predict(X), want.predict(), rtol=1e-7)


def test_rows_of_no_trials_say_nothing():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 1)), rows()
    y[::7] = 0.0
    model = NaturalRegressor("binomial", tol=1e-8).fit(X, y)
    some = y.sum(axis=1) > 0
    again = NaturalRegressor("binomial", tol=1e-8).fit(X[some], y[some])
    np.testing.assert_allclose(model.coef_["prob"], again.coef_["prob"], rtol=1e-6)
