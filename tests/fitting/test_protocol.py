"""The phases of a fit: their order, and conditional models that take the same way."""

import dataclasses
import re

import numpy as np
import pytest
import statsmodels.api as sm

import natfit
from natfit import fitting
from natfit.distributions import Gamma, Normal, Poisson, StudentT
from natfit.estimators import mle
from natfit.fitting import protocol
from natfit.models import MLP, Constant, Linear
from natfit.optimize.engine import resolve_engine
from natfit.rng import bridge_rng
from natfit.rows import Memory


def engine(**changes):
    options = {"metric": "auto", "solver": "auto", "step": "backtracking", "damping": None}
    return resolve_engine(**options | {"tol": 1e-8, "max_iter": 100} | changes)


def task(family, y, X=None, weight=None, **more):
    rows = Memory(np.asarray(y, dtype=float), X, weight)
    return fitting.Task(family, rows, engine(), bridge_rng(0), **more)


def conditional(family, X, y, model=None, **more):
    return fitting.fit(task(family, y, X=X, model=model or Linear(), **more))


@pytest.fixture
def X():
    return np.random.default_rng(3).standard_normal((200, 2))


@pytest.fixture
def calls(monkeypatch):
    """The names of the phases in the order in which they are called."""
    seen = []

    def record(module, name):
        inner = getattr(module, name)

        def recorded(*args, **kwargs):
            seen.append(name)
            return inner(*args, **kwargs)

        monkeypatch.setattr(module, name, recorded)

    record(mle, "adjust")
    for name in fitting.PHASES[1:]:
        record(protocol, name)
    return seen


