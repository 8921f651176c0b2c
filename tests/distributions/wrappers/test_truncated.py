"""Truncated families are conditional densities."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Truncated
from tests.cases import Case
from tests.oracles import polished

CASE = Case(
    data=np.abs(np.random.default_rng(4).normal(1.0, 2.0, 200)),
    optimum=lambda y: polished(lambda m, s: stats.truncnorm(-m / s, np.inf, m, s), y, [1.0, 2.0]),
)


@pytest.mark.parametrize("name", ["gamma", "normal", "poisson"])
def test_truncated_is_the_conditional_density(name):
    family = Truncated(name, 1.0, 6.0)
    eta = np.array([0.7, 0.4])[: family.n_params]
    frozen = family.inner.to_scipy(eta)
    y = np.array([1.0, 2.0, 3.0, 5.0, 6.0])
    log = frozen.logpmf(y) if name == "poisson" else frozen.logpdf(y)
    before = frozen.cdf(1.0 - (name == "poisson"))
    inside = frozen.cdf(6.0) - before
    np.testing.assert_allclose(family.log_density(y, eta[None]), log - np.log(inside), rtol=1e-10)
    np.testing.assert_allclose(
        np.exp(family.log_cdf(y, eta[None])), (frozen.cdf(y) - before) / inside, atol=1e-12
    )
    np.testing.assert_allclose(
        np.exp(family.log_sf(y, eta[None])), (frozen.cdf(6.0) - frozen.cdf(y)) / inside, atol=1e-12
    )
    assert family.log_density(np.array([0.5, 7.0]), eta[None]).tolist() == [-np.inf, -np.inf]
