"""The generalized Poisson: Consul's formula, branching, a search, the Poisson limit."""

import mpmath
import numpy as np
import pytest
from scipy import optimize, special, stats

from natfit.distributions import GeneralizedPoisson
from tests.cases import Case, counts, with_a_one
from tests.fits import fitted, log_uniform, native, total


def logpmf(x, mean, dispersion):
    theta = mean * (1.0 - dispersion)
    rate = theta + dispersion * x
    return np.log(theta) + (x - 1.0) * np.log(rate) - rate - special.gammaln(x + 1.0)


def draw(rng, n):
    mean, d = log_uniform(rng, 0.5, 300.0), rng.uniform(0.0, 0.9)
    return with_a_one(GeneralizedPoisson()._sample(rng, n, mean, d))


def search(x):
    """The mean is the mean of the rows: one scalar is left."""
    values, weights = np.unique(x, return_counts=True)

    def loss(d):
        return -weights @ logpmf(values, x.mean(), d) / len(x)

    found = optimize.minimize_scalar(
        loss, bounds=(0.0, 0.9999), method="bounded", options={"xatol": 1e-12}
    )
    return [{"mean": x.mean(), "dispersion": d} for d in (found.x, 0.0)]


def mle(y):
    """The root of the score in the dispersion, by scipy's root finder."""
    mean = y.mean()

    def score(d):
        x = mean + d * (y - mean)
        return np.mean((y - mean) * ((y - 1.0) / x - 1.0)) - 1.0 / (1.0 - d)

    return [mean, optimize.brentq(score, 1e-6, 0.99, xtol=1e-14)]


CASE = Case(
    data=np.random.default_rng(1).negative_binomial(2, 0.3, 200).astype(float),
    optimum=mle,
    draws=counts(draw, logpmf, search, off="mean"),
)


@pytest.mark.parametrize("dispersion", [1e-15, 0.3, 0.95])
@pytest.mark.parametrize("mean", [0.02, 3.0, 1e6])
def test_log_density_against_mpmath(mean, dispersion):
    family = GeneralizedPoisson()
    eta = family.eta(mean=mean, dispersion=dispersion)
    y = np.unique(np.round([0.0, 1.0, 2.0, mean, 1.2 * mean + 7.0, 4.0 * mean]))
    with mpmath.workdps(60):
        m, d = (mpmath.mpf(float(v)) for v in family.native_dict(eta).values())

        def log_p(k):
            x = m * (1 - d) + d * k
            head = mpmath.log(m * (1 - d)) + (k - 1) * mpmath.log(x)
            return float(head - x - mpmath.loggamma(k + 1))

        want = [log_p(mpmath.mpf(float(k))) for k in y]
    np.testing.assert_allclose(family.log_prob(y, eta[None]), want, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize(("mean", "d"), [(3.0, 0.4), (5e4, 0.9), (1e6, 1e-9)])
def test_expectations_and_tails_at_any_mean(mean, d):
    family = GeneralizedPoisson()
    eta = family.eta(mean=mean, dispersion=d)
    rule = family.expectation(eta)
    assert rule.weight @ rule.y == pytest.approx(mean, rel=1e-9)
    assert rule.weight @ (rule.y - mean) ** 2 == pytest.approx(mean / (1.0 - d) ** 2, rel=1e-8)
    sd = np.sqrt(mean) / (1.0 - d)
    y = np.floor(mean + sd * np.array([-1.0, 0.3, 3.0]))
    p = np.exp(logpmf(np.arange(mean + 40.0 * sd if mean < 1e5 else 1.0), mean, d))
    if mean < 1e5:
        want = [p[int(v) + 1 :].sum() for v in y]
        np.testing.assert_allclose(np.exp(family.log_sf(y, eta[None])), want, rtol=1e-8)
    else:
        want = special.gammaincc(y + 1.0, mean)
        np.testing.assert_allclose(np.exp(family.log_cdf(y, eta[None])), want, rtol=1e-5)


def test_underdispersed_counts_end_at_the_poisson():
    y = np.array([3.0, 4, 4, 5, 4, 3])
    model = fitted("generalized_poisson", y)
    assert model.status_ == "boundary"
    assert "the Poisson distribution" in model.message_
    assert native(model)["mean"] == pytest.approx(y.mean(), rel=1e-6)
    assert total(model, y) == pytest.approx(stats.poisson(y.mean()).logpmf(y).sum(), abs=1e-6)
