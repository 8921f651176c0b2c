"""Expectations by quadrature and enumeration against closed forms."""

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special

from natfit.distributions import (
    Binomial,
    Gamma,
    Geometric,
    Hurdle,
    JohnsonSU,
    Normal,
    Poisson,
    StudentT,
    ZeroInflated,
)
from natfit.distributions.contract.expectation import Expectation


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("loc", [0.0, -3.0, 40.0])
def test_normal_moments(loc, scale):
    family = Normal()
    rule = family.expectation(family.eta(loc=loc, scale=scale))
    assert rule.weight.sum() == pytest.approx(1.0, abs=1e-12)
    assert rule.weight @ (rule.y - loc) == pytest.approx(0.0, abs=1e-7 * scale)
    assert rule.weight @ (rule.y - loc) ** 2 == pytest.approx(scale**2, rel=1e-6)


@pytest.mark.parametrize("shape", [0.05, 1.0, 300.0, 1e5])
def test_gamma_moments(shape):
    family = Gamma()
    rule = family.expectation(family.eta(shape=shape, scale=2.0))
    assert rule.weight @ rule.y == pytest.approx(2.0 * shape, rel=1e-7)
    want = special.psi(shape) + np.log(2.0)
    assert rule.weight @ np.log(rule.y) == pytest.approx(want, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("df", [0.3, 1.0, 30.0])
def test_heavy_tails(df):
    family = StudentT()
    rule = family.expectation(family.eta(loc=5.0, scale=0.1, df=df))
    # Against the mean over scipy quantiles.
    from scipy.stats import t

    z = (rule.y - 5.0) / 0.1
    smooth = rule.weight @ (1.0 / (1.0 + z**2))
    grid = np.linspace(0.0, 1.0, 200_002)[1:-1]
    assert smooth == pytest.approx(np.mean(1.0 / (1.0 + t(df).ppf(grid) ** 2)), abs=1e-5)


def test_enumeration_reaches_large_rates():
    family = Poisson()
    for rate in (1e-8, 3.0, 5e4):
        rule = family.expectation(family.eta(rate=rate))
        assert rule.weight @ rule.y == pytest.approx(rate, rel=1e-9)


class Cut(JohnsonSU):
    """Expectations over values below a parameter alone, and how often one was asked for."""

    asked = 0

    def __init__(self, end=np.inf):
        self.end = end

    def expectation(self, eta):
        Cut.asked += 1
        rule = super().expectation(eta)
        return Expectation(rule.y[rule.y < self.end], rule.weight[rule.y < self.end])


def test_information_and_divergences_from_one_point_share_a_rule():
    """A rule is kept for the same family with the same parameters at the same eta alone."""
    family, eta, before = Cut(), np.full((1, 4), 0.3), Cut.asked
    fisher, divergence = family.fisher(eta), family.kl(eta, eta + 0.1)
    assert Cut.asked == before + 1
    family.kl(eta + 0.1, eta)
    Cut().kl(eta + 0.1, eta)
    assert Cut.asked == before + 3
    assert_allclose(family.fisher(eta), fisher, rtol=1e-14)
    assert_allclose(family.kl(eta, eta + 0.1), divergence, rtol=1e-14)
    family.set_params(end=0.0)
    assert_allclose(family.kl(eta, eta + 0.1), Cut(0.0).kl(eta, eta + 0.1), rtol=1e-14)
    assert abs(family.kl(eta, eta + 0.1) - divergence) > 1e-4


#: Families whose mass lies far out, or in two places, with their mean and variance.
FAR = [
    (Poisson(), {"rate": 5e6}, 5e6, 5e6),
    (Binomial(10**8), {"prob": 0.3}, 3e7, 2.1e7),
    (Binomial(10**8), {"prob": 1e-8}, 1.0, 1.0 - 1e-8),
    (Geometric(), {"prob": 1e-5}, 99_999.0, 99_999.0e5),
    # Most of the probability is at zero, and the rest far from it.
    (ZeroInflated("poisson"), {"zero_prob": 0.9, "rate": 1e4}, 1e3, 1e3 + 0.09 * 1e8),
    (ZeroInflated("poisson"), {"zero_prob": 0.9, "rate": 5e6}, 5e5, 5e5 + 0.09 * 25e12),
    (ZeroInflated("poisson"), {"zero_prob": 0.9, "rate": 1e8}, 1e7, 1e7 + 0.09 * 1e16),
    (Hurdle("poisson"), {"zero_prob": 0.6, "rate": 3e5}, 1.2e5, 1.2e5 + 0.24 * 9e10),
]


@pytest.mark.parametrize(("family", "values", "mean", "variance"), FAR, ids=lambda v: repr(v)[:50])
def test_counts_far_out_are_found(family, values, mean, variance):
    started = time.process_time()
    rule = family.expectation(family.eta(**values))
    assert time.process_time() - started < 5.0
    found = rule.weight @ rule.y
    assert_allclose(found, mean, rtol=1e-10)
    assert_allclose(rule.weight @ (rule.y - found) ** 2, variance, rtol=1e-6)


def test_a_spike_between_the_numbers_that_are_asked_is_found():
    """Half of the probability on one number far out: the total shows that it was missed."""

    class Spike(Poisson):
        def log_prob(self, y, eta):
            spread = np.log(0.5) + super().log_prob(y, eta)
            return np.where(y == 1_000_003.0, np.logaddexp(np.log(0.5), spread), spread)

    family = Spike()
    rule = family.expectation(family.eta(rate=1e6))
    assert_allclose(rule.weight[rule.y == 1_000_003.0].sum(), 0.5, atol=1e-3)
