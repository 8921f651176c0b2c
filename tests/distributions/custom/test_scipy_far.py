"""Distributions of scipy whose parameters run away together, and formulas that lose their digits."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import from_scipy
from natfit.numerics.differences import rounding

#: Probabilities in the middle of 60 equal parts: rows that look like their distribution.
MIDDLES = (np.arange(60) + 0.5) / 60


def fitted(dist, y, **options):
    """Estimates by name, the model, and the log-likelihood by scipy."""
    with warnings.catch_warnings():
        # A fit that ends at a limit says so in a warning.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = natfit.fit(from_scipy(dist, **options), y)
    found = {k: float(v[0]) for k, v in model.params_.items()}
    return found, model, float(dist.logpdf(y, **found).sum())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_shape_that_is_a_power_runs_away_with_the_scale(sign):
    # log y has a location and a scale: scipy fits that.
    y = np.exp(sign * stats.loggamma.ppf(MIDDLES, 60.0, loc=-1.0, scale=0.5))
    found, model, value = fitted(stats.gengamma, y, scale=True)
    log = stats.loggamma.fit(sign * np.log(y))
    best = stats.loggamma.logpdf(sign * np.log(y), *log).sum() - np.log(y).sum()
    assert model.status_ in ("converged", "boundary")
    assert np.sign(found["c"]) == sign
    assert value >= best - 1e-5


def test_the_lognormal_limit_is_named():
    y = stats.lognorm.ppf(MIDDLES, 0.7, scale=3.0)
    _, model, value = fitted(stats.gengamma, y, scale=True)
    limit = stats.lognorm.logpdf(y, np.log(y).std(), scale=np.exp(np.log(y).mean())).sum()
    assert model.status_ == "boundary"
    assert "scale" in model.message_
    assert value == pytest.approx(limit, abs=1e-3)


def test_the_normal_limit_of_three_parameters_is_named():
    y = stats.norm.ppf(MIDDLES, 5.0, 2.0)
    _, model, value = fitted(stats.chi, y, loc=True, scale=True)
    assert model.status_ == "boundary"
    assert "loc" in model.message_
    assert value == pytest.approx(stats.norm.logpdf(y, y.mean(), y.std()).sum(), abs=1e-3)


def test_rounding_far_out_is_no_lower_value():
    # The limit of a beta prime distribution is an inverse gamma one; beyond it, scipy's formula
    # seems to be 40 nats higher.
    y = stats.invgamma.ppf(MIDDLES, 5.0, scale=2.0)
    _, model, value = fitted(stats.betaprime, y, scale=True)
    limit = stats.invgamma.logpdf(y, *stats.invgamma.fit(y, floc=0.0)).sum()
    assert model.status_ == "boundary"
    assert value == pytest.approx(limit, abs=1e-3)


def test_each_gap_between_rows_has_a_maximum():
    y = np.array([-3.1, -2.2, -1.9, -1.2, -0.9, 0.8, 1.1, 1.5, 2.3, 2.6])
    found, model, value = fitted(stats.dweibull, y, loc=True, scale=True)
    shares = np.linspace(0.1, 0.9, 9)
    places = (y[:-1, None] + np.diff(y)[:, None] * shares).ravel()
    best = -np.inf
    for loc in places:
        size = np.abs(y - loc)
        shape, _, scale = stats.weibull_min.fit(size, floc=0.0)
        if shape > 1.0:
            value_there = stats.weibull_min.logpdf(size, shape, scale=scale).sum()
            best = max(best, value_there - len(y) * np.log(2.0))
    assert model.status_ == "converged"
    assert value >= best - 1e-9
    assert -0.9 < found["loc"] < 0.8


def test_errors_of_scipy_are_no_density():
    class Raising(type(stats.gamma)):
        """Overflows as compiled formulas do, for all values of a call."""

        def _logpdf(self, x, a):
            if np.any(a > 50.0):
                raise OverflowError("too large to represent")
            return super()._logpdf(x, a)

    dist = Raising(a=0.0, name="raising", shapes="a")
    family = from_scipy(dist, scale=True)
    y = np.array([0.5, 1.0, 2.0])
    eta = np.array([[np.log(2.0), 0.0], [np.log(60.0), 0.0], [np.log(3.0), 0.5]])
    found = family.log_rows(y, eta)
    expected = stats.gamma.logpdf(y[:, None], [2.0, 3.0], scale=[1.0, np.exp(0.5)])
    np.testing.assert_allclose(found[:, [0, 2]], expected, rtol=1e-12)
    assert np.all(found[:, 1] == -np.inf)
    by_row = family.log_prob(y, eta)
    assert by_row[1] == -np.inf
    assert np.isfinite(by_row[[0, 2]]).all()


def test_rounding_of_values_on_a_straight_line():
    rng = np.random.default_rng(0)
    line = 3.0 + 0.2 * np.arange(400.0)
    assert rounding(line + 1e-6 * rng.standard_normal(400)) == pytest.approx(1e-6, rel=0.3)
    assert rounding(line) < 1e-12
    assert np.isinf(rounding(np.array([0.0, np.inf, 1.0, 2.0, 3.0])))


@pytest.mark.parametrize("seed", [2, 102])
@pytest.mark.parametrize("shape", [1.5, 2.0])
def test_an_end_that_passes_a_row_is_not_an_end_of_the_formula(seed, shape):
    """A gamma whose location is near its smallest row, against scipy's own fit."""
    y = np.random.default_rng(seed).gamma(shape, 2.0, 200) + 10.0
    model = natfit.fit(from_scipy(stats.gamma, loc=True, scale=True), y)
    assert model.status_ == "converged"
    peer = stats.gamma.fit(y)
    assert 200 * model.score(y) >= stats.gamma.logpdf(y, *peer).sum() - 1e-6
    found = [float(model.params_[k][0]) for k in ("a", "loc", "scale")]
    np.testing.assert_allclose(found, peer, rtol=1e-3)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("dist", "limit", "shape"),
    [(stats.genlogistic, stats.gumbel_r, "c"), (stats.rdist, stats.norm, "c")],
)
def test_a_limit_that_rounding_nearly_hides(dist, limit, shape, seed):
    """Where a formula has lost digits, what is level as far as one can see is at its limit."""
    y = np.random.default_rng(seed).lognormal(1.0, 0.6, 60)
    best = limit.logpdf(y, *limit.fit(y)).sum()
    _, model, value = fitted(dist, y, loc=True, scale=True)
    assert value == pytest.approx(best, abs=2e-3)
    assert model.status_ == "boundary"
    assert f"{shape} -> inf" in model.message_


@pytest.mark.parametrize(
    ("dist", "limit"),
    [
        (stats.fisk, stats.logistic),
        (stats.invweibull, stats.gumbel_r),
        (stats.weibull_max, stats.gumbel_r),
    ],
)
def test_a_location_is_followed_until_the_limit_is_reached(dist, limit):
    """At 300 spreads a tenth of a nat was still to be gained."""
    y = limit.ppf(MIDDLES, 10.0, 2.0)
    best = limit.logpdf(y, *limit.fit(y)).sum()
    found, model, value = fitted(dist, y, loc=True, scale=True)
    if model.status_ == "boundary":
        assert abs(found["loc"]) > 1e3
        assert value == pytest.approx(best, abs=1e-4)
    else:
        assert model.status_ == "converged"
        assert value > best
