"""Profile intervals against closed forms, scipy's searches, Coles' figures, and other units."""

from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

import natfit
from natfit.inference.bracket import Bracket
from natfit.inference.profile import _Walk, normal_quantile, posed, profile_interval
from tests.fits import fitted

RNG = np.random.default_rng(0)
WAITS = RNG.gamma(2.5, 3.0, 120)
MAXIMA = np.loadtxt(Path(__file__).parents[2] / "examples" / "data" / "port_pirie.csv", skiprows=1)
Q95 = stats.chi2.ppf(0.95, 1)


def estimate(family, y, weight=None, **options):
    y = np.asarray(y, dtype=float)
    model = fitted(family, y, sample_weight=weight, **options)
    return model._estimates(y[:, None], weight)[0]


def coordinate(k, size):
    slope = np.eye(size)[k]
    return (lambda theta: theta[k]), (lambda theta: slope)


def interval(found, k, level=0.95):
    return profile_interval(found, *coordinate(k, len(found.theta)), level)


def by_differences(value, size):
    """The gradient of a function of theta by central differences."""

    def gradient(theta):
        steps = 1e-5 * np.eye(size)
        return np.array([(value(theta + s) - value(theta - s)) / 2e-5 for s in steps])

    return gradient


# --------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_normal_mean_and_scale(level):
    y = RNG.normal(3.0, 2.0, 40)
    found, q = estimate("normal", y), stats.chi2.ppf(level, 1)
    mean = interval(found, 0, level)
    half = y.std() * np.sqrt(np.expm1(q / 40))
    assert (mean.low, mean.high) == pytest.approx((y.mean() - half, y.mean() + half), abs=1e-7)
    scale = interval(found, 1, level)

    def deviance(log_scale):
        ratio = np.exp(2.0 * (np.log(y.std()) - log_scale))
        return 40 * (ratio - 1.0 - np.log(ratio)) - q

    at = np.log(y.std())
    want = [optimize.brentq(deviance, *e, xtol=1e-13) for e in ((at - 2, at), (at, at + 4))]
    assert (scale.low, scale.high) == pytest.approx(want, abs=1e-7)
    assert scale.reached_low and scale.reached_high and not scale.notes


def test_one_parameter():
    y = RNG.exponential(2.0, 15)
    found = interval(estimate("exponential", y), 0)

    def deviance(log_rate):
        return 2.0 * 15 * (np.exp(log_rate) * y.mean() - 1.0 - log_rate - np.log(y.mean())) - Q95

    at = -np.log(y.mean())
    want = [optimize.brentq(deviance, *e, xtol=1e-13) for e in ((at - 3, at), (at, at + 3))]
    assert (found.low, found.high) == pytest.approx(want, abs=1e-7)


def test_weights_are_repetitions():
    weight = RNG.integers(1, 4, len(WAITS)).astype(float)
    ones = interval(estimate("gamma", np.repeat(WAITS, weight.astype(int))), 0)
    found = interval(estimate("gamma", WAITS, weight), 0)
    assert (found.low, found.high) == pytest.approx((ones.low, ones.high), abs=1e-7)


# ------------------------------------------------------------------------ scipy's searches


@pytest.mark.parametrize(
    ("family", "logpdf"),
    [
        ("gamma", lambda p: stats.gamma.logpdf(WAITS, np.exp(p[0]), scale=np.exp(p[1]))),
        ("weibull", lambda p: stats.weibull_min.logpdf(WAITS, np.exp(p[0]), scale=np.exp(p[1]))),
    ],
)
@pytest.mark.parametrize("k", [0, 1])
def test_against_a_search_of_scipys(family, logpdf, k):
    found = estimate(family, WAITS)
    got = interval(found, k)
    best = logpdf(found.theta).sum()

    def deviance(c):
        def loss(other):
            return -logpdf([c, other] if k == 0 else [other, c]).sum()

        return 2.0 * (best + optimize.minimize_scalar(loss, options={"xtol": 1e-11}).fun) - Q95

    at = found.theta[k]
    want = [optimize.brentq(deviance, *e, xtol=1e-10) for e in ((at - 1, at), (at, at + 1))]
    assert (got.low, got.high) == pytest.approx(want, abs=1e-6)


# ------------------------------------------------------------------------------ Port Pirie


