"""Optima of censored rows that were found by brute force on likelihoods written with scipy."""

import numpy as np
import pytest
from scipy import optimize, stats

import natfit
from natfit.distributions import Shifted

INF = np.inf

#: Times of failures, how many, and 75 units that run at 20.
TIMES = np.repeat([2.0, 8.0, 9.0, 20.0, 20.0], [1, 9, 5, 10, 75])
RUNNING = np.arange(100) >= 25


def test_shifted_weibull_of_few_failures():
    model = natfit.fit(Shifted("weibull"), natfit.Censored(TIMES, np.where(RUNNING, INF, TIMES)))
    assert model.status_.good and model.n_iter_ < 50
    loc, shape, scale = (model.params_[n][0] for n in ("loc", "shape", "scale"))
    assert loc == pytest.approx(1.32323, abs=2e-4)
    assert shape == pytest.approx(1.54689, abs=1e-4)
    assert scale == pytest.approx(42.1645, abs=1e-2)
    law = stats.weibull_min(shape, loc, scale)
    value = law.logpdf(TIMES[~RUNNING]).sum() + law.logsf(TIMES[RUNNING]).sum()
    assert value == pytest.approx(-128.07515, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "law", "exact", "right", "value"),
    [
        (
            "skew_normal",
            lambda p: _skew_normal(p["mean"], p["sd"], p["shape"]),
            [-1.6, -1.1, -0.9, -0.6, -0.4, -0.3, 0.0, 0.2],
            [0.3] * 4,
            -12.972174,
        ),
        (
            "exponentiated_weibull",
            lambda p: stats.exponweib(p["power"], p["shape"], scale=p["scale"]),
            [0.4, 0.7, 1.1, 1.3, 1.6, 2.0, 2.4, 2.9],
            [3.0, 3.0],
            -13.369344,
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:NaturalMLE. boundary")
def test_the_higher_of_several_maxima(name, law, exact, right, value):
    rows = natfit.Censored(exact + right, exact + [INF] * len(right))
    model = natfit.fit(name, rows)
    found = law({k: float(v[0]) for k, v in model.params_.items()})
    assert model.status_.value in ("converged", "boundary")
    assert found.logpdf(exact).sum() + found.logsf(right).sum() == pytest.approx(value, abs=2e-6)


def _skew_normal(mean, sd, shape):
    if shape < 1e8:
        b = np.sqrt(2.0 / np.pi) * shape / np.sqrt(1.0 + shape**2)
        scale = sd / np.sqrt(1.0 - b**2)
        return stats.skewnorm(shape, mean - scale * b, scale)
    scale = sd / np.sqrt(1.0 - 2.0 / np.pi)
    loc = mean - scale * np.sqrt(2.0 / np.pi)
    # At its limit loc is the least row up to the inverse of the shape.
    return stats.halfnorm(np.round(loc, 6), scale)


@pytest.mark.parametrize("name", ["weibull", "gamma", "lognormal"])
def test_shifted_families_in_classes(name):
    """Classes of width 1/2, of which the first ends above loc."""
    rng = np.random.default_rng(0)
    y = 1.0 + 2.0 * rng.weibull(1.4, 60)
    lower = np.floor(2.0 * y) / 2.0
    law = {"weibull": stats.weibull_min, "gamma": stats.gamma, "lognormal": stats.lognorm}[name]
    model = natfit.fit(Shifted(name), natfit.Censored(lower, lower + 0.5))
    assert model.status_.good

    def loss(p):
        if min(p[1:]) <= 0:
            return INF
        with np.errstate(all="ignore"):
            mass = law.cdf(lower + 0.5, p[1], p[0], p[2]) - law.cdf(lower, p[1], p[0], p[2])
            return -np.log(mass).sum() if (mass > 0).all() else INF

    own = [float(model.params_[n][0]) for n in ("loc", "shape", "scale")]
    best = optimize.minimize(loss, own, method="Nelder-Mead", options={"fatol": 1e-10})
    assert loss(own) < best.fun + 1e-6


@pytest.mark.parametrize("shape", [-0.3, -0.6])
def test_classes_of_a_support_that_ends(shape):
    """Intervals of a generalised Pareto, of which the last one may hold the end."""
    y = stats.genpareto(shape, scale=2.0).rvs(80, random_state=1)
    lower = np.floor(4.0 * y) / 4.0
    model = natfit.fit("generalized_pareto", natfit.Censored(lower, lower + 0.25))
    assert model.status_.good

    def loss(p):
        with np.errstate(all="ignore"):
            law = stats.genpareto(p[1], scale=np.exp(p[0]))
            mass = law.cdf(lower + 0.25) - law.cdf(lower)
            return -np.log(mass).sum() if (mass > 0).all() else INF

    own = [np.log(model.params_["scale"][0]), model.params_["shape"][0]]
    starts = [own, [np.log(2.0), shape], [0.5, -0.1]]
    best = min(optimize.minimize(loss, s, method="Nelder-Mead").fun for s in starts)
    assert loss(own) < best + 1e-5
