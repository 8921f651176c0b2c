"""Natural actor-critic: exact directions of tasks whose gradient is known, and its regressions."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import solve_discrete_lyapunov
from scipy.special import expit

from natfit import NaturalPolicyEstimator
from natfit.damping import FixedDamping, NoDamping
from natfit.distributions.counts.categorical import Categorical
from natfit.distributions.real.normal import Normal
from natfit.metrics import EmpiricalFisher
from natfit.models import MLP, Linear
from natfit.objectives import Likelihood, PolicySurrogate
from natfit.optimize import Engine, advance
from natfit.rl import compatible
from natfit.rl.compatible import Scores, enac, episode_sums, lstd_q
from natfit.rl.environments import LQR, TwoState
from natfit.rows import Memory
from natfit.solvers import CholeskySolver
from natfit.steps import FixedStep

DISCOUNT = 0.9


def scores_of(family, model, theta, y, X):
    """The scores of the rows, as the training takes them."""
    operator = Likelihood(family, model, Memory(y, X)).scores_by_row(theta)
    return Scores.of(operator, len(y))


def engine_direction(family, model, theta, y, X, advantage, weight=None, damping=None):
    """The engine's step of length 1 with these advantages in the empirical metric."""
    surrogate = PolicySurrogate(family, model, Memory(y, X, weight), advantage, theta)
    engine = Engine(
        EmpiricalFisher(), CholeskySolver(), FixedStep(1.0), damping or NoDamping(), 0.0, 1
    )
    return advance(surrogate, engine, theta, np.random.default_rng(0))[1].theta - theta


def complex_step(function, theta):
    """The gradient of an analytic function, without the rounding of differences."""
    steps = 1e-30j * np.eye(len(theta))
    return np.array([function(theta + step).imag / 1e-30 for step in steps])


# ------------------------------------------------------------------------- Kakade's two states

MIX = np.array([[1.0, 0.4], [-0.3, 0.8]])  # what the policy sees of each state
STATES, ACTIONS = np.repeat([0, 1], 2), np.tile([0, 1], 2)


def two_state():
    """Next states and rewards of all pairs of state and action, asked of the environment."""
    state, reward, _ = TwoState().step(STATES[:, None].astype(float), ACTIONS)
    return state[:, 0].astype(int), reward


def chain(theta):
    """Transition matrix and expected rewards, (2, 2) and (2,), of a policy; theta may be complex."""
    after, reward = two_state()
    stay = 1.0 / (1.0 + np.exp(-(MIX @ theta)))
    policy = np.where(ACTIONS == 0, stay[STATES], 1.0 - stay[STATES])
    transition, expected = np.zeros((2, 2), policy.dtype), np.zeros(2, policy.dtype)
    np.add.at(transition, (STATES, after), policy)
    np.add.at(expected, STATES, policy * reward)
    return transition, expected


def softmax_policy():
    family = Categorical(n=2)
    return family, Linear(intercept=False).bind(2, family)


@pytest.mark.parametrize("theta", [[0.3, -0.8], [2.0, 1.0], [-1.5, 0.2]])
def test_two_states_lstd_q_is_the_natural_gradient(theta):
    theta, start = np.array(theta), np.array([0.8, 0.2])

    def value(theta):
        transition, expected = chain(theta)
        return start @ np.linalg.solve(np.eye(2) - DISCOUNT * transition, expected)

    visits = np.linalg.solve(np.eye(2) - DISCOUNT * chain(theta)[0].T, start)
    stay = expit(MIX @ theta)
    fisher = (MIX.T * (visits * stay * (1.0 - stay))) @ MIX
    want = np.linalg.solve(fisher, complex_step(value, theta))

    family, model = softmax_policy()
    after, reward = two_state()
    y, X = ACTIONS.astype(float), MIX[STATES]
    weight = visits[STATES] * np.where(ACTIONS == 0, stay[STATES], 1.0 - stay[STATES])
    scores = scores_of(family, model, theta, y, X)
    c, v = lstd_q(
        scores.features[None],
        np.eye(2)[STATES][None],
        np.eye(2)[after][None],
        reward[None],
        np.zeros((1, 4), bool),
        np.ones((1, 4), bool),
        DISCOUNT,
        0.0,
        weight[None],
    )
    assert_allclose(scores.parameters(c), want, rtol=1e-8, atol=1e-8)
    assert_allclose(v @ start, value(theta), rtol=1e-8)
    advantage = scores.features @ c
    got = engine_direction(family, model, theta, y, X, advantage, weight)
    assert_allclose(got, want, rtol=1e-8, atol=1e-8)


