"""No draw decides an estimate: fits without draws repeat bit by bit, others agree."""

import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.stats._distr_params import distcont, distdiscrete
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import from_scipy

#: Entries of scipy's table with at most one shape, which is no whole number.
SIMPLE = [
    (name, tuple(shapes))
    for name, shapes in [*distcont, *distdiscrete]
    if len(shapes) < 2
    and name not in ("levy_stable", "studentized_range")
    and not any(info.integrality for info in getattr(stats, name)._shape_info())
    and all(np.ndim(shape) == 0 for shape in shapes)
]


def fitted(name, shapes, **options):
    """The theta of a fit to 40 rows."""
    dist = getattr(stats, name)
    discrete = hasattr(dist, "logpmf")
    y = dist.rvs(*shapes, **({} if discrete else {"scale": 2.0}), size=40, random_state=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.fit(from_scipy(dist, scale=not discrete), y, **options)


@pytest.mark.parametrize(("name", "shapes"), SIMPLE[1::8], ids=lambda v: str(v))
def test_a_fit_repeats_itself(name, shapes):
    first, second = fitted(name, shapes), fitted(name, shapes)
    np.testing.assert_array_equal(first.theta_, second.theta_)
    other = fitted(name, shapes, random_state=np.random.default_rng(3))
    np.testing.assert_array_equal(first.theta_, other.theta_)


@pytest.mark.parametrize("metric", ["monte_carlo", "empirical", "observed"])
@pytest.mark.parametrize("name", ["nakagami", "genlogistic", "weibull_min", "geom"])
def test_a_metric_that_draws_finds_the_same_estimate(name, metric):
    shapes = dict(SIMPLE)[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = [
            fitted(name, shapes, metric=metric, random_state=state, tol=1e-9, max_iter=300)
            for state in (None, None, 1)
        ]
    plain = fitted(name, shapes, tol=1e-9)
    np.testing.assert_array_equal(found[0].theta_, found[1].theta_)
    for model in found:
        for key, value in plain.params_.items():
            np.testing.assert_allclose(model.params_[key], value, rtol=1e-8)
