"""Families by forward differentiation: a score without a Hessian is the same score."""

import numpy as np
import pytest

from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.distributions.forms.jets import ByJets
from natfit.numerics.jets import Jet
from natfit.testing.data import points, some_rows

FAMILIES = {name: family for name, family in registered(Distribution) if isinstance(family, ByJets)}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("shared", [True, False])
def test_the_first_order_alone_is_that_of_both(name, shared):
    family = FAMILIES[name]
    eta = points(family)
    y = some_rows(family, eta[0], 12)
    eta = eta[:1] if shared else np.resize(eta, (12, eta.shape[1]))
    both, first = family.jet(y, eta), family.jet(y, eta, order=1)
    assert both.second is not None and first.second is None
    np.testing.assert_array_equal(first.value, both.value)
    np.testing.assert_array_equal(first.first, both.first)


@pytest.mark.parametrize("name", FAMILIES)
def test_sums_of_the_first_order_against_differences(name):
    family = FAMILIES[name]
    eta = points(family)[:1]
    y, weight = some_rows(family, eta[0], 12), np.linspace(0.5, 2.0, 12)
    value, score = family.sum_value_and_score(y, weight, eta)
    assert value == pytest.approx(weight @ family.log_density(y, eta), rel=1e-12)
    step = 1e-4 * np.eye(eta.shape[1])
    for k, h in enumerate(step):
        ends = [weight @ family.log_density(y, eta + s * h) for s in (-2, -1, 1, 2)]
        slope = (ends[0] - 8.0 * ends[1] + 8.0 * ends[2] - ends[3]) / 12e-4
        assert score[k] == pytest.approx(slope, rel=1e-7, abs=1e-7)


def test_every_operation_goes_without_a_hessian():
    value, first = np.array([0.3, 0.7]), np.array([[1.0, 2.0], [0.5, -1.0]])
    second = np.zeros((2, 2, 2))

    def f(a):
        b = np.exp(a) / (2.0 - a) + np.where(a > 0.5, a, 1.0) ** 3 - a * np.log1p(a)
        return np.logaddexp(0.2, np.maximum(b, 0.1) - np.sqrt(abs(a))) * 2.0

    both, alone = f(Jet(value, first, second)), f(Jet(value, first))
    assert alone.second is None
    np.testing.assert_array_equal(alone.first, both.first)
