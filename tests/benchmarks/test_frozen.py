"""Quantiles of a million probabilities against scipy's, in the same run."""

import numpy as np
import pytest
from measure import interleave, once
from scipy import stats

from natfit._component import component_class
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.testing.data import points

#: Families whose counterpart in scipy has a formula or a compiled search of its own.
NAMES = (
    *("normal", "gamma", "beta", "weibull", "lognormal", "exponential", "student_t", "gev"),
    *("gumbel", "laplace", "logistic", "cauchy", "burr12", "inverse_gamma", "chi2", "lomax"),
    *("nakagami", "birnbaum_saunders", "gompertz", "half_normal", "johnson_su", "dagum"),
    *("log_logistic", "rayleigh", "exponentiated_weibull", "generalized_pareto"),
    *("poisson", "binomial", "negative_binomial", "geometric"),
)


@pytest.mark.parametrize("name", NAMES)
def test_quantiles_cost_at_most_three_times_scipys(name):
    family = component_class(name, Distribution).examples()[0]
    eta = points(family)[1]
    mine, theirs = Frozen(family, eta[None]), family.counterpart(eta)
    p = np.random.default_rng(0).uniform(size=10**6)
    times = interleave(4, ours=lambda: mine.ppf(p), peer=lambda: theirs.ppf(p))
    # The shortest of each: whatever else the machine does makes a call longer.
    ours, peer = min(times["ours"]), min(times["peer"])
    print(f"{name:24s} ppf of 1e6: {ours:.3f} s, scipy {peer:.3f} s, ratio {ours / peer:.2f}")
    assert ours < 3.0 * peer
    close = np.abs(mine.ppf(p) / theirs.ppf(p) - 1.0) < 1e-6
    assert np.mean(close | (theirs.ppf(p) == 0.0)) > 0.9999


def test_searched_quantiles_are_faster_than_scipys():
    """scipy searches one root after another; here all are searched together."""
    theirs = stats.exponnorm(1.5)
    family = component_class("exponentially_modified_normal", Distribution)()
    mine = Frozen(family, points(family)[1][None])
    p = np.random.default_rng(0).uniform(size=2000)
    ours, peer = once(lambda: mine.ppf(p)), once(lambda: theirs.ppf(p))
    print(f"exponentially modified normal, 2,000 quantiles: ratio {ours / peer:.4f}")
    assert ours < 0.2 * peer
