"""Ends of bootstrap intervals against scipy.stats.bootstrap, on the mean of exponential rows."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.inference import bootstrap

X = np.random.default_rng(5).exponential(3.0, 25)


def scipys(method):
    return stats.bootstrap(
        (X,), np.mean, n_resamples=2_000, method=method, rng=np.random.default_rng(6)
    )


def own_acceleration():
    model = natfit.fit("exponential", X)
    (estimate,) = model._estimates(X)
    # The mean is exp(-log rate).
    slopes = np.array([[-X.mean()]])
    return bootstrap.acceleration([estimate], slopes, [estimate.covariance()])


def test_acceleration_of_a_mean():
    # A sixth of the skewness of the rows, over the square root of n.
    want = stats.skew(X) / 6.0 / np.sqrt(25)
    assert own_acceleration()[0] == pytest.approx(want, rel=1e-6)


def test_bca_is_scipys_on_the_same_replicates():
    theirs = scipys("BCa")
    replicates = theirs.bootstrap_distribution[:, None]
    low, high = bootstrap.bca_ends(replicates, np.array([X.mean()]), own_acceleration(), 0.95)
    want = theirs.confidence_interval
    assert (low[0], high[0]) == pytest.approx((want.low, want.high), rel=1e-6)


def test_percentiles_are_scipys_on_the_same_replicates():
    theirs = scipys("percentile")
    low, high = bootstrap.percentile_ends(theirs.bootstrap_distribution[:, None], 0.95)
    want = theirs.confidence_interval
    assert (low[0], high[0]) == pytest.approx((want.low, want.high), rel=1e-12)


def test_weights_are_repetitions_in_the_acceleration():
    weight = np.random.default_rng(7).integers(1, 4, 25).astype(float)
    slopes = np.array([[-1.0]])
    found = []
    for x, w in ((X, weight), (np.repeat(X, weight.astype(int)), None)):
        (estimate,) = natfit.fit("exponential", x, sample_weight=w)._estimates(x, w)
        found.append(bootstrap.acceleration([estimate], slopes, [estimate.covariance()])[0])
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_repetitions_have_the_sum_and_the_mean_of_the_weights():
    rng = np.random.default_rng(8)
    weight = np.array([0.0, 1.0, 2.0, 4.5])
    many = np.stack([bootstrap.repetitions(weight, rng) for _ in range(4_000)])
    np.testing.assert_allclose(many.sum(axis=1), 7.5)
    assert np.all(many[:, 0] == 0)
    np.testing.assert_allclose(many.mean(axis=0), weight, atol=0.1)


def test_replicates_on_one_side_have_percentiles():
    replicates = np.linspace(1.0, 2.0, 50)[:, None]
    want = bootstrap.percentile_ends(replicates, 0.95)
    for value in (0.5, 2.5):
        found = bootstrap.bca_ends(replicates, np.array([value]), np.full(1, 0.1), 0.95)
        np.testing.assert_allclose(found, want, rtol=1e-12)


def test_replicates_that_do_not_move():
    low, high = bootstrap.bca_ends(np.ones((50, 1)), np.ones(1), np.zeros(1), 0.95)
    assert (low[0], high[0]) == (1.0, 1.0)


def test_infinite_replicates_make_infinite_ends_and_no_nan():
    """A mean may be infinite in some of the replicates: the interval then has no upper end."""
    replicates = np.append(np.linspace(1.0, 2.0, 90), np.full(10, np.inf))[:, None]
    low, high = bootstrap.percentile_ends(replicates, 0.95)
    assert 1.0 <= low[0] < 1.1 and high[0] == np.inf
    value, acceleration = np.array([1.5]), np.array([0.0])
    low, high = bootstrap.bca_ends(replicates, value, acceleration, 0.95)
    assert np.isfinite(low[0]) and high[0] == np.inf
