"""Families with a location: published values, scipy, the unbounded corner."""

import re

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.special import gammaln
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import Censored, fitting
from natfit._component import available, component_class, resolve
from natfit.distributions import Positive, Shifted, from_log_prob
from natfit.distributions.base import Distribution
from natfit.optimize.engine import resolve_engine
from natfit.rng import bridge_rng
from natfit.rows import Memory
from natfit.testing.data import points
from tests.cases import Case
from tests.oracles import polished

CASE = Case(
    family=Shifted("lognormal"),
    data=5.0 + np.random.default_rng(4).lognormal(4.0, 0.5, 200),
    optimum=lambda y: polished(lambda m, s, c: stats.lognorm(s, m, c), y, [0.0, 0.5, np.median(y)]),
    edged=True,
)


DAYS = [143, 164, 188, 188, 190, 192, 206, 209, 213, 216, 220, 227, 230, 234, 246, 265, 304]
DAYS = np.array([*DAYS, 216, 244], dtype=float)


def flat(values):
    return [float(np.squeeze(v)) for v in values.values()]


def test_a_weibull_with_a_location_and_censoring_is_as_in_sas():
    """SAS/OR, The NLP Procedure, example 6: three-parameter Weibull, two rows right-censored."""
    rows = Censored(DAYS, np.where(np.arange(19) > 16, np.inf, DAYS))
    model = natfit.fit(Shifted("weibull"), rows)
    np.testing.assert_allclose(flat(model.params_), [122.03, 2.7112, 108.37], rtol=2e-4)


@pytest.mark.parametrize("unit", [1e-3, 1e6])
def test_a_shifted_lognormal_is_scipys_in_any_unit(unit):
    y = 5.0 + np.random.default_rng(1).lognormal(1.0, 0.5, 400)
    model = natfit.fit(Shifted("lognormal"), y * unit)
    loc, shape, scale = flat(model.params_)
    want = stats.lognorm(*stats.lognorm.fit(y, 0.5, loc=4.5, scale=2.7)).logpdf(y).mean()
    own = stats.lognorm(shape, loc / unit, scale / unit).logpdf(y).mean()
    assert own > want - 1e-8
    assert model.score(y[:, None] * unit) == pytest.approx(own - np.log(unit), abs=1e-8)
    assert model.status_.good


@pytest.mark.slow
def test_the_unbounded_corner_is_named():
    y = 5.0 + np.random.default_rng(0).gamma(0.5, 2.0, 200)
    with pytest.warns(ConvergenceWarning, match="unbounded: loc -> .*the smallest row"):
        model = natfit.fit(Shifted("gamma"), y)
    assert model.status_ == "unbounded"


def test_constant_rows_have_no_location():
    with pytest.raises(ValueError, match="must not be constant for Shifted"):
        natfit.fit(Shifted("lognormal"), np.full(5, 3.0))


#: Yearly peaks of a river, of which the gamma and the lognormal distribution have no best shift.
FLOODS = [212, 213, 222, 161, 173, 183, 108, 152, 193, 230, 177, 243, 195, 268, 193, 82, 112, 135]
FLOODS = 1e3 * np.array([*FLOODS, 149, 118, 162])


def ends(family, y, status, words, **options):
    with pytest.warns(ConvergenceWarning, match=f"{status}: {words}"):
        model = natfit.fit(Shifted(family), y, **options)
    assert model.status_ == status
    return model


@pytest.mark.parametrize("unit", [1.0, 1e-9])
@pytest.mark.parametrize("family", ["gamma", "lognormal", "inverse_gamma", "inverse_gaussian"])
def test_a_location_at_minus_infinity_ends_at_the_normal(family, unit):
    y = unit * FLOODS
    mean, sd = y.mean(), y.std()
    model = ends(family, y, "boundary", "loc -> -inf: .*the normal distribution with loc = ")
    want = stats.norm.logpdf(y, mean, sd).sum()
    assert want + y.size * np.log(unit) == pytest.approx(-255.617, abs=5e-4)
    assert model.score_samples(y[:, None]).sum() == pytest.approx(want, abs=1e-5)
    found = [float(v) for v in re.findall(r"(?:loc|scale) = ([\d.e-]+)", model.message_)]
    assert found == pytest.approx([mean, sd], rel=1e-5)
    assert model.n_iter_ < 50
    assert np.isinf([v[0] for v in model.standard_errors_.values()]).all()


def test_a_weibull_at_minus_infinity_ends_at_the_reversed_gumbel():
    y = stats.gumbel_l.ppf((np.arange(60) + 0.5) / 60, 3.0, 2.0)
    y = np.where(y < -4.0, y - 2.0, y)  # a longer tail on the left than any Weibull has
    model = ends("weibull", y, "boundary", "loc -> -inf: .*the reversed Gumbel distribution")
    loc, scale = stats.gumbel_l.fit(y)
    found = [float(v) for v in re.findall(r"(?:loc|scale) = ([\d.e-]+)", model.message_)]
    assert found == pytest.approx([loc, scale], rel=1e-3)
    want = stats.gumbel_l.logpdf(y, loc, scale).sum()
    assert model.score_samples(y[:, None]).sum() == pytest.approx(want, abs=1e-3)
    assert model.n_iter_ < 50


def test_a_location_that_is_far_out_is_found():
    """Nearly normal scores: the optimum by scipy's Nelder-Mead for pearson3, which is this gamma."""
    y = stats.gamma.ppf((np.arange(2000) + 0.5) / 2000, 4000.0)
    y = (y - y.mean()) / y.std()
    model = natfit.fit(Shifted("gamma"), y)
    assert model.status_ == "converged"
    assert model.score_samples(y[:, None]).sum() == pytest.approx(-2837.711145552, abs=1e-6)
    assert model.params_["loc"][0] == pytest.approx(-63.01825, rel=1e-4)


