import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.tools import eval_measures

import natfit
from natfit.distributions import MultivariateNormal
from natfit.inference import criteria

Y = np.random.default_rng(0).gamma(2.0, 3.0, 80)


@pytest.mark.parametrize(("loglik", "k", "n"), [(-123.4, 3, 50.0), (17.0, 1, 10.0)])
def test_they_are_those_of_statsmodels(loglik, k, n):
    assert criteria.aic(loglik, k) == pytest.approx(eval_measures.aic(loglik, n, k))
    assert criteria.aicc(loglik, k, n) == pytest.approx(eval_measures.aicc(loglik, n, k))
    assert criteria.bic(loglik, k, n) == pytest.approx(eval_measures.bic(loglik, n, k))


def test_few_rows_have_no_finite_correction():
    assert criteria.aicc(-10.0, 5, 6.0) == criteria.aicc(-10.0, 5, 3.0) == np.inf
    assert np.isfinite(criteria.aicc(-10.0, 5, 6.5))


def test_parameters_are_counted_over_columns_without_those_that_were_given():
    table = np.column_stack([Y, Y[::-1] + 1.0, Y**2])
    assert criteria.n_parameters(natfit.fit("gamma", table)._estimates()) == 6
    assert criteria.n_parameters(natfit.fit("gamma", Y, fixed={"scale": 3.0})._estimates()) == 1
    full = natfit.fit(MultivariateNormal("full"), table)
    assert criteria.n_parameters(full._estimates()) == 9
    with pytest.warns(match="boundary"):
        ends = natfit.fit("uniform", Y)
    assert criteria.n_parameters(ends._estimates()) == 2


def test_takeuchis_trace_of_a_normal_is_known():
    # For N(m, s^2) fitted to rows with kurtosis b the trace is 1 + (b - 1) / 2.
    model = natfit.fit("normal", Y)
    trace = 1.0 + (stats.kurtosis(Y, fisher=False) - 1.0) / 2.0
    found = criteria.tic(model.loglik_, model._estimates(Y))
    assert found == pytest.approx(2.0 * trace - 2.0 * model.loglik_, rel=1e-10)


def test_takeuchis_trace_is_that_of_the_sandwich_of_statsmodels():
    counts = np.random.default_rng(1).negative_binomial(2, 0.3, 200)
    weight = 1.0 + np.arange(200) % 3
    model = natfit.fit("poisson", counts, sample_weight=weight)
    repeated = np.repeat(counts, weight.astype(int))
    peer = sm.Poisson(repeated, np.ones(len(repeated)))
    plain, robust = (peer.fit(disp=0, cov_type=kind) for kind in ("nonrobust", "HC0"))
    trace = float(robust.cov_params()[0, 0] / plain.cov_params()[0, 0])
    found = criteria.tic(model.loglik_, model._estimates(counts, weight))
    assert found == pytest.approx(2.0 * trace - 2.0 * plain.llf, rel=1e-6)


def test_takeuchis_trace_is_near_the_number_of_parameters_of_the_truth():
    y = np.random.default_rng(2).gamma(2.0, 3.0, 20_000)
    model = natfit.fit("gamma", y)
    trace = 0.5 * criteria.tic(model.loglik_, model._estimates(y)) + model.loglik_
    assert trace == pytest.approx(2.0, abs=0.1)


def test_a_singular_information_has_an_infinite_criterion():
    def log_prob(y, first, second):
        return -0.5 * (y - first - second) ** 2 - 0.9189385332046727

    family = natfit.distributions.from_log_prob(
        log_prob,
        {"first": natfit.distributions.Real(), "second": natfit.distributions.Real()},
        support="real",
    )
    with pytest.warns(match="singular"):
        model = natfit.fit(family, Y)
    assert criteria.tic(model.loglik_, model._estimates(Y)) == np.inf


def test_takeuchis_criterion_needs_the_rows():
    model = natfit.fit("normal", Y)
    with pytest.raises(ValueError, match="pass X"):
        criteria.tic(model.loglik_, model._estimates())
