"""Families with a location: published values, scipy, the unbounded corner."""

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import Censored
from natfit.distributions import Shifted
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
