"""Tasks whose best policy is known: Kakade's two states exactly, the regulator from samples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime
from scipy.special import expit, logit

from natfit import NaturalPolicyEstimator
from natfit.damping import NoDamping
from natfit.distributions.counts.categorical import Categorical
from natfit.metrics import EuclideanMetric, ExactFisher
from natfit.models.linear import Linear
from natfit.objectives import PolicySurrogate
from natfit.optimize import Engine, advance
from natfit.rl.environments import LQR, TwoState
from natfit.rows import Memory
from natfit.solvers import CholeskySolver
from natfit.steps import FixedStep, TrustRegionStep

# Rows are (state, action): action 0 stays, action 1 moves.
STATES, ACTIONS = np.repeat([0, 1], 2), np.tile([0, 1], 2)

# In state 0 the policy stays with probability 0.9 and in state 1 with 0.1, so that 90 % of the
# time is spent in state 0: what it earns there, 1 a step for staying, is all it learns about.
START = logit([0.9, 0.1])


def dynamics():
    """Next states and rewards of the rows, asked of the environment itself."""
    state, reward, _ = TwoState().step(STATES[:, None].astype(float), ACTIONS)
    return state[:, 0].astype(int), reward


def solved(theta):
    """Average reward, visits of the rows and advantages of a policy that stays with expit(theta).

    d solves d = T' d; the values solve V = r - average + T V with d' V = 0.
    """
    after, reward = dynamics()
    policy = np.where(ACTIONS == 0, expit(theta)[STATES], expit(-theta)[STATES])
    transition, expected = np.zeros((2, 2)), np.zeros(2)
    np.add.at(transition, (STATES, after), policy)
    np.add.at(expected, STATES, policy * reward)
    visits = np.linalg.solve([(transition.T - np.eye(2))[0], np.ones(2)], [0.0, 1.0])
    average = visits @ expected
    values = np.linalg.solve([(np.eye(2) - transition)[0], visits], [expected[0] - average, 0.0])
    advantage = reward - average + values[after] - values[STATES]
    return average, visits[STATES] * policy, advantage


def surrogate(theta):
    """The objective at one policy, in exact expectation."""
    family = Categorical(n=2)
    _, weight, advantage = solved(theta)
    return PolicySurrogate(
        family,
        Linear(intercept=False).bind(2, family),
        Memory(ACTIONS.astype(float), np.eye(2)[STATES], weight),
        advantage,
        theta,
    )


def updated(objective, metric, theta):
    """Theta after one exact update of length 1."""
    engine = Engine(metric, CholeskySolver(), FixedStep(1.0), NoDamping(), 0.0, 1)
    return advance(objective, engine, theta, np.random.default_rng(0))[1].theta


def average_rewards(metric, n_updates, theta=START):
    """Of the start and after each exact update of length 1."""
    rewards = [solved(theta)[0]]
    for _ in range(n_updates):
        objective = surrogate(theta)
        theta = updated(objective, metric, theta)
        rewards.append(solved(theta)[0])
    return np.array(rewards)


def test_gradient_is_that_of_the_average_reward():
    # The policy gradient theorem, against differences of the average reward.
    for theta in (START, np.array([0.3, -0.8])):
        expected = -approx_fprime(theta, lambda t: solved(t)[0], 1e-7)
        assert_allclose(surrogate(theta).value_and_grad(theta)[1], expected, atol=1e-6)


def test_natural_gradient_is_the_difference_of_advantages():
    # Kakade (2001), theorem 1, in a table: F = d pi (1 - pi) cancels from the gradient.
    objective = surrogate(START)
    moved = updated(objective, ExactFisher(), START) - START
    advantage = objective.rows.extra[-2]
    assert_allclose(moved, advantage[ACTIONS == 0] - advantage[ACTIONS == 1])


@pytest.mark.slow
def test_the_natural_gradient_leaves_the_plateau_on_which_the_plain_one_stays():
    natural = average_rewards(ExactFisher(), 5)
    assert natural.max() <= 2.0 and natural[-1] > 1.9
    plain = average_rewards(EuclideanMetric(), 10_000)
    assert plain[0] == natural[0] < plain[-1] < 1.1


@pytest.mark.parametrize(
    ("stay", "plain", "natural"),
    [([0.5, 0.5], 15, 2), ([0.9, 0.1], None, 4), ([0.5, 0.1], None, 3)],
)
def test_the_plain_gradient_gets_stuck_from_some_starts_only(stay, plain, natural):
    for metric, expected in ((EuclideanMetric(), plain), (ExactFisher(), natural)):
        rewards = average_rewards(metric, 30 if expected else 100, logit(stay))
        good = np.flatnonzero(rewards > 1.9)
        assert (good[0] if len(good) else None) == expected
        assert expected or rewards.max() < 1.1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_learned_gain_is_that_of_the_riccati_equation(seed):
    environment, discount = LQR(time_limit=10), 0.99
    agent = NaturalPolicyEstimator(
        environment,
        "linear",
        step=TrustRegionStep(epsilon=0.01),
        advantage="gae",
        baseline="quadratic",
        discount=discount,
        gae_lambda=0.8,
        normalize_observations=False,
        batch_size=5000,
        n_envs=100,
        max_iter=150,
        random_state=seed,
    ).fit()
    assert_allclose(-agent.theta_[:2], environment.optimal_gain(discount)[0], rtol=0.02)
    assert_allclose(agent.theta_[2], 0.0, atol=0.05)