OPTIONS = {
    "none": ("gamma", {}),
    "no summary": ("student_t", {}),
    "vectors": ("multivariate_normal", {}),
    "a start": ("gamma", {"start_params": {"shape": 2.0, "scale": 1.0}}),
    "fixed": ("gamma", {"fixed": {"shape": 2.0}}),
    "bounds": ("gamma", {"bounds": {"shape": (0.5, 9.0)}}),
    "a window": ("gamma", {"truncation": (0.0, 50.0)}),
    "a prior": ("gamma", {"prior": {"shape": ("gamma", {"shape": 2.0, "scale": 1.0})}}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_phases_are_called_in_order(name, calls):
    family, options = OPTIONS[name]
    draws = np.random.default_rng(0).gamma(2.0, 1.5, 60)
    y = np.column_stack([draws, draws[::-1]]) if name == "vectors" else draws
    natfit.fit(family, y, **options)
    assert tuple(calls) == fitting.PHASES


def test_censored_rows_take_the_same_way(calls):
    y = np.random.default_rng(0).gamma(2.0, 1.5, 60)
    natfit.fit("gamma", natfit.Censored(y, np.where(y > 4.0, np.inf, y)))
    assert tuple(calls) == fitting.PHASES


def test_each_column_takes_the_way_after_the_options(calls):
    natfit.fit("normal", np.random.default_rng(0).standard_normal((50, 2)))
    assert tuple(calls) == fitting.PHASES + fitting.PHASES[1:]


class Impatient(Normal):
    """A normal distribution that is compared after one iteration with its own optimum."""

    compare_after = 1

    def nested_start(self, rows):
        return np.array([np.mean(rows.y), np.log(np.std(rows.y))])


def test_a_lower_nested_optimum_repeats_descent_and_comparison(calls):
    y = np.random.default_rng(1).standard_normal(50)
    result = fitting.fit(task(Impatient(), y, start=np.array([40.0, 3.0])))
    twice = ("descend", "lower", "descend", "lower")
    at = fitting.PHASES.index("descend")
    assert tuple(calls) == fitting.PHASES[1:at] + twice + fitting.PHASES[at + 2 :]
    assert result.fit.status == "converged"
    # The start, one iteration, and what the second run took: its start is the jump.
    assert result.fit.history.n_rows == result.fit.n_iter + 1
    np.testing.assert_allclose(result.eta, Impatient().nested_start(Memory(y)), rtol=1e-8)


def test_conditional_models_take_the_same_way(calls, X):
    conditional(Normal(), X, X @ [1.0, 2.0] + np.random.default_rng(0).standard_normal(200))
    assert tuple(calls) == fitting.PHASES[1:]


def test_the_docstring_lists_the_phases():
    assert tuple(re.findall(r"\d+\. \*(\w+)\*", fitting.fit.__doc__)) == fitting.PHASES


def test_a_task_is_frozen():
    one = task(Normal(), [1.0, 2.0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.start = np.zeros(2)


def test_normal_regression_is_least_squares(X):
    y = 3.0 + X @ [1.0, -2.0] + 0.5 * np.random.default_rng(0).standard_normal(200)
    result = conditional(Normal(), X, y, constant=("scale",))
    want = sm.OLS(y, sm.add_constant(X)).fit()
    eta = result.model.eta(result.fit.theta, X)
    assert result.fit.status == "converged"
    np.testing.assert_allclose(eta[:, 0], want.fittedvalues, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(np.exp(eta[0, 1]), np.sqrt(np.mean(want.resid**2)), rtol=1e-8)
    assert result.eta is None


def test_weights_are_repetitions_in_poisson_regression(X):
    rng = np.random.default_rng(5)
    y = rng.poisson(np.exp(0.5 + X @ [0.4, -0.3])).astype(float)
    weight = rng.integers(1, 4, len(y)).astype(float)
    result = conditional(Poisson(), X, y, weight=weight)
    want = sm.GLM(y, sm.add_constant(X), family=sm.families.Poisson(), freq_weights=weight).fit()
    eta = result.model.eta(result.fit.theta, X)
    np.testing.assert_allclose(np.exp(eta[:, 0]), want.fittedvalues, rtol=1e-7)
    assert result.total == weight.sum()


def test_the_information_of_a_conditional_model_is_of_theta(X):
    y = 3.0 + X @ [1.0, -2.0] + 0.5 * np.random.default_rng(0).standard_normal(200)
    result = conditional(Normal(), X, y, constant=("scale",))
    want = sm.OLS(y, sm.add_constant(X)).fit()
    covariance = np.linalg.inv(result.information.matrix) / result.total
    unbiased = len(y) / (len(y) - 3.0)
    mean = np.sort(np.sqrt(np.diagonal(covariance) * unbiased))[:3]
    np.testing.assert_allclose(mean, np.sort(want.bse), rtol=1e-6)
    assert result.information.kind == "observed"


@pytest.mark.parametrize("family", [Gamma(), StudentT()])
def test_a_model_without_features_is_the_constant_one(family):
    """Features that are all zero leave the intercepts alone to be fitted."""
    y = np.random.default_rng(2).gamma(3.0, 1.0, 40)
    plain = fitting.fit(task(family, y))
    linear = conditional(family, np.zeros((40, 1)), y)
    eta = linear.model.eta(linear.fit.theta, np.zeros((1, 1)))[0]
    np.testing.assert_allclose(eta, plain.eta, rtol=1e-5, atol=1e-5)


def test_networks_take_the_same_way(X):
    y = np.sin(2.0 * X[:, 0]) + 0.1 * np.random.default_rng(0).standard_normal(200)
    one = task(Normal(), y, X=X, model=MLP((8,)), constant=("scale",))
    result = fitting.fit(dataclasses.replace(one, engine=engine(damping=1e-3, max_iter=60, tol=0)))
    values = result.fit.history["objective"]
    assert values[-1] < values[0] - 0.5


@pytest.mark.parametrize(
    ("y", "match"),
    [
        ([1.0, np.nan, 2.0], "NaN at row 1"),
        ([1.0, -2.0, 3.0], "got -2.0 at row 1"),
        ([2.0, 2.0, 2.0], "must not be constant"),
    ],
)
def test_conditional_models_refuse_the_same_data(y, match):
    with pytest.raises(ValueError, match=match):
        conditional(Gamma(), np.ones((3, 1)), y)


def test_a_start_is_theta_at_which_every_row_has_it(X):
    y = np.random.default_rng(0).gamma(2.0, 1.0, 200)
    eta = np.array([0.3, -0.2])
    result = conditional(Gamma(), X, y, start=eta)
    first = result.model.eta(result.fit.history.theta[0], X)
    np.testing.assert_allclose(first, np.broadcast_to(eta, first.shape))


def test_the_model_of_a_task_is_constant_by_default():
    assert fitting.fit(task(Normal(), [1.0, 2.0, 4.0])).model.shared
    assert task(Normal(), [1.0]).model == Constant()
