"""The Conway-Maxwell-Poisson: its definition in mpmath, a search, three limits with names."""

import mpmath
import numpy as np
import pytest
from scipy import optimize, special, stats

from natfit.distributions import ConwayMaxwellPoisson
from tests.cases import Case, counts, with_a_one
from tests.fits import fitted, log_uniform, native, total

FAMILY = ConwayMaxwellPoisson()
NUMBERS = np.arange(3_000.0)
LOG_FACTORIAL = special.gammaln(NUMBERS + 1.0)


def table(log_lambda, nu):
    """Log-probabilities of 0 to 2999."""
    log = NUMBERS * log_lambda - nu * LOG_FACTORIAL
    return log - special.logsumexp(log)


def log_lambda(mean, nu):
    """The root of E[y] = mean, between the bounds of the geometric and of Jensen."""
    low, high = -np.log1p(1.0 / mean) - 1e-9, nu * np.log1p(mean)
    if nu > 1.0:
        low = min(np.log(mean), nu * np.log(mean)) - 1e-9
    return optimize.brentq(
        lambda t: np.exp(table(t, nu)) @ NUMBERS - mean, low, max(high, low + 1e-6), xtol=1e-15
    )


def logpmf(x, mean, nu):
    return table(log_lambda(mean, nu), nu)[x.astype(int)]


def draw(rng, n):
    eta = FAMILY.eta(mean=log_uniform(rng, 0.5, 60.0), nu=log_uniform(rng, 0.1, 8.0))
    return with_a_one(FAMILY.sample(eta[None], rng, n))


def at_mean(y):
    """The estimate of the mean is the mean of the rows: nu is left, by a scalar search."""
    values, weights = np.unique(y, return_counts=True)

    def loss(log_nu):
        return -weights @ logpmf(values, y.mean(), np.exp(log_nu)) / len(y)

    found = optimize.minimize_scalar(
        loss, bounds=(np.log(1e-3), np.log(30.0)), method="bounded", options={"xatol": 1e-11}
    )
    return [y.mean(), float(np.exp(found.x))]


def search(x):
    return [dict(zip(("mean", "nu"), at_mean(x), strict=True))]


CASE = Case(
    data=np.random.default_rng(1).binomial(12, 0.4, 200).astype(float),
    optimum=at_mean,
    draws=counts(draw, logpmf, search, off="mean"),
)


def exactly(mean, nu, last):
    """log lambda, and numbers with their log-probabilities, in 40 digits; by mpmath's root."""
    nu, numbers = mpmath.mpf(nu), range(int(last))
    factorials = [mpmath.loggamma(k + 1) for k in numbers]

    def log_p(t):
        log = [k * t - nu * f for k, f in zip(numbers, factorials, strict=True)]
        top = max(log)
        norm = top + mpmath.log(mpmath.fsum(mpmath.exp(v - top) for v in log))
        return [v - norm for v in log]

    t = mpmath.mpf(float(FAMILY.log_lambda(FAMILY.eta(mean=mean, nu=nu)[None])[0]))
    for _ in range(3):
        p = [mpmath.exp(v) for v in log_p(t)]
        m = mpmath.fsum(k * q for k, q in zip(numbers, p, strict=True))
        t -= (m - mean) / mpmath.fsum((k - m) ** 2 * q for k, q in zip(numbers, p, strict=True))
    return factorials, log_p(t)


