"""The skew normal: regular without skew, the normal and the half-normal at its ends."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import SkewNormal
from tests.cases import Case, continuous
from tests.fits import fitted, loglik
from tests.oracles import polished


def mle(y):
    """Mean and standard deviation of scipy's best (shape, loc, scale), and its shape."""
    best = polished(stats.skewnorm, y, [2.0, y.mean() - 1.0, 2.0])
    return [stats.skewnorm(*best).mean(), stats.skewnorm(*best).std(), best[0]]


def logpdf(x, mean, sd, shape):
    """scipy's, at the location and the scale that have this mean and standard deviation."""
    middle = shape / np.hypot(1.0, shape) * np.sqrt(2.0 / np.pi)
    scale = sd / np.sqrt(1.0 - middle**2)
    return stats.skewnorm.logpdf(x, shape, mean - scale * middle, scale)


CASE = Case(
    data=stats.skewnorm.rvs(3.0, 1.0, 2.0, size=200, random_state=1),
    optimum=mle,
    draws=continuous(
        stats.skewnorm,
        logpdf,
        lambda rng, n: stats.skewnorm.rvs(rng.uniform(-9, 9), size=n, random_state=rng),
    ),
)


SIZES = (20, 50, 200, 1_000)


def test_skew_normal_fisher_is_regular_without_skew():
    """The leading score of shape^3 / 3 is C He3(x) / 2, and E He3^2 = 6."""
    fisher = SkewNormal().fisher(SkewNormal().eta(mean=1.0, sd=2.0, shape=0.0)[None])[0]
    c = 0.5 * (4.0 - np.pi) * (2.0 / np.pi) ** 1.5
    np.testing.assert_allclose(fisher, np.diag([0.25, 2.0, 1.5 * c**2]), atol=1e-10)


@pytest.mark.parametrize("seed", range(12))
def test_skew_normal_is_never_below_normal_and_half_normal(seed):
    x = np.random.default_rng(seed).standard_normal(SIZES[seed % 4])
    x = np.abs(x) if seed % 3 == 0 else x
    best = loglik(fitted("skew_normal", x), x)
    assert best >= stats.norm(x.mean(), x.std()).logpdf(x).sum() - 1e-6
    for sign in (1.0, -1.0):
        gap = sign * x - (sign * x).min()
        half = stats.halfnorm(scale=np.sqrt((gap**2).mean())).logpdf(gap).sum()
        # shape = 1e9 is the bound: 1e-8 nats a row from the half-normal.
        assert best >= half - 1e-6 - 1e-8 * len(x)


def test_skew_normal_ends_at_the_half_normal_and_says_so():
    x = np.abs(np.random.default_rng(0).standard_normal(30))
    model = fitted("skew_normal", x)
    assert model.status_ == "boundary"
    assert "half-normal" in model.message_
    assert len(model.history_["objective"]) == model.n_iter_ + 1


def test_symmetric_data_have_no_skew():
    x = stats.skewnorm.rvs(3.0, size=200, random_state=1)
    model = fitted("skew_normal", np.concatenate([x, -x]))
    assert model.status_.good
    assert abs(float(model.params_["mean"][0])) < 1e-3
