"""The beta-binomial: scipy's probabilities, a search, the binomial limit."""

import mpmath
import numpy as np
import pytest
from scipy import optimize, stats

import natfit
from natfit.distributions import BetaBinomial
from tests.cases import Case, counts
from tests.fits import fitted, log_uniform, native, total

N = 10


def logpmf(x, prob, concentration):
    if concentration > 1e9:
        return stats.binom.logpmf(x, N, prob)
    values = stats.betabinom.logpmf(
        np.arange(N + 1), N, prob * concentration, (1 - prob) * concentration
    )
    return values[x.astype(int)]


def draw(rng, n):
    a, b = log_uniform(rng, 0.3, 30.0), log_uniform(rng, 0.3, 30.0)
    y = rng.binomial(N, rng.beta(a, b, n)).astype(float)
    y[:2] = 3.0, 5.0
    return y


def search(x):
    weights = np.bincount(x.astype(int), minlength=N + 1)

    def loss(eta):
        prob, size = 1.0 / (1.0 + np.exp(-eta[0])), np.exp(eta[1])
        return -weights @ logpmf(np.arange(N + 1), prob, size) / len(x)

    options = {"xatol": 1e-9, "fatol": 1e-14, "maxiter": 1_000}
    start = [np.log(x.mean() / (N - x.mean())), 1.0]
    eta = optimize.minimize(loss, start, method="Nelder-Mead", options=options).x
    best = {"prob": 1.0 / (1.0 + np.exp(-eta[0])), "concentration": np.exp(eta[1])}
    return [best, {"prob": x.mean() / N, "concentration": np.inf}]


_RNG = np.random.default_rng(1)
CASE = Case(
    data=_RNG.binomial(N, _RNG.beta(2.0, 3.0, 200)).astype(float),
    optimum=lambda y: list(search(y)[0].values()),
    family=BetaBinomial(N),
    draws=counts(draw, logpmf, search, off="concentration"),
)


@pytest.mark.parametrize("concentration", [1e-6, 0.5, 1e4, 1e11])
@pytest.mark.parametrize("prob", [1e-6, 0.3, 0.9])
def test_log_density_and_derivatives_against_mpmath(prob, concentration):
    family = BetaBinomial(40)
    eta = family.eta(prob=prob, concentration=concentration)
    y = np.array([0.0, 1.0, 13.0, 39.0, 40.0])
    value, score = family.log_prob(y, eta[None]), family.score(y, eta[None])
    each = family.score(y, np.repeat(eta[None], 5, axis=0))
    np.testing.assert_allclose(each, score, rtol=1e-10, atol=1e-10)
    with mpmath.workdps(80):
        l0, e0 = (mpmath.mpf(float(v)) for v in eta)

        def log_p(k, logit, e):
            p, c = 1 / (1 + mpmath.exp(-logit)), 1 / mpmath.sinh(e)
            a, b = p * c, (1 - p) * c
            beta = mpmath.log(mpmath.beta(k + a, 40 - k + b)) - mpmath.log(mpmath.beta(a, b))
            return mpmath.log(mpmath.binomial(40, k)) + beta

        h, g = mpmath.mpf(10) ** -20, e0 * mpmath.mpf(10) ** -20
        for i, k in enumerate(y.astype(int).tolist()):
            assert value[i] == pytest.approx(float(log_p(k, l0, e0)), rel=1e-10, abs=1e-10)
            one = [
                (log_p(k, l0 + h, e0) - log_p(k, l0 - h, e0)) / (2 * h),
                (log_p(k, l0, e0 + g) - log_p(k, l0, e0 - g)) / (2 * g),
            ]
            np.testing.assert_allclose(score[i], [float(v) for v in one], rtol=1e-8, atol=1e-7)


def test_tails_are_those_of_scipy():
    family, y = BetaBinomial(N), np.arange(10.0)
    eta = family.eta(prob=0.2, concentration=0.7)
    frozen = stats.betabinom(N, 0.14, 0.56)
    np.testing.assert_allclose(family.log_cdf(y, eta[None]), frozen.logcdf(y), rtol=1e-10)
    np.testing.assert_allclose(family.log_sf(y, eta[None]), frozen.logsf(y), rtol=1e-10)
    rows = np.stack([eta, family.eta(prob=0.6, concentration=3.0)])
    both = family.log_sf(np.array([3.0, 4.0]), rows)
    want = [frozen.logsf(3.0), stats.betabinom(N, 1.8, 1.2).logsf(4.0)]
    np.testing.assert_allclose(both, want, rtol=1e-10)


def test_rows_less_spread_than_the_binomial_end_there():
    y = np.array([5.0, 5, 4, 6, 5, 5, 4, 6])
    model = fitted(BetaBinomial(N), y)
    assert model.status_ == "boundary"
    assert "the binomial distribution" in model.message_
    assert native(model)["prob"] == pytest.approx(0.5, rel=1e-6)
    assert total(model, y) == pytest.approx(stats.binom(N, 0.5).logpmf(y).sum(), abs=1e-7)


def test_what_is_not_determined_is_refused():
    with pytest.raises(ValueError, match="must not be all 10"):
        natfit.fit(BetaBinomial(N), np.full(5, 10.0))
    with pytest.raises(ValueError, match=r"BetaBinomial\(n=10\)"):
        natfit.fit("beta_binomial", np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="n must be"):
        natfit.fit(BetaBinomial(1), np.array([1.0, 0.0]))
