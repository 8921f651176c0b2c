"""Every registered family: a metric of how y moves belongs to its divergence, or is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.metrics import CRPSMetric, WassersteinMetric, crps, wasserstein
from natfit.metrics._between import half_squares, squared_gaps
from natfit.testing.data import points
from tests.metrics.test_wasserstein import Posed

FAMILIES = {f"{name} {i}": f for i, (name, f) in enumerate(registered(Distribution))}

#: The metric, its matrices of rows, its divergence, and the divergence without closed forms.
KINDS = {
    "wasserstein": (WassersteinMetric, wasserstein._metric, wasserstein._half_squares),
    "crps": (CRPSMetric, crps._metric, crps._squared_gaps),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FAMILIES)
def test_the_metric_is_the_curvature_of_its_divergence_or_is_refused(name, kind):
    metric, matrices, divergence = KINDS[kind]
    family = FAMILIES[name]
    eta = points(family, 1)
    try:
        metric().prepare(Posed(family))
        found = matrices(family, eta, 0)[0]
    except ValueError as error:
        assert "; use metric=" in str(error) or "; pass support=" in str(error)
        return
    matrix = found.dense(1)[0] if hasattr(found, "dense") else found[0]
    d = 1e-3 * np.random.default_rng(0).standard_normal(family.n_params)
    square = 0.5 * d @ matrix @ d
    assert square > 0
    # A term of third order in d is left, and of ends that move a corner.
    assert_allclose(divergence(family, eta, eta + d), square, rtol=0.03)


def closed():
    """Univariate families with closed forms; what is derived is of univariate ones."""
    return [n for n, f in FAMILIES.items() if f._wasserstein is not None and f.event_shape == ()]


@pytest.mark.parametrize("name", closed())
def test_closed_forms_are_what_is_derived(name):
    family = FAMILIES[name]
    eta, other = points(family, 2)
    both = eta[None], other[None]
    closed = wasserstein._metric(family, both[0], 0)[0].dense(1)[0]
    assert_allclose(wasserstein._one(family, eta), closed, rtol=1e-8, atol=1e-10)
    closed = crps._metric(family, both[0], 0)[0].dense(1)[0]
    assert_allclose(crps._of_density(family, eta), closed, rtol=1e-8, atol=1e-10)
    assert_allclose(half_squares(family, *both), wasserstein._half_squares(family, *both))
    assert_allclose(squared_gaps(family, *both), crps._squared_gaps(family, *both), rtol=1e-6)
