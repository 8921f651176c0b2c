"""Units of coordinates: statements about a fit do not depend on the unit of its rows."""

import numpy as np
import pytest

import natfit
from natfit.distributions import Gamma, Normal, Uniform
from natfit.inference.units import steps, units

RNG = np.random.default_rng(3)
ROWS = {"uniform": RNG.uniform(0.0, 3.0, 60), "pareto": 1.0 + RNG.pareto(3.0, 60)}


def test_locations_and_ends_have_the_unit_of_the_rows():
    quartiles = 2.0 * 0.6744897501960817
    at = Normal().eta(loc=1e6, scale=1e-3)
    np.testing.assert_allclose(units(Normal(), at), [quartiles * 1e-3, -np.log(1e-3)])
    np.testing.assert_allclose(units(Uniform(), Uniform().eta(low=0.0, high=8e9)), [4e9, 4e9])
    np.testing.assert_allclose(units(Gamma(), Gamma().eta(shape=2.0, scale=3.0))[1], np.log(3.0))


def test_steps_are_standard_errors_where_there_are_some():
    at = Normal().eta(loc=0.0, scale=1e-6)
    found = steps(Normal(), at, np.diag([np.inf, 0.25]))
    assert 0.0 < found[0] < 1e-7 and found[1] == 0.5
    np.testing.assert_array_equal(steps(Normal(), at, np.diag([0.0, 4.0])), [0.0, 2.0])


@pytest.mark.filterwarnings("ignore:.*boundary")
@pytest.mark.parametrize("name", list(ROWS))
@pytest.mark.parametrize("what", ["mean", "std", "entropy"])
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_an_end_of_the_support_is_not_determined_in_any_unit(name, what, unit):
    one = natfit.fit(name, ROWS[name]).estimate(what)
    other = natfit.fit(name, ROWS[name] * unit).estimate(what)
    expected = one.value + np.log(unit) if what == "entropy" else one.value * unit
    np.testing.assert_allclose(other.value, expected, rtol=1e-9)
    assert one.standard_error == other.standard_error == np.inf
    assert one.notes == other.notes
