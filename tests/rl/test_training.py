"""Training: advantages against a loop over episodes, ends and limits, random streams."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit.models import Linear
from natfit.optimize.engine import resolve_engine
from natfit.rl import Batched, Discrete, Simulated, make_environment
from natfit.rl.baselines import ConstantBaseline, QuadraticBaseline
from natfit.rl.environments import CartPole
from natfit.rl.normalizer import RunningNormalizer
from natfit.rl.policy import Policy, action_distribution, spread_limits, start_eta
from natfit.rl.rollout import rollout
from natfit.rl.training import Plan, State, _advantages, train
from tests.rl.worlds import Forever, Single, Walk

OPTIONS = {
    "advantage": "gae",
    "discount": 0.9,
    "gae_lambda": 0.8,
    "batch_size": 64,
    "whole_episodes": False,
    "normalize_advantage": True,
    "normalize_observations": True,
    "entropy_bonus": 0.0,
    "max_episode_steps": 1000,
    "n_jobs": None,
    "max_iter": 100,
    "most_steps": None,
    "target": None,
}


def setting(env, baseline=None, step="trust_region", root=0, **options):
    """A plan and the first state."""
    family = action_distribution(env.action_space)
    constant = () if isinstance(env.action_space, Discrete) else ("scale",)
    model = Linear().bind(env.observation_space.width, family, constant)
    theta = model.init(np.random.default_rng(0), start_eta(family, env.action_space, 1.0))
    normalizer = RunningNormalizer.empty(env.observation_space.width)
    if not options.get("normalize_observations", True):
        normalizer = None
    policy = Policy(family, model, theta, env.observation_space, env.action_space, normalizer)
    plan = Plan(
        engine=resolve_engine("exact", "auto", step, 1e-3, 0.0, 100),
        baseline=ConstantBaseline() if baseline is None else baseline,
        limits=spread_limits(model, env.action_space, (1e-3, 10.0)),
        **{**OPTIONS, **options},
    )
    return plan, State(policy, root, env=env, normalizer=normalizer)


def updates(plan, state, n):
    return list(itertools.islice(train(plan, state), n))


# ---------------------------------------------------------------------------- advantages


def by_loop(batch, plan, value_of):
    """Advantage and target of every valid step: sums forward from each, by the definition."""
    finals = iter(batch.final)
    at_end = {tuple(k): next(finals) for k in np.argwhere(batch.ended)}
    steps, n = batch.reward.shape
    lam = plan.gae_lambda if plan.advantage == "gae" else 1.0
    advantage, target = np.zeros((steps, n)), np.zeros((steps, n))
    for t, e in np.argwhere(batch.valid):
        k, weight, total = t, 1.0, 0.0
        while True:
            if batch.terminated[k, e]:
                after = 0.0
            elif batch.truncated[k, e]:
                after = value_of(at_end[k, e])
            else:
                after = value_of(batch.last[e] if k + 1 == steps else batch.observation[k + 1, e])
            now = value_of(batch.observation[k, e])
            total += weight * (batch.reward[k, e] + plan.discount * after - now)
            weight *= plan.discount * lam
            if batch.ended[k, e] or k + 1 == steps:
                break
            k += 1
        advantage[t, e], target[t, e] = total, total + value_of(batch.observation[t, e])
    return advantage, target


def next_step_vector(world, n):
    """Return a vector environment of Gymnasium's that uses one call for each reset."""

    class Vector:
        metadata = {"autoreset_mode": "NextStep"}
        num_envs = n
        single_observation_space = world.observation_space
        single_action_space = world.action_space

        def __init__(self):
            self.envs = [Single(world) for _ in range(n)]
            self.env_fns = self.envs
            self.over = np.zeros(n, dtype=bool)

        def reset(self, *, seed=None, options=None):
            self.over[:] = False
            seed = [None] * n if seed is None else seed
            return np.array([e.reset(s)[0] for e, s in zip(self.envs, seed, strict=True)]), {}

        def step(self, actions):
            outs = []
            for e, env in enumerate(self.envs):
                if self.over[e]:
                    outs.append((env.reset()[0], 0.0, False, False, {}))
                else:
                    outs.append(env.step(actions[e]))
            obs, reward, ends, cut, _ = (np.array(x) for x in zip(*outs, strict=True))
            self.over = ends | cut
            return obs, reward.astype(float), ends, cut, {}

    return Vector()


