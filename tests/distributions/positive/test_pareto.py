"""The Pareto distribution: its case, and ends that are order statistics."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.distributions import Pareto
from tests.cases import Case, continuous
from tests.fits import fitted

CASE = Case(
    data=stats.pareto.rvs(2.5, scale=3.0, size=200, random_state=np.random.default_rng(0)),
    optimum=lambda y: [1.0 / np.log(y / y.min()).mean(), y.min()],
    family=Pareto(),
    draws=continuous(
        stats.pareto,
        lambda x, shape, scale: stats.pareto.logpdf(x, shape, scale=scale),
        lambda rng, n: stats.pareto.rvs(rng.uniform(0.3, 10.0), size=n, random_state=rng),
        {"floc": 0},
    ),
)


def test_the_scale_is_the_smallest_row_and_the_fit_says_so():
    model = fitted("pareto", CASE.data)
    assert model.status_ == "boundary"
    assert "simpler family" not in model.message_
    assert model.params_["scale"] == CASE.data.min()
    assert "scale -> " in model.message_ and "the smallest row" in model.message_
    assert model.params_["shape"][0] == pytest.approx(CASE.optimum(CASE.data)[0], rel=1e-7)
    # The information about the shape is n / shape^2 whether the scale is known or not.
    error = model.params_["shape"] / np.sqrt(len(CASE.data))
    assert model.standard_errors_["shape"] == pytest.approx(error, rel=1e-6)


def test_a_known_scale_is_fixed():
    model = natfit.fit("pareto", CASE.data, fixed={"scale": 2.5})
    assert model.status_ == "converged"
    want = 1.0 / np.log(CASE.data / 2.5).mean()
    assert model.params_["shape"][0] == pytest.approx(want, rel=1e-7)


def test_a_fixed_scale_above_a_row_is_refused_by_name():
    with pytest.raises(ValueError, match="scale must be <= 3.00.* the smallest row.*got 4"):
        natfit.fit("pareto", CASE.data, fixed={"scale": 4.0})


def test_each_column_has_ends_of_its_own():
    x = np.stack([CASE.data, 10.0 * CASE.data], axis=1)
    np.testing.assert_array_equal(fitted("pareto", x).params_["scale"], x.min(axis=0))


def test_a_location_beside_a_free_end_is_refused():
    with pytest.raises(ValueError, match="ends at scale"):
        natfit.fit(natfit.distributions.Shifted("pareto"), CASE.data)
