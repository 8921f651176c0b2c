"""Truncated families are conditional densities."""

import re

import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import Censored
from natfit.distributions import Shifted, Truncated
from tests.cases import Case
from tests.fits import fitted
from tests.oracles import polished

CASE = Case(
    data=np.abs(np.random.default_rng(4).normal(1.0, 2.0, 200)),
    optimum=lambda y: polished(lambda m, s: stats.truncnorm(-m / s, np.inf, m, s), y, [1.0, 2.0]),
)


@pytest.mark.parametrize("name", ["gamma", "normal", "poisson"])
def test_truncated_is_the_conditional_density(name):
    family = Truncated(name, 1.0, 6.0)
    eta = np.array([0.7, 0.4])[: family.n_params]
    frozen = family.inner.counterpart(eta)
    y = np.array([1.0, 2.0, 3.0, 5.0, 6.0])
    log = frozen.logpmf(y) if name == "poisson" else frozen.logpdf(y)
    before = frozen.cdf(1.0 - (name == "poisson"))
    inside = frozen.cdf(6.0) - before
    np.testing.assert_allclose(family.log_density(y, eta[None]), log - np.log(inside), rtol=1e-10)
    np.testing.assert_allclose(
        np.exp(family.log_cdf(y, eta[None])), (frozen.cdf(y) - before) / inside, atol=1e-12
    )
    np.testing.assert_allclose(
        np.exp(family.log_sf(y, eta[None])), (frozen.cdf(6.0) - frozen.cdf(y)) / inside, atol=1e-12
    )
    assert family.log_density(np.array([0.5, 7.0]), eta[None]).tolist() == [-np.inf, -np.inf]


# --------------------------------------------------------------------- limits in a window

ELEVEN = [0.6852031, 0.9349789, 0.5884232, 1.727649, 1.581642, 0.3193832, -0.5701368, 1.623507]
ELEVEN = np.array([*ELEVEN, 2.210622, -0.3440994, -0.1646003])


def ends_at(family, y, words):
    with pytest.warns(ConvergenceWarning, match=f"boundary: {words}"):
        model = natfit.fit(family, y)
    assert model.status_ == "boundary"
    numbers = re.findall(r"(\w+) = (-?[\d.]+(?:e-?\d+)?)", model.message_)
    return model.score_samples(y[:, None]).sum(), {name: float(v) for name, v in numbers}


def tilted(y, low, high):
    """Log-likelihood of the exponential density in a window at its best rate, by scipy."""
    if np.isinf(high):
        return stats.expon.logpdf(y, low, (y - low).mean()).sum(), 1.0 / (y - low).mean()
    u, top = y - low, high - low

    def minus(b):
        return -(b * u.sum() - len(u) * (np.log(np.expm1(b * top) / b)))

    best = optimize.minimize_scalar(
        minus, bounds=(-50.0 / top, 50.0 / top), options={"xatol": 1e-12}
    )
    return -best.fun, abs(best.x)


def test_a_normal_in_a_window_ends_at_the_exponential():
    low, high = ELEVEN.min(), ELEVEN.max()
    value, found = ends_at(
        Truncated("normal", low, high), ELEVEN, "scale -> inf: .*exponential density, falling"
    )
    want, rate = tilted(ELEVEN, low, high)
    assert want == pytest.approx(-11.2369105, abs=1e-7)
    assert value == pytest.approx(want, abs=1e-6)
    assert found["rate"] == pytest.approx(rate, rel=1e-5)


@pytest.mark.slow
def test_a_laplace_on_a_half_line_may_be_better_at_a_row_than_the_exponential():
    """From its location on it is exponential too, and the kink gains on the rows before it."""
    y = 2.0 + stats.genpareto.ppf((np.arange(80) + 0.5) / 80, 0.1)

    def best_at(loc):
        def minus(scale):
            frozen = stats.laplace(loc, scale)
            return -(frozen.logpdf(y).sum() - 80 * frozen.logsf(2.0))

        return -optimize.minimize_scalar(minus, bounds=(0.3, 5.0), method="bounded").fun

    model = natfit.NaturalMLE(Truncated("laplace", 2.0)).fit(y[:, None])
    value = 80 * model.score(y[:, None])
    assert model.status_ == "converged"
    assert value == pytest.approx(max(map(best_at, y)), abs=1e-6)
    assert value > tilted(y, 2.0, np.inf)[0]


