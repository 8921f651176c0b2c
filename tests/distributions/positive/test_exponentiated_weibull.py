"""The exponentiated Weibull: published failure times, the Weibull inside, mpmath, limits."""

from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit.distributions import (
    ExponentiatedWeibull,
    Weibull,
)
from natfit.rows import Memory
from tests.cases import Case, continuous
from tests.distributions.positive.broad import broad, fit
from tests.fits import log_uniform, loglik, native
from tests.oracles import weibull_mle


def mle(y):
    """The power is -n / sum log cdf of the Weibull; scipy's root finder for the other two."""

    def score(t):
        c, w = np.exp(t[0]), (y / np.exp(t[1])) ** np.exp(t[0])
        power = -1.0 / np.mean(np.log1p(-np.exp(-w)))
        slope = 1.0 - w + (power - 1.0) * w / np.expm1(w)
        return np.mean(slope), 1.0 / c + np.mean(slope * (np.log(y) - t[1]))

    t = optimize.root(score, np.log(weibull_mle(y)), tol=1e-14).x
    w = (y / np.exp(t[1])) ** np.exp(t[0])
    return [np.exp(t[0]), np.exp(t[1]), -1.0 / np.mean(np.log1p(-np.exp(-w)))]


def draw(rng, n):
    power = log_uniform(rng, 0.2, 20.0)
    w = -np.log1p(-np.exp(-rng.exponential(size=n) / power))
    return w ** (1.0 / log_uniform(rng, 0.5, 8.0))


CASE = Case(
    data=np.random.default_rng(4).weibull(0.7, (200, 3)).max(axis=1),
    optimum=mle,
    draws=continuous(
        stats.exponweib,
        lambda x, shape, scale, power: stats.exponweib.logpdf(x, power, shape, scale=scale),
        draw,
        {"floc": 0},
    ),
)


FAILURES = np.loadtxt(Path(__file__).parents[2] / "data" / "failure_times.csv", skiprows=1)


@pytest.mark.parametrize("power", [None, 0.05, 0.7, 1.0, 1.4, 30.0])
def test_exponentiated_weibull_of_the_failure_times(power):
    """From every start the same maximum, higher than any published: the curve is nearly flat."""
    start = None if power is None else {"shape": 1.5, "scale": 3900.0, "power": power}
    model = fit("exponentiated_weibull", FAILURES, start_params=start)
    assert model.status_ == "converged"
    assert -loglik(model, FAILURES) <= 363.0013
    assert -loglik(model, FAILURES) == pytest.approx(359.94391, abs=1e-5)


def test_exponentiated_weibull_starts_again_at_the_weibulls_optimum():
    family = ExponentiatedWeibull()
    y = broad("weibull", 3)[0]
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    for w in (None, weight):
        model = NaturalMLE("weibull", tol=1e-9).fit(y[:, None], sample_weight=w)
        want = [*native(model).values(), 1.0]
        got = [
            float(v)
            for v in family.native_dict(family.nested_start(Memory(y, weight=w))[0]).values()
        ]
        np.testing.assert_allclose(got, want, rtol=1e-7)


@pytest.mark.parametrize(("power", "end"), [(0.0, "power -> 0"), (np.inf, "power -> inf")])
def test_limits_of_the_power_end_as_boundary(power, end):
    rng = np.random.default_rng(1)
    y = 7.0 * rng.random(1000) ** 0.5 if power == 0.0 else 1.0 / rng.weibull(2.0, 1000)
    with pytest.warns(ConvergenceWarning, match=end):
        model = fit("exponentiated_weibull", y)
    assert model.status_ == "boundary"


@pytest.mark.parametrize("shape", [0.3, 3.0])
def test_exponentiated_weibull_at_power_one_is_the_weibull(shape):
    wide, narrow = ExponentiatedWeibull(), Weibull()
    eta = wide.eta(shape=shape, scale=7.0, power=1.0)[None]
    np.testing.assert_allclose(
        wide.fisher(eta)[0, :2, :2], narrow.fisher(eta[:, :2])[0], rtol=1e-12
    )
    y = np.random.default_rng(0).weibull(shape, 50)
    np.testing.assert_allclose(wide.log_prob(y, eta), narrow.log_prob(y, eta[:, :2]), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("power", [1e-3, 0.1, 1.0, 30.0, 1e6])
def test_exponentiated_weibull_fisher_against_mpmath(power):
    """The expected score outer product, integrated over the cdf in 30 digits."""
    family = ExponentiatedWeibull()
    eta = family.eta(shape=2.0, scale=1.0, power=power)

    def score(v, a):
        q = -v / a
        w = -mpmath.log(-mpmath.expm1(q)) if q > -1 else -mpmath.log1p(-mpmath.exp(q))
        slope = 1 - w + (a - 1) * w / mpmath.expm1(w)
        return 1 + mpmath.log(w) * slope, -2 * slope, 1 - v

    with mpmath.workdps(30):
        a = mpmath.mpf(float(family.native(eta[None])[2][0]))
        cuts = [0, 1e-30, 1e-10, 1e-3, 0.1, 1, 5, 20, 80]
        want = np.zeros((3, 3))
        for i in range(3):
            for j in range(i + 1):

                def part(v, i=i, j=j):
                    s = score(v, a)
                    return s[i] * s[j] * mpmath.exp(-v)

                want[i, j] = want[j, i] = float(mpmath.quad(part, cuts, maxdegree=7))
    got = family.fisher(eta[None])[0]
    size = np.sqrt(np.diagonal(want))
    np.testing.assert_allclose(got / np.outer(size, size), want / np.outer(size, size), atol=1e-8)