def test_shape_of_the_sea_levels():
    found = interval(estimate("gev", MAXIMA), 2)
    # Coles (2001, section 3.4.1) prints -0.21 and 0.17.
    assert (found.low, found.high) == pytest.approx((-0.2182, 0.1704), abs=5e-5)


def test_return_level_of_the_sea_levels():
    own = estimate("gev", MAXIMA)

    def level(theta):
        return float(stats.genextreme.isf(0.01, -theta[2], theta[0], np.exp(theta[1])))

    found = profile_interval(own, level, by_differences(level, 3), 0.95)
    # Coles (2001, section 3.4.1) prints 4.69, and 4.50 to 5.27 read off a graph.
    assert level(own.theta) == pytest.approx(4.6884, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((4.4904, 5.2607), abs=5e-5)
    assert found.n_iter <= 25


def test_a_function_by_a_search_over_its_level_set():
    # The same end, with the location written as a function of the level and the two others.
    own = estimate("gev", MAXIMA)

    def profile(c):
        def loss(p):
            loc = c - stats.genextreme.isf(0.01, -p[1], 0.0, np.exp(p[0]))
            return -stats.genextreme.logpdf(MAXIMA, -p[1], loc, np.exp(p[0])).sum()

        return optimize.minimize(loss, own.theta[1:], method="Nelder-Mead", tol=1e-10).fun

    best = -stats.genextreme.logpdf(MAXIMA, -own.theta[2], own.theta[0], np.exp(own.theta[1])).sum()
    for c in (4.49043681, 5.26070457):
        assert 2.0 * (profile(c) - best) == pytest.approx(Q95, abs=1e-4)


# -------------------------------------------------------------------------- units, brackets


@pytest.mark.parametrize("family", ["gev", "normal", "student_t"])
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units_do_not_matter(family, unit):
    plain, other = estimate(family, MAXIMA), estimate(family, unit * MAXIMA)
    for k, name in enumerate(plain.family.params):
        a, b = interval(plain, k), interval(other, k)
        shift = np.log(unit) if name == "scale" else 0.0
        factor = unit if name == "loc" else 1.0
        low, high = (b.low - shift) / factor, (b.high - shift) / factor
        assert (low, high) == pytest.approx((a.low, a.high), rel=1e-6, abs=1e-6)
        assert b.n_iter == a.n_iter


def test_brackets_find_the_same_ends(monkeypatch):
    own = estimate("gev", MAXIMA)
    want = interval(own, 2)
    monkeypatch.setattr(_Walk, "_walked", lambda self: None)
    found = interval(own, 2)
    assert (found.low, found.high) == pytest.approx((want.low, want.high), abs=1e-6)
    assert found.reached_low and found.reached_high


def test_no_bracket_is_needed(monkeypatch):
    def refused(self, theta):
        raise AssertionError("bracketed")

    monkeypatch.setattr(Bracket, "end", refused)
    own = estimate("generalized_gamma", WAITS)
    assert all(interval(own, k).n_iter <= 25 for k in range(3))


# --------------------------------------------------------------- limits, bounds, known values


def test_a_profile_that_never_falls_far_enough():
    # Normal rows: the degrees of freedom may be infinite, at arsinh(1 / df) = 0.
    y = stats.norm.ppf((np.arange(100) + 0.5) / 100)
    own = estimate("student_t", y)
    assert own.at_limit == (2,)

    def df(theta):
        return 1.0 / np.sinh(theta[2])

    def slope(theta):
        return np.array([0.0, 0.0, -np.cosh(theta[2]) / np.sinh(theta[2]) ** 2])

    found = profile_interval(own, df, slope, 0.95)
    assert found.high == np.inf and not found.reached_high and found.reached_low
    assert "the normal distribution" in found.notes[0]

    # At the other end the profile is that of scipy's density.
    def loss(p):
        return -stats.t.logpdf(y, found.low, p[0], np.exp(p[1])).sum()

    best = -stats.norm.logpdf(y, y.mean(), y.std()).sum()
    least = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", tol=1e-12).fun
    assert 2.0 * (least - best) == pytest.approx(Q95, abs=1e-5)


def test_an_end_at_a_limit_of_the_user():
    own = estimate("gamma", WAITS, bounds={"shape": (2.2, 2.6)})
    found = interval(own, 0)
    assert (found.low, found.high) == pytest.approx(np.log([2.2, 2.6]))
    assert not (found.reached_low or found.reached_high) and "shape -> 2.6" in found.notes[1]


def test_from_an_estimate_at_a_bound_the_interval_is_one_sided():
    own = estimate("gamma", WAITS, bounds={"shape": (4.0, None)})
    assert own.at_limit == (0,)
    found = interval(own, 0)
    assert found.low == own.theta[0] == pytest.approx(np.log(4.0)) and not found.reached_low

    # 2 W (f - f at the bound) on the other side, by a search over the scale.
    def loss(shape):
        log = stats.gamma.logpdf(WAITS, shape, scale=WAITS.mean() / shape)
        return -log.sum()

    assert 2.0 * (loss(np.exp(found.high)) - loss(4.0)) == pytest.approx(Q95, abs=1e-5)


def test_known_parameters_are_not_moved():
    own = estimate("gamma", WAITS, fixed={"shape": 2.0})
    found = interval(own, 1)
    # With the shape known the mean is exponential in closed form: shape (r - 1 - log r).
    ratio = [WAITS.mean() / 2.0 / np.exp(e) for e in (found.low, found.high)]
    deviance = [2.0 * 2.0 * len(WAITS) * (r - 1.0 - np.log(r)) for r in ratio]
    assert deviance == pytest.approx([Q95, Q95], abs=1e-6)
    given = interval(own, 0)
    assert given.low == given.high == pytest.approx(np.log(2.0)) and given.n_iter == 0
    assert "no parameter that was estimated" in given.notes[0]


def test_a_prior_moves_the_profile():
    prior = {"loc": stats.norm(0.0, 0.1)}
    y = RNG.normal(1.0, 1.0, 30)
    plain, own = estimate("normal", y), estimate("normal", y, prior=prior)
    assert interval(own, 0).high < interval(plain, 0).low + 1.0
    for end in (interval(own, 0).low, interval(own, 0).high):
        # -2 log posterior by scipy, with the scale at its best.
        def loss(loc):
            scale = np.sqrt(np.mean((y - loc) ** 2))
            return -2.0 * (stats.norm.logpdf(y, loc, scale).sum() + prior["loc"].logpdf(loc))

        least = optimize.minimize_scalar(loss, bounds=(-1, 2), method="bounded").fun
        assert loss(end) - least == pytest.approx(Q95, abs=1e-4)


# --------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("level", [0.0, 1.0, 95, np.nan, -0.1])
def test_levels(level):
    with pytest.raises(ValueError, match=r"level must be .*0\.95"):
        normal_quantile(level)


def test_functions_that_have_no_value():
    own = estimate("gamma", WAITS)
    good = coordinate(0, 2)
    with pytest.raises(ValueError, match="must be finite at the estimate"):
        profile_interval(own, lambda theta: np.nan, good[1], 0.95)
    with pytest.raises(ValueError, match="must return one number"):
        profile_interval(own, lambda theta: theta, good[1], 0.95)
    with pytest.raises(ValueError, match=r"must have shape \(2,\)"):
        profile_interval(own, good[0], lambda theta: theta[:1], 0.95)


def test_the_data_are_needed():
    own = natfit.fit("gamma", WAITS)._estimates()[0]
    with pytest.raises(ValueError, match="pass the X and the sample_weight"):
        interval(own, 0)


def test_a_fit_that_is_not_at_its_maximum():
    model = natfit.fit("gamma", WAITS, tol=1e-2)
    own = model._estimates(WAITS[:, None])[0]
    off = type(own)(
        own.family,
        own.theta + [0.1, 0.0],
        own.information,
        (),
        own.total,
        own.frozen,
        own.objective,
    )
    with pytest.raises(ValueError, match="must be at its maximum"):
        interval(off, 0)


def test_a_better_optimum_on_the_way():
    # The Cauchy location has two maxima, and the walk from the lower one leads into the other.
    y = np.array([0.0, 0.01, 3.02, 3.03, 3.04])
    own = estimate("cauchy", y, fixed={"scale": 0.5}, start_params={"loc": 0.0})
    assert own.theta[0] == pytest.approx(0.14, abs=0.01)
    with pytest.raises(ValueError, match="nats higher than at the estimate"):
        interval(own, 0, 0.99)


def test_posed_learns_which_functions_are_linear():
    own = estimate("gamma", WAITS)
    assert posed(own, *coordinate(0, 2))[1].linear
    assert not posed(own, lambda t: np.exp(t[0]), lambda t: np.array([np.exp(t[0]), 0.0]))[1].linear
