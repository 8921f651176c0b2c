"""Fits in all coordinates and metrics reach the same optimum, by different paths."""

import autograd.numpy as anp
import numpy as np
import pytest
from estimator_data import (
    EXPONENTIAL_FAMILIES,
    FAMILIES,
    assert_params,
    optimum,
    quiet,
    sample,
    scalars,
)

from natfit import NaturalGaussianMLE, NaturalMLE, steps
from natfit.distributions import Positive, Real, from_log_prob
from natfit.metrics import EmpiricalFisher, ExactFisher, MonteCarloFisher, TensorMetric

# ------------------------------------------------------------------------------ coordinates


@pytest.mark.parametrize("name", FAMILIES)
def test_native_coordinates_reach_the_same_optimum(name):
    x, plain = optimum(name)
    native = NaturalMLE(name, tol=1e-8, coordinates="native").fit(x)
    assert native.status_ == "converged"
    assert_params(native.params_, plain.params_)
    assert_params(native.standard_errors_, plain.standard_errors_, rtol=1e-5)
    np.testing.assert_allclose(native.theta_, list(scalars(native.params_).values()), rtol=1e-10)
    assert not np.allclose(native.history_.theta[0], plain.history_.theta[0])


@pytest.mark.parametrize("name", [n for n in EXPONENTIAL_FAMILIES if n != "gamma"])
def test_expectation_coordinates_reach_the_same_optimum(name):
    x, plain = optimum(name)
    model = NaturalMLE(name, tol=1e-8, coordinates="expectation").fit(x)
    assert model.status_ == "converged"
    assert_params(model.params_, plain.params_)
    assert_params(model.standard_errors_, plain.standard_errors_, rtol=1e-5)


@pytest.mark.parametrize("coordinates", ["native", "expectation"])
@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_multivariate_coordinates(kind, coordinates):
    rng = np.random.default_rng(21)
    X = rng.normal(size=(150, 3)) @ rng.normal(size=(3, 3)) + 2.0
    plain = NaturalGaussianMLE(kind).fit(X)
    model = NaturalGaussianMLE(kind, coordinates=coordinates).fit(X)
    assert model.status_ == "converged"
    np.testing.assert_allclose(model.covariance_, plain.covariance_, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "name, why", [("gamma", "digamma|inverted"), ("student_t", "exponential family")]
)
def test_expectation_coordinates_say_why_not(name, why):
    with pytest.raises(ValueError, match=f"(?s){why}.*coordinates='unconstrained' or 'native'"):
        NaturalMLE(name, coordinates="expectation").fit(sample(name, 50))


LEAVING = {
    "fixed": steps.FixedStep(1.0),
    "kl": steps.KLStep(1.0),
    "backtracking": steps.BacktrackingStep(epsilon=10.0),
    "exact_line": steps.ExactLineSearch(),
}


@pytest.mark.parametrize("step", LEAVING)
def test_native_coordinates_reject_a_negative_scale(step):
    """With G = I, sigma = 0.9 and data of spread 0.01, a raw step leads to sigma <= 0."""
    x = np.random.default_rng(22).normal(0.0, 0.01, size=(100, 1))
    options = {
        "coordinates": "native",
        "metric": "euclidean",
        "step": LEAVING[step],
        "start_params": {"loc": 0.0, "scale": 0.9},
        "max_iter": 30,
    }
    slope = 1 / 0.9 - np.mean(x**2) / 0.9**3
    assert 0.9 - slope < 0  # a unit step
    assert 0.9 - np.sqrt(2.0) < 0  # the paper's beta with epsilon = 1
    with quiet():
        model = NaturalMLE(**options).fit(x)
    scales = model.history_.theta[:, 1]
    assert len(scales) >= 2
    assert np.all(scales > 0)
    assert np.all(np.isfinite(model.history_["objective"]))
    if model.step_.converges and step != "fixed":
        assert scales[-1] == pytest.approx(x.std(), rel=1e-3)


def test_native_coordinates_reject_a_negative_scale_with_the_fisher_metric():
    x = sample("normal", 100, 23)
    # d sigma = -length sigma / 2 (1 - s^2 / sigma^2), which leaves for length > 2.
    with quiet():
        model = NaturalMLE(
            coordinates="native",
            metric="exact",
            step=steps.FixedStep(5.0),
            start_params={"loc": 12.0, "scale": 400.0},
            max_iter=10,
        ).fit(x)
    assert np.all(model.history_.theta[:, 1] > 0)


