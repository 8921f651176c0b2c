"""The negative binomial: published counts, mpmath, a search over n, the Poisson limit."""

from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy import optimize, special, stats
from scipy.special import digamma

from natfit.distributions import NegativeBinomial
from natfit.fitting.links import linked
from tests.cases import Case, counts, with_a_one
from tests.fits import fitted, gamma_poisson, log_uniform, native, total


def mle(y):
    """The mean, and the root of the score in n, by scipy's root finder."""
    mean = y.mean()

    def score(n):
        return np.mean(digamma(y + n) - digamma(n)) + np.log(n / (n + mean))

    return [mean, optimize.brentq(score, 1e-2, 1e3, xtol=1e-13)]


def draw(rng, n):
    size, mean = log_uniform(rng, 0.05, 300.0), log_uniform(rng, 0.5, 1e3)
    return with_a_one(rng.poisson(rng.gamma(size, mean / size, n)))


def logpmf(x, mean, n):
    """log p from the product n (n + 1) ... (n + x - 1): scipy's loses digits at a large n."""
    rising = np.r_[0.0, np.cumsum(np.log1p(np.arange(x.max()) / n))][x.astype(int)]
    # n log(1 + mean / n), mean at n = infinity.
    limit = mean if np.isinf(n) else n * np.log1p(mean / n)
    start = x * np.log(mean) - special.gammaln(x + 1.0)
    return start + rising - (x * np.log1p(mean / n) + limit)


def search(x):
    def loss(log_n):
        return -logpmf(x, x.mean(), np.exp(log_n)).sum()

    found = optimize.minimize_scalar(loss, bounds=(-8.0, 16.0), method="bounded")
    return [{"mean": x.mean(), "n": np.exp(found.x)}, {"mean": x.mean(), "n": np.inf}]


CASE = Case(
    data=np.random.default_rng(1).negative_binomial(2, 0.3, 200).astype(float),
    optimum=mle,
    draws=counts(draw, logpmf, search, off="n"),
)


DATA = Path(__file__).parents[2] / "data"
SIZES = [20, 50, 200, 1_000, 10_000]


def horse_kicks():
    deaths, corps = np.loadtxt(DATA / "horse_kicks.csv", delimiter=",", skiprows=1).T
    return np.repeat(deaths, corps.astype(int))


def test_horse_kicks():
    y = horse_kicks()
    assert len(y) == 200
    assert native(fitted("poisson", y))["rate"] == pytest.approx(0.61, rel=1e-9)
    model = fitted("negative_binomial", y)
    # Variance 0.6109 and mean 0.61: nearly Poisson, by one root of the score in n.
    assert native(model)["mean"] == pytest.approx(0.61, rel=1e-6)
    assert total(model, y) >= total(fitted("poisson", y), y) - 1e-9


def test_horse_kicks_by_weight():
    deaths, corps = np.loadtxt(DATA / "horse_kicks.csv", delimiter=",", skiprows=1).T
    weighted = fitted("negative_binomial", deaths, sample_weight=corps)
    plain = fitted("negative_binomial", horse_kicks())
    assert native(weighted)["n"] == pytest.approx(native(plain)["n"], rel=1e-6)
    for name, error in weighted.standard_errors_.items():
        assert error == pytest.approx(plain.standard_errors_[name], rel=1e-6)


@pytest.mark.parametrize("n", [0.05, 1.0, 17.0, 1e5, 1e12, 1e20])
@pytest.mark.parametrize("mean", [0.01, 3.0, 1e6])
def test_negative_binomial_derivatives_against_mpmath(mean, n):
    """log p, and its two derivatives in 1 / n, in 160 digits."""
    family = NegativeBinomial()
    counts = np.unique(np.round([0.0, 1.0, 2.0, mean, 1.3 * mean, 4.0 * mean]))
    eta = family.eta(mean=mean, n=n)[None]
    got = family.log_prob(counts, eta), family.score(counts, eta), family.observed(counts, eta)
    with mpmath.workdps(160):
        m, e = mpmath.mpf(float(family.native(eta)[0][0])), mpmath.mpf(float(eta[0, 1]))

        def log_p(y, e):
            n = 1 / mpmath.sinh(e)
            gammas = mpmath.loggamma(y + n) - mpmath.loggamma(n) - mpmath.loggamma(y + 1)
            return gammas + n * mpmath.log(n / (n + m)) + y * mpmath.log(m / (n + m))

        for i, y in enumerate(counts):
            h = e * mpmath.mpf(10) ** -20
            up, at, down = (log_p(y, e + k * h) for k in (1, 0, -1))
            first, second = (up - down) / (2 * h), (up - 2 * at + down) / h**2
            assert got[0][i] == pytest.approx(float(at), rel=1e-11, abs=1e-9)
            scale = 1e-9 * (1.0 + y + mean)
            assert got[1][i, 1] == pytest.approx(float(first), rel=1e-8, abs=scale)
            assert -got[2][i, 1, 1] == pytest.approx(float(second), rel=1e-6, abs=scale * (1 + y))


