"""In a window the exponential density is a limit of every family that moves and widens."""

import mpmath as mp
import numpy as np
import pytest
from scipy import optimize

from natfit.distributions import Gev, Gumbel, GumbelMin, Truncated
from tests.fits import fitted

#: Rows of whose window the best density is falling and nearly exponential.
ROWS = np.array(
    [
        *(0.6852031, 0.9349789, 0.5884232, 1.727649, 1.581642, 0.3193832, -0.5701368),
        *(1.623507, 2.210622, -0.3440994, -0.1646003),
    ]
)


def exponential(y, low, high):
    """Log-likelihood of the best exponential density between two ends, by scipy."""

    def value(tilt):
        at = tilt * (y - low)
        return at.sum() - len(y) * np.log(np.expm1(tilt * (high - low)) / tilt)

    found = optimize.minimize_scalar(
        lambda tilt: -value(tilt), bracket=(-0.5, -0.01), options={"xtol": 1e-12}
    )
    return -float(found.fun)


@pytest.mark.parametrize("family", ["gumbel", "gumbel_min", "pearson3"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_window_at_the_rows_leads_to_the_exponential_density(family, sign):
    right = exponential(ROWS, ROWS.min(), ROWS.max())
    y = sign * ROWS
    model = fitted(Truncated(family, y.min(), y.max()), y)
    assert model.status_ == "boundary"
    direction = "falling" if sign > 0 else "rising"
    assert f"the exponential density, {direction}, with rate = 0.06070" in model.message_
    assert model.score_samples(y[:, None]).sum() == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_tail_of_a_gumbel_at_fixed_scale_is_this_limit_too(sign):
    """The scale stays finite, and loc runs away: no standard error of loc is a part of it."""
    y = -np.log(1.0 - 0.777 * np.linspace(0.01, 0.99, 23))
    right = exponential(y, 0.0, 1.5)
    ends, family = ((0.0, 1.5), "gumbel") if sign > 0 else ((-1.5, 0.0), "gumbel_min")
    model = fitted(Truncated(family, *ends), sign * y)
    assert model.status_ == "boundary"
    assert "exponential density" in model.message_
    assert model.score_samples(sign * y[:, None]).sum() == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("z", [5.0, 35.0, 600.0, 745.0, 1e4, 1e8])
def test_gumbel_tails_go_on_where_doubles_end(z):
    with mp.workdps(60):
        right = float(mp.log(-mp.expm1(-mp.exp(-mp.mpf(z))))) if z < 1e4 else -z
    eta = np.zeros((1, 2))
    for found in (
        Gumbel().log_sf(np.array([z]), eta),
        GumbelMin().log_cdf(np.array([-z]), eta),
        Gev().log_sf(np.array([z]), np.zeros((1, 3))),
    ):
        assert found[0] == pytest.approx(right, rel=1e-13)
