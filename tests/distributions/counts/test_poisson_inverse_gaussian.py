"""The Poisson inverse Gaussian: mpmath, the mixture by quadrature, a search, the Poisson limit."""

import mpmath
import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from natfit.distributions import PoissonInverseGaussian
from tests.cases import Case, counts, with_a_one
from tests.fits import fitted, log_uniform, native, total


def logpmf(x, mean, n):
    """log p by the recurrence of the probabilities of Willmot (1987), in logarithms."""
    s = 1.0 / n
    w2 = 1.0 + 2.0 * mean * s
    log = [(1.0 - np.sqrt(w2)) / s if s > 0 else -mean]
    log.append(log[0] + np.log(mean) - 0.5 * np.log(w2))
    for k in range(2, int(x.max()) + 1):
        one = np.log(2.0 * mean * s / w2 * (1.0 - 1.5 / k)) + log[k - 1] if s > 0 else -np.inf
        two = 2.0 * np.log(mean) - np.log(w2 * k * (k - 1.0)) + log[k - 2]
        log.append(np.logaddexp(one, two))
    return np.array(log)[x.astype(int)]


def draw(rng, n):
    size, mean = log_uniform(rng, 0.3, 100.0), log_uniform(rng, 0.5, 30.0)
    return with_a_one(np.minimum(rng.poisson(rng.wald(mean, size * mean, n)), 300))


def search(x):
    def loss(eta):
        return -logpmf(x, *np.exp(eta)).mean()

    start = [np.log(x.mean()), 0.0]
    options = {"xatol": 1e-6, "fatol": 1e-11}
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options).x
    return [dict(zip(("mean", "n"), np.exp(best), strict=True)), {"mean": x.mean(), "n": np.inf}]


def mle(y):
    values, weights = np.unique(y, return_counts=True)

    def loss(eta):
        return -weights @ logpmf(values, *np.exp(eta)) / len(y)

    options = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 2_000}
    best = optimize.minimize(loss, [1.0, 0.0], method="Nelder-Mead", options=options).x
    return np.exp(best)


_RNG = np.random.default_rng(1)
CASE = Case(
    data=_RNG.poisson(_RNG.wald(4.0, 4.0, 200)).astype(float),
    optimum=mle,
    draws=counts(draw, logpmf, search, off="n"),
)


@pytest.mark.parametrize("n", [1e-4, 0.3, 20.0, 1e6, 1e15])
@pytest.mark.parametrize("mean", [0.02, 3.0, 200.0])
def test_log_density_and_derivatives_against_mpmath(mean, n):
    family = PoissonInverseGaussian()
    y = np.unique(np.round([0.0, 1.0, 2.0, mean, 2.0 * mean + 7.0, 70.0, 150.0]))
    eta = family.eta(mean=mean, n=n)
    got = (getattr(family, what)(y, eta[None]) for what in ("log_prob", "score", "observed"))
    value, score, observed = got
    with mpmath.workdps(150):
        l0, e0 = (mpmath.mpf(float(v)) for v in eta)

        def log_p(k, log_mean, e):
            m, s = mpmath.exp(log_mean), mpmath.sinh(e)
            w = mpmath.sqrt(1 + 2 * m * s)
            before, now = mpmath.mpf(1), mpmath.mpf(1)
            for j in range(1, k):
                before, now = now, before + (2 * j - 1) * s / w * now
            tail = k * mpmath.log(m / w) - mpmath.loggamma(k + 1)
            return -2 * m / (1 + w) + tail + mpmath.log(now)

        h, g = mpmath.mpf(10) ** -25, e0 * mpmath.mpf(10) ** -25
        for i, k in enumerate(y.astype(int).tolist()):
            at = {(a, b): log_p(k, l0 + a * h, e0 + b * g) for a in (-1, 0, 1) for b in (-1, 0, 1)}
            assert value[i] == pytest.approx(float(at[0, 0]), rel=1e-12, abs=1e-11)
            one = [(at[1, 0] - at[-1, 0]) / (2 * h), (at[0, 1] - at[0, -1]) / (2 * g)]
            scale = 1e-10 * (1.0 + k + mean) ** 2
            np.testing.assert_allclose(score[i], [float(v) for v in one], rtol=1e-9, atol=scale)
            two = [
                (at[1, 0] - 2 * at[0, 0] + at[-1, 0]) / h**2,
                (at[1, 1] - at[1, -1] - at[-1, 1] + at[-1, -1]) / (4 * h * g),
                (at[0, 1] - 2 * at[0, 0] + at[0, -1]) / g**2,
            ]
            flat = observed[i][[0, 0, 1], [0, 1, 1]]
            scale = 1e-10 * (1.0 + k + mean) ** 3
            np.testing.assert_allclose(-flat, [float(v) for v in two], rtol=1e-7, atol=scale)


def test_it_is_a_mixture_of_poissons():
    family, mean, n = PoissonInverseGaussian(), 3.0, 0.8
    mixing = stats.invgauss(mu=1.0 / n, scale=n * mean)
    assert mixing.mean() == pytest.approx(mean)
    for y in (0, 3, 40):
        p, _ = integrate.quad(lambda r, y=y: stats.poisson.pmf(y, r) * mixing.pdf(r), 0, 300)
        got = family.log_prob(np.array([float(y)]), family.eta(mean=mean, n=n)[None])
        assert got[0] == pytest.approx(np.log(p), rel=1e-7)


@pytest.mark.parametrize(("mean", "n"), [(5.0, 0.5), (3e4, 0.2), (1e6, 1e12)])
def test_expectations_and_tails_at_any_mean(mean, n):
    family = PoissonInverseGaussian()
    eta = family.eta(mean=mean, n=n)
    rule = family.expectation(eta)
    assert rule.weight @ rule.y == pytest.approx(mean, rel=1e-8)
    variance = rule.weight @ (rule.y - mean) ** 2
    assert variance == pytest.approx(mean + mean * (mean / n), rel=1e-7)
    y = np.floor(mean + np.sqrt(mean + mean * (mean / n)) * np.array([-0.3, 0.0, 2.0]))
    below, above = np.exp(family.log_cdf(y, eta[None])), np.exp(family.log_sf(y, eta[None]))
    np.testing.assert_allclose(below + above, 1.0, rtol=1e-12)
    if mean < 10.0:
        p = np.exp(family.log_prob(np.arange(3_000.0), eta[None]))
        np.testing.assert_allclose(above, [p[int(v) + 1 :].sum() for v in y], rtol=1e-10)
    if n > 1e10:
        np.testing.assert_allclose(below, special.gammaincc(y + 1.0, mean), rtol=1e-6)


def test_underdispersed_counts_end_at_the_poisson():
    y = np.array([3.0, 4, 4, 5, 4, 3])
    model = fitted("poisson_inverse_gaussian", y)
    assert model.status_ == "boundary"
    assert "n -> inf (the Poisson distribution)" in model.message_
    assert native(model)["mean"] == pytest.approx(y.mean(), rel=1e-6)
    assert total(model, y) == pytest.approx(stats.poisson(y.mean()).logpmf(y).sum(), abs=1e-6)
