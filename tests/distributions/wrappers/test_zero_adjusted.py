"""Zeros among positive numbers: the parts of the likelihood, intervals, limits, refusals."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit import Censored
from natfit.distributions import Shifted, Truncated, ZeroAdjusted
from natfit.distributions.contract.intervals import moments
from tests.cases import Case
from tests.distributions.wrappers.atoms import OPTIONS, compare, weibull_rows
from tests.fits import fitted, native, total

RAIN = np.array([0.0, 0, 1.2, 3.4, 0, 0.4, 7.1, 2.2, 0, 0, 0.9, 5.5, 1.1, 0, 0.2, 12.5])


def mle(y):
    shape, _, scale = stats.gamma.fit(y[y > 0], floc=0)
    return [np.mean(y == 0), shape, scale]


_RNG = np.random.default_rng(1)
CASE = Case(data=_RNG.gamma(2.0, 3.0, 200) * (_RNG.random(200) < 0.7), optimum=mle)


@pytest.mark.parametrize("inner", ["gamma", "lognormal", "exponential", "inverse_gaussian"])
def test_the_likelihood_splits(inner):
    model, part = fitted(ZeroAdjusted(inner), RAIN), fitted(inner, RAIN[RAIN > 0])
    assert model.status_ == "converged"
    assert native(model).pop("zero_prob") == pytest.approx(6 / 16, rel=1e-6)
    for name, value in native(part).items():
        assert native(model)[name] == pytest.approx(value, rel=1e-5)
        errors = model.standard_errors_[name], part.standard_errors_[name]
        assert errors[0] == pytest.approx(errors[1], rel=1e-4)
    zeros = stats.bernoulli(6 / 16).logpmf(RAIN == 0).sum()
    assert total(model, RAIN) == pytest.approx(zeros + total(part, RAIN[RAIN > 0]), abs=1e-7)


def test_tails_hold_the_zeros():
    family = ZeroAdjusted("gamma")
    eta = family.eta(zero_prob=0.3, shape=2.0, scale=1.5)[None]
    y, gamma = np.array([-1.0, 0.0, 2.0, np.inf]), stats.gamma(2.0, scale=1.5)
    below = np.array([0.0, 0.3, 0.3 + 0.7 * gamma.cdf(2.0), 1.0])
    np.testing.assert_allclose(np.exp(family.log_cdf(y, eta)), below, rtol=1e-12)
    np.testing.assert_allclose(np.exp(family.log_sf(y, eta)), 1.0 - below, atol=1e-12)
    rule = family.expectation(eta[0])
    assert rule.weight @ rule.y == pytest.approx(0.7 * 3.0, rel=1e-8)


@pytest.mark.parametrize(
    "ends", [(-np.inf, 1.0), (0.0, 1.0), (1.0, 3.0), (2.0, np.inf), (0.0, np.inf)]
)
def test_intervals_with_and_without_the_atom(ends):
    family = ZeroAdjusted("gamma")
    eta = family.eta(zero_prob=0.3, shape=2.0, scale=1.5)
    low, high = (np.array([end]) for end in ends)

    def log_p(e):
        p = family.native_dict(e)
        gamma = stats.gamma(p["shape"], scale=p["scale"])
        zero = p["zero_prob"] if ends[0] <= 0 else 0.0
        return np.log(zero + (1.0 - p["zero_prob"]) * (gamma.cdf(ends[1]) - gamma.cdf(ends[0])))

    found = moments(family, low, high, eta[None])
    assert found.log_mass[0] == pytest.approx(log_p(eta), rel=1e-10, abs=1e-12)
    unit = 2e-4 * np.eye(3)
    slope = [(log_p(eta + u) - log_p(eta - u)) / 4e-4 for u in unit]
    np.testing.assert_allclose(found.score[0], slope, atol=1e-5)
    bend = [
        [
            log_p(eta + u + v) - log_p(eta + u - v) - log_p(eta - u + v) + log_p(eta - u - v)
            for u in unit
        ]
        for v in unit
    ]
    np.testing.assert_allclose(found.observed[0], -np.array(bend) / 1.6e-7, atol=1e-5)


def test_no_zeros_end_at_the_family():
    y = RAIN[RAIN > 0]
    model = fitted("zero_adjusted", y)
    assert model.status_ == "boundary"
    assert "Gamma without zeros" in model.message_
    assert total(model, y) == pytest.approx(total(fitted("gamma", y), y), abs=1e-8)


def test_amounts_below_a_threshold_are_left_censored():
    """A row below .5 is a zero or a small amount: P(Y <= .5)."""
    seen = np.where(RAIN < 0.5, 0.5, RAIN)
    lower = np.where(RAIN < 0.5, -np.inf, RAIN)
    model = fitted_censored(ZeroAdjusted("exponential"), lower, seen)
    z, rate = native(model).values()
    n, m, s = (RAIN < 0.5).sum(), (RAIN >= 0.5).sum(), RAIN[RAIN >= 0.5].sum()

    def loglik(z, rate):
        return (
            n * np.log(z + (1 - z) * -np.expm1(-0.5 * rate)) + m * np.log((1 - z) * rate) - rate * s
        )

    for dz, dr in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert loglik(z + dz, rate + dr) < loglik(z, rate)


def fitted_censored(family, lower, upper):
    return natfit.fit(family, Censored(lower, upper))


def test_a_window_of_it_is_fitted():
    y = RAIN[RAIN < 6.0]
    model = fitted(Truncated(ZeroAdjusted("exponential"), 0.0, 6.0), y)
    z, rate = native(model).values()

    def loglik(z, rate):
        inside = np.log(1.0 - (1.0 - z) * np.exp(-6.0 * rate))
        rows = np.where(y == 0, np.log(z), np.log1p(-z) + np.log(rate) - rate * y)
        return (rows - inside).sum()

    assert total(model, y) == pytest.approx(loglik(z, rate), abs=1e-8)
    for dz, dr in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert loglik(z + dz, rate + dr) < loglik(z, rate)


@pytest.mark.parametrize(
    ("family", "y", "words"),
    [
        (ZeroAdjusted(), np.zeros(4), "must not be 0 in all rows"),
        (ZeroAdjusted(), np.array([0.0, -1.0, 2.0]), "Negative values"),
        (ZeroAdjusted("normal"), RAIN, "density on the positive numbers"),
        (ZeroAdjusted("poisson"), RAIN, "density on the positive numbers"),
        (ZeroAdjusted(ZeroAdjusted()), RAIN, "density on the positive numbers"),
        (Shifted(ZeroAdjusted()), RAIN, "needs a density without"),
    ],
    ids=str,
)
def test_what_it_does_not_take_is_refused(family, y, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit(family, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("seed", range(2))
def test_weighted_intervals_with_known_values_and_priors_against_a_search(option, seed):
    rows = weibull_rows(np.random.default_rng(seed), 120, 0.3, 0.0)
    compare(ZeroAdjusted("weibull"), rows, "zero_prob", 0.0, option)
