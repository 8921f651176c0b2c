"""Both tails of the families against scipy's, also where they are far below the smallest double."""

import numpy as np
import pytest
from scipy import stats

from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.testing.data import points

NAMES = [
    "birnbaum_saunders", "burr12", "chi2", "dagum", "exponentially_modified_normal",
    "generalized_gamma", "gompertz", "gumbel_min", "half_normal", "johnson_su", "log_logistic",
    "lomax", "maxwell", "nakagami", "pareto", "power_law", "rayleigh", "rice", "uniform",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_both_tails_are_scipys(name):
    family = resolve(name, Distribution).examples()[0]
    for eta in points(family, 2, seed=7):
        frozen = family.counterpart(eta)
        y = frozen.ppf([1e-9, 1e-4, 0.1, 0.5, 0.9, 1.0 - 1e-4])
        # scipy's own lower tail of exponnorm is a difference, and its quantiles are searched.
        np.testing.assert_allclose(
            family.log_cdf(y[1:], eta[None]), frozen.logcdf(y[1:]), rtol=1e-6, atol=1e-12
        )
        y = frozen.isf([1e-9, 1e-4, 0.1, 0.5, 0.9])
        np.testing.assert_allclose(
            family.log_sf(y, eta[None]), frozen.logsf(y), rtol=1e-6, atol=1e-9
        )


def test_tails_of_the_rice_distribution_below_the_smallest_double():
    family = resolve("rice", Distribution)
    eta = family.eta(rms=np.sqrt(2.0 + 100.0**2), shape=100.0)[None]
    # Far from zero a Rice variable is nearly normal(shape, 1); Q1 = erfc(...) sqrt(x / b) / 2.
    upper = family.log_sf(np.array([150.0]), eta)[0]
    assert upper == pytest.approx(stats.norm.logsf(50.0) + 0.5 * np.log(1.5), rel=1e-5)
    lower = family.log_cdf(np.array([50.0]), eta)[0]
    assert lower == pytest.approx(stats.norm.logsf(50.0) + 0.5 * np.log(0.5), rel=1e-5)
