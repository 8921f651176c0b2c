"""A share that never fails: the plateau, closed forms, limits, draws."""

import numpy as np
import pytest
from scipy import optimize, stats

import natfit
from natfit import Censored
from natfit.distributions import CureFraction
from natfit.distributions.wrappers.censored import CensoredFamily
from tests.cases import Case
from tests.distributions.wrappers.atoms import OPTIONS, compare, weibull_rows
from tests.fits import fitted, native


def censored(time, event):
    return Censored(time, np.where(event, time, np.inf))


def mle(y):
    """Exact rows need no cured share."""
    log = np.log(y)

    def score(k):
        return 1.0 / k + log.mean() - (y**k @ log) / (y**k).sum()

    shape = optimize.brentq(score, 0.1, 10.0, xtol=1e-14)
    return [1e-15, shape, np.mean(y**shape) ** (1.0 / shape)]


CASE = Case(
    data=stats.weibull_min(1.5, scale=2.0).rvs(200, random_state=1), optimum=mle, at_limit=True
)


def loglik(params, time, event):
    c, shape, scale = params
    weibull = stats.weibull_min(shape, scale=scale)
    rows = np.where(
        event, np.log1p(-c) + weibull.logpdf(time), np.log(c + (1 - c) * weibull.sf(time))
    )
    return rows.sum()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_against_a_search(seed):
    rng = np.random.default_rng(seed)
    n, c = int(rng.integers(40, 300)), rng.uniform(0.1, 0.7)
    life = np.where(rng.random(n) < c, np.inf, rng.weibull(rng.uniform(0.7, 2.5), n))
    end = rng.uniform(0.5, 4.0, n)
    time, event = np.minimum(life, end), life <= end

    def loss(x):
        with np.errstate(all="ignore"):
            value = -loglik([1 / (1 + np.exp(-x[0])), *np.exp(x[1:])], time, event)
        return value if np.isfinite(value) else 1e9

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4_000}
    found = [
        optimize.minimize(loss, [a, 0.0, 0.0], method="Nelder-Mead", options=options).fun
        for a in (-6.0, -0.5)
    ]
    with np.errstate(all="ignore"):
        model = natfit.fit("cure_fraction", censored(time, event))
    assert model.status_ in ("converged", "boundary")
    assert model.n_iter_ <= 40
    assert model.score(censored(time, event)) * n >= -min(found) - 1e-6
    assert loglik(native(model).values(), time, event) >= -min(found) - 1e-6


def test_the_start_is_the_plateau():
    """With a follow-up that is long, the cured share is where Kaplan and Meier's curve ends."""
    rng = np.random.default_rng(3)
    life = np.where(rng.random(400) < 0.35, np.inf, rng.weibull(2.0, 400))
    time, event = np.minimum(life, 20.0), life <= 20.0
    model = natfit.fit("cure_fraction", censored(time, event))
    assert model.status_ == "converged"
    assert native(model)["cured_prob"] == pytest.approx(1.0 - event.mean(), rel=1e-6)
    part = fitted("weibull", time[event])
    assert native(model)["shape"] == pytest.approx(native(part)["shape"], rel=1e-6)
    assert model.n_iter_ <= 8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_nobody_cured_ends_at_the_family():
    rng = np.random.default_rng(0)
    life, end = rng.weibull(1.5, 100), rng.uniform(0.5, 5.0, 100)
    life = np.where(life > 1.5, 1.5 + 0.2 * (life - 1.5), life)
    time, event = np.minimum(life, end), life <= end
    rows = censored(time, event)
    model, plain = natfit.fit("cure_fraction", rows), natfit.fit("weibull", rows)
    assert model.status_ == "boundary"
    assert "Weibull, nobody cured" in model.message_
    assert model.score(rows) == pytest.approx(plain.score(rows), abs=1e-9)


def test_the_time_of_the_cured_is_infinite():
    family = CureFraction("weibull")
    eta = family.eta(cured_prob=0.4, shape=1.5, scale=2.0)[None]
    y = family.sample(eta, np.random.default_rng(0), 5_000)
    assert np.mean(np.isinf(y)) == pytest.approx(0.4, abs=0.03)
    at = np.array([0.0, 1.0, 50.0, np.inf])
    above = [1.0, 0.4 + 0.6 * stats.weibull_min(1.5, scale=2.0).sf(1.0), 0.4, 0.0]
    np.testing.assert_allclose(np.exp(family.log_sf(at, eta)), above, atol=1e-12)
    np.testing.assert_allclose(np.exp(family.log_cdf(at, eta)), 1.0 - np.array(above), atol=1e-12)


def test_what_it_does_not_take_is_refused():
    with pytest.raises(ValueError, match="density on the positive numbers"):
        natfit.fit(CureFraction("normal"), np.array([1.0, 2.0]))


@pytest.mark.parametrize("shape", [-0.3, -0.62, -0.9])
def test_rows_beyond_an_end_that_moves_are_cured(shape):
    """The score of rows of which the last lies beyond the end, against differences of scipy's."""
    time = np.array([0.3, 0.7, 1.1, 1.6, 2.2, 3.1])
    event = np.array([True, True, False, True, True, False])

    def value(eta):
        odds = np.sinh(eta[0])
        inner = stats.genpareto(eta[2], scale=np.exp(eta[1]))
        exact = inner.logpdf(time) - np.log1p(odds)
        return np.where(event, exact, np.log((odds + inner.sf(time)) / (1.0 + odds))).sum()

    eta = np.array([0.6, np.log(-2.6 * shape), shape])
    family = CensoredFamily(CureFraction("generalized_pareto"))
    y = np.stack([time, np.where(event, time, np.inf)], axis=1)
    found, score = family.sum_value_and_score(y, None, eta[None])
    np.testing.assert_allclose(found, value(eta), rtol=1e-12)
    np.testing.assert_allclose(score, optimize.approx_fprime(eta, value, 1e-7), atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_end_that_runs_to_the_last_failure_is_unbounded():
    """The profile over the shape rises from -7.10 at -.55 to -6.21 at -.99, and beyond -1."""
    time, event = [0.3, 0.7, 1.1, 1.6, 2.2, 3.1], [1, 1, 0, 1, 1, 0]
    model = natfit.fit(CureFraction("generalized_pareto"), Censored.right(time, event))
    assert model.status_ == "unbounded"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("seed", range(2))
def test_weighted_intervals_with_known_values_and_priors_against_a_search(option, seed):
    rows = weibull_rows(np.random.default_rng(seed), 120, 0.3, np.inf)
    compare(CureFraction("weibull"), rows, "cured_prob", np.inf, option)
