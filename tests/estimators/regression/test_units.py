"""The unit of y changes neither a fit nor its iterations: families on the real line."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalRegressor
from natfit._component import available, component_class
from natfit.distributions.base import Distribution

REAL = [
    name
    for name in available(Distribution)
    if getattr(component_class(name, Distribution), "__module__", "").startswith(
        "natfit.distributions.real"
    )
]


def fitted(name, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NaturalRegressor(name).fit(X, y)


@pytest.mark.parametrize("unit", [1e-9, 1e3, 1e6])
@pytest.mark.parametrize("name", [name for name in REAL if name != "uniform"])
def test_a_fit_is_the_same_in_any_unit_of_y(name, unit):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(100, 1))
    y = X[:, 0] + rng.gumbel(size=100) + 10.0
    one, other = fitted(name, X, y), fitted(name, X, unit * y)
    assert other.status_ == one.status_
    assert abs(other.n_iter_ - one.n_iter_) <= 1
    np.testing.assert_allclose(other.loglik_ + 100 * np.log(unit), one.loglik_, atol=1e-5)
