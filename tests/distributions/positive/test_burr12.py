"""The Burr XII distribution: its case, and the limits that it ends at."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from natfit import Censored
from natfit._component import resolve
from natfit.distributions import Burr12, CureFraction
from natfit.distributions.base import Distribution
from tests.cases import Case, Draws
from tests.fits import fitted


def parts(x, c, median, d, side):
    """Log of d c / x and of (x / s)^c, s the scale of scipy's; it may overflow, its log not."""
    log_gap = np.log(2.0) / d + np.log(-np.expm1(-np.log(2.0) / d))
    return np.log(c) + np.log(d) - np.log(x), c * np.log(x / median) + side * log_gap


def loglik(params, x):
    base, log_z = parts(x, *params.values(), 1.0)
    return float((base + log_z - (params["shape"] + 1.0) * np.logaddexp(0.0, log_z)).sum())


def test_the_formula_is_scipys():
    x, params = CASE.data, {"power": 1.7, "median": 2.5, "shape": 0.8}
    frozen = Burr12().counterpart(Burr12().eta(**params))
    assert loglik(params, x) == pytest.approx(frozen.logpdf(x).sum(), rel=1e-12)


def peer(x):
    return float(stats.burr12(*stats.burr12.fit(x, floc=0)).logpdf(x).sum())


def optimum(y):
    c, d, _, scale = stats.burr12.fit(y, 2.0, 1.5, floc=0, scale=3.0, optimizer=tight)
    return [c, scale * (2.0 ** (1.0 / d) - 1.0) ** (1.0 / c), d]


def tight(f, start, args=(), disp=0):
    from scipy.optimize import fmin

    return fmin(f, start, args=args, disp=disp, xtol=1e-11, ftol=1e-13, maxiter=4_000, maxfun=4_000)


CASE = Case(
    data=stats.burr12.rvs(2.0, 1.5, scale=3.0, size=200, random_state=np.random.default_rng(0)),
    optimum=optimum,
    draws=Draws(
        lambda rng, n: stats.burr12.rvs(
            rng.uniform(1.0, 4.0), rng.uniform(0.3, 3.0), size=n, random_state=rng
        ),
        loglik,
        peer,
    ),
)


def test_lighter_tails_than_a_weibulls_end_at_the_weibull():
    x = np.random.default_rng(1).uniform(0.0, 3.0, 40)
    c, _, scale = stats.weibull_min.fit(x, floc=0)
    model = fitted("burr12", x)
    assert model.status_ == "boundary"
    assert "the Weibull distribution" in model.message_
    want = stats.weibull_min.logpdf(x, c, scale=scale).sum()
    got = float(Burr12().log_prob(x, model.theta_[None]).sum())
    assert got == pytest.approx(want, abs=1e-5)


def test_pareto_rows_end_at_the_pareto():
    x = 1.0 + np.random.default_rng(2).pareto(2.0, 60)
    shape = 1.0 / np.log(x / x.min()).mean()
    model = fitted("burr12", x)
    assert model.status_ == "boundary"
    assert "the Pareto distribution" in model.message_
    want = stats.pareto.logpdf(x, shape, scale=x.min()).sum()
    assert float(Burr12().log_prob(x, model.theta_[None]).sum()) == pytest.approx(want, abs=1e-2)


@pytest.mark.parametrize("power", [2.0, 1e3, 1e6, 1e100])
@pytest.mark.parametrize("shape", [1e-6, 0.5, 30.0, 1e9])
@pytest.mark.parametrize("name", ["burr12", "dagum"])
def test_powers_out_of_range_make_no_density_large(name, power, shape):
    """Far above the median the hazard is no double: the density is mpmath's, or vanishes."""
    family = resolve(name, Distribution)
    sign = 1.0 if name == "burr12" else -1.0
    y = np.array([0.3, 0.99, 1.01, 4.0])
    got = family.log_prob(y, family.eta(power=power, median=1.0, shape=shape)[None])
    with mp.workdps(300):
        c, k = mp.mpf(power), mp.mpf(shape)
        for each, value in zip(y, got, strict=True):
            log = sign * mp.log(mp.mpf(float(each)))
            # z = (y / scale)^power, by its logarithm.
            log_z = c * log + mp.log(mp.mpf(2) ** (1 / k) - 1)
            more = mp.log1p(mp.exp(log_z)) if log_z < 1e6 else log_z
            want = float(mp.log(c * k) + log_z - sign * log - (k + 1) * more)
            assert value == pytest.approx(want, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("cured", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_censored_rows_do_not_end_below_the_pareto_distribution(seed, cured):
    """Its optimum is a closed form: as many exact rows as there are, over the sum of logarithms."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.2, 1.0, 25)
    end = np.quantile(x, 0.7)
    time = np.minimum(x, end)
    gaps = np.log(time / time.min())
    exact = x < end
    rate = exact.sum() / gaps.sum()
    pareto = exact.sum() * np.log(rate) - np.log(time[exact]).sum() - rate * gaps.sum()
    family = CureFraction("burr12") if cured else Burr12()
    model = fitted(family, Censored.right(time, exact))
    # The largest difference of the member at the lowest shape, per row.
    assert model.score_samples(Censored.right(time, exact)).sum() > pareto - 25 * 3e-5
