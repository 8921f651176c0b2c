"""Designs on which shortcuts could go wrong: the end is checked by an independent gradient."""

import numpy as np
import pytest
from scipy.special import expit

from natfit import NaturalRegressor
from natfit.objectives import Regression, likelihood


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


@pytest.mark.parametrize("case", ["normal", "student_t", "gamma_mean", "poisson", "raw"])
def test_a_fit_of_many_rows_takes_few_passes(case, monkeypatch):
    # The first fit is one to a twentieth of the rows. What all rows are asked for is the value and
    # the gradient at its end, at that of one step with its information, and at those that follow.
    rng = np.random.default_rng(5)
    n, d = 40_000, 6
    Z = rng.standard_normal((n, d))
    X = Z * np.logspace(-2, 3, d) + 1e4 * (np.arange(d) == 0) if case == "raw" else Z
    mean, log_scale = Z @ np.full(d, 0.2), Z @ np.full(d, 0.1)
    family, features = ("normal" if case == "raw" else case), "all"
    y = mean + np.exp(log_scale) * rng.standard_normal(n)
    if case == "student_t":
        y, features = mean + rng.standard_t(4.0, n), None
    elif case == "gamma_mean":
        y = np.exp(mean) * rng.gamma(np.exp(1.0 + log_scale)) / np.exp(1.0 + log_scale)
    elif case == "poisson":
        y = rng.poisson(np.exp(mean)).astype(float)
    seen = {"rows": 0, "searches": []}

    def counted(block, *args):
        seen["rows"] += block.n
        return gradient_part(block, *args)

    def searched(self, *args):
        seen["searches"].append(self.asked)
        return without_minimum(self, *args)

    gradient_part, without_minimum = likelihood.gradient_part, Regression.without_minimum
    monkeypatch.setattr(likelihood, "gradient_part", counted)
    monkeypatch.setattr(Regression, "without_minimum", searched)
    model = NaturalRegressor(family, features_for=features).fit(X, y)
    assert model.status_ == "converged"
    assert seen["rows"] <= 6.5 * n
    assert True not in seen["searches"]
    assert "information of fewer rows" in str(model.history_.notes)