@pytest.mark.parametrize("mean", [300.0, 1e4, 1e6])
@pytest.mark.parametrize("n", [0.05, 3.0, 300.0, 1e12])
def test_negative_binomial_expectations_at_large_means(mean, n):
    family = NegativeBinomial()
    rule = family.expectation(family.eta(mean=mean, n=n))
    assert rule.weight @ rule.y == pytest.approx(mean, rel=1e-8)
    variance = rule.weight @ (rule.y - mean) ** 2
    assert variance == pytest.approx(mean + mean**2 / n, rel=1e-8)
    fisher = family.fisher(family.eta(mean=mean, n=n)[None])[0]
    assert fisher[0, 0] == pytest.approx(mean * n / (n + mean), rel=1e-8)


@pytest.mark.parametrize("seed", range(10))
def test_negative_binomial_is_as_likely_as_a_search_over_n(seed):
    rng = np.random.default_rng(seed)
    y = gamma_poisson(rng, log_uniform(rng, 0.5, 1e4), log_uniform(rng, 0.05, 300), SIZES[seed % 5])
    model, mean = fitted("negative_binomial", y), y.mean()
    assert model.status_ in ("converged", "boundary")

    def loss(log_n):
        n = np.exp(log_n)
        return -stats.nbinom(n, n / (n + mean)).logpmf(y).sum()

    best = optimize.minimize_scalar(loss, bounds=(-8.0, 14.0), method="bounded").fun
    assert total(model, y) >= -best - 1e-6


@pytest.mark.parametrize("y", [[3.0, 4, 4, 5, 4, 3], [1.0, 0, 1, 0, 1], [1e6, 1e6 + 3, 1e6 - 5]])
def test_underdispersed_counts_end_at_the_poisson(y):
    model = fitted("negative_binomial", y)
    assert model.status_ == "boundary"
    assert "n -> inf (the Poisson distribution)" in model.message_
    assert native(model)["mean"] == pytest.approx(np.mean(y), rel=1e-6)
    assert total(model, y) == pytest.approx(stats.poisson(np.mean(y)).logpmf(y).sum(), abs=1e-6)


@pytest.mark.parametrize("n", [0.05, 300.0, 1e6])
@pytest.mark.parametrize("seed", range(3))
def test_negative_binomial_extremes(n, seed):
    y = gamma_poisson(np.random.default_rng(seed), 20.0, n, 2_000)
    model = fitted("negative_binomial", y)
    assert model.status_ in ("converged", "boundary")
    truth = stats.nbinom(n, n / (n + 20.0)).logpmf(y).sum()
    assert total(model, y) >= truth - 1e-6
    if n < 1e3:
        assert model.status_ == "converged"
        assert abs(native(model)["n"] - n) <= 5.0 * model.standard_errors_["n"][0]


@pytest.mark.parametrize("seed", [4, 5])
@pytest.mark.parametrize("unit", [1.0, 1e3, 1e6])
def test_negative_binomial_at_any_mean(unit, seed):
    """Large overdispersed counts are a gamma's values: the shape does not know the unit."""
    y = np.round(np.random.default_rng(seed).gamma(2.0, 1e3, 300) * unit)
    model = fitted("negative_binomial", y)
    shape, _, _ = stats.gamma.fit(y + 0.5, floc=0)
    assert model.status_ == "converged"
    assert native(model)["n"] == pytest.approx(shape, rel=5e-3)


@pytest.mark.parametrize("n", [0.01, 1.8, 60.0, 1e6, 1e12])
@pytest.mark.parametrize("mean", [0.02, 30.0, 1e6, 2e9, 1e11])
def test_negative_binomial_probabilities_lose_no_digits(mean, n):
    """Against 50 digits: an error in the value, not in the score, hides the end of a descent."""
    family = NegativeBinomial()
    eta = family.eta(mean=mean, n=n)
    # What eta stands for: rounding of a logarithm is a relative error of the mean.
    m, k = (mpmath.mpf(float(v)) for v in family.native_dict(eta).values())

    def log_prob(y):
        y = mpmath.mpf(y)
        gammas = mpmath.loggamma(y + k) - mpmath.loggamma(k) - mpmath.loggamma(y + 1)
        return gammas - k * mpmath.log1p(m / k) - y * mpmath.log1p(k / m)

    spread = np.sqrt(mean + mean * (mean / n))
    y = np.round(mean + spread * np.array([-2.0, -0.5, 0.0, 0.7, 3.0]))
    y = np.unique(np.append(y[y >= 0], [0.0, 1.0, np.ceil(mean / 7.0)]))
    with mpmath.workdps(50):
        want = np.array([float(log_prob(v)) for v in y])
    found = family.log_prob(y, np.reshape(eta, (1, 2)))
    np.testing.assert_allclose(found, want, rtol=1e-11, atol=1e-10)


def test_derivatives_stay_finite_as_n_tends_to_the_poisson_limit():
    family = linked(NegativeBinomial(), None, ("mean", "n"))
    y = np.array([0.0, 1.0, 3.0, 50.0])
    for log_n in (100.0, 300.0, 600.0):
        eta = np.column_stack([np.full(4, 0.3), np.full(4, log_n)])
        value, score = family.log_prob_and_score(y, eta)
        want = stats.poisson.logpmf(y, np.exp(0.3))
        np.testing.assert_allclose(value, want, rtol=1e-12)
        np.testing.assert_allclose(score[:, 0], y - np.exp(0.3), rtol=1e-12)
        assert np.abs(score[:, 1]).max() < 1e-30
        assert np.isfinite(family.observed_curvature(y, eta).dense(4)).all()
