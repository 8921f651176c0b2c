"""The Zipf distribution: mpmath's zeta function, a root of its derivative, long tails."""

import mpmath
import numpy as np
import pytest
from scipy import optimize, special, stats

from natfit.distributions import Zipf
from natfit.numerics.zeta import zeta_moments
from tests.cases import Case, counts
from tests.fits import fitted, log_uniform, native, total


def logpmf(x, alpha):
    return -alpha * np.log(x) - np.log(special.zeta(alpha))


def mle(y):
    log = np.log(y).mean()

    def loss(excess):
        return (1.0 + excess) * log + np.log(special.zeta(1.0 + excess))

    found = optimize.minimize_scalar(loss, bracket=(0.1, 1.0), tol=1e-12).x
    root = optimize.brentq(
        lambda e: log + float(mpmath.diff(lambda s: mpmath.log(mpmath.zeta(s)), 1.0 + e)),
        0.9 * found,
        1.1 * found,
        xtol=1e-12,
    )
    return [1.0 + root]


def draw(rng, n):
    y = Zipf()._sample(rng, n, 1.0 + log_uniform(rng, 0.3, 3.0))
    y[0] += y.max() < 2.0
    return y


def search(x):
    log = np.log(x).mean()

    def loss(excess):
        return (1.0 + excess) * log + np.log(special.zeta(1.0 + excess))

    found = optimize.minimize_scalar(
        loss, bounds=(1e-3, 30.0), method="bounded", options={"xatol": 1e-12}
    )
    return [{"alpha": 1.0 + found.x}]


CASE = Case(
    data=np.random.default_rng(1).zipf(2.3, 200).astype(float),
    optimum=mle,
    draws=counts(draw, logpmf, search),
)


@pytest.mark.parametrize("q", [1, 2, 7, 100, 10**6])
@pytest.mark.parametrize("excess", [1e-6, 0.05, 1.0, 3.0, 10.0, 40.0])
def test_moments_of_the_logarithm_against_mpmath(excess, q):
    found = zeta_moments(np.array(excess), np.array(float(q)))
    with mpmath.workdps(40):
        s = 1 + mpmath.mpf(excess)

        def log_total(t):
            return mpmath.log(mpmath.zeta(t, q)) + t * mpmath.log(q)

        want = [log_total(s), -mpmath.diff(log_total, s), mpmath.diff(log_total, s, 2)]
    np.testing.assert_allclose([float(v) for v in found], [float(v) for v in want], rtol=1e-9)


def test_the_information_of_a_long_tail_is_exact():
    """Enumeration of a million numbers is .8 % off at alpha = 1.5."""
    alpha = 1.5
    log = mpmath.diff(lambda s: mpmath.log(mpmath.zeta(s)), alpha, 2)
    family = Zipf()
    fisher = family.fisher(family.eta(alpha=alpha)[None])[0, 0, 0]
    assert fisher == pytest.approx(float(log) * 0.25, rel=1e-9)
    rule = family.expectation(family.eta(alpha=alpha))
    mean = rule.weight @ np.log(rule.y)
    assert rule.weight @ (np.log(rule.y) - mean) ** 2 == pytest.approx(float(log), rel=1e-6)


def test_tails_are_ratios_of_zeta_functions():
    family, y = Zipf(3), np.array([3.0, 10.0, 1e6, 1e12])
    eta = family.eta(alpha=2.5)[None]
    want = np.log(special.zeta(2.5, y + 1.0) / special.zeta(2.5, 3.0))
    np.testing.assert_allclose(family.log_sf(y, eta), want, rtol=1e-10)
    np.testing.assert_allclose(family.log_cdf(y, eta), np.log1p(-np.exp(want)), rtol=1e-9)


@pytest.mark.parametrize(("xmin", "alpha"), [(1, 1.05), (1, 2.5), (20, 2.5), (1000, 1.4)])
def test_draws_above_xmin(xmin, alpha):
    family = Zipf(xmin)
    eta = family.eta(alpha=alpha)[None]
    y = family.sample(eta, np.random.default_rng(0), 4_000)
    at = np.floor(xmin * np.array([1.0, 1.3, 2.0, 10.0, 1e4]))
    want = np.exp(family.log_sf(at, eta))
    found = (y[:, None] > at).mean(axis=0)
    assert np.all(np.abs(found - want) <= 5.0 * np.sqrt(want * (1.0 - want) / 4_000) + 1e-9)
    model = fitted(family, y)
    assert abs(native(model)["alpha"] - alpha) <= 4.0 * model.standard_errors_["alpha"][0]
    assert total(model, y) >= family.log_prob(y, eta).sum()


@pytest.mark.parametrize("xmin", [1, 50])
def test_all_rows_at_xmin_end_at_the_boundary(xmin):
    model = fitted(Zipf(xmin), np.full(20, float(xmin)))
    assert model.status_ == "boundary"
    assert "all rows are xmin" in model.message_


def test_scipy_agrees():
    y = np.arange(1.0, 30.0)
    found = Zipf().log_prob(y, Zipf().eta(alpha=2.2)[None])
    np.testing.assert_allclose(found, stats.zipf(2.2).logpmf(y), rtol=1e-10)
