"""Units of actions: those of a box, log-densities and native values in the unit of the actions."""

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal

from natfit.distributions import MultivariateNormal
from natfit.rl import Box
from natfit.rl.actions import ActionUnits, box_units

BIG = np.finfo(np.float32).max


@pytest.mark.parametrize(
    ("low", "high", "init_std", "origin", "unit"),
    [
        (0.0, 4.0, 3.0, 2.0, 2.0),
        (2.0, 2.0, 3.0, 2.0, 1.0),
        (-1e-12, 1e-12, 3.0, 0.0, 1e-12),
        (-1e12, 1e12, 3.0, 0.0, 1e12),
        (-1e30, 3e30, 3.0, 1e30, 2e30),
        # Without two limits the first deviation is the unit, and the origin one unit inside.
        (-np.inf, np.inf, 3.0, 0.0, 3.0),
        (0.0, np.inf, 3.0, 3.0, 3.0),
        (-1.0, np.inf, 3.0, 2.0, 3.0),
        (-5.0, np.inf, 3.0, 0.0, 3.0),
        (-np.inf, 1.0, 3.0, -2.0, 3.0),
        (-np.inf, -7.0, 3.0, -10.0, 3.0),
        # The largest number in float32 and more is no limit.
        (-BIG, BIG, 3.0, 0.0, 3.0),
        (0.0, 1e300, 3.0, 3.0, 3.0),
        (-1e308, 1e308, 1e-3, 0.0, 1e-3),
    ],
)
def test_units_of_a_box(low, high, init_std, origin, unit):
    for pair, deviation in (([low, high], init_std), ([[low] * 2, [high] * 2], [init_std, 7.0])):
        space = Box(*np.atleast_2d(np.array(pair).T).T)
        found = box_units(space, deviation)
        assert_allclose([v[0] for v in found], [origin, unit], rtol=1e-15)
        units = ActionUnits.of(space, deviation)
        z = np.linspace(-3, 3, 7)[:, None] * np.ones(len(found[0]))
        assert_allclose(units.standardised(units.actions(z)), z, rtol=1e-12, atol=1e-15)
        sent = units.clipped(z)
        assert np.all((sent >= low) & (sent <= high))


def test_log_jacobian_is_that_of_all_elements():
    units = ActionUnits.of(Box([0.0, -np.inf], [4.0, np.inf]), 5.0)
    z = np.random.default_rng(0).standard_normal((3, 2))
    want = scipy.stats.norm.logpdf(units.actions(z), [2.0, 0.0], [2.0, 5.0]).sum(axis=1)
    got = scipy.stats.norm.logpdf(z).sum(axis=1) - units.log_jacobian(z)
    assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("kind", ["diag", "full", "spherical"])
def test_native_values_there_and_back(kind):
    units = ActionUnits.of(Box([0.0, -10.0], [4.0, 10.0]))
    family = MultivariateNormal(kind, 2)
    spread = {"diag": [0.5, 2.0], "full": [[2.0, 0.3], [0.3, 1.0]], "spherical": 0.5}[kind]
    values = dict(zip(family.params, [np.array([0.1, -0.2]), np.array(spread)], strict=True))
    rows = {k: np.stack([v, v]) for k, v in values.items()}
    native = units.to_native(family, rows)
    half = np.array([2.0, 10.0])
    assert_allclose(native["loc"], [[2.2, -2.0]] * 2)
    got = list(native.values())[1]
    want = {
        "diag": spread * half, "full": np.array(spread) * np.outer(half, half),
        "spherical": 0.5 * half,
    }[kind]  # fmt: skip
    assert_allclose(got, [want] * 2)
    back = units.from_native(family, {k: v[0] for k, v in native.items()})
    for name, value in values.items():
        assert_allclose(back[name], value, rtol=1e-14)


def test_a_scale_for_all_elements_is_one_number_where_they_have_one_unit():
    units = ActionUnits.of(Box([-3.0, -3.0], [3.0, 3.0]))
    family = MultivariateNormal("spherical", 2)
    native = units.to_native(family, {"loc": np.ones((1, 2)), "scale": np.ones(1)})
    assert_array_equal(native["scale"], [3.0])
    assert units.from_native(family, {"scale": 6.0})["scale"] == 2.0
    uneven = ActionUnits.of(Box([-3.0, -1.0], [3.0, 1.0]))
    with pytest.raises(ValueError, match=r"start_params\['scale'\] must be the same in units"):
        uneven.from_native(family, {"scale": 6.0})
