"""From which component a row, or an interval, came."""

import numpy as np
import pytest
from scipy import stats

from natfit._component import registered
from natfit.distributions import (
    Bounded,
    Distribution,
    Mixture,
    MultivariateNormal,
    Normal,
    Truncated,
    ZeroInflated,
)

NORMALS = Mixture("normal", 2)
ETA = NORMALS.eta(weights=[0.3, 0.7], loc_0=0.0, scale_0=1.0, loc_1=4.0, scale_1=2.0)[None]


def shares(*masses):
    return np.transpose(np.asarray(masses) / np.sum(masses, axis=0))


def test_intervals_have_the_probabilities_of_scipys_normals():
    lower = np.array([-np.inf, -1.0, 2.0, 40.0, 1.0])
    upper = np.array([-20.0, 1.0, np.inf, np.inf, 1.0])
    found = NORMALS.interval_responsibilities(lower, upper, ETA)
    exact = lower == upper
    masses = []
    for weight, normal in ((0.3, stats.norm(0.0, 1.0)), (0.7, stats.norm(4.0, 2.0))):
        # The smaller tail keeps its digits.
        inside = np.where(
            lower > 0, normal.sf(lower) - normal.sf(upper), normal.cdf(upper) - normal.cdf(lower)
        )
        masses.append(weight * np.where(exact, normal.pdf(lower), inside))
    np.testing.assert_allclose(found, shares(*masses), rtol=1e-6, atol=1e-12)


def test_counts():
    family = Mixture("poisson", 2)
    eta = family.eta(weights=[0.5, 0.5], rate_0=2.0, rate_1=9.0)[None]
    lower, upper = np.array([0.0, 5.0, 7.0]), np.array([3.0, np.inf, 7.0])
    masses = [
        stats.poisson.cdf(upper, mean) - stats.poisson.cdf(lower - 1.0, mean) for mean in (2.0, 9.0)
    ]
    found = family.interval_responsibilities(lower, upper, eta)
    np.testing.assert_allclose(found, shares(*masses), rtol=1e-9)


def test_an_interval_outside_the_support_of_a_component():
    family = Mixture(["gamma", "normal"])
    eta = family.eta(weights=[0.5, 0.5], shape_0=2.0, scale_0=1.0, loc_1=0.0, scale_1=3.0)[None]
    found = family.interval_responsibilities(
        np.array([-3.0, -3.0, -5.0]), np.array([-1.0, 2.0, -5.0]), eta
    )
    half = stats.gamma.cdf(2.0, 2.0), np.diff(stats.norm.cdf([-3.0, 2.0], 0.0, 3.0))[0]
    np.testing.assert_allclose(found, [[0.0, 1.0], *shares(*np.reshape(half, (2, 1))), [0.0, 1.0]])


def test_a_window_cuts_intervals():
    family = Truncated(NORMALS, -1.0, 5.0)
    lower, upper = np.array([-np.inf, 2.0]), np.array([1.0, np.inf])
    masses = [
        weight * (normal.cdf(np.minimum(upper, 5.0)) - normal.cdf(np.maximum(lower, -1.0)))
        for weight, normal in ((0.3, stats.norm(0.0, 1.0)), (0.7, stats.norm(4.0, 2.0)))
    ]
    found = family.interval_responsibilities(lower, upper, ETA)
    np.testing.assert_allclose(found, shares(*masses), rtol=1e-8)


@pytest.mark.parametrize("wrapper", [Bounded(NORMALS, {"loc_0": (-2.0, 2.0)}), Truncated(NORMALS)])
def test_families_of_the_same_rows_pass_it_on(wrapper):
    assert wrapper.n_groups == 2
    eta = wrapper.reduce(ETA[0])[None]
    y = np.array([0.5, 3.0])
    expected = NORMALS.responsibilities(y, ETA)
    np.testing.assert_allclose(wrapper.responsibilities(y, eta), expected, rtol=1e-10)


@pytest.mark.parametrize(("name", "family"), list(registered(Distribution)))
def test_only_mixtures_have_groups(name, family):
    assert (family.n_groups > 0) == (name == "mixture")


def test_other_families_say_so():
    for family in (Normal(), ZeroInflated("poisson")):
        for method, rows in (("responsibilities", 1), ("interval_responsibilities", 2)):
            with pytest.raises(NotImplementedError, match="has no components"):
                getattr(family, method)(*[np.zeros(1)] * rows, np.zeros((1, family.n_params)))
        assert family.starved(np.zeros(family.n_params), 10.0) is None


@pytest.mark.parametrize(
    ("total", "words"),
    [(100.0, None), (6.0, "component 0 has 1.8 rows for 2 parameters"), (1.0, None)],
)
def test_a_component_with_no_more_rows_than_parameters(total, words):
    found = NORMALS.starved(ETA[0], total)
    # A component without rows is one that is not needed, which is another thing.
    if total == 1.0:
        assert "component 1 has 0.7 rows" in found
    else:
        assert found is words or words in found
    assert Truncated(NORMALS).starved(ETA[0], total) == found


def test_one_component_is_never_starved():
    family = Mixture(MultivariateNormal("full", 2), 1)
    assert family.starved(np.zeros(family.n_params), 2.0) is None
