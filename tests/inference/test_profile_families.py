"""Profile intervals of every registered univariate family against a search of scipy's."""

import numpy as np
import pytest
from scipy import optimize, stats

from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.inference.profile import profile_interval
from natfit.testing.data import points, some_rows
from tests.fits import fitted

Q95 = stats.chi2.ppf(0.95, 1)

#: Distance of deviances, of which scipy's searches leave the most.
NEAR = 2e-4

#: Iterations of both ends together.
MOST = 25


def cases():
    """Every univariate example, except those without the property, by two stated rules.

    The likelihood of a mixture has several maxima, so that a profile has several pieces; draws of a
    cure fraction are times of which some are infinite, which are no rows.
    """
    for name, family in registered(Distribution):
        if family.event_shape == () and not hasattr(family, "parts") and name != "cure_fraction":
            yield pytest.param(family, id=repr(family))


def profile(own, k, end, enough):
    """The least f with coordinate k held, by scipy from the estimate."""
    objective, theta = own.objective, own.theta
    others = np.delete(np.arange(len(theta)), k)
    low, high, _ = objective.limits()

    def loss(part):
        at = np.insert(part, k, end)
        value, grad = objective.value_and_grad(at)
        return (value, grad[others]) if np.isfinite(value) else (1e10, np.zeros(len(others)))

    if not len(others):
        return loss(np.empty(0))[0]
    box = [(a, b) for a, b in zip(low[others], high[others], strict=True)]
    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 1000, "maxls": 50}
    found = optimize.minimize(
        loss, theta[others], jac=True, bounds=box, method="L-BFGS-B", options=options
    )
    if found.fun <= enough:
        return found.fun
    # A search that stalls at a kink goes on without derivatives.
    polished = optimize.minimize(
        lambda p: loss(np.clip(p, low[others], high[others]))[0],
        found.x,
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 400},
    )
    return min(found.fun, polished.fun)


@pytest.mark.parametrize("family", list(cases()))
def test_both_ends_are_on_the_profile(family):
    eta = points(family, 1)[0]
    y = some_rows(family, eta, 200)
    own = fitted(family, y)._estimates(y[:, None])[0]
    best = own.objective.value(own.theta)
    for k in range(len(own.theta)):
        slope = np.eye(len(own.theta))[k]
        found = profile_interval(own, lambda t, k=k: t[k], lambda t, s=slope: s, 0.95)
        assert found.low <= own.theta[k] <= found.high
        assert found.n_iter <= MOST
        for end, reached in ((found.low, found.reached_low), (found.high, found.reached_high)):
            if reached:
                enough = best + (Q95 + NEAR) / (2.0 * own.total)
                deviance = 2.0 * own.total * (profile(own, k, end, enough) - best)
                assert deviance == pytest.approx(Q95, abs=NEAR)
            else:
                assert any("is that of the range" in note for note in found.notes)
