"""Distribution functions and their complements against scipy, mpmath and sums."""

import numpy as np
import pytest

from natfit.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Cauchy,
    Exponential,
    Gamma,
    GeneralizedPareto,
    Geometric,
    Gev,
    Gumbel,
    Hurdle,
    Laplace,
    Logistic,
    NegativeBinomial,
    Normal,
    Poisson,
    SkewNormal,
    StudentT,
    ZeroInflated,
)

CDF = [
    (Beta(), {"a": 0.3, "b": 7.0}, [1e-200, 0.02, 0.9]),
    (Geometric(), {"prob": 0.2}, [0.0, 3.0, 90.0]),
    (Binomial(10), {"prob": 0.3}, [0.0, 3.0, 9.0]),
    (NegativeBinomial(), {"mean": 3.0, "n": 0.4}, [0.0, 3.0, 60.0]),
    (NegativeBinomial(), {"mean": 3.0, "n": 1e20}, [0.0, 3.0, 15.0]),
]


@pytest.mark.parametrize(("family", "values", "y"), CDF, ids=str)
def test_distribution_functions_against_scipy(family, values, y):
    frozen, y = family.counterpart(family.eta(**values)), np.array(y)
    np.testing.assert_allclose(family._log_cdf(y, *values.values()), frozen.logcdf(y), rtol=1e-8)
    np.testing.assert_allclose(family._log_sf(y, *values.values()), frozen.logsf(y), rtol=1e-8)


@pytest.mark.parametrize("family", [ZeroInflated(), Hurdle(), Hurdle("negative_binomial")])
def test_distribution_functions_sum_the_probabilities(family):
    """Of families that scipy lacks: by summing exp(log_prob), and both tails to one."""
    eta = 0.1 + np.arange(family.n_params) * 0.4
    y = np.arange(400.0)
    cumulated = np.cumsum(np.exp(family.log_prob(y, eta[None])))[:30]
    np.testing.assert_allclose(np.exp(family.log_cdf(y[:30], eta[None])), cumulated, rtol=1e-9)
    np.testing.assert_allclose(
        np.exp(family.log_sf(y[:30], eta[None])), 1.0 - cumulated, rtol=1e-6, atol=1e-12
    )
    ends = np.array([-1.0, np.inf])
    np.testing.assert_array_equal(family.log_cdf(ends, eta[None]), [-np.inf, 0.0])
    np.testing.assert_array_equal(family.log_sf(ends, eta[None]), [0.0, -np.inf])


@pytest.mark.parametrize(
    ("family", "native"),
    [
        (Gumbel(), {"loc": 1.0, "scale": 2.0}),
        (Gev(), {"loc": 1.0, "scale": 2.0, "shape": 0.2}),
        (Gev(), {"loc": 1.0, "scale": 2.0, "shape": -0.2}),
        (GeneralizedPareto(), {"scale": 2.0, "shape": 0.2}),
        (Logistic(), {"loc": 1.0, "scale": 2.0}),
        (Laplace(), {"loc": 1.0, "scale": 2.0}),
        (Cauchy(), {"loc": 1.0, "scale": 2.0}),
        (SkewNormal(), {"mean": 1.0, "sd": 2.0, "shape": 3.0}),
    ],
    ids=str,
)
def test_log_cdf_and_log_sf_against_scipy(family, native):
    eta = family.eta(**native)
    frozen = family.counterpart(eta)
    y = frozen.ppf([1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6])
    values = [np.full(1, v) for v in native.values()]
    np.testing.assert_allclose(family._log_cdf(y, *values), frozen.logcdf(y), rtol=1e-7)
    np.testing.assert_allclose(family._log_sf(y, *values), frozen.logsf(y), rtol=1e-7)


def test_far_tails_keep_their_digits():
    one = [np.zeros(1), np.ones(1)]
    far = np.array([-1e12, 1e12])
    np.testing.assert_allclose(Cauchy()._log_cdf(far[:1], *one), -np.log(np.pi * 1e12), rtol=1e-12)
    np.testing.assert_allclose(Cauchy()._log_sf(far[1:], *one), -np.log(np.pi * 1e12), rtol=1e-12)
    np.testing.assert_allclose(Gumbel()._log_sf(np.array([80.0]), *one), -80.0, rtol=1e-12)
    np.testing.assert_allclose(Logistic()._log_cdf(np.array([-700.0]), *one), -700.0)


INF = np.inf


@pytest.mark.parametrize(
    ("family", "eta"),
    [
        (Normal(), [1.0, 0.3]),
        (Gamma(), [0.5, 1.0]),
        (Exponential(), [0.4]),
        (Poisson(), [1.2]),
        (StudentT(), [1.0, 0.2, 0.3]),
        (Bernoulli(), [0.3]),
    ],
)
def test_distribution_functions_are_scipys(family, eta):
    eta = np.array(eta)
    frozen = family.counterpart(eta)
    y = np.array([-INF, -3.0, 0.0, 0.5, 1.0, 2.0, 7.0, 40.0, INF])
    np.testing.assert_allclose(np.exp(family.log_cdf(y, eta[None])), frozen.cdf(y), atol=1e-14)
    np.testing.assert_allclose(np.exp(family.log_sf(y, eta[None])), frozen.sf(y), atol=1e-14)
    with np.errstate(divide="ignore"):
        finite = frozen.sf(y) > 1e-300
        np.testing.assert_allclose(
            family.log_sf(y, eta[None])[finite], np.log(frozen.sf(y[finite])), rtol=1e-8, atol=1e-14
        )
