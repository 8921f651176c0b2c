"""Tails of densities without a distribution function, against scipy's."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.special import gammaln
from scipy import stats

from natfit.distributions import Positive, Real, from_log_prob
from natfit.distributions.contract.cumulative import Cumulative


def normal(y, loc, scale):
    return -0.5 * ((y - loc) / scale) ** 2 - anp.log(scale) - 0.5 * np.log(2.0 * np.pi)


def laplace(y, loc, scale):
    return -anp.abs(y - loc) / scale - anp.log(2.0 * scale)


def cauchy(y, loc, scale):
    return -anp.log1p(((y - loc) / scale) ** 2) - anp.log(np.pi * scale)


def gamma(y, a, scale):
    return (a - 1.0) * anp.log(y / scale) - y / scale - gammaln(a) - anp.log(scale)


def beta(y, a, b):
    constant = gammaln(a + b) - gammaln(a) - gammaln(b)
    return (a - 1.0) * anp.log(y) + (b - 1.0) * anp.log1p(-y) + constant


def poisson(y, rate):
    return y * anp.log(rate) - rate - gammaln(y + 1.0)


LINE = {"loc": Real(), "scale": Positive()}
CASES = {
    "normal": (normal, LINE, "real", {"loc": 1.0, "scale": 2.0}, stats.norm(1, 2), 1e-12),
    # Of rows a million standard deviations from zero the density itself has nine digits.
    "far": (normal, LINE, "real", {"loc": 1e6, "scale": 2.0}, stats.norm(1e6, 2), 1e-9),
    "kink": (laplace, LINE, "real", {"loc": 1.3, "scale": 2.0}, stats.laplace(1.3, 2), 1e-12),
    "heavy": (cauchy, LINE, "real", {"loc": 0.0, "scale": 2e-9}, stats.cauchy(0, 2e-9), 1e-12),
    "pole": (
        gamma,
        {"a": Positive(), "scale": Positive()},
        "positive",
        {"a": 0.1, "scale": 2e9},
        stats.gamma(0.1, scale=2e9),
        1e-12,
    ),
    "narrow": (
        gamma,
        {"a": Positive(), "scale": Positive()},
        "positive",
        {"a": 1e5, "scale": 1.0},
        stats.gamma(1e5),
        1e-9,
    ),
    "interval": (
        beta,
        {"a": Positive(), "b": Positive()},
        "unit",
        {"a": 0.1, "b": 30.0},
        stats.beta(0.1, 30),
        1e-11,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_both_tails_are_scipys(case):
    log_prob, params, support, values, known, rtol = CASES[case]
    family = from_log_prob(log_prob, params, support=support)
    tails = Cumulative(family, family.eta(**values)[None])
    p = np.array([1e-200, 1e-100, 1e-12, 1e-3, 0.3, 0.5, 0.9, 1.0 - 1e-9])
    with np.errstate(all="ignore"):
        lower, upper = known.ppf(p), known.isf(p)
    # The formulas of these densities overflow beyond 1e150.
    lower = lower[(np.abs(lower) < 1e150) & (np.abs(lower) > 1e-290)]
    upper = upper[np.abs(upper) < 1e150]
    if case == "interval":
        upper = upper[upper < 1.0 - 1e-6]
    for y in (lower, upper):
        for mine, theirs in ((tails.log_cdf, known.logcdf), (tails.log_sf, known.logsf)):
            with np.errstate(all="ignore"):
                want = theirs(y)
            # scipy's own logarithms end where its probabilities do.
            kept = np.isfinite(want) & (want < 0.0)
            np.testing.assert_allclose(mine(y)[kept], want[kept], rtol=rtol)
    outside = np.array([-np.inf, np.inf])
    np.testing.assert_array_equal(tails.log_cdf(outside), [-np.inf, 0.0])
    np.testing.assert_array_equal(tails.log_sf(outside), [0.0, -np.inf])


@pytest.mark.parametrize("case", ["normal", "kink", "pole", "narrow", "interval"])
def test_expectations_are_scipys(case):
    log_prob, params, support, values, known, rtol = CASES[case]
    family = from_log_prob(log_prob, params, support=support)
    rule = Cumulative(family, family.eta(**values)[None]).nodes()
    assert rule.weight.sum() == pytest.approx(1.0, abs=1e-9)
    assert rule.weight @ rule.y == pytest.approx(known.mean(), rel=10 * rtol)
    spread = rule.weight @ (rule.y - known.mean()) ** 2
    assert spread == pytest.approx(known.var(), rel=max(100 * rtol, 1e-10))


def test_whole_numbers_are_summed_from_both_sides():
    family = from_log_prob(poisson, {"rate": Positive()}, support="counts")
    tails = Cumulative(family, family.eta(rate=3.0)[None])
    y = np.array([-1.0, 0.0, 2.0, 2.5, 10.0, 30.0])
    known = stats.poisson(3.0)
    np.testing.assert_allclose(np.exp(tails.log_cdf(y)), known.cdf(y), rtol=1e-12)
    np.testing.assert_allclose(tails.log_sf(y[1:]), known.logsf(y[1:]), rtol=1e-9)
