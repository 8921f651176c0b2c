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


@pytest.mark.parametrize("shape", [-1e9, -40.0, -1.0, -1e-3, 0.0, 5e-5, 0.3, 8.0, 1e4])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_sums_of_one_pass_are_those_of_single_rows(shape, weighted):
    """Also where Phi(shape z) underflows, or its complement does."""
    family, rng = SkewNormal(), np.random.default_rng(3)
    side = -1.0 if shape < 0 else 1.0
    y = 3.0 + side * np.abs(rng.standard_normal(200)) - (0.3 * side if abs(shape) < 50 else 0.0)
    weight = rng.uniform(0.5, 2.0, 200) if weighted else None
    sd = 0.6028
    eta = family.eta(mean=3.0 + side * 0.7978845, sd=sd, shape=shape)[None]
    own = np.ones(200) if weight is None else weight
    value, score, observed = family.sum_terms(y, weight, eta)
    with np.errstate(all="ignore"):
        assert value == pytest.approx(own @ family.log_prob(y, eta), rel=1e-10)
        want = own @ family.score(y, eta)
        np.testing.assert_allclose(score, want, rtol=1e-7, atol=1e-7 * np.abs(want).max())
        want = np.tensordot(own, family.observed(y, eta), 1)
    # Near shape 0 both are differences of terms of the order of shape^-4.
    digits = 1e-3 if abs(shape) < 1e-2 else 1e-6
    np.testing.assert_allclose(observed, want, rtol=1e-5, atol=digits * np.abs(want).max())