@pytest.mark.parametrize("family", ["normal", "logistic", "gumbel_min"])
def test_families_on_a_half_line_end_at_the_exponential(family):
    y = 2.0 + stats.genpareto.ppf((np.arange(80) + 0.5) / 80, 0.1)
    value, found = ends_at(Truncated(family, 2.0), y, "(scale -> inf|loc -> -inf): .*exponential")
    want, rate = tilted(y, 2.0, np.inf)
    assert value == pytest.approx(want, abs=2e-5)
    assert found["rate"] == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize("family", ["lognormal", "weibull", "log_logistic"])
def test_families_with_a_power_end_at_a_power_law(family):
    y = np.exp(stats.genpareto.ppf((np.arange(80) + 0.5) / 80, 0.15))
    words = "(shape -> (inf|0)|scale -> 0): .*the power law"
    value, found = ends_at(Truncated(family, 1.0), y, words)
    want, rate = tilted(np.log(y), 0.0, np.inf)
    # The scale of a member that is nearer would be below the range of doubles.
    assert value == pytest.approx(want - np.log(y).sum(), abs=80 * 3e-3)
    assert found["exponent"] == pytest.approx(-1.0 - rate, rel=1e-6)


def test_a_gamma_cut_from_below_ends_at_shape_zero():
    y = 2.0 * stats.lomax.ppf((np.arange(60) + 0.5) / 60, 1.5) + 2.0
    value, found = ends_at(Truncated("gamma", 2.0), y, r"shape -> 0: .*exp\(-y / scale\) / y")

    def minus(scale):
        return -np.sum(-y / scale - np.log(y) - np.log(special.exp1(2.0 / scale)))

    best = optimize.minimize_scalar(minus, bounds=(1.0, 1e3), options={"xatol": 1e-9})
    assert value == pytest.approx(-best.fun, abs=1e-6)
    assert found["scale"] == pytest.approx(best.x, rel=1e-5)


def test_a_gamma_cut_from_above_ends_at_a_power_law():
    y = stats.beta.ppf((np.arange(60) + 0.5) / 60, 2.5, 0.9)
    value, found = ends_at(Truncated("gamma", None, 1.0), y, "scale -> inf: .*the power law")
    power = -1.0 / np.log(y).mean()
    want = np.sum(np.log(power) + (power - 1.0) * np.log(y))
    assert value == pytest.approx(want, abs=1e-6)
    assert found["shape"] == pytest.approx(power, rel=1e-5)


def test_an_exponential_and_a_geometric_in_a_window_end_at_the_uniform():
    y = np.sqrt((np.arange(40) + 0.5) / 40)
    value, _ = ends_at(Truncated("exponential", 0.0, 1.0), y, "rate -> 0: .*the uniform")
    assert value == pytest.approx(0.0, abs=1e-6)
    counts = np.array([0.0, 1, 2, 3, 3, 4, 4, 5, 5, 5])
    value, _ = ends_at(Truncated("geometric", 0, 5), counts, "prob -> 0: .*uniform")
    assert value == pytest.approx(-10.0 * np.log(6.0), abs=1e-6)


def test_a_zero_truncated_negative_binomial_ends_at_the_log_series():
    y = np.array([1.0] * 30 + [2.0] * 4 + [3.0] * 2 + [9.0, 40.0, 150.0, 700.0])
    value, found = ends_at(Truncated("negative_binomial", 1), y, "n -> 0: .*the log-series")

    def minus(logit):
        return -stats.logser.logpmf(y, special.expit(logit)).sum()

    best = optimize.minimize_scalar(minus, bounds=(0.0, 15.0), options={"xatol": 1e-10})
    assert value == pytest.approx(-best.fun, abs=1e-5)
    assert found["p"] == pytest.approx(special.expit(best.x), rel=1e-6)