def test_two_states_enac_is_the_natural_gradient():
    theta, start, horizon = np.array([0.3, -0.8]), np.array([0.8, 0.2]), 5

    def value(theta):
        transition, expected = chain(theta)
        total, state = 0.0, start
        for _ in range(horizon):
            total, state = total + state @ expected, state @ transition
        return total

    transition = chain(theta)[0]
    stay = expit(MIX @ theta)
    visits = sum(start @ np.linalg.matrix_power(transition, t) for t in range(horizon))
    fisher = (MIX.T * (visits * stay * (1.0 - stay))) @ MIX
    want = np.linalg.solve(fisher, complex_step(value, theta))

    # All episodes side by side, each with its probability.
    plays = list(itertools.product([0, 1], *[[0, 1]] * horizon))
    state, actions = np.array(plays)[:, 0], np.array(plays)[:, 1:].T
    states, rewards, weight = [], [], start[state]
    for action in actions:
        states.append(state)
        chance = stay[state]
        weight = weight * np.where(action == 0, chance, 1.0 - chance)
        new, reward, _ = TwoState().step(state[:, None].astype(float), action)
        state, rewards = new[:, 0].astype(int), [*rewards, reward]
    family, model = softmax_policy()
    X = MIX[np.ravel(states)]
    scores = scores_of(family, model, theta, actions.ravel().astype(float), X)
    ended = np.zeros(actions.shape, bool)
    ended[-1] = True
    features = scores.features.reshape(*actions.shape, -1)
    sums, first = episode_sums(features, ended, np.ones_like(ended), 1.0)
    assert_allclose(first, np.arange(len(plays)))
    c, baseline = enac(sums, np.sum(rewards, axis=0), weight)
    assert_allclose(scores.parameters(c), want, rtol=1e-8, atol=1e-8)
    assert_allclose(baseline, value(theta))


# -------------------------------------------------------------------- linear-quadratic regulator


