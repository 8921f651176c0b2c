"""Families that move, stretch or truncate another one."""

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import Censored
from natfit.distributions import Scaled, Shifted, Truncated
from natfit.distributions.wrappers._restricted import Fixed

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


def test_the_unbounded_corner_is_named():
    y = 5.0 + np.random.default_rng(0).gamma(0.5, 2.0, 200)
    with pytest.warns(ConvergenceWarning, match="unbounded: loc -> .*the least row"):
        model = natfit.fit(Shifted("gamma"), y)
    assert model.status_ == "unbounded"


def test_scaled_finds_the_unit():
    """A gamma whose scale is one, in a free unit, is the gamma."""
    y = np.random.default_rng(0).gamma(2.0, 3.0, 300)
    plain = natfit.fit("gamma", y, tol=1e-8)
    scaled = natfit.fit(Scaled(), y, tol=1e-8)
    np.testing.assert_allclose(flat(scaled.params_), flat(plain.params_)[::-1], rtol=1e-6)
    errors = flat(plain.standard_errors_)[::-1]
    np.testing.assert_allclose(flat(scaled.standard_errors_), errors, rtol=1e-5)


def test_a_unit_that_is_there_already_is_not_identified():
    y = np.random.default_rng(0).gamma(2.0, 3.0, 300)
    with pytest.warns(ConvergenceWarning, match="do not determine unit, scale"):
        model = natfit.fit(Scaled("gamma"), y)
    assert model.status_ == "singular"
    assert np.isinf(flat(model.standard_errors_)).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (Shifted("normal"), "density on the positive numbers without a location"),
        (Shifted("exponential"), "loc is the least row"),
        (Shifted("poisson"), "needs a univariate density"),
        (Scaled("beta"), "support without an upper end"),
        (Truncated("categorical"), "univariate family with a distribution function"),
        (Truncated("gamma", -3.0, -1.0), "overlap the support of Gamma"),
        (Truncated("gamma", 3.0, 1.0), "low < high"),
    ],
)
def test_families_that_cannot_be_wrapped(family, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit(family, DAYS)


def test_constant_rows_have_no_location():
    with pytest.raises(ValueError, match="must not be constant for Shifted"):
        natfit.fit(Shifted("lognormal"), np.full(5, 3.0))


@pytest.mark.parametrize("name", ["gamma", "normal", "poisson"])
def test_truncated_is_the_conditional_density(name):
    family = Truncated(name, 1.0, 6.0)
    eta = np.array([0.7, 0.4])[: family.n_params]
    frozen = family.inner.to_scipy(eta)
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


def test_fixed_inside_another_wrapper():
    """Wrappers nest: a truncated gamma of known shape is a truncated gamma with shape fixed."""
    y = np.random.default_rng(0).gamma(2.0, 3.0, 300)
    y = y[y > 2]
    inside = natfit.fit(Truncated(Fixed("gamma", {"shape": 2.0}), 2.0), y, tol=1e-8)
    outside = natfit.fit("gamma", y, truncation=(2, None), fixed={"shape": 2.0}, tol=1e-8)
    assert inside.params_["scale"][0] == pytest.approx(outside.params_["scale"][0], rel=1e-7)