@pytest.mark.parametrize("kind", ["same", "next"])
@pytest.mark.parametrize("advantage", ["gae", "reward_to_go"])
@pytest.mark.parametrize("episodes", [False, True])
def test_advantages_are_the_definitions(kind, advantage, episodes):
    env = Simulated(Walk(), 3) if kind == "same" else Batched(next_step_vector(Walk(), 3))
    plan, state = setting(env, QuadraticBaseline(), advantage=advantage, whole_episodes=episodes)
    # A baseline that knows something, and a normaliser that has moved on to something else.
    rng = np.random.default_rng(0)
    seen = rng.normal([2.0, 1.0], [1.0, 2.0], (50, 2))
    normalizer = RunningNormalizer.empty(2).update(seen)
    fitted = plan.baseline.fit(seen, seen @ [1.0, -3.0] + seen[:, 0] ** 2)
    policy = replace(state.policy, normalizer=normalizer)
    state = State(policy, 0, env=env, normalizer=normalizer, baseline=fitted)
    options = {"quota": np.array([2, 3, 1])} if episodes else {"steps": 14}
    _, batch = rollout(env, policy, env.reset([1, 2, 3]), (1,), None, longest=99, **options)
    assert batch.truncated.any() and batch.terminated.any()
    assert batch.valid.all() == (kind == "same" and not episodes)

    def value_of(observation):
        return plan.baseline.predict(fitted, observation[None])[0]

    got_advantage, got_target, got_value = _advantages(plan, state, batch)
    keep = batch.valid.ravel()
    want_advantage, want_target = by_loop(batch, plan, value_of)
    assert_allclose(got_advantage[keep], want_advantage.ravel()[keep], rtol=1e-9, atol=1e-9)
    assert_allclose(got_target[keep], want_target.ravel()[keep], rtol=1e-9, atol=1e-9)
    assert_allclose(got_value[0], value_of(batch.observation[0, 0]), rtol=1e-10)


class Paid(Walk):
    """Rewards the place where the action is taken."""

    name = "paid"

    def step(self, state, action):
        new, _, terminated = super().step(state, action)
        return new, state[:, 1].copy(), terminated


@pytest.mark.parametrize("normalize", [False, True])
def test_a_baseline_predicts_the_states_that_it_was_fitted_to(normalize):
    # At discount 0 the value of a state is its reward. The normaliser moves after every update,
    # most of all after the first one; predictions may not move with it.
    options = {"discount": 0.0, "batch_size": 256, "normalize_observations": normalize}
    plan, state = setting(Simulated(Paid(), 8), QuadraticBaseline(1e-8), **options)
    for after in updates(plan, state, 4)[1:]:
        assert after.record["explained_variance"] > 1.0 - 1e-6


def test_the_whole_return_is_the_episodes_for_all_its_steps():
    env = Simulated(Walk(), 2)
    plan, state = setting(env, advantage="total_return")
    _, batch = rollout(env, state.policy, env.reset([1, 2]), (1,), None, longest=99, steps=17)
    advantage = _advantages(plan, state, batch)[0].reshape(17, 2)
    for e in range(2):
        edges = [0, *(np.flatnonzero(batch.ended[:, e]) + 1), 17]
        for a, b in itertools.pairwise(edges):
            assert_allclose(advantage[a:b, e], batch.reward[a:b, e].sum(), atol=1e-12)


# -------------------------------------------------------------------------- ends, limits


@pytest.mark.parametrize("baseline", [ConstantBaseline(), QuadraticBaseline()], ids=repr)
def test_a_limit_is_no_end(baseline):
    """With reward 1 in every step the value is 1 / (1 - discount), wherever episodes are cut."""
    discount, length = 0.9, 5
    value = {}
    for terminal in (False, True):
        env = Simulated(Forever(length, terminal), 4)
        plan, state = setting(env, baseline, discount=discount, gae_lambda=1.0, batch_size=80)
        state = updates(plan, state, 40)[-1]
        value[terminal] = plan.baseline.predict(state.baseline, np.zeros((1, 1)))[0]
    assert_allclose(value[False], 1 / (1 - discount), rtol=1e-2)
    left = np.arange(1, length + 1)
    finite = np.mean((1 - discount**left) / (1 - discount))
    assert_allclose(value[True], finite, rtol=1e-6)