# ---------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize("metric", ["exact", "monte_carlo", "empirical", "observed"])
@pytest.mark.parametrize("name", FAMILIES)
def test_metrics_reach_the_same_optimum(name, metric):
    x, plain = optimum(name)
    model = NaturalMLE(name, metric=metric, random_state=0, max_iter=300).fit(x)
    assert model.status_ == "converged"
    assert_params(model.params_, plain.params_, rtol=1e-5)


@pytest.mark.parametrize("name", ["normal", "exponential", "poisson", "bernoulli", "gamma"])
def test_gradient_descent_reaches_the_same_optimum(name):
    x, plain = optimum(name)
    model = NaturalMLE(name, metric="euclidean", max_iter=20000).fit(x)
    assert model.status_ == "converged"
    assert_params(model.params_, plain.params_, rtol=1e-5)
    # In log rate the Fisher information of an exponential is 1: the two are then the same.
    assert model.n_iter_ > plain.n_iter_ or name == "exponential"


def test_a_tensor_metric():
    x, plain = optimum("normal")

    def fisher(eta):
        return np.diag([np.exp(-2.0 * eta[1]), 2.0])

    model = NaturalMLE(metric=TensorMetric(fisher), tol=1e-8).fit(x)
    exact = NaturalMLE(metric="exact", tol=1e-8).fit(x)
    np.testing.assert_allclose(model.history_.theta, exact.history_.theta, rtol=1e-9)
    assert isinstance(model.metric_, TensorMetric)


def logistic(y, loc, scale):
    z = (y - loc) / scale
    return -z - anp.log(scale) - 2.0 * anp.logaddexp(0.0, -z)


def draw_logistic(rng, n, loc, scale):
    return rng.logistic(loc, scale, n)


PARAMS = {"loc": Real(), "scale": Positive()}


def test_auto_is_exact_where_a_family_can():
    assert NaturalMLE("gamma").fit(sample("gamma", 50)).metric_ == ExactFisher(endgame=True)
    family = from_log_prob(logistic, PARAMS, support="real", sample=draw_logistic)
    assert isinstance(NaturalMLE(family).fit(sample("normal", 50)).metric_, ExactFisher)


def test_auto_is_monte_carlo_where_it_can_sample():
    family = from_log_prob(logistic, PARAMS, sample=draw_logistic)
    model = NaturalMLE(family, random_state=0).fit(sample("normal", 50))
    assert isinstance(model.metric_, MonteCarloFisher)
    assert np.all(model.history_["metric_error"] > 0)


def test_auto_is_empirical_with_a_warning_else():
    family = from_log_prob(logistic, PARAMS)
    with pytest.warns(UserWarning, match="empirical Fisher is used instead.*sample="):
        model = NaturalMLE(family).fit(sample("normal", 200))
    assert isinstance(model.metric_, EmpiricalFisher)
    assert model.status_ == "converged"


def test_exact_names_monte_carlo_where_it_cannot():
    family = from_log_prob(logistic, PARAMS, sample=draw_logistic)
    with pytest.raises(ValueError, match="metric='exact' needs .*metric='monte_carlo'"):
        NaturalMLE(family, metric="exact").fit(sample("normal", 50))


def test_monte_carlo_names_others_where_it_cannot():
    family = from_log_prob(logistic, PARAMS)
    with pytest.raises(ValueError, match="monte_carlo.*needs a sampler.*sample="):
        NaturalMLE(family, metric="monte_carlo").fit(sample("normal", 50))


def test_the_choice_is_recorded_and_the_argument_kept():
    model = NaturalMLE("gamma", metric="observed").fit(sample("gamma", 50))
    assert model.metric == "observed"
    assert type(model.metric_).__name__ == "ObservedInformation"
    assert type(model.solver_).__name__ == "AutoSolver"
    assert type(model.step_).__name__ == "BacktrackingStep"
    assert type(model.damping_).__name__ == "NoDamping"


def test_monte_carlo_error_falls_with_the_draws():
    errors = []
    for n in (100, 10_000):
        model = NaturalMLE("gamma", metric=MonteCarloFisher(n), random_state=1)
        with quiet():
            errors.append(model.fit(sample("gamma", 100)).history_["metric_error"][0])
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.5)
