"""Johnson's SU distribution: no claim below the lognormals with a location that are its limit."""

import numpy as np
import pytest
from scipy import optimize, stats

from tests.fits import fitted


def lognormal(y):
    """The best interior maximum of the profile over the location, of both signs, by scipy."""
    best = -np.inf
    for x in (y, -y):

        def value(log, x=x):
            gap = x - x.min() + np.exp(log)
            logs = np.log(gap)
            return stats.norm(logs.mean(), logs.std()).logpdf(logs).sum() - logs.sum()

        grid = np.log(np.ptp(y)) + np.linspace(-7.0, 6.0, 60)
        values = np.array([value(log) for log in grid])
        for k in np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])) + 1:
            found = optimize.minimize_scalar(
                lambda log, value=value: -value(log), bounds=grid[[k - 1, k + 1]], method="bounded"
            )
            best = max(best, -float(found.fun))
    return best


@pytest.mark.parametrize("seed", range(1000, 1025))
@pytest.mark.parametrize("kind", ["lognormal", "gamma"])
def test_no_optimum_is_below_a_lognormal_with_a_location(kind, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([10, 15, 25, 40]))
    y = -rng.lognormal(0, 1, n) if kind == "lognormal" else rng.gamma(0.7, 1.0, n)
    model = fitted("johnson_su", y)
    assert model.score_samples(y[:, None]).sum() > lognormal(y) - 1e-5
