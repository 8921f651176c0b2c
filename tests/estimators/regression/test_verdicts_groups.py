"""Groups without events in any form and family are told; data that have a maximum raise no alarm."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from natfit import Censored, NaturalRegressor
from natfit.distributions import ZeroInflated


def fitted(distribution, X, y, fit=None, **options):
    """A fit whose warnings are those of its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NaturalRegressor(distribution, **options).fit(X, y, **(fit or {}))


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def hostile(kind, rng, n=400):
    """A family, X, y, options, and arguments of fit, of data without a maximum."""
    x = rng.normal(size=(n, 3))
    category = rng.integers(0, 12, n)
    group = np.arange(n) % 10 == 0
    wide = np.column_stack([x, group])
    counts = rng.poisson(np.exp(0.3 * x[:, 0] + 1.0)).astype(float)
    label = (rng.random(n) < sigmoid(x[:, 0])).astype(float)
    every = {"features_for": "all"}
    match kind:
        case "a reference category without events":
            dummies = np.eye(12)[category][:, 1:]
            return "poisson", np.column_stack([x, dummies]), counts * (category > 0), {}, {}
        case "an interaction":
            a, b = category % 2, category // 2 % 2
            y = np.where(a & b, 1.0, label)
            return "bernoulli", np.column_stack([x, a, b, a * b]), y, {}, {}
        case "a mixture of columns":
            mixed = wide @ rng.normal(size=(4, 4)) * np.array([1e3, 1.0, 1e-3, 1.0])
            return "bernoulli", mixed, np.where(group, 1.0, label), {}, {}
        case "weights of zero":
            weight = np.where(group & (label == 0.0), 0.0, 1.0)
            return "bernoulli", wide, label, {}, {"sample_weight": weight}
        case "zeros with an excess":
            return ZeroInflated("poisson"), wide, counts * ~group, every, {}
        case "sparse columns and offsets":
            own = {"offset": rng.normal(size=n)}
            y = rng.poisson(counts * rng.gamma(2.0, 0.5, n)) * ~group
            return "negative_binomial", csr_array(wide), y.astype(float), every, own
        case "one block of an ordered class":
            y = np.digitize(x[:, 0] + rng.logistic(size=n), [-1.0, 1.0]).astype(float)
            return "ordinal", wide, np.where(group & (y == 1.0), 0.0, y), every, {}
        case "intervals without an end":
            low = np.floor(0.5 * x[:, 0] + rng.normal(size=n))
            ends = Censored(low, np.where(group, np.inf, low + 1.0))
            return "normal", wide, ends, every, {}
        case "trials that all succeed":
            trials = rng.integers(1, 6, n)
            done = np.where(group, trials, rng.binomial(trials, sigmoid(x[:, 0])))
            return "binomial_rows", wide, np.column_stack([done, trials - done]), {}, {}
    raise AssertionError(kind)


HOSTILE = [
    "a reference category without events",
    "an interaction",
    "a mixture of columns",
    "weights of zero",
    "zeros with an excess",
    "sparse columns and offsets",
    "one block of an ordered class",
    "intervals without an end",
    "trials that all succeed",
]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_group_of_any_form_is_told(kind, seed):
    family, X, y, options, given = hostile(kind, np.random.default_rng(seed))
    fit = fitted(family, X, y, fit=given, **options)
    assert fit.status_ == "unbounded", fit.message_
    assert fit.n_iter_ <= 24


def posed(kind, rng):
    """A family, X, y and options of data that have a maximum, though hardly in some rows."""
    n = {"rare classes": 100_000, "heavy censoring": 5_000}.get(kind, 2_000)
    x = rng.normal(size=(n, 3))
    every = {"features_for": "all"}
    match kind:
        case "rare classes":
            return "bernoulli", x, (rng.random(n) < sigmoid(x[:, 0] - 8.0)).astype(float), {}
        case "one event":
            middle = np.argsort(x[:, 0])[n // 2]
            return "bernoulli", x[:, :1], (np.arange(n) == middle).astype(float), {}
        case "heavy censoring":
            time = np.exp(x[:, 0] + 0.3 * rng.normal(size=n))
            y = Censored.right(np.minimum(time, 0.3), event=time <= 0.3)
            return "weibull", x, y, every
        case "an excess of zeros":
            zero = rng.random(n) < sigmoid(2.0 * x[:, 1] - 1.0)
            y = np.where(zero, 0, rng.poisson(np.exp(0.5 * x[:, 0])))
            return ZeroInflated("poisson"), x, y.astype(float), every
        case "zeros mostly":
            y = rng.poisson(np.exp(3.0 * x[:, 0] - 3.0) * rng.gamma(0.5, 2.0, n))
            return "negative_binomial", x, y.astype(float), every
        case "steep classes":
            y = np.digitize(12.0 * x[:, 0] + rng.logistic(size=n), [-6.0, 0.0, 6.0])
            return "ordinal", x, y.astype(float), {}
        case "long tails of x":
            wide = np.exp(3.0 * x)
            return "bernoulli", wide, (rng.random(n) < sigmoid(x[:, 0])).astype(float), {}
        case "many categories":
            category = np.arange(n) % 60
            y = category + rng.normal(size=n) * np.exp(category / 600.0)
            return "normal", np.eye(60)[category][:, 1:], y, every
        case "rounded numbers":
            y = np.round(x[:, 0] + rng.normal(size=n), 1)
            return "normal", np.round(x, 1), y, every
    raise AssertionError(kind)


POSED = [
    "rare classes",
    "one event",
    "heavy censoring",
    "an excess of zeros",
    "zeros mostly",
    "steep classes",
    "long tails of x",
    "many categories",
    "rounded numbers",
]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", POSED)
def test_data_that_have_a_maximum_raise_no_alarm(kind, seed):
    family, X, y, options = posed(kind, np.random.default_rng(seed))
    fit = fitted(family, X, y, **options)
    assert fit.status_ == "converged", fit.message_
