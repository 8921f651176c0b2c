"""Estimates from a summary have all their digits, wherever the fit began."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special

from natfit import NaturalMLE

RNG = np.random.default_rng(18)
CLOSED = {
    "normal": (RNG.normal(3.0, 2.0, 500), lambda y: {"loc": y.mean(), "scale": y.std()}),
    "exponential": (RNG.exponential(2.0, 500), lambda y: {"rate": 1.0 / y.mean()}),
    "poisson": (RNG.poisson(3.0, 500).astype(float), lambda y: {"rate": y.mean()}),
    "geometric": (
        RNG.geometric(0.3, 500).astype(float),
        lambda y: {"prob": 1.0 / (1.0 + y.mean())},
    ),
    "bernoulli": (RNG.integers(0, 2, 500).astype(float), lambda y: {"prob": y.mean()}),
    "inverse_gaussian": (
        RNG.wald(2.0, 3.0, 500),
        lambda y: {"mean": y.mean(), "shape": 1.0 / np.mean(1.0 / y - 1.0 / y.mean())},
    ),
}


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("tol", [1e-2, 1e-5])
def test_closed_forms_are_met_to_rounding(name, tol):
    y, closed = CLOSED[name]
    model = NaturalMLE(name, tol=tol).fit(y[:, None])
    for key, value in closed(y).items():
        assert_allclose(np.ravel(model.params_[key]), value, rtol=1e-13)


def test_equations_are_solved_to_rounding():
    """log(shape) - digamma(shape) = log(mean y) - mean(log y) of a gamma distribution."""
    y = RNG.gamma(2.0, 3.0, 500)
    for start in (None, {"shape": 9.0, "scale": 0.2}):
        model = NaturalMLE("gamma", start_params=start).fit(y[:, None])
        shape = model.params_["shape"][0]
        gap = np.log(shape) - special.digamma(shape) - np.log(y.mean()) + np.log(y).mean()
        assert abs(gap) < 1e-14
        assert_allclose(shape * model.params_["scale"][0], y.mean(), rtol=1e-14)


def test_the_history_ends_at_the_estimate():
    y = RNG.gamma(2.0, 3.0, 500)
    model = NaturalMLE("gamma").fit(y[:, None])
    assert np.array_equal(model.theta_, model.history_.theta[-1])
    assert model.history_["objective"][-1] == pytest.approx(-model.loglik_ / 500, rel=1e-14)
    # The distance is that of the iterate which met tol.
    assert 0.0 < model.history_["distance"][-1] <= model.tol


def test_an_end_elsewhere_is_left_alone():
    """A fit that was stopped, or ends at a limit."""
    y = RNG.gamma(2.0, 3.0, 500)[:, None]
    with pytest.warns(UserWarning, match="max_iter"):
        model = NaturalMLE("gamma", max_iter=1, tol=1e-12).fit(y)
    assert np.array_equal(model.theta_, model.history_.theta[-1])
    with pytest.warns(UserWarning, match="boundary"):
        model = NaturalMLE("gamma", bounds={"shape": (None, 1.5)}).fit(y)
    assert model.params_["shape"][0] == pytest.approx(1.5)
