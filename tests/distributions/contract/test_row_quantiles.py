"""Quantiles of rows that each have parameters of their own, of every family in the registry."""

import numpy as np
import pytest

from natfit.distributions.contract.quantiles import quantile
from natfit.testing.data import points
from tests.suites import families

CASES = {
    name: family
    for name, family in families().items()
    if family.event_shape == () and family.has_cdf and family.support is not None
}

PROBABILITIES = np.tile([1e-12, 0.03, 0.5, 1.0 - 1e-7], 3)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_rows_have_their_own_quantiles(name, upper):
    family = CASES[name]
    if not family.information.complete:
        pytest.skip("rows are intervals")
    eta = np.repeat(points(family, 3), 4, axis=0)
    if family.row_ends:
        eta[:] = eta[0]
    whole = family.support.integer
    formula = family.quantile_formula(eta)
    found = quantile(family, eta, PROBABILITIES, whole, upper, formula)
    assert np.all(np.isfinite(found) | (np.inf in family.atoms))
    tail, sign = (family.log_sf, -1.0) if upper else (family.log_cdf, 1.0)
    with np.errstate(all="ignore"):
        at = np.exp(tail(found, eta))
        before = np.exp(tail(found - 1.0 if whole else np.nextafter(found, -np.inf), eta))
    # The smallest value at which the tail has reached its probability, up to rounding.
    slack = 1e-9 * PROBABILITIES + 1e-15
    assert np.all(sign * (at - PROBABILITIES) >= -slack)
    # An atom has a probability of its own.
    apart = np.isin(found, family.atoms)
    assert np.all((sign * (before - PROBABILITIES) <= slack) | apart)
