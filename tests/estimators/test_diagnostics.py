"""Diagnostics of every family's fits: no NaN, or a refusal that names the parameters."""

import numpy as np
import pytest

from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.testing.data import points, some_rows
from tests.fits import fitted

FAMILIES = {repr(f): f for _, f in registered(Distribution) if f.event_shape == ()}

#: Families of vectors of known dimension.
VECTORS = {
    repr(f): f
    for _, f in registered(Distribution)
    if f.event_shape != () and None not in f.event_shape
}


def drawn(family, n=100):
    """Rows drawn at a moderate point; those that are infinite by intention are left out."""
    y = some_rows(family, points(family, 1)[0], n)
    return y[np.isfinite(y)]


END, KINK = "end of the support at a row", "kink at y"


def not_smooth(model):
    """Why the log-likelihood has no derivatives at the estimate, None where it has."""
    family, eta = model.distribution_, model._eta[0]
    ends = {family.blocks[n].start for n in family.row_ends}
    if ends & set(model._at_bound[0]):
        return END
    return KINK if len(family.kinks(eta)) else None


@pytest.mark.parametrize("name", FAMILIES)
def test_influence_of_every_family(name, monkeypatch):
    family = FAMILIES[name]
    y = drawn(family)
    model = fitted(family, y)
    if not_smooth(model) == END:
        with pytest.raises(ValueError, match=END):
            model.influence(y)
        return
    found = model.influence(y)
    assert found.theta.shape == (len(y), family.n_params)
    assert np.isfinite(found.theta).all() and np.isfinite(found.distance).all()
    assert (found.distance >= 0).all()
    for parameter, value in found.params.items():
        assert value.shape[:2] == (len(y), 1)
        assert np.isfinite(value).all(), parameter
    # To first order changes sum to zero, as the scores do, to the tolerance of the fit.
    monkeypatch.setattr("natfit.inference.influence.MOST", 0)
    found = model.influence(y)
    assert found.order == 1
    scale = np.sqrt(np.diagonal(model._estimates()[0].covariance()))
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
    if not_smooth(model):
        with pytest.raises(ValueError, match=not_smooth(model)):
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


@pytest.mark.parametrize("name", FAMILIES)
def test_goodness_of_fit_of_every_family(name):
    y = drawn(FAMILIES[name])
    model = fitted(FAMILIES[name], y)
    found = model.goodness_of_fit(y, n_resamples=3)
    assert np.isfinite(found.statistic) and found.statistic >= 0.0
    assert found.pvalue in (0.25, 0.5, 0.75, 1.0)
    assert not any("could not be fitted" in note for note in found.notes)


@pytest.mark.parametrize("name", FAMILIES)
def test_laplace_of_every_family(name):
    y = drawn(FAMILIES[name])
    model = fitted(FAMILIES[name], y)
    if not_smooth(model):
        with pytest.raises(ValueError, match=not_smooth(model)):
            model.laplace(y)
    elif model._at_bound[0]:
        with pytest.raises(ValueError, match="pass a prior for these parameters"):
            model.laplace(y)
    else:
        found = model.laplace(y, n_draws=0)
        assert np.isfinite(found.mean).all() and np.isfinite(found.covariance).all()
        error = np.sqrt(np.diagonal(found.covariance))
        assert (error > 0).all()
        # Without a prior the mode is the estimate, to the tolerance of the fit.
        assert np.all(np.abs(found.mean - model._eta[0]) < 1e-3 * error)
        for value in found.sample(5, random_state=0).values():
            assert value.shape[0] == 5 and np.isfinite(value).all()


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name):
    family = VECTORS[name]
    y = some_rows(family, points(family, 1)[0], 150)
    model = fitted(family, y)
    found = model.influence(y)
    assert np.isfinite(found.theta).all() and np.isfinite(found.distance).all()
    for parameter, value in found.params.items():
        assert value.shape == (150, *model.params_[parameter].shape)
        assert np.isfinite(value).all()
    assert "nan" not in str(model.identifiability())
    if len(np.unique(y, axis=0)) - 1 <= family.n_params:
        with pytest.raises(ValueError, match="needs indicators"):
            model.white_test(y)
    else:
        assert 0.0 <= model.white_test(y).pvalue <= 1.0
    draws = model.laplace(y, n_draws=0).sample(3, random_state=0)
    assert all(np.isfinite(v).all() for v in draws.values())
    with pytest.raises(ValueError, match="univariate family"):
        model.goodness_of_fit(y)
