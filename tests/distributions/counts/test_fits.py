"""Fits of several families of counts: closed forms, the Poisson inside, zeros, few rows."""

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Binomial
from tests.fits import fitted, log_uniform, native, total

SIZES = [20, 50, 200, 1_000, 10_000]


@pytest.mark.parametrize("seed", range(5))
def test_closed_forms(seed):
    rng = np.random.default_rng(seed)
    y = rng.geometric(log_uniform(rng, 1e-5, 0.9), 137) - 1.0
    model = fitted("geometric", y)
    assert native(model)["prob"] == pytest.approx(1.0 / (1.0 + y.mean()), rel=1e-6)
    y = rng.binomial(10, rng.uniform(0.1, 0.9), 137)
    assert native(fitted(Binomial(10), y))["prob"] == pytest.approx(y.mean() / 10, rel=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_no_count_family_ends_above_the_poisson(seed):
    rng = np.random.default_rng(seed)
    y = rng.poisson(log_uniform(rng, 0.3, 1e4), SIZES[seed % 5]).astype(float)
    y[0] = max(y[0], 1.0)
    poisson = stats.poisson(y.mean()).logpmf(y).sum()
    for name in ("negative_binomial", "zero_inflated"):
        model = fitted(name, y)
        assert model.status_ in ("converged", "boundary"), model.message_
        assert model.n_iter_ <= 25
        assert total(model, y) >= poisson - 1e-6


@pytest.mark.parametrize("name", ["geometric", Binomial(10)])
def test_all_zero_counts_end_at_the_boundary(name):
    model = fitted(name, np.zeros(20))
    assert model.status_ == "boundary"
    assert model.n_iter_ <= 25
    assert "0" in model.message_ or "zero" in model.message_


@pytest.mark.parametrize("y", [[0.0, 0.0, 7.0, 0.0, 0.0], [5.0, 5.0, 5.0, 5.0, 9.0]])
@pytest.mark.parametrize(
    "family", ["negative_binomial", "geometric", "zero_inflated", "hurdle", Binomial(10)], ids=str
)
def test_five_rows_and_ties(family, y):
    model = fitted(family, y)
    assert model.status_ in ("converged", "boundary", "singular")
    assert all(np.isfinite(list(native(model).values())))
