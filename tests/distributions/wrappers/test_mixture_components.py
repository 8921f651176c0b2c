"""All univariate families of the registry as components of a mixture."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import testing
from natfit._component import available, component_class
from natfit.distributions import Mixture, Truncated
from natfit.distributions.base import Distribution


def _components():
    """The first example of each univariate family that has a support and draws complete rows."""
    for name in available(Distribution):
        family = component_class(name, Distribution).examples()[0]
        if family.event_shape != () or family.support is None or isinstance(family, Mixture):
            continue
        if family.can_sample and family.information.complete:
            yield pytest.param(family, id=name)


#: Families that give a value a probability beside a density, and all others.
ATOMS, COMPONENTS = [], []
for each in _components():
    (ATOMS if each.values[0].atoms else COMPONENTS).append(each)


@pytest.mark.parametrize("family", ATOMS)
def test_a_probability_is_not_mixed_with_a_density(family):
    for components in ([family, family], ["gamma", family], [Truncated(family, 0.0, 9.0), "gamma"]):
        with pytest.raises(ValueError, match="without values of a probability.*wrap the mixture"):
            natfit.fit(Mixture(components), [0.0, 0.5, 1.0, 2.0, 4.0, 5.0, 7.0])


@pytest.mark.parametrize("family", COMPONENTS)
def test_a_component_overflows_silently_at_the_rows_of_another(family):
    """Without a warning: its own rows, those of a far component, and both ends of the support."""
    points = testing.points(family)
    mixture, rng = Mixture([family, family]), np.random.default_rng(0)
    for one, two in zip(points[:3], points[-3:], strict=True):
        eta = np.concatenate([[0.3], one, two])[None]
        y = mixture.sample(eta, rng, 20)
        low, high = mixture.support.low, mixture.support.top
        far = np.array([low if np.isfinite(low) else 3.0 * y.min() - 1.0, 3.0 * y.max() + 1.0])
        y = np.concatenate([y, np.minimum(far, high if np.isfinite(high) else np.inf)])
        if not mixture.support.closed:
            y = y[(y > low) & (y < high)]
        share = mixture.responsibilities(y, eta)
        np.testing.assert_allclose(share[np.isfinite(mixture.log_prob(y, eta))].sum(axis=1), 1.0)
        value, score = mixture.log_prob_and_score(y, eta)
        seen = np.isfinite(value) & np.isfinite(score).all(axis=1)
        assert seen[:20].all()
        assert np.isfinite(mixture.observed(y[:20], eta)).all()


@pytest.mark.parametrize("family", COMPONENTS)
def test_a_few_steps_of_a_fit_warn_of_nothing_but_their_end(family):
    points, rng = testing.points(family), np.random.default_rng(1)
    y = np.concatenate([family.sample(eta[None], rng, 20) for eta in (points[0], points[-1])])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            closed = family._observed is not None or family.sum_terms is not None
            model = natfit.fit(Mixture([family, family], n_init=1 + closed), y, max_iter=3)
        except ValueError as error:
            assert "must" in str(error)
        else:
            assert np.isfinite(model.score(y[:, None]))