def test_rows_far_from_zero_are_fitted_like_those_near_it():
    near = natfit.fit(Shifted("weibull"), DAYS)
    far = natfit.fit(Shifted("weibull"), DAYS + 2.0**36)
    for name in ("shape", "scale"):
        assert far.params_[name] == pytest.approx(near.params_[name], rel=1e-4)


@pytest.mark.parametrize("family", ["weibull", "gamma"])
def test_no_local_maximum_above_shape_one_is_unbounded(family):
    ends(
        family, np.array([500.0, 600.0, 700.0, 800.0]), "unbounded", "loc -> 500, the smallest row"
    )


def test_ties_at_the_smallest_row_are_unbounded():
    height = np.arange(27) * 0.5 + 0.75
    share = np.diff(stats.weibull_min.cdf(np.arange(28) * 0.5 + 0.5, 1.2, 0.7, 1.65))
    weight = np.round(2e5 * share) + 1.0
    ends("weibull", height, "unbounded", "loc -> 0.75, the smallest row", sample_weight=weight)


def test_a_callback_sees_own_coordinates_and_a_start_is_in_them():
    seen = []

    def watch(iterate, done):
        seen.append((iterate.eta, iterate.theta))

    family, y = Shifted("weibull"), DAYS
    model = natfit.fit(family, y, start_params={"loc": 100.0, "shape": 3.0, "scale": 120.0})
    rows = Memory(y)
    options = {"metric": "auto", "solver": "auto", "step": "backtracking", "damping": None}
    engine = resolve_engine(**options, tol=1e-8, max_iter=100)
    task = fitting.Task(family, rows, engine, bridge_rng(0), hook=watch)
    result = fitting.fit(task)
    eta, theta = seen[-1]
    np.testing.assert_allclose(eta, result.eta)
    np.testing.assert_allclose(theta, model.theta_, rtol=1e-3)
    np.testing.assert_allclose(result.fit.history.theta[-1], eta)


SEVEN = np.array([3.4, 3.9, 4.4, 4.9, 5.3, 6.1, 7.0])


@pytest.mark.parametrize("options", [{"fixed": {"loc": -100.0}}, {"bounds": {"loc": (None, -100)}}])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_start_suits_the_loc_that_is_known_or_limited(options):
    model = natfit.fit(Shifted("weibull"), SEVEN, **options)
    assert model.status_ == ("converged" if "fixed" in options else "boundary")
    assert model.score_samples(SEVEN[:, None]).sum() == pytest.approx(-11.566975, abs=1e-6)
    assert flat(model.params_) == pytest.approx([-100.0, 92.2546, 105.5906], rel=1e-5)
    assert model.n_iter_ < 20


def test_a_ridge_to_infinity_does_not_pass_for_an_optimum_in_other_coordinates():
    """Native coordinates keep (loc, shape, scale), in which the limit is infinitely far."""
    ends("lognormal", FLOODS, "boundary", "loc -> -inf: .*the normal", coordinates="native")


def test_a_family_without_a_regular_form_is_compared_with_the_normal():
    def density(y, shape, scale):
        return (shape - 1.0) * anp.log(y) - y / scale - shape * anp.log(scale) - gammaln(shape)

    params = {"shape": Positive(), "scale": Positive()}
    family = from_log_prob(density, params, support="positive")
    with pytest.warns(ConvergenceWarning, match="boundary: loc -> -inf: .*the normal"):
        natfit.fit(Shifted(family), FLOODS)


def test_a_known_loc_is_no_limit_however_far():
    model = natfit.fit(Shifted("gamma"), FLOODS, fixed={"loc": -1e8})
    assert model.status_ == "converged"


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in available(Distribution)
        if ".positive." in component_class(name, Distribution).__module__
    ],
)
def test_a_density_that_always_falls_needs_no_fit_of_loc(name):
    """Whether it falls from a finite value is seen on a grid, at several points."""
    family = resolve(name, Distribution)
    if family.known_support.low != 0.0 or family.row_ends:
        return
    y = np.concatenate([[1e-12], np.linspace(1e-3, 5.0, 300)])
    low, high, _ = family.limits
    etas = np.clip(3.0 * points(family, 20), np.maximum(low, -3.0), np.minimum(high, 3.0))
    values = np.array([family.log_prob(y, eta[None]) for eta in etas])
    falling = (values[:, 1:] <= values[:, :-1] + 1e-12).all()
    falls = bool(falling and (values[:, 0] < values[:, 1] + 1.0).all())
    if family._falls:
        assert falls
        with pytest.raises(ValueError, match="needs no fit of loc"):
            natfit.fit(Shifted(name), DAYS)
    elif falls:
        with pytest.warns(ConvergenceWarning, match="the smallest row, at which the support"):
            natfit.fit(Shifted(name), DAYS)


def test_a_loc_that_comes_to_the_smallest_row_is_a_limit_with_a_name():
    """A Gompertz density is finite at its end; here the exponential one from there on is best."""
    y = 5.0 + stats.pareto(2.0).rvs(40, random_state=0)
    with pytest.warns(ConvergenceWarning, match=f"loc -> {y.min():g}, the smallest row, at which"):
        model = natfit.fit(Shifted("gompertz"), y)
    assert model.status_ == "boundary"
    best = -40.0 * (1.0 + np.log(np.mean(y - y.min())))
    assert model.score_samples(y).sum() == pytest.approx(best, abs=1e-5)
