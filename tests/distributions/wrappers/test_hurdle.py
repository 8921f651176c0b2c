"""Hurdles: zeros and positive counts are fitted apart."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import (
    Hurdle,
    ZeroInflated,
)
from tests.cases import Case, counts, with_a_one
from tests.fits import fitted, gamma_poisson, log_uniform, native, total
from tests.oracles import cut_poisson_rate


def draw(rng, n):
    counts = 1 + rng.poisson(log_uniform(rng, 0.3, 1e3), n)
    return with_a_one(counts * (rng.random(n) > rng.uniform(0.05, 0.8)))


def logpmf(x, zero_prob, rate):
    some = stats.poisson.logpmf(x, rate) - np.log(-np.expm1(-rate))
    with np.errstate(divide="ignore"):
        return np.where(x == 0, np.log(zero_prob), np.log1p(-zero_prob) + some)


def search(x):
    return [{"zero_prob": np.mean(x == 0), "rate": cut_poisson_rate(x[x > 0])}]


CASE = Case(
    data=np.where(np.arange(200) < 60, 0, 1 + np.arange(200) % 4).astype(float),
    optimum=lambda y: [np.mean(y == 0), cut_poisson_rate(y[y > 0])],
    draws=counts(draw, logpmf, search, off="rate"),
)


@pytest.mark.parametrize("seed", range(6))
def test_hurdle_parts_are_independent(seed):
    rng = np.random.default_rng(seed)
    y = gamma_poisson(rng, 4.0, 2.0, 500) * (rng.random(500) < 0.6)
    model = fitted(Hurdle("negative_binomial"), y)
    assert native(model)["zero_prob"] == pytest.approx(np.mean(y == 0), rel=1e-6)
    wrapped = fitted(Hurdle("poisson"), y)
    assert total(model, y) >= total(wrapped, y) - 1e-6
    inflated = fitted(ZeroInflated("negative_binomial"), y)
    assert total(inflated, y) >= total(fitted("negative_binomial", y), y) - 1e-6


@pytest.mark.parametrize("family", ["poisson", "negative_binomial", "geometric"])
def test_where_all_positive_counts_are_one_the_family_means_nothing(family):
    """The likelihood is that of a share, whatever the family's parameters."""
    y = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    model = fitted(Hurdle(family), y)
    assert model.status_ == "boundary"
    assert "all positive counts are 1" in model.message_
    assert "do not determine" in model.message_
    assert "n -> inf" not in model.message_
    assert total(model, y) == pytest.approx(2 * np.log(0.4) + 3 * np.log(0.6), abs=1e-6)