@pytest.mark.parametrize("family", ["normal", "gamma", "lognormal", "inverse_gamma", "exponential"])
def test_an_optimum_inside_is_no_limit(family):
    frozen = {"normal": stats.norm(1.5, 1.0), "gamma": stats.gamma(3.0, scale=0.7)}
    frozen |= {"lognormal": stats.lognorm(0.6, scale=1.5), "exponential": stats.expon(scale=1.2)}
    frozen["inverse_gamma"] = stats.invgamma(3.0, scale=4.0)
    inside = frozen[family].cdf([0.5, 4.0])
    y = frozen[family].ppf(inside[0] + (np.arange(300) + 0.5) / 300 * np.diff(inside)[0])
    model = natfit.fit(Truncated(family, 0.5, 4.0), y)
    assert model.status_ == "converged"


def test_counts_that_are_all_the_lowest_of_the_window_are_named():
    with pytest.warns(ConvergenceWarning, match=r"rate -> 0 \(all counts are 1\)"):
        natfit.fit(Truncated("poisson", 1), np.ones(20))


@pytest.mark.slow
@pytest.mark.parametrize(("power", "seed"), [(2.0, None), (1.5, None), (3.0, None), (1.5, 3)])
def test_a_window_around_a_shifted_family_converges(power, seed):
    """Also where the shape is below two, and the Fisher information of loc infinite."""
    level = np.random.default_rng(seed).random(40) if seed else (np.arange(40) + 0.5) / 40
    y = 10.0 + 20.0 * stats.weibull_min.ppf(0.92 * level, power)
    model = natfit.fit(Truncated(Shifted("weibull"), 0.0, 60.0), y)
    assert model.status_ == "converged"
    assert model.n_iter_ < 30
    loc, shape, scale = (float(v[0]) for v in model.params_.values())
    frozen = stats.weibull_min(shape, loc, scale)
    want = frozen.logpdf(y).sum() - 40 * np.log(frozen.cdf(60.0) - frozen.cdf(0.0))
    assert model.score_samples(y[:, None]).sum() == pytest.approx(want, abs=1e-8)

    def minus(p):
        own = stats.weibull_min(np.exp(p[0]), p[1], np.exp(p[2]))
        return -own.logpdf(y).sum() + 40 * np.log(own.cdf(60.0) - own.cdf(0.0))

    start = [np.log(shape) + 0.05, loc - 0.3, np.log(scale) - 0.05]
    best = optimize.minimize(minus, start, method="Nelder-Mead", options={"fatol": 1e-9})
    assert want > -best.fun - 1e-6


@pytest.mark.parametrize("family", ["normal", "gumbel"])
@pytest.mark.parametrize("side", ["left", "interval", "right"])
def test_censored_rows_lead_to_the_exponential_density_in_the_window(family, side):
    """The slope and the likelihood are those of an exponential distribution, by scipy."""
    y = stats.lomax(3.0).ppf((np.arange(40) + 0.5) / 40.0)
    some = np.arange(40) % 3 == 0
    low, high = {"left": (0.0, y), "right": (y, np.inf), "interval": (0.5 * y, 1.5 * y)}[side]
    rows = np.column_stack([np.where(some, low, y), np.where(some, high, y)])

    def value(rate):
        law = stats.expon(scale=1.0 / rate)
        mass = law.cdf(rows[some, 1]) - law.cdf(rows[some, 0])
        return law.logpdf(y[~some]).sum() + np.log(mass).sum()

    best = optimize.minimize_scalar(
        lambda rate: -value(rate), bounds=(0.05, 5.0), method="bounded", options={"xatol": 1e-9}
    )
    seen = Censored(*(4.0 + rows).T)
    model = fitted(Truncated(family, 4.0), seen)
    assert model.status_ == "boundary"
    rate = re.search("the exponential density, falling, with rate = ([^;]*);", model.message_)[1]
    assert float(rate) == pytest.approx(best.x, rel=1e-5)
    assert model.n_iter_ <= 30
    got = model.score_samples(seen).sum()
    assert got == pytest.approx(-best.fun, abs=1e-5)