def test_rows_that_reset_are_not_learned_from():
    """The action in a call that only resets has no effect, and must have none on the training."""

    class Idle(Walk):
        def step(self, state, action):
            return super().step(state, (state[:, 0] % 2).astype(int))

    found = []
    for env in (
        make_environment(lambda: Single(Idle()), 3),
        Batched(next_step_vector(Idle(), 3)),
    ):
        plan, state = setting(env, QuadraticBaseline(), whole_episodes=True, batch_size=9)
        found.append(updates(plan, state, 4))
    for a, b in zip(*found, strict=True):
        for name in ("env_steps", "episodes", "mean_return", "std_return", "explained_variance"):
            assert_allclose(a.record[name], b.record[name], rtol=1e-9, err_msg=name)
        assert a.normalizer.count == b.normalizer.count == a.env_steps
        assert_allclose(a.normalizer.mean, b.normalizer.mean, rtol=1e-12)
        assert_allclose(a.baseline.parts["weight"], b.baseline.parts["weight"], rtol=1e-8)


# ----------------------------------------------------------------------------- the states


def test_an_update_is_a_function_of_the_state_before():
    runs = []
    for _ in range(2):
        plan, state = setting(make_environment(lambda: Single(CartPole()), 4), batch_size=50)
        runs.append([s.policy.theta.copy() for s in updates(plan, state, 5)])
    assert_array_equal(*runs)
    assert len(np.unique(runs[0], axis=0)) == 5
    plan, state = setting(Simulated(CartPole(), 4), root=1, batch_size=50)
    assert not np.array_equal(updates(plan, state, 5)[-1].policy.theta, runs[0][-1])


def test_states_count_and_record():
    plan, state = setting(Simulated(Walk(), 3), batch_size=20)
    states = updates(plan, state, 4)
    assert [s.n_iter for s in states] == [1, 2, 3, 4]
    # Rounded up to whole rows: 7 steps of 3 episodes.
    assert [s.env_steps for s in states] == [21, 42, 63, 84]
    episodes = [s.n_episodes for s in states]
    assert episodes == sorted(episodes) and episodes[-1] >= 15
    assert all(len(s.recent) == min(20, s.n_episodes) for s in states)
    for s in states:
        assert s.record["env_steps"] == s.env_steps
        assert s.normalizer.count == s.env_steps
        assert s.policy.normalizer is s.normalizer
    # Frozen: going on from an old one does not change it.
    assert states[0].policy.theta is not states[1].policy.theta
    assert state.n_iter == 0 and state.baseline is None


def test_without_normalisation_there_is_no_normalizer():
    plan, state = setting(Simulated(Walk(), 3), normalize_observations=False)
    (after,) = updates(plan, state, 1)
    assert after.normalizer is None and after.policy.normalizer is None


@pytest.mark.parametrize("step", ["trust_region", "kl", "fixed", "backtracking"])
@pytest.mark.parametrize("terminal", [False, True])
def test_equal_rewards_teach_nothing_and_break_nothing(step, terminal):
    env = Simulated(Forever(5, terminal, reward=0.0), 4)
    plan, state = setting(env, step=step)
    for after in updates(plan, state, 4):
        assert_array_equal(after.policy.theta, state.policy.theta)
        gone = {k for k, v in after.record.items() if np.isnan(v)}
        assert gone <= {"explained_variance", "divergence_ratio"}
        assert_array_equal(list(after.baseline.parts.values())[0], 0.0)


def test_steps_of_a_length_that_batches_do_not_divide():
    plan, state = setting(Simulated(Walk(), 3), whole_episodes=True, batch_size=5)
    (after,) = updates(plan, state, 1)
    assert after.n_episodes == 5
