"""Wrappers around wrappers, with censored and weighted rows, against likelihoods without natfit."""

import numpy as np
import pytest
from scipy import optimize, stats

import natfit
from natfit._component import available, component_class
from natfit.distributions import CensoredFamily
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.base import Wrapper
from tests.distributions.wrappers.combinations import WRAPPERS, table

INF = np.inf
TABLE = table()
MADE = {key: made for key, made in TABLE.items() if not isinstance(made, str)}

#: Exact rows, intervals, and rows that are open above or below.
ROWS = {
    False: ([1.3, 2.2, 3.1, 4.7, 2.0, 1.0, 3.0, -INF], [1.3, 2.2, 3.1, 4.7, 3.5, 1.7, INF, 2.5]),
    True: ([1.0, 0.0, 3.0, 4.0, 2.0, 0.0, 3.0, -INF], [1.0, 0.0, 3.0, 4.0, 5.0, 1.0, INF, 2.0]),
}
WEIGHT = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 1.0, 2.0, 0.7])


def point(size):
    """An eta (K,) at which every law of the table gives all rows a probability."""
    return np.linspace(0.3, 0.6, size)


def log_likelihood(law, lower, upper, weight, integer, e):
    """The weighted log-likelihood of rows by the definition."""
    log, cdf = law(e)
    exact = lower == upper
    safe = np.where(exact, lower, 1.0)
    with np.errstate(all="ignore"):
        below = np.where(lower == -INF, 0.0, cdf(np.where(exact, 0.0, lower) - integer))
        above = np.where(upper == INF, 1.0, cdf(np.where(exact, 1.0, upper)))
        return weight @ np.where(exact, log(safe), np.log(above - below))


@pytest.mark.parametrize("key", MADE, ids=" ".join)
def test_value_and_derivatives_of_censored_weighted_rows(key):
    family, law, size = MADE[key]
    integer = family.support.integer
    lower, upper = (np.array(end) for end in ROWS[integer])
    eta, rows = point(size), np.column_stack([lower, upper])
    assert family.n_params == size
    terms = CensoredFamily(family).sum_terms
    value, score, observed = terms(rows, WEIGHT, eta[None])

    def total(e):
        return log_likelihood(law, lower, upper, WEIGHT, integer, e)

    assert value == pytest.approx(total(eta), rel=1e-8)
    # Two directions in which every coordinate takes part, each by another amount.
    h, signs = 1e-3, (-1.0) ** np.arange(size)
    for way in (np.linspace(0.7, 1.3, size), signs * np.linspace(1.2, 0.8, size)):
        ends = [total(eta + s * h * way) for s in (-2, -1, 1, 2)]
        slope = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
        assert score @ way == pytest.approx(slope, rel=1e-6, abs=1e-6)
        moved = [terms(rows, WEIGHT, (eta + 0.1 * s * h * way)[None])[1] for s in (1, -1)]
        bend = (moved[1] - moved[0]) / (0.2 * h)
        np.testing.assert_allclose(observed @ way, bend, rtol=1e-4, atol=1e-4)


def test_every_wrapper_of_the_registry_takes_part():
    wrappers = {
        name
        for name in available(Distribution)
        if issubclass(component_class(name, Distribution), Wrapper)
    }
    assert wrappers | {"mixture"} == {*WRAPPERS, "censored"}


def test_refusals_say_what_is_needed():
    """A combination that does not exist is refused when it is made, in words."""
    refused = {key: words for key, words in TABLE.items() if isinstance(words, str)}
    reasons = (
        *("needs a", "must be a family of counts", "must be a density on the positive numbers"),
        *("must leave a parameter", "adds a param", "must be densities without values of a prob"),
    )
    for key, words in refused.items():
        assert any(reason in words for reason in reasons), (key, words)
    # Counts have no shift and no unit, and zeros belong to counts.
    for outer in WRAPPERS:
        for inner in WRAPPERS:
            kinds = {outer, inner}
            if kinds <= {"truncated", "mixture", "bounded", "constrained"}:
                assert (outer, inner, "weibull") in MADE and (outer, inner, "poisson") in MADE
            if kinds & {"zero_inflated", "hurdle"}:
                assert (outer, inner, "weibull") in refused
            if kinds & {"shifted", "scaled"}:
                assert (outer, inner, "poisson") in refused


FITS = [
    (("bounded", "shifted", "weibull"), {}, {}),
    (("truncated", "scaled", "normal"), {"unit": 1.5}, {}),
    (("bounded", "truncated", "weibull"), {}, {"scale": stats.gamma(3.0, scale=0.5)}),
    (("fixed", "truncated", "normal"), {}, {"loc": stats.norm(1.0, 1.0)}),
    (("truncated", "mixture", "normal"), {"scale_0": 0.7, "scale_1": 1.1}, {}),
    (("constrained", "shifted", "weibull"), {"loc": 0.3}, {}),
    (("zero_inflated", "truncated", "poisson"), {}, {}),
    (("truncated", "hurdle", "poisson"), {}, {"rate": stats.gamma(4.0, scale=0.8)}),
    (("hurdle", "bounded", "poisson"), {"zero_prob": 0.2}, {}),
]


@pytest.mark.parametrize(("key", "fixed", "prior"), FITS, ids=lambda v: " ".join(map(str, v)))
def test_no_point_near_a_fit_is_more_likely(key, fixed, prior):
    """Censored, weighted rows with known parameters and priors: a simplex finds nothing better."""
    family, law, _ = MADE[key]
    integer = family.support.integer
    rng = np.random.default_rng(3)
    y = rng.poisson(2.5, 40).astype(float) if integer else 0.8 + rng.gamma(2.0, 1.3, 40)
    y = np.where(rng.random(40) < 0.3, 0.0, y) if "zero_inflated" in key else np.minimum(y, 8.5)
    lower, upper = y.copy(), y.copy()
    lower[:6], upper[:6] = np.floor(y[:6]), np.floor(y[:6]) + 1.0
    upper[6:14] = INF
    weight = rng.uniform(0.5, 2.0, 40)
    model = natfit.NaturalMLE(family, fixed=fixed or None, prior=prior or None, tol=1e-7)
    model.fit(natfit.Censored(lower, upper), sample_weight=weight)
    native = {name: np.asarray(value)[0] for name, value in model.params_.items()}
    eta = family.eta(**native)
    free = [b.start for n, b in family.blocks.items() if n not in fixed]
    low, high, _ = family.limits

    def objective(part):
        e = eta.copy()
        e[free] = part
        if np.any((e < low) | (e > high)):
            return INF
        at = family.native_dict(e)
        with np.errstate(all="ignore"):
            value = log_likelihood(law, lower, upper, weight, integer, e)
        value += sum(density.logpdf(at[name]) for name, density in prior.items())
        return -value if np.isfinite(value) else INF

    assert model.status_.good
    best = optimize.minimize(
        objective, eta[free], method="Nelder-Mead", options={"maxiter": 300, "fatol": 1e-10}
    )
    assert objective(eta[free]) < best.fun + 1e-6
