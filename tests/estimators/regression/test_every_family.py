"""Every univariate family as a regression, on data drawn from itself."""

import warnings

import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.exceptions import ConvergenceWarning

from natfit._component import available, resolve
from natfit.bijectors import Positive, Real, Reciprocal, Unit
from natfit.distributions.base import Distribution
from natfit.estimators.regression._options import mean_parameter
from natfit.estimators.regression.regressor import NaturalRegressor

ROWS = 500

#: Families that are not fitted as a regression here, and why.
LEFT_OUT = {
    "beta_binomial": "it needs a number of trials",
    "binomial": "it needs a number of trials for each row",
    "categorical": "its number of classes comes from y; tests of the classifier fit it",
    "ordinal": "its number of classes comes from y",
    "uniform": "its parameters are ends of the support, in which the likelihood has no derivative",
    "pareto": "its scale is an end of the support, in which the likelihood has no derivative",
    "power_law": "its scale is an end of the support, in which the likelihood has no derivative",
}


def univariate():
    """Names of the families of single numbers."""
    folders = ("real", "positive", "counts", "interval")
    return sorted(name for folder in folders for name in available(Distribution, folder))


def truth(family, everything):
    """An eta for an intercept (K,), and its slopes (2, K)."""
    base, slopes = [], np.zeros((2, family.n_params))
    for name, constraint in family.params.items():
        low, high = constraint.limits()
        native = {Positive: 1.5, Unit: 0.4, Reciprocal: 3.0, Real: 0.2}.get(type(constraint))
        value = 0.5 if native is None else constraint.to_eta(np.array([[native]]))[0, 0]
        at = family.blocks[name].start
        base.append(float(np.clip(value, low[0] + 0.3, high[0] - 0.3)))
        if name == mean_parameter(family):
            slopes[:, at] = 0.4, -0.3
        elif everything:
            # Where eta must be positive, the slopes keep it so.
            slopes[:, at] = 0.1, 0.05
    return np.array(base), slopes


def regression(name, everything):
    """A family, X, y drawn from it, and the log-likelihood and eta of the truth."""
    family = resolve(name, Distribution)
    rng = np.random.default_rng([ROWS, *name.encode()])
    X = rng.uniform(-1.0, 1.0, size=(ROWS, 2))
    base, slopes = truth(family, everything)
    eta = base + X @ slopes
    y = np.array([family.sample(row[None], rng, 1)[0] for row in eta])
    return X, y, float(family.log_density(y, eta).sum())


def fitted(name, X, y, everything):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NaturalRegressor(name, features_for="all" if everything else None).fit(X, y)


@pytest.mark.parametrize("everything", [False, True], ids=["default", "all"])
@pytest.mark.parametrize("name", univariate())
def test_family_finds_what_it_was_drawn_from(name, everything):
    if name in LEFT_OUT:
        pytest.skip(LEFT_OUT[name])
    X, y, at_truth = regression(name, everything)
    fit = fitted(name, X, y, everything)
    assert fit.status_ in ("converged", "rounding_floor"), fit.message_
    # Twice the gain over the truth is chi-squared: a level of 1e-6 on either side.
    gain = 2.0 * (fit.loglik_ - at_truth)
    assert -1e-6 < gain < chi2.isf(1e-6, len(fit._theta))


#: Families with a width that features cannot drive to zero, or not from any start, and why.
WIDE = {
    "pareto": "the scale is an end of the support, and the shape has no place",
    "power_law": "the scale is an end of the support, and the shape has no place",
    "exponential": "its width is its place",
    "log_pearson3": "of few rows it starts with a skewness near 2, at which it is highest at its end",
    "generalized_pareto": "its density is highest at zero, wherever the row is",
}


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("name", univariate())
def test_family_with_more_columns_than_rows_has_no_width(name, alpha):
    if name in LEFT_OUT or name in WIDE or not resolve(name, Distribution).widths:
        pytest.skip(LEFT_OUT.get(name) or WIDE.get(name, "it has no width"))
    family = resolve(name, Distribution)
    rng = np.random.default_rng([15, *name.encode()])
    X = rng.normal(size=(12, 15))
    y = family.sample(np.tile(truth(family, False)[0], (12, 1)), rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = NaturalRegressor(name, alpha=alpha).fit(X, y)
    assert fit.status_ == "unbounded", fit.message_
    assert "explain every row exactly" in fit.message_
    assert fit.n_iter_ <= 60
    assert np.isfinite(fit._theta).all()


#: Families and how a straight line, of values between 1 and 3, becomes rows that it explains.
STRAIGHT = {
    "laplace": np.asarray,
    "cauchy": np.asarray,
    "gev": np.asarray,
    "skew_normal": np.asarray,
    "von_mises": lambda line: line - 2.0,
    "gamma": np.exp,
    "gamma_mean": np.exp,
    "inverse_gamma": np.exp,
    "inverse_gaussian": np.exp,
    "nakagami": np.exp,
    "log_pearson3": np.exp,
    "exponentiated_weibull": np.exp,
    "beta_mean": lambda line: 1.0 / (1.0 + np.exp(line)),
}


@pytest.mark.parametrize("n", [60, 3_000])
@pytest.mark.parametrize("name", list(STRAIGHT))
def test_family_of_a_straight_line_has_no_width(name, n):
    rng = np.random.default_rng(n)
    X = rng.uniform(-1.0, 1.0, size=(n, 2))
    fit = fitted(name, X, STRAIGHT[name](2.0 + X @ np.array([0.6, -0.4])), False)
    assert fit.status_ == "unbounded", fit.message_
    assert "explain every row exactly" in fit.message_
    assert np.isfinite(fit._theta).all()


@pytest.mark.parametrize("name", ["uniform", "pareto", "power_law"])
def test_features_drive_no_end_that_rows_determine(name):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), rng.uniform(1.0, 2.0, size=50)
    with pytest.raises(ValueError, match="an end of the support") as caught:
        NaturalRegressor(name, features_for="all").fit(X, y)
    if name == "uniform":
        return
    assert "features_for={'shape': 'all'}" in str(caught.value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = NaturalRegressor(name, features_for={"shape": "all"}).fit(X, y)
    assert fit.status_ == "boundary", fit.message_


@pytest.mark.parametrize("name, shape", [("pearson3", "skew"), ("gev", "shape")])
def test_predictor_that_meets_a_limit_in_a_row_is_named(name, shape):
    """A shape that x drives leaves its range in rows far out, where the likelihood has no maximum.

    Rows of this kind meet the limit: gamma noise for Pearson III, minus gamma noise for the GEV.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    noise = rng.gamma(2.0, 1.0, 200) if name == "pearson3" else -rng.gamma(1.2, 1.0, 200)
    y = X @ np.array([0.4, -0.3, 0.2]) + 0.5 * noise
    fit = fitted(name, X, y, True)
    assert fit.status_ == "no_descent"
    assert f"the predictor of {shape} is at its limit" in fit.message_
    assert "features_for={'loc': 'all', 'scale': 'all'}" in fit.message_
