"""Intervals that invert a test, through the methods of a fit: closed forms and the dispatcher."""

import numpy as np
import pytest
from scipy import optimize, stats

import natfit
from tests.fits import fitted

Z = stats.norm.ppf(0.975)
WAITS = np.random.default_rng(0).exponential(3.0, 40)
MEAN = WAITS.mean()


def deviance(rate):
    """Twice the difference of the exponential log-likelihood to its maximum, less the quantile."""
    return 80 * (rate * MEAN - np.log(rate * MEAN) - 1.0) - Z**2


PROFILE = (
    optimize.brentq(deviance, 1e-3, 1 / MEAN, xtol=1e-14),
    optimize.brentq(deviance, 1 / MEAN, 9.0, xtol=1e-14),
)
# Rao's statistic is (1 - rate mean)^2 n.
SCORE = ((1 - Z / np.sqrt(40)) / MEAN, (1 + Z / np.sqrt(40)) / MEAN)


@pytest.mark.parametrize(("method", "want"), [("profile", PROFILE), ("score", SCORE)])
def test_rate_of_the_exponential(method, want):
    model = natfit.fit("exponential", WAITS)
    assert model.conf_int(method=method, X=WAITS)["rate"][0] == pytest.approx(want, rel=1e-6)
    # The test does not depend on what is made of the parameter.
    found = model.estimate(lambda d: 1.0 / d.params["rate"], method=method, X=WAITS)
    assert (1 / found.high, 1 / found.low) == pytest.approx(want, rel=1e-6)
    assert found.method == method
    found = model.estimate("sf", 2.0, method=method, X=WAITS)
    assert np.log([found.high, found.low]) / -2.0 == pytest.approx(want, rel=1e-6)
    found = model.estimate(lambda d: float(d.sf(2.0)), method=method, X=WAITS)
    assert np.log([found.high, found.low]) / -2.0 == pytest.approx(want, rel=1e-6)


def test_columns_and_known_parameters():
    X = np.column_stack([WAITS, WAITS**2])
    model = natfit.fit("weibull", X, fixed={"shape": [1.0, 0.5]})
    found = model.conf_int(method="profile", X=X)
    np.testing.assert_array_equal(found["shape"], [[1.0, 1.0], [0.5, 0.5]])
    # The square of an exponential variable is a Weibull one of shape one half.
    scale = 1.0 / np.array(PROFILE)[::-1]
    np.testing.assert_allclose(found["scale"], [scale, scale**2], rtol=1e-6)
    # By name each column is a problem of its own.
    found = model.estimate("ppf", [0.25, 0.5], method="profile", X=X)
    share = -np.log([0.75, 0.5])[:, None]
    np.testing.assert_allclose(found.interval[:, 0], share * scale, rtol=1e-6)
    np.testing.assert_allclose(found.interval[:, 1], (share * scale) ** 2, rtol=1e-6)
    found = model.estimate("scale", method="profile", X=X)
    np.testing.assert_allclose(found.interval, [scale, scale**2], rtol=1e-6)
    with pytest.raises(ValueError, match="is for one column of data"):
        model.estimate(lambda d: d.mean(), method="profile", X=X)


def test_every_entry_of_a_matrix():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 2)) @ np.array([[2.0, 0.5], [0.0, 1.0]])
    model = natfit.NaturalGaussianMLE().fit(X)
    found = model.conf_int(method="profile", X=X)
    np.testing.assert_array_equal(found["covariance"][0, 1], found["covariance"][1, 0])
    # n log(1 + t^2 / (n - 1)) of Hotelling's statistic for one mean, the others free.
    sd = X.std(axis=0)
    half = sd * np.sqrt(np.expm1(Z**2 / 80))
    want = np.stack([X.mean(axis=0) - half, X.mean(axis=0) + half], axis=-1)
    np.testing.assert_allclose(found["loc"], want, rtol=1e-5, atol=1e-6)
    # That of a variance: n (s / v - log(s / v) - 1).
    for j in (0, 1):
        s = X[:, j].var()

        def gap(v, s=s):
            return 80 * (s / v - np.log(s / v) - 1) - Z**2

        want = [optimize.brentq(gap, s / 9, s), optimize.brentq(gap, s, 9 * s)]
        np.testing.assert_allclose(found["covariance"][j, j], want, rtol=1e-5)


def test_limits_that_are_not_excluded():
    x = np.random.default_rng(0).binomial(20, 0.3, 60).astype(float)
    model = fitted("negative_binomial", x)
    low, high = model.conf_int(method="profile", X=x)["n"][0]
    # Poisson counts are the limit n -> inf, at which the likelihood is highest.
    assert 1.0 < low < 1e4
    assert high == np.inf
    mean, n = x.mean(), low

    def gap():
        size = stats.nbinom(n, n / (n + mean)).logpmf(x).sum()
        return 2 * (stats.poisson(mean).logpmf(x).sum() - size)

    assert gap() == pytest.approx(Z**2, rel=1e-4)
    model = fitted(natfit.distributions.ZeroInflated("poisson"), x)
    low, high = model.conf_int(method="profile", X=x)["zero_prob"][0]
    assert low == 0.0
    assert 0.0 < high < 0.2


def test_survival_of_few_failures_among_many_units():
    # 5 failures among 505 units: the information of complete rows is a hundred times too large.
    time = np.array([200.0, 370.0, 460.0, 630.0, 640.0, *np.linspace(300.0, 900.0, 50)])
    event = np.arange(55) < 5
    weight = np.where(event, 1.0, 10.0)
    rows = natfit.Censored.right(time, event)
    model = natfit.fit("weibull", rows, sample_weight=weight, tol=1e-9)

    def height(shape, share):
        rate = -np.log(share) / 2_000.0**shape
        events = np.log(shape * rate) + (shape - 1.0) * np.log(time)
        return weight @ (event * events - rate * time**shape)

    def highest(share):
        options = {"bounds": (0.05, 20.0), "method": "bounded", "options": {"xatol": 1e-11}}
        return -optimize.minimize_scalar(lambda k: -height(k, share), **options).fun

    found = model.estimate("sf", 2_000.0, method="profile", X=rows, sample_weight=weight)
    top = highest(found.value)
    for end in (found.low, found.high):
        assert 0.0 < end < 1.0
        assert 2.0 * (top - highest(end)) == pytest.approx(Z**2, rel=1e-5)


def test_quantiles_of_counts_are_refused():
    x = np.random.default_rng(2).poisson(4.0, 50)
    model = natfit.fit("poisson", x)
    with pytest.raises(ValueError, match="moves in steps"):
        model.estimate("ppf", 0.5, method="profile", X=x)