@pytest.mark.parametrize(
    ("mean", "nu", "last"),
    [
        (1e-5, 0.3, 12),
        (0.02, 2.7, 12),
        (0.5, 1e-3, 120),
        (1.0, 30.0, 12),
        (3.0, 0.05, 180),
        (4.5, 0.6, 80),
        (37.3, 300.0, 60),
        (40.0, 11.0, 70),
        (120.0, 4.5, 190),
    ],
)
def test_density_and_derivatives_against_mpmath(mean, nu, last):
    with mpmath.workdps(40):
        factorials, log_p = exactly(mean, nu, last)
        numbers, p = range(last), [mpmath.exp(v) for v in log_p]

        def expect(*values):
            return mpmath.fsum(q * mpmath.fprod(v) for q, *v in zip(p, *values, strict=True))

        u, level = [k - mpmath.mpf(mean) for k in numbers], expect(factorials)
        variance = expect(u, u)
        slope = expect(factorials, u) / variance
        r = [level - f + slope * v for f, v in zip(factorials, u, strict=True)]
        chain = mpmath.sqrt(1 + mpmath.mpf(nu) ** 2)
        fisher = [mean**2 / variance, chain**2 * expect(r, r)]
        y = np.unique([0, 1, 2, int(mean), int(1.3 * mean) + 2])
        y = y[[log_p[k] > -80 for k in y.tolist()]]
        score = [[mean * u[k] / variance, chain * r[k]] for k in y.tolist()]
        uuu, uur, urr = expect(u, u, u), expect(u, u, r), expect(u, r, r)
        observed = [
            [
                fisher[0] - mean * u[k] / variance + mean**2 * u[k] * uuu / variance**3,
                chain * mean * u[k] * uur / variance**2,
                fisher[1] + chain**2 * u[k] * urr / variance - nu * r[k],
            ]
            for k in y.tolist()
        ]
        want = [[float(log_p[k]) for k in y.tolist()]]
        want += [np.array(v, dtype=float) for v in (score, observed, fisher)]
    eta, at = FAMILY.eta(mean=mean, nu=nu)[None], y.astype(float)
    np.testing.assert_allclose(FAMILY.log_prob(at, eta), want[0], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(FAMILY.score(at, eta), want[1], rtol=1e-9, atol=1e-10)
    # Terms of opposite signs cancel in a row: the largest of each column is the scale.
    got, scale = FAMILY.observed(at, eta).reshape(-1, 4)[:, [0, 1, 3]], np.abs(want[2]).max(axis=0)
    np.testing.assert_allclose(got / scale, want[2] / scale, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(np.diagonal(FAMILY.fisher(eta)[0]), want[3], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(("mean", "nu"), [(2.5e3, 1e-3), (2.5e3, 0.3), (9e3, 2.0), (3e4, 2e-4)])
def test_large_means_against_the_plain_sum(mean, nu):
    eta = FAMILY.eta(mean=mean, nu=nu)
    t = float(FAMILY.log_lambda(eta[None])[0])
    k = np.arange(40.0 * mean)
    log = k * t - nu * special.gammaln(k + 1.0)
    p = np.exp(log - log.max())
    p /= p.sum()
    rule = FAMILY.expectation(eta)
    assert p @ k == pytest.approx(mean, rel=1e-10)
    assert rule.weight @ rule.y == pytest.approx(mean, rel=1e-12)
    variance = p @ (k - mean) ** 2
    information = FAMILY.fisher(eta[None])[0]
    assert information[0, 0] == pytest.approx(mean**2 / variance, rel=1e-9)
    g = -special.gammaln(k + 1.0)
    r = g - p @ g - (p @ (g * (k - mean))) / variance * (k - mean)
    assert information[1, 1] == pytest.approx((1.0 + nu**2) * (p @ r**2), rel=1e-8)
    y = np.floor(mean * np.array([0.9, 1.0, 1.1]))
    np.testing.assert_allclose(
        FAMILY.log_prob(y, eta[None]), np.log(p[y.astype(int)]), rtol=1e-9, atol=1e-9
    )
    want = [np.log(p[: int(v) + 1].sum()) for v in y]
    np.testing.assert_allclose(FAMILY.log_cdf(y, eta[None]), want, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("nu", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("mean", [1e6, 1e12, 1e80])
def test_far_out_the_mean_and_variance_are_those_of_the_expansion(mean, nu):
    """Gaunt et al. (2019): mode = mean + (nu - 1) / (2 nu) + ..., variance mode / nu + ..."""
    eta = FAMILY.eta(mean=mean, nu=nu)[None]
    mode = np.exp(FAMILY.log_lambda(eta)[0] / nu)
    assert mode == pytest.approx(mean + 0.5 * (nu - 1.0) / nu, rel=1e-12)
    fisher = FAMILY.fisher(eta)[0]
    assert fisher[0, 0] == pytest.approx(nu * mean, rel=1e-5)
    # The residual of log y! is nearly that of a parabola: its variance is 1 / (2 nu^2).
    assert fisher[1, 1] == pytest.approx(0.5 * (1.0 + nu**2) / nu**2, rel=1e-5)


@pytest.mark.parametrize("mean", [0.3, 7.0, 400.0, 1e9])
def test_at_nu_one_it_is_the_poisson(mean):
    y = np.unique(np.floor(mean + np.sqrt(mean) * np.array([-2.0, 0.0, 1.0, 4.0]))).clip(0)
    eta = FAMILY.eta(mean=mean, nu=1.0)[None]
    frozen = stats.poisson(mean)
    for ours, theirs in (("log_prob", "logpmf"), ("log_cdf", "logcdf"), ("log_sf", "logsf")):
        got, want = getattr(FAMILY, ours)(y, eta), getattr(frozen, theirs)(y)
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=2e-7 if mean > 1e6 else 1e-9)


@pytest.mark.parametrize(("mean", "nu"), [(0.3, 0.5), (5.0, 1e-6), (8.5, 400.0), (1e7, 0.2)])
def test_draws_have_the_probabilities(mean, nu):
    eta = FAMILY.eta(mean=mean, nu=nu)
    x = FAMILY.sample(eta[None], np.random.default_rng(0), 20_000)
    edges = np.unique(np.quantile(x, [0.0, 0.2, 0.4, 0.6, 0.8, 0.95]))
    p = np.exp(FAMILY.log_cdf(edges, np.repeat(eta[None], len(edges), axis=0)))
    seen = np.array([(x <= e).mean() for e in edges])
    assert np.all(np.abs(seen - p) < 4.5 * np.sqrt(p * (1.0 - p) / len(x)) + 1e-12)


def test_rows_of_the_shared_parameters_are_summed_once():
    eta = np.repeat(FAMILY.eta(mean=3e5, nu=1e-3)[None], 100_000, axis=0)
    y = np.full(len(eta), 2e5)
    np.testing.assert_array_equal(FAMILY.log_prob(y, eta), FAMILY.log_prob(y, eta[:1]))


def test_overdispersed_counts_end_at_the_geometric():
    y = np.array([0.0, 0, 1, 2, 9, 30])
    model = fitted("conway_maxwell_poisson", y)
    assert model.status_ == "boundary"
    assert "nu -> 0 (the geometric distribution)" in model.message_
    want = stats.geom(1.0 / (1.0 + y.mean()), loc=-1).logpmf(y).sum()
    assert total(model, y) == pytest.approx(want, abs=1e-7)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([0.0, 0, 1, 1, 1], "nu -> inf (the Bernoulli distribution): all rows are 0 or 1"),
        ([999.0, 1000, 999], "nu -> inf (two neighbouring counts): all rows are 999 or 1000"),
        ([4.0] * 5, "all rows are 4"),
    ],
)
def test_two_neighbouring_counts_end_at_infinity(y, words):
    y = np.array(y)
    model = fitted("conway_maxwell_poisson", y)
    assert model.status_ == "boundary"
    assert words in model.message_
    assert native(model)["mean"] == pytest.approx(y.mean(), rel=1e-6)
    share = y.mean() - y.min()
    want = len(y) * (special.xlogy(share, share) + special.xlog1py(1.0 - share, -share))
    assert total(model, y) == pytest.approx(want, abs=1e-6)


def test_the_poisson_is_an_interior_point():
    # Mean 2 and E[log y!] of the Poisson distribution of mean 2, by its own shares.
    y = np.repeat(
        np.arange(12.0), np.round(1e6 * stats.poisson(2.0).pmf(np.arange(12))).astype(int)
    )
    model = fitted("conway_maxwell_poisson", y)
    assert model.status_ == "converged"
    assert native(model)["nu"] == pytest.approx(1.0, abs=1e-4)
    assert native(model)["mean"] == pytest.approx(y.mean(), rel=1e-9)
