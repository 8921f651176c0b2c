"""The power-function distribution: its case, and ends that are order statistics."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.distributions import PowerLaw
from tests.cases import Case, continuous
from tests.fits import fitted

CASE = Case(
    data=stats.powerlaw.rvs(2.5, scale=3.0, size=200, random_state=np.random.default_rng(0)),
    optimum=lambda y: [1.0 / np.log(y.max() / y).mean(), y.max()],
    family=PowerLaw(),
    draws=continuous(
        stats.powerlaw,
        lambda x, shape, scale: stats.powerlaw.logpdf(x, shape, scale=scale),
        lambda rng, n: stats.powerlaw.rvs(rng.uniform(0.3, 10.0), size=n, random_state=rng),
        {"floc": 0},
    ),
)


def test_the_upper_end_is_the_largest_row_and_the_fit_says_so():
    model = fitted("powerlaw", CASE.data)
    assert model.status_ == "boundary"
    assert "simpler family" not in model.message_
    assert model.params_["scale"] == CASE.data.max()
    assert "the largest row" in model.message_
    assert model.params_["shape"][0] == pytest.approx(CASE.optimum(CASE.data)[0], rel=1e-7)


def test_a_known_end_is_fixed():
    model = natfit.fit("power_law", CASE.data, fixed={"scale": 3.0})
    assert model.params_["shape"][0] == pytest.approx(1.0 / np.log(3.0 / CASE.data).mean())
