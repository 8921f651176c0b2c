"""The exponentially modified normal near and at its limit, the exponential from a row on."""

import numpy as np
import pytest
from mpmath import erfc, exp, log, mp, mpf, sqrt
from scipy import integrate, stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import ExponentiallyModifiedNormal
from tests.fits import fitted, native, total

FAMILY = ExponentiallyModifiedNormal()

#: Nats per row by which the largest shape is below the exponential.
COST = 6e-6


@pytest.mark.parametrize("shape", [0.5, 30.0, 1e3, 1e5])
def test_the_information_of_the_mean_resolves_the_step(shape):
    """In x = (y - loc) / scale the density has shape p' = phi - p."""
    law = stats.exponnorm(shape)

    def square(x):
        return (stats.norm.pdf(x) / law.pdf(x) - 1.0) ** 2 * law.pdf(x) / shape**2

    # Beyond 12 the slope is -1 / shape alone.
    right = integrate.quad(square, -12.0, 0.0)[0] + integrate.quad(square, 0.0, 12.0)[0]
    right += law.sf(12.0) / shape**2
    eta = FAMILY.eta(mean=1e4, sd=2.0, shape=shape)
    found = FAMILY.fisher(eta[None])[0, 0, 0]
    assert found == pytest.approx(right * (1.0 + shape**2) / 4.0, rel=1e-7)


@pytest.mark.parametrize("shape", [0.3, 3.0, 1e3, 1e6])
def test_the_distribution_function_of_a_steep_density_keeps_its_digits(shape):
    def normal(t):
        return erfc(-t / sqrt(2)) / 2

    x = np.array([-6.0, 0.5, 4.9, 5.1, 12.0, 0.1 * shape, 0.4 * shape, 5.0 * shape])
    with mp.workdps(40):
        r = 1 / mpf(shape)
        right = [
            float(log(normal(v) - exp(r * r / 2 - r * v) * normal(v - r))) for v in map(mpf, x)
        ]
    eta = FAMILY.eta(mean=shape, sd=np.hypot(1.0, shape), shape=shape)
    np.testing.assert_allclose(FAMILY.log_cdf(x, eta[None]), right, rtol=1e-8, atol=1e-12)


def _is_exponential(model, y, right, rows=None):
    """Whether the fit ended at the limit, and with its likelihood."""
    assert model.status_ == "boundary"
    assert "the exponential distribution from the smallest row on" in model.message_
    value = total(model, y) if rows is None else model.score_samples(rows).sum()
    assert right - COST * len(y) < value < right


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("sd", None, 0.4), ("mean", 1.3, None)],
)
def test_a_limited_or_known_moment_leads_to_the_exponential_that_has_it(name, low, high):
    y = np.random.default_rng(0).exponential(size=30)
    moment = low if high is None else high
    scale = moment - y.min() if name == "mean" else moment
    right = stats.expon.logpdf(y, y.min(), scale).sum()
    family = "exponentially_modified_normal"
    _is_exponential(fitted(family, y, bounds={name: (low, high)}), y, right)
    _is_exponential(fitted(family, y, fixed={name: moment}), y, right)


def test_equal_rows_lead_to_the_exponential_of_the_smallest_sd():
    y = np.full(5, 0.3)
    model = fitted("exponentially_modified_normal", y, bounds={"sd": (0.05, None)})
    assert native(model)["sd"] == pytest.approx(0.05, rel=1e-12)
    _is_exponential(model, y, -5.0 * np.log(0.05))


def test_censored_rows_keep_the_exponential_limit():
    y = np.random.default_rng(1).exponential(size=30)
    cuts = np.array([0.3, 0.3, 1.0, 1.0])
    rows = natfit.Censored.interval(np.r_[y, cuts], np.r_[y, np.full(4, np.inf)])
    beyond = np.maximum(cuts - y.min(), 0.0).sum()
    scale = ((y - y.min()).sum() + beyond) / len(y)
    right = stats.expon.logpdf(y, y.min(), scale).sum() - beyond / scale
    with pytest.warns(ConvergenceWarning, match="boundary"):
        model = natfit.fit("exponentially_modified_normal", rows)
    _is_exponential(model, y, right, rows)
