"""Extra zeros: the parameters of draws are recovered."""

import numpy as np
from scipy import stats

from tests.cases import Case, counts, with_a_one
from tests.fits import fitted, log_uniform, native
from tests.oracles import cut_poisson_rate


def mle(y):
    """The positive rows give the rate; the share then matches the zeros."""
    rate = cut_poisson_rate(y[y > 0])
    return [1.0 - np.mean(y > 0) / -np.expm1(-rate), rate]


def draw(rng, n):
    counts = rng.poisson(log_uniform(rng, 0.3, 1e3), n)
    return with_a_one(counts * (rng.random(n) > rng.uniform(0.05, 0.8)))


def logpmf(x, zero_prob, rate):
    some = stats.poisson.logpmf(x, rate)
    share = zero_prob + (1.0 - zero_prob) * np.exp(-rate)
    return np.where(x == 0, np.log(share), np.log1p(-zero_prob) + some)


def search(x):
    """The score's root: with the zeros free, the rate is that of the positive counts alone."""
    zeros, rate = np.mean(x == 0), cut_poisson_rate(x[x > 0])
    extra = (zeros - np.exp(-rate)) / -np.expm1(-rate)
    return [{"zero_prob": max(extra, 0.0), "rate": rate}, {"zero_prob": 0.0, "rate": x.mean()}]


CASE = Case(
    data=np.where(np.arange(200) < 60, 0, 1 + np.arange(200) % 4).astype(float),
    optimum=mle,
    draws=counts(draw, logpmf, search, off="rate"),
)


def test_zero_inflated_recovers_its_parameters():
    rng = np.random.default_rng(0)
    y = rng.poisson(3.0, 5_000) * (rng.random(5_000) > 0.3)
    model = fitted("zero_inflated", y)
    for name, truth in {"zero_prob": 0.3, "rate": 3.0}.items():
        assert abs(native(model)[name] - truth) <= 4.0 * model.standard_errors_[name][0]
