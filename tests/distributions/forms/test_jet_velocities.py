"""Velocities of quantiles from jets, against slopes of scipy's quantiles at a fixed probability."""

import numpy as np
import pytest

from natfit._component import resolve
from natfit.distributions.base import Distribution

PARAMS = {
    "burr12": {"power": 2.0, "median": 1.2, "shape": 1.5},
    "lomax": {"median": 1.2, "shape": 1.5},
    "gompertz": {"median": 1.2, "shape": 0.7},
    "johnson_su": {"median": 1.0, "scale": 0.8, "skew": 0.3, "tail": 1.4},
}


@pytest.mark.parametrize("name", PARAMS)
def test_velocities(name):
    family = resolve(name, Distribution)
    eta = family.eta(**PARAMS[name])
    known = family.counterpart(eta)
    p = np.array([0.02, 0.3, 0.5, 0.9, 0.999])
    found = family.velocity(known.ppf(p), eta[None]).first
    for k, unit in enumerate(np.eye(len(eta))):
        up, down = (family.counterpart(eta + h * unit).ppf(p) for h in (1e-5, -1e-5))
        slope = (up - down) / 2e-5
        np.testing.assert_allclose(found[k], slope, rtol=1e-6, atol=1e-7 * np.abs(slope).max())


@pytest.mark.parametrize("name", PARAMS)
def test_second_derivatives(name):
    family = resolve(name, Distribution)
    eta = family.eta(**PARAMS[name])
    y = family.counterpart(eta).ppf([0.05, 0.5, 0.95])

    def slope(at):
        density = np.exp(family.log_prob(y, at[None]))
        return density * family.velocity(y, at[None]).first

    density = np.exp(family.log_prob(y, eta[None]))
    found = family.velocity(y, eta[None]).second * density
    for k, unit in enumerate(1e-5 * np.eye(len(eta))):
        by_slopes = (slope(eta + unit) - slope(eta - unit)) / 2e-5
        np.testing.assert_allclose(found[k], by_slopes, rtol=1e-6, atol=1e-7)