def gaussian(n):
    """Nodes and weights for expectations of a standard normal variable."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return nodes, weights / weights.sum()


def gaussian_policy(n_features):
    family = Normal()
    return family, Linear(intercept=False).bind(n_features, family, ("scale",))


def monomials(x):
    """Monomials up to degree two of x (n, 2)."""
    return np.column_stack([np.ones(len(x)), x, x**2, x[:, 0] * x[:, 1]])


def test_regulator_lstd_q_is_the_natural_gradient():
    world = LQR()
    a, b, q, r = world._matrices()
    theta = np.array([-1.3, -1.7, np.log(0.7)])  # u ~ N(theta[:2]' x, exp(theta[2])^2)

    def value(theta):
        # E sum discount^t reward by its linear equations, for x_0 ~ N(0, I).
        gain, variance = theta[None, :2], np.exp(2.0 * theta[2])
        closed = a + b @ gain
        cost = q + r * gain.T @ gain
        left = np.eye(4) - DISCOUNT * np.kron(closed.T, closed.T)
        p = np.linalg.solve(left, cost.ravel()).reshape(2, 2)
        noise = variance * (r + DISCOUNT * b.T @ p @ b)[0, 0] / (1.0 - DISCOUNT)
        return -(np.trace(p) + noise)

    # The discounted second moments of x solve S = I + noise / (1 - discount) + discount A S A'.
    variance, closed = np.exp(2.0 * theta[2]), a + b @ theta[None, :2]
    moved = np.eye(2) + DISCOUNT / (1.0 - DISCOUNT) * variance * b @ b.T
    second = solve_discrete_lyapunov(np.sqrt(DISCOUNT) * closed, moved)
    fisher = np.zeros((3, 3))
    fisher[:2, :2], fisher[2, 2] = second / variance, 2.0 / (1.0 - DISCOUNT)
    want = np.linalg.solve(fisher, complex_step(value, theta))

    (nodes, chance) = gaussian(4)
    grid = np.array(list(itertools.product(nodes, repeat=3)))
    weight = np.array([np.prod(c) for c in itertools.product(chance, repeat=3)])
    x = grid[:, :2]
    u = x @ theta[:2] + np.exp(theta[2]) * grid[:, 2]
    after, reward, _ = world.step(x, u[:, None])
    family, model = gaussian_policy(2)
    scores = scores_of(family, model, theta, u, x)
    never = np.zeros((1, len(x)), bool)
    c, _ = lstd_q(
        scores.features[None],
        monomials(x)[None],
        monomials(after)[None],
        reward[None],
        never,
        ~never,
        DISCOUNT,
        0.0,
        weight[None],
    )
    assert_allclose(scores.parameters(c), want, rtol=1e-8)
    got = engine_direction(family, model, theta, u, x, scores.features @ c, weight)
    assert_allclose(got, want, rtol=1e-8)


def test_regulator_enac_is_the_natural_gradient():
    world = LQR(A=[[0.9]], B=[[0.5]], Q=[[1.0]], R=[[0.2]])
    theta = np.array([-0.4, np.log(0.7)])

    def value(theta):
        # Two steps from x_0 ~ N(0, 1).
        gain, variance = theta[0], np.exp(2.0 * theta[1])
        second = 1.0, (0.9 + 0.5 * gain) ** 2 + 0.25 * variance
        return -sum(s + 0.2 * (gain**2 * s + variance) for s in second)

    variance = np.exp(2.0 * theta[1])
    second = 1.0 + (0.9 + 0.5 * theta[0]) ** 2 + 0.25 * variance
    want = complex_step(value, theta) / [second / variance, 4.0]

    nodes, chance = gaussian(5)
    grid = np.array(list(itertools.product(nodes, repeat=3)))
    weight = np.array([np.prod(c) for c in itertools.product(chance, repeat=3)])
    x, xs, us, rewards = grid[:, :1], [], [], []
    for noise in grid.T[1:]:
        u = x[:, 0] * theta[0] + np.exp(theta[1]) * noise
        xs, us = [*xs, x], [*us, u]
        x, reward, _ = world.step(x, u[:, None])
        rewards.append(reward)
    family, model = gaussian_policy(1)
    scores = scores_of(family, model, theta, np.ravel(us), np.vstack(xs))
    ended = np.zeros((2, len(grid)), bool)
    ended[1] = True
    sums, _ = episode_sums(scores.features.reshape(2, -1, 2), ended, np.ones_like(ended), 1.0)
    c, _ = enac(sums, np.sum(rewards, axis=0), weight)
    assert_allclose(scores.parameters(c), want, rtol=1e-8)


# ----------------------------------------------------------------------- what the regressions are


def network(n, seed=0):
    """Rows of a network with 44 parameters: actions, observations and parameters."""
    rng = np.random.default_rng(seed)
    family = Categorical(n=3)
    model = MLP((6,)).bind(4, family)
    theta = model.init(rng, np.zeros(2)) + 0.3 * rng.standard_normal(model.n_params)
    return family, model, theta, rng.integers(0, 3, n).astype(float), rng.standard_normal((n, 4))


@pytest.mark.parametrize("n", [200, 30])  # more and fewer rows than parameters
def test_returns_regressed_on_scores_are_the_natural_gradient(n):
    family, model, theta, y, X = network(n)
    returns = np.random.default_rng(1).standard_normal(n)
    scores = scores_of(family, model, theta, y, X)
    # Episodes of one step: the sums are the scores of the steps.
    c, baseline = enac(scores.features, returns)
    w = scores.parameters(c)
    psi = np.column_stack([scores.operator.push(e) for e in np.eye(len(theta))]) * np.sqrt(n)
    centred = psi - psi.mean(axis=0)
    want = np.linalg.lstsq(centred, returns - returns.mean(), rcond=None)[0]
    assert_allclose(psi @ w, psi @ want, atol=1e-8)
    assert_allclose(scores.features @ c, psi @ w, atol=1e-8)
    if n > len(theta):
        assert_allclose(w, want, atol=1e-8)
        # The baseline that was fitted with w makes the ordinary natural gradient equal to w.
        got = engine_direction(family, model, theta, y, X, returns - baseline)
        assert_allclose(got, w, atol=1e-8)
    # And so do the advantages that are linear in the scores.
    got = engine_direction(family, model, theta, y, X, scores.features @ c)
    assert_allclose(psi @ got, psi @ w, atol=1e-7)


def test_a_damped_natural_gradient_is_a_ridge_regression_on_scores():
    n, strength = 80, 0.05
    family, model, theta, y, X = network(n)
    returns = np.random.default_rng(1).standard_normal(n)
    scores = scores_of(family, model, theta, y, X)
    c, baseline = enac(scores.features, returns, ridge=strength * n)
    features, residual = scores.features - scores.features.mean(axis=0), returns - returns.mean()
    normal = features.T @ features + strength * n * np.eye(features.shape[1])
    assert_allclose(c, np.linalg.solve(normal, features.T @ residual), atol=1e-10)
    damping = FixedDamping(strength)
    got = engine_direction(family, model, theta, y, X, returns - baseline, damping=damping)
    assert_allclose(got, scores.parameters(c), atol=1e-8)


def ragged():
    """Five steps of two episodes side by side: ends, a reset that is no step, an open end."""
    ended, valid = np.zeros((5, 2), bool), np.ones((5, 2), bool)
    ended[1, 0] = ended[3, 1] = True
    valid[2, 0] = False
    return ended, valid


@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_lstd_q_is_the_sum_over_steps_of_its_definition(lam):
    rng = np.random.default_rng(2)
    ended, valid = ragged()
    features, state, after = (rng.standard_normal((5, 2, k)) for k in (3, 2, 2))
    features[~valid] = 0.0
    reward = rng.standard_normal((5, 2))
    left, right = np.zeros((5, 5)), np.zeros(5)
    for e in range(2):
        trace = np.zeros(5)
        for t in np.flatnonzero(valid[:, e]):
            x = np.concatenate([state[t, e], features[t, e]])
            y = np.concatenate([after[t, e], np.zeros(3)])
            trace = DISCOUNT * lam * trace + x
            left += np.outer(trace, x - DISCOUNT * y)
            right += trace * reward[t, e]
            trace = trace * (not ended[t, e])
    want = np.linalg.solve(left + np.diag([0.0, 0.1, 0.2, 0.2, 0.2]), right)
    c, v = lstd_q(features, state, after, reward, ended, valid, DISCOUNT, lam, ridge=(0.1, 0.2))
    assert_allclose(np.concatenate([v, c]), want, atol=1e-10)


def test_sums_of_episodes():
    ended, valid = ragged()
    features = np.arange(10.0).reshape(5, 2, 1)
    features[~valid] = 0.0
    sums, first = episode_sums(features, ended, valid, 0.5)
    want = {0: 0 + 0.5 * 2, 1: 1 + 1.5 + 1.25 + 0.875, 6: 6 + 0.5 * 8, 9: 9.0}
    assert dict(zip(first.tolist(), sums[:, 0].tolist(), strict=True)) == want


# ----------------------------------------------------------------------------------- training


def first_reached(agent, most):
    """Number of updates after which greedy episodes first return 475 on average."""
    for k in range(1, most + 1):
        if agent.set_params(max_iter=k, warm_start=True).fit().score() >= 475:
            return k
    return None


@pytest.mark.parametrize("seed", [0, 1])
def test_cartpole_is_learned(seed):
    agent = NaturalPolicyEstimator.preset("nac", "cartpole", policy="linear", random_state=seed)
    assert first_reached(agent, 30) is not None


def test_cartpole_is_learned_from_episodes():
    agent = NaturalPolicyEstimator.preset(
        "nac", "cartpole", policy="linear", advantage="enac", batch_unit="episodes", batch_size=16,
        random_state=0,
    )  # fmt: skip
    assert first_reached(agent, 60) is not None


@pytest.mark.parametrize("baseline", ["none", "constant", "quadratic", "fourier", "mlp"])
@pytest.mark.parametrize("env", ["pendulum", "drift", "two_state"])
def test_every_baseline_has_features(env, baseline):
    agent = NaturalPolicyEstimator.preset(
        "nac", env, policy="linear", baseline=baseline, batch_size=64, max_iter=3, random_state=0
    ).fit()
    assert np.isfinite(agent.theta_).all()
    assert (agent.history_["surrogate_gain"] != 0).any()


def test_a_policy_without_features():
    agent = NaturalPolicyEstimator.preset(
        "nac", "drift", policy="constant", batch_size=100, max_iter=3, random_state=0
    ).fit()
    assert agent.theta_[1] < 0.0  # the optimum is a standard deviation of zero


def test_what_cannot_be_solved_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="'enac' needs whole episodes.*'episodes'.*'lstd_q'"):
        NaturalPolicyEstimator("cartpole", advantage="enac").fit()
    monkeypatch.setattr(compatible, "MOST", 50)
    agent = NaturalPolicyEstimator.preset("nac", "cartpole", batch_size=64, max_iter=1)
    with pytest.raises(ValueError, match="smaller batch_size"):
        agent.fit()
    assert not hasattr(agent, "policy_")
