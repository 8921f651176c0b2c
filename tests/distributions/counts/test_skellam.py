"""The Skellam distribution: mpmath's Bessel functions, a search, the Poisson limits."""

import mpmath
import numpy as np
import pytest
from scipy import optimize, stats

from natfit.distributions import Skellam
from tests.cases import Case, counts
from tests.fits import fitted, log_uniform, native, total


def logpmf(x, mu1, mu2):
    values, where = np.unique(x, return_inverse=True)
    with np.errstate(all="ignore"):
        return stats.skellam.logpmf(values, mu1, mu2)[where]


def search(x):
    """The mean of the rows is mu1 - mu2: one scalar is left."""
    centre = x.mean()
    values, weights = np.unique(x, return_counts=True)

    def rates(log):
        low = np.exp(log)
        return {"mu1": low + max(centre, 0.0), "mu2": low + max(-centre, 0.0)}

    def loss(log):
        value = -weights @ logpmf(values, **rates(log)) / len(x)
        return value if np.isfinite(value) else 1e9

    found = optimize.minimize_scalar(
        loss, bounds=(-16.0, 8.0), method="bounded", options={"xatol": 1e-10}
    ).x
    return [rates(found)]


def draw(rng, n):
    first, second = (rng.poisson(log_uniform(rng, 0.3, 20.0), n) for _ in range(2))
    y = (first - second).astype(float)
    y[:2] = y[0], y[0] + 3.0
    return y


_RNG = np.random.default_rng(1)
CASE = Case(
    data=(_RNG.poisson(4.0, 300) - _RNG.poisson(2.0, 300)).astype(float),
    optimum=lambda y: list(search(y)[0].values()),
    draws=counts(draw, logpmf, search),
)


@pytest.mark.parametrize("rates", [(1e-6, 3.0), (0.2, 0.1), (5.0, 7.0), (3e3, 1e3)])
def test_log_density_and_score_against_mpmath(rates):
    family = Skellam()
    eta = family.eta(mu1=rates[0], mu2=rates[1])
    centre, sd = rates[0] - rates[1], np.sqrt(sum(rates))
    y = np.unique(np.round(np.array([0.0, 1.0, -3.0, centre - 2 * sd, centre, centre + 4 * sd])))
    value, score = family.log_prob(y, eta[None]), family.score(y, eta[None])
    with mpmath.workdps(40):

        def log_p(k, a, b):
            a, b = mpmath.exp(a), mpmath.exp(b)
            bessel = mpmath.log(mpmath.besseli(abs(k), 2 * mpmath.sqrt(a * b)))
            return bessel - a - b + k * mpmath.log(a / b) / 2

        h = mpmath.mpf(10) ** -15
        l1, l2 = (mpmath.mpf(float(v)) for v in eta)
        for i, k in enumerate(y.astype(int).tolist()):
            assert value[i] == pytest.approx(float(log_p(k, l1, l2)), rel=1e-11, abs=1e-11)
            one = (log_p(k, l1 + h, l2) - log_p(k, l1 - h, l2)) / (2 * h)
            two = (log_p(k, l1, l2 + h) - log_p(k, l1, l2 - h)) / (2 * h)
            scale = 1e-11 * (1.0 + sum(rates)) ** 1.5
            np.testing.assert_allclose(score[i], [float(one), float(two)], rtol=1e-9, atol=scale)


@pytest.mark.parametrize("rates", [(0.2, 3.0), (5e3, 7e3), (2e6, 1e6)])
def test_moments_and_tails(rates):
    family = Skellam()
    eta, centre = family.eta(mu1=rates[0], mu2=rates[1]), rates[0] - rates[1]
    rule = family.expectation(eta)
    assert rule.weight @ rule.y == pytest.approx(centre, abs=1e-9 * sum(rates))
    assert rule.weight @ (rule.y - centre) ** 2 == pytest.approx(sum(rates), rel=1e-7)
    y = np.floor(centre + np.sqrt(sum(rates)) * np.array([-3.0, 0.0, 2.0]))
    above = np.exp(family.log_sf(y, eta[None]))
    wide = np.floor(centre) + np.arange(-12_000.0, 12_000.0)
    p = np.exp(family.log_prob(wide, eta[None]))
    np.testing.assert_allclose(above, [p[wide > v].sum() for v in y], rtol=1e-7)
    np.testing.assert_allclose(np.exp(family.log_cdf(y, eta[None])), 1.0 - above, rtol=1e-9)


@pytest.mark.parametrize(("sign", "words"), [(1.0, "mu2 -> 0"), (-1.0, "mu1 -> 0")])
def test_counts_of_one_kind_end_at_a_poisson(sign, words):
    y = sign * np.array([3.0, 4, 4, 5, 4, 3])
    model = fitted("skellam", y)
    assert model.status_ == "boundary"
    assert words in model.message_
    rate = abs(y.mean())
    assert max(native(model).values()) == pytest.approx(rate, rel=1e-5)
    assert total(model, y) == pytest.approx(stats.poisson(rate).logpmf(abs(y)).sum(), abs=1e-6)
