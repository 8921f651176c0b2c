"""Designs on which shortcuts could go wrong: the end is checked by an independent gradient."""

import numpy as np
import pytest
from scipy.special import expit

from natfit import NaturalRegressor


def distance(X, y, mean, weight, coef, base):
    """sqrt(g' H^-1 g) of a canonical model, by plain numpy on centred columns."""
    Z = np.column_stack([X - X.mean(axis=0), np.ones(len(y))])
    eta = X @ coef + base
    g, H = Z.T @ (y - mean(eta)), (Z * weight(eta)[:, None]).T @ Z
    size = np.sqrt(np.diagonal(H))
    return float(np.sqrt(g / size @ np.linalg.solve(H / np.outer(size, size), g / size)))


@pytest.mark.parametrize("seed", range(2))
def test_wide_correlated_features_reach_their_optimum(seed):
    rng = np.random.default_rng(seed)
    n, d = 3_000, 320
    Z = rng.standard_normal((n, d))
    X = Z @ (0.3 * rng.standard_normal((d, d)) + np.eye(d))
    y = (rng.random(n) < expit(Z @ (0.12 * rng.standard_normal(d)))).astype(float)
    model = NaturalRegressor("bernoulli").fit(X, y)
    assert model.status_ == "converged"
    coef, base = model.coef_["prob"], model.intercept_["prob"]
    end = distance(X, y, expit, lambda e: expit(e) * expit(-e), coef, base)
    assert end < 1e-3


@pytest.mark.parametrize("seed", [1, 3])
def test_rows_far_out_in_x_do_not_spoil_the_first_fit_to_fewer_rows(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_t(2, (20_000, 4))
    y = rng.poisson(np.exp(np.clip(X @ np.full(4, 0.3), -5, 5))).astype(float)
    model = NaturalRegressor("poisson").fit(X, y)
    assert model.status_ == "converged"
    end = (
        distance(X, y, np.exp, np.exp, model.coef_["mean"], model.intercept_["mean"])
        if ("mean" in model.coef_)
        else distance(X, y, np.exp, np.exp, model.coef_["rate"], model.intercept_["rate"])
    )
    assert end < 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_heavy_tails_in_x_raise_no_error(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_t(2, (2_000, 4))
    y = X @ np.full(4, 0.1) + rng.standard_normal(2_000)
    assert NaturalRegressor("normal", features_for="all").fit(X, y).status_ == "converged"
