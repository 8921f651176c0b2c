"""Tests of drift in batches of few rows, without drift."""

import numpy as np
import pytest
from scipy import stats

from natfit import Censored, NaturalRegressor


def weibull(rng, mean):
    time, limit = rng.weibull(1.5, len(mean)) * mean, rng.uniform(0.5, 2.5, len(mean))
    return Censored.right(np.minimum(time, limit), time <= limit)


def skewed(rng, mean):
    return np.log(mean) + stats.skewnorm.rvs(3, size=len(mean), random_state=rng)


DRAWS = {
    "negative_binomial": lambda rng, mean: rng.negative_binomial(3, 3 / (3 + mean)).astype(float),
    "skew_normal": skewed,
    "weibull": weibull,
}


@pytest.mark.parametrize("name", DRAWS)
def test_few_rows_are_no_drift_where_scores_tell_their_own_covariance(name):
    p = []
    for seed in range(8):
        rng, model = np.random.default_rng(seed), NaturalRegressor(name)
        for n in [1500] + [40] * 15:
            X = rng.normal(size=(n, 2))
            model.partial_fit(X, DRAWS[name](rng, np.exp(X @ [0.3, -0.2])))
        p.extend(model.drift_["p_value"])
    # A tenth and more of them are below without the rows of the past, a quarter in one family.
    assert np.mean(np.array(p) < 0.05) < 0.1
    assert 0.35 < np.median(p) < 0.65
