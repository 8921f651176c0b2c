"""The rounding of a plain function: assumed from its size at the start, then measured."""

import numpy as np

import natfit
from natfit.iterate import noise, refined
from natfit.objectives import Function
from natfit.testing.problems import likelihood

AT = np.array([1.0, 1e4])


def sized(fun, jac, scale=1e12):
    """A function that has been called: it has a scale, here one that is far too large."""
    objective = Function(fun, 2, jac)
    objective.value_and_grad(AT)
    objective.scale = scale
    return objective


def squares(b):
    return float((b[0] - 1.5) ** 2 + (b[1] / 1e4 - 1.0) ** 4)


def slopes(b):
    return np.array([2.0 * (b[0] - 1.5), 4e-4 * (b[1] / 1e4 - 1.0) ** 3])


def test_what_is_measured_takes_the_place_of_what_was_assumed():
    objective = sized(squares, slopes)
    assert noise(0.25, objective.scale) > 1.0
    assert refined(objective, AT, 0.25, 1e-3)
    assert noise(0.25, 0.0) <= noise(0.25, objective.scale) < 1e-3


def test_a_decrease_below_the_spacing_of_doubles_is_hidden():
    objective = sized(squares, slopes)
    for decrease in (0.0, -1.0, 1e-16, np.nan):
        assert not refined(objective, AT, 0.25, decrease)
    assert objective.scale == 1e12


def test_a_rounding_that_is_there_stays():
    rng = np.random.default_rng(0)
    objective = sized(lambda b: 1.0 + 1e-3 * rng.standard_normal(), lambda b: np.ones(2))
    assert not refined(objective, AT, 1.0, 1e-4)
    assert objective.scale == 1e12
    assert refined(objective, AT, 1.0, 1.0)
    assert noise(1.0, objective.scale) > 1e-3


def test_a_likelihood_has_its_own_unit():
    objective = likelihood(natfit.distributions.Normal(), np.arange(5.0))
    assert not refined(objective, np.zeros(2), 1.0, 1.0)
