"""Diagnostics of every family's fits: no NaN, or a refusal that names the parameters."""

import numpy as np
import pytest

from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.testing.data import points, some_rows
from tests.fits import fitted

FAMILIES = {repr(f): f for _, f in registered(Distribution) if f.event_shape == ()}


def drawn(family, n=100):
    """Rows drawn at a moderate point; those that are infinite by intention are left out."""
    y = some_rows(family, points(family, 1)[0], n)
    return y[np.isfinite(y)]


@pytest.mark.parametrize("name", FAMILIES)
def test_influence_of_every_family(name):
    family = FAMILIES[name]
    y = drawn(family)
    model = fitted(family, y)
    ends = [family.blocks[n].start for n in family.row_ends]
    if set(ends) & set(model._at_bound[0]):
        with pytest.raises(ValueError, match="end of the support at a row"):
            model.influence(y)
        return
    found = model.influence(y)
    assert found.theta.shape == (len(y), family.n_params)
    assert np.isfinite(found.theta).all() and np.isfinite(found.distance).all()
    assert (found.distance >= 0).all()
    for parameter, value in found.params.items():
        assert value.shape[:2] == (len(y), 1)
        assert np.isfinite(value).all(), parameter
    # The scores sum to zero at the optimum, to the tolerance of the fit in standard errors.
    scale = np.sqrt(np.diagonal(model._eta_covariance(0)))
    free = np.isfinite(scale) & (scale > 0)
    limit = 0.2 if len(family.kinks(model._eta[0])) else 1e-3
    assert np.all(np.abs(found.theta.sum(axis=0)[free]) < limit * scale[free])


@pytest.mark.parametrize("name", FAMILIES)
def test_identifiability_of_every_family(name):
    family = FAMILIES[name]
    model = fitted(family, drawn(family))
    found = model.identifiability()
    free = family.n_params - len(found.at_limit)
    assert len(found.combinations) == free == len(found.eigenvalues)
    for c in found.combinations:
        assert np.isfinite(c.coefficients).all()
        assert c.standard_error > 0 and c.rows > 0
    assert "nan" not in str(found)
    assert len(found.sentences) >= 1


@pytest.mark.parametrize("name", FAMILIES)
def test_white_test_of_every_family(name):
    family = FAMILIES[name]
    y = drawn(family)
    model = fitted(family, y)
    free = family.n_params - len(model._at_bound[0])
    if len(family.kinks(model._eta[0])):
        with pytest.raises(ValueError, match="kink"):
            model.white_test(y)
    elif free == 0 or len(np.unique(y)) - 1 <= free:
        # Any function of so few values is a combination of the scores.
        with pytest.raises(ValueError, match="needs indicators"):
            model.white_test(y)
    else:
        found = model.white_test(y)
        assert np.isfinite(found.statistic) and found.statistic >= 0.0
        assert 0.0 <= found.pvalue <= 1.0
        assert 1 <= found.df <= free * (free + 1) / 2
