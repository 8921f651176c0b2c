"""Built-in dynamics against Gymnasium, closed forms and simulation by hand."""

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize as scipy_minimize

from natfit import NaturalPolicyEstimator
from natfit._component import registered
from natfit.rl import Environment, Simulated
from natfit.rl.composites import from_gymnasium
from natfit.rl.environments import LQR, CartPole, Drift, TwoState
from natfit.rl.spaces import Discrete
from tests.suites import ENVIRONMENTS


@pytest.mark.parametrize(("case", "check"), ENVIRONMENTS.pairs())
def test_property(case, check):
    ENVIRONMENTS.run(case, check)


#: Every built-in environment that stands for one of Gymnasium's.
TWINS = [e for _, e in registered(Environment) if e.gymnasium_id is not None]


@pytest.mark.parametrize("ours", TWINS, ids=lambda ours: ours.name)
def test_spaces_and_limit_are_gymnasiums(ours):
    theirs = gymnasium.make(ours.gymnasium_id)
    assert theirs.spec.max_episode_steps == ours.time_limit
    for kind in ("observation_space", "action_space"):
        one, other = getattr(ours, kind), from_gymnasium(getattr(theirs, kind), kind)
        assert type(one) is type(other)
        if kind == "action_space" and hasattr(one, "n"):
            assert one == other
        else:
            assert_allclose(one.low, other.low, rtol=1e-6)
            assert_allclose(one.high, other.high, rtol=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ours", TWINS, ids=lambda ours: ours.name)
def test_steps_are_gymnasiums(ours, seed):
    """500 steps side by side, each episode from the same stream of starts."""
    theirs = gymnasium.make(ours.gymnasium_id).unwrapped
    rng = np.random.default_rng(seed)
    seen, _ = theirs.reset(seed=seed)
    state = ours.start(rng, 1)
    assert_array_equal(state[0], theirs.state)
    moves, ends = np.random.default_rng(seed + 100), 0
    for _ in range(500):
        assert_allclose(ours.observe(state)[0], seen, atol=1e-6, rtol=1e-6)
        space = ours.action_space
        if isinstance(space, Discrete):
            action = moves.integers(space.n, size=1)
        else:
            action = moves.uniform(space.low, space.high, (1, *space.shape))
        state, reward, terminated = ours.step(state, action)
        seen, their_reward, their_end, *_ = theirs.step(action[0])
        assert_allclose(state[0], theirs.state, rtol=0.0, atol=1e-12)
        assert_allclose(reward[0], their_reward, rtol=0.0, atol=1e-12)
        assert terminated[0] == their_end
        if their_end:
            ends += 1
            seen, _ = theirs.reset()
            state = ours.start(rng, 1)
            assert_array_equal(state[0], theirs.state)
    if ours.name in ("cartpole", "pendulum"):
        assert (ends > 10) == (ours.name == "cartpole")


@pytest.mark.parametrize("ours", TWINS, ids=lambda ours: ours.name)
def test_episodes_in_a_vector_are_gymnasiums(ours):
    """Seeded, stepped to the end and begun anew as gymnasium.make's environment is."""
    theirs = gymnasium.make(ours.gymnasium_id)
    vector = Simulated(ours, 1)
    assert_allclose(vector.reset([11])[0], theirs.reset(seed=11)[0], atol=1e-6)
    theirs.action_space.seed(0)
    for _ in range(450):
        action = theirs.action_space.sample()
        step = vector.step(np.array([action]))
        seen, reward, terminated, truncated, _ = theirs.step(action)
        assert (step.terminated[0], step.truncated[0]) == (terminated, truncated)
        assert_allclose(step.reward[0], reward, atol=1e-5)
        if terminated or truncated:
            assert_allclose(step.final[0], seen, atol=1e-4)
            seen, _ = theirs.reset()
        assert_allclose(step.observation[0], seen, atol=1e-4)


def test_drift_by_hand():
    """Actions 1, 2: rewards -(0 + 1), -(1 + 4): s before the move."""
    drift = Drift(horizon=2)
    state = drift.start(np.random.default_rng(0), 1)
    assert_array_equal(drift.observe(state), [[0.0]])
    state, reward, terminated = drift.step(state, np.array([[1.0]]))
    assert (reward[0], terminated[0]) == (-1.0, False)
    state, reward, terminated = drift.step(state, np.array([[2.0]]))
    assert (reward[0], terminated[0]) == (-5.0, True)
    assert_array_equal(drift.observe(state), [[3.0]])


def test_drift_expected_return():
    """The docstring's closed form, by 40 000 episodes."""
    mu, sigma, n = 0.7, 1.3, 40_000
    drift, rng = Drift(), np.random.default_rng(1)
    state, total = drift.start(rng, n), np.zeros(n)
    for _ in range(drift.horizon):
        state, reward, terminated = drift.step(state, rng.normal(mu, sigma, (n, 1)))
        total += reward
    assert terminated.all()
    t = np.arange(drift.horizon)
    want = -drift.horizon * (mu**2 + sigma**2) - np.sum(t**2 * mu**2 + t * sigma**2)
    assert abs(total.mean() - want) < 4.0 * total.std() / np.sqrt(n)


def test_two_state_table():
    two = TwoState()
    state = np.array([[0.0], [0.0], [1.0], [1.0]])
    new, reward, terminated = two.step(state, np.array([0, 1, 0, 1]))
    assert_array_equal(new[:, 0], [0, 1, 1, 0])
    assert_array_equal(reward, [1.0, 0.0, 2.0, 0.0])
    assert not terminated.any()
    assert_array_equal(two.observe(new), [0, 1, 1, 0])
    share = TwoState(start_probability=0.3).start(np.random.default_rng(0), 20_000).mean()
    assert abs(share - 0.7) < 4.0 * np.sqrt(0.21 / 20_000)


def lqr_return(lqr, gain, discount, seeds, steps):
    """Discounted costs of u = -gain x from each seed's start."""
    state = np.concatenate([lqr.start(np.random.default_rng(s), 1) for s in seeds])
    total = np.zeros(len(state))
    for t in range(steps):
        state, reward, _ = lqr.step(state, -lqr.observe(state) @ np.asarray(gain).T)
        total -= discount**t * reward
    return total


@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_lqr_value_is_the_cost_of_the_gain(discount):
    lqr = LQR()
    gain, value = lqr.optimal_gain(discount), lqr.value_matrix(discount)
    seeds = range(5)
    x = np.concatenate([lqr.start(np.random.default_rng(s), 1) for s in seeds])
    want = np.einsum("ni,ij,nj->n", x, value, x)
    assert_allclose(lqr_return(lqr, gain, discount, seeds, 600), want, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_lqr_gain_is_the_best(discount):
    """A search over gains ends at the same one."""
    lqr = LQR(A=[[1.1, 0.2], [0.0, 0.9]], B=[[0.0], [1.0]], Q=[[2.0, 0.0], [0.0, 1.0]], R=[[0.5]])
    gain = lqr.optimal_gain(discount)
    found = scipy_minimize(
        lambda k: lqr_return(lqr, k[None], discount, range(4), 300).sum(),
        gain[0] + [0.05, -0.05],
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-12},
    )
    assert_allclose(found.x, gain[0], atol=1e-5)


def test_lqr_noise():
    """Of the asked size, independent over steps, a function of the seed, and in the value."""
    lqr = LQR(A=[[0.0]], B=[[1.0]], noise=0.3, start_scale=0.0, time_limit=2000)
    state = lqr.start(np.random.default_rng(0), 1)
    xs = []
    for _ in range(2000):
        state, _, _ = lqr.step(state, np.zeros((1, 1)))
        xs.append(lqr.observe(state)[0, 0])
    assert abs(np.std(xs) - 0.3) < 4 * 0.3 / np.sqrt(2 * 2000)
    assert abs(np.corrcoef(xs[1:], xs[:-1])[0, 1]) < 4 / np.sqrt(2000)
    many = lqr.start(np.random.default_rng(0), 3)
    assert_array_equal(many[0], lqr.start(np.random.default_rng(0), 1)[0])
    noisy, discount = LQR(noise=0.2, start_scale=0.0, time_limit=200), 0.9
    costs = lqr_return(noisy, noisy.optimal_gain(discount), discount, range(2000), 200)
    want = discount / (1.0 - discount) * 0.2**2 * np.trace(noisy.value_matrix(discount))
    assert abs(costs.mean() - want) < 4.0 * costs.std() / np.sqrt(len(costs))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (Drift(horizon=0), "horizon must be >= 1 steps, got 0"),
        (TwoState(start_probability=1.5), "start_probability must be >= 0 and <= 1, got 1.5"),
        (TwoState(time_limit=0), "time_limit must be >= 1"),
        (LQR(A=[[1.0, 2.0]]), r"A must have shape \(1, 1\), got \(1, 2\)"),
        (LQR(A=[[1.0]]), r"B must have shape \(1, 1\), got \(2, 1\)"),
        (LQR(A=1.0, B=1.0, Q=[[1.0, 0.0]]), r"Q must have shape \(1, 1\), got \(1, 2\)"),
        (LQR(Q=[[1.0, 0.0], [0.0, -1.0]]), "Q must be symmetric and positive semidefinite"),
        (LQR(Q=[[1.0, 1.0], [0.0, 1.0]]), "Q must be symmetric"),
        (LQR(R=[[0.0]]), "R must be symmetric and positive definite"),
        (LQR(B=[[np.nan], [1.0]]), "B must be finite"),
        (LQR(noise=-1.0), "noise must be >= 0"),
        (LQR(start_scale=-1.0), "start_scale must be >= 0"),
        (LQR(time_limit=0), "time_limit must be >= 1"),
    ],
)
def test_parameters_are_checked(environment, message):
    with pytest.raises(ValueError, match=message):
        Simulated(environment, 2)


def test_lqr_discount_is_checked():
    with pytest.raises(ValueError, match="discount must be > 0 and <= 1, got 0"):
        LQR().optimal_gain(0.0)


class Forgetful(CartPole):
    """Does not store what its constructor takes."""

    def __init__(self, length=0.5):
        self.other = length


def test_an_environment_that_does_not_store_its_parameters_is_refused_before_it_is_played():
    agent = NaturalPolicyEstimator(Forgetful(), "linear", max_iter=1)
    with pytest.raises(TypeError, match=r"env must store each argument of Forgetful\.__init__"):
        agent.fit()
