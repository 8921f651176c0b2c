"""Demonstrations, against scikit-learn's regressions; starts at given weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression

from natfit import NaturalPolicyEstimator
from natfit.models import MLP
from tests.rl.worlds import Bandit


def agent(env="cartpole", policy="linear", **options):
    options = {"max_iter": 1, "batch_size": 128, "random_state": 0, **options}
    return NaturalPolicyEstimator(env, policy, **options)


def observed(n=400, width=4, seed=0):
    return np.random.default_rng(seed).standard_normal((n, width)) * [0.5, 2.0, 0.1, 1.0][:width]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("normalize", [False, True])
def test_discrete_actions_are_a_logistic_regression(normalize, weighted):
    X, rng = observed(), np.random.default_rng(1)
    y = (rng.random(400) < 1 / (1 + np.exp(-X @ [1.0, -1.0, 3.0, 0.5]))).astype(int)
    weight = rng.integers(1, 4, 400) if weighted else None
    model = agent(normalize_observations=normalize).fit_demonstrations(X, y, weight)
    assert model.status_ == "converged"
    peer = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky").fit(X, y, weight)
    assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-6)


def test_several_actions_and_redundant_indicators():
    """Frequencies in each state are the estimate; the intercept is the sum of the indicators."""
    world, rng = Bandit("discrete", "discrete"), np.random.default_rng(2)
    X, y = rng.integers(2, size=300) + 5, rng.integers(3, size=300) - 4
    model = agent(world).fit_demonstrations(X, y)
    assert model.status_ == "converged" and "not every entry of theta" in model.message_
    for state in (5, 6):
        want = [np.mean(y[state == X] == action) for action in (-4, -3, -2)]
        assert_allclose(model.predict_proba(state), want, atol=1e-6)


def test_real_actions_are_a_least_squares_regression():
    X, rng = observed(300, 3), np.random.default_rng(3)
    y = X @ [[0.4], [-0.2], [3.0]] + 0.3 + 0.5 * rng.standard_normal((300, 1))
    model = agent("pendulum").fit_demonstrations(X, y)
    peer = LinearRegression().fit(X, y)
    params = model.policy_.params(X)
    assert_allclose(params["loc"], peer.predict(X), atol=1e-6)
    assert_allclose(params["scale"], np.full((300, 1), np.std(y - peer.predict(X))), rtol=1e-6)


def test_a_constant_expert_rests_at_the_limits_of_deviations():
    X = observed(200, 3)
    model = agent("pendulum", std_bounds=(0.1, 5.0)).fit_demonstrations(X, X @ [[0.4], [0.2], [1]])
    assert model.status_ == "boundary" and "std_bounds" in model.message_
    assert_allclose(model.predict(X), np.clip(X @ [[0.4], [0.2], [1]], -2, 2), atol=1e-6)
    assert_allclose(model.policy_.params(X)["scale"], 0.1 * 2.0)


def test_an_expert_without_exception_has_no_finite_policy():
    """Weights that separate the actions may grow without end."""
    X = observed()
    for y in ((X[:, 0] > 0).astype(int), np.ones(400, dtype=int)):
        model = agent()
        with pytest.warns(ConvergenceWarning, match="grows with theta without end"):
            model.fit_demonstrations(X, y)
        assert model.status_ == "unbounded" and np.mean(model.predict(X) == y) > 0.97


def test_a_network_and_a_constant_policy_learn_too():
    X = observed(200)
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    with pytest.warns(ConvergenceWarning, match="max_iter=15"):
        model = agent(policy=MLP((8,))).fit_demonstrations(X, y, max_iter=15)
    assert np.mean(model.predict(X) == y) > 0.85
    assert np.all(np.diff(model.history_["objective"]) <= 0)
    constant = agent(policy="constant").fit_demonstrations(X, y)
    assert_allclose(constant.predict_proba(X[0]), [1 - y.mean(), y.mean()], atol=1e-6)


def test_training_goes_on_from_demonstrations_and_logs():
    X = observed()
    y = (X @ [0.3, 0.5, 3.0, 2.0] + np.random.default_rng(0).normal(0, 1.0, 400) > 0).astype(int)
    model = agent(warm_start=True).fit_demonstrations(X, y)
    cloned, score = model.theta_, model.score()
    assert score > 3 * agent(max_env_steps=1).fit().score()
    assert model.n_iter_ == 0 and model.baseline_.state is None
    model.set_params(max_iter=2).fit()
    assert model.n_iter_ == model.history_.n_rows == 2
    # Trust regions of .01 nats are small steps.
    assert 0 < np.linalg.norm(model.theta_ - cloned) < 0.5 * np.linalg.norm(cloned)
    # Without a warm start it starts anew.
    assert_array_equal(
        model.set_params(warm_start=False).fit().theta_, agent(max_iter=2).fit().theta_
    )
    logged = agent("two_state", max_iter=2, warm_start=True)
    rng = np.random.default_rng(0)
    action = rng.integers(2, size=200)
    logged.fit_logged(
        rng.integers(2, size=200), action, 1.0 * action, np.arange(200), [-np.log(2)] * 200
    )
    before = logged.theta_
    logged.set_params(max_iter=3).fit()
    assert logged.n_iter_ == 3 and not np.array_equal(before, logged.theta_)


def test_bad_demonstrations_leave_the_estimator_as_it_was():
    model, X, y = agent(), observed(20), np.zeros(20, dtype=int)
    for args, words in (
        (([], []), "at least one demonstration, got none"),
        ((X, y[:5]), "one row for each of the 20"),
        ((X, y + 2), "actions must lie in Discrete"),
        ((X * np.nan, y), "observations must be finite"),
        ((X, y, -np.ones(20)), "sample_weight"),
        ((X, y, np.zeros(20)), "sample_weight"),
    ):
        with pytest.raises(ValueError, match=words):
            model.fit_demonstrations(*args)
    with pytest.raises(ValueError, match="tol must be"):
        model.fit_demonstrations(X, y, tol=-1)
    assert not hasattr(model, "policy_")


# ---------------------------------------------------------------------------- given weights


def test_starts_at_given_weights():
    theta = np.linspace(-1.0, 1.0, 5)
    first = agent(start_theta=theta, max_env_steps=1, normalize_observations=False).fit()
    assert_array_equal(first.theta_, theta)
    trained = agent(max_iter=3).fit()
    again = agent(start_theta=trained.policy_, max_env_steps=1).fit()
    X = observed(10)
    assert_array_equal(again.predict_proba(X), trained.predict_proba(X))
    moved = clone(agent(start_theta=trained.policy_)).fit()
    assert not np.array_equal(moved.theta_, trained.theta_)
    assert_array_equal(trained.policy_.theta, trained.theta_)


def test_weights_that_do_not_fit_are_refused():
    trained = agent().fit()
    for given, words in (
        (np.zeros(3), "start_theta must have length 5, got 3.*has 5 parameters"),
        ([0, 0, np.nan, 0, 0], "start_theta must be finite"),
        ("linear", "start_theta must be an array"),
        (agent("two_state").fit().policy_, "with the .* of this estimator"),
        (agent(policy=MLP((2,))).fit().policy_, "with the model of this estimator"),
        (agent(normalize_observations=False).fit().policy_, "normalize_observations=False"),
    ):
        model = agent(start_theta=given)
        with pytest.raises(ValueError, match=words):
            model.fit()
        assert not hasattr(model, "policy_")
    with pytest.raises(TypeError, match="pass its policy_"):
        agent(start_theta=trained).fit()
    with pytest.raises(ValueError, match="start_theta must lie inside std_bounds"):
        agent("pendulum", start_theta=[0, 0, 0, 0, 9.0]).fit()


def test_a_policy_starts_at_one_place():
    agent = NaturalPolicyEstimator(
        "drift", "constant", start_theta=[0.0, 0.0], start_params="paper", max_iter=1
    )
    with pytest.raises(ValueError, match="start_params must be None where start_theta"):
        agent.fit()
