"""Updates of a policy: inside the trust region, invariant, finite, clipped and bounded."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax

from natfit import NaturalPolicyEstimator
from natfit.iterate import Why
from natfit.models import MLP
from natfit.rl import make_environment, training
from natfit.rl.environments import CartPole, Pendulum
from natfit.steps import TrustRegionStep
from tests.rl.worlds import Forever, Quiet, Rescaled, Single


@pytest.fixture
def steps(monkeypatch):
    """(surrogate, start, end) of every update."""
    found, advance = [], training.advance

    def recording(surrogate, *args):
        start, end = advance(surrogate, *args)
        found.append((surrogate, start, end))
        return start, end

    monkeypatch.setattr(training, "advance", recording)
    return found


class Thetas:
    """A callback that keeps the policies."""

    def __init__(self):
        self.policies = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        if context.parent is None:
            return False
        self.policies.append(fitted_estimator.policy_)
        return False


def divergence(surrogate, old, new):
    """Mean KL of the policies over the visits, in closed form by hand."""
    n, family = len(surrogate.rows.y), surrogate.distribution
    a, b = (np.broadcast_to(e, (n, e.shape[1])) for e in (
        surrogate.model.eta(old, surrogate.rows.X), surrogate.model.eta(new, surrogate.rows.X)))  # fmt: skip
    if type(family).__name__ == "Categorical":
        p, q = (log_softmax(np.column_stack([e, np.zeros(n)]), axis=1) for e in (a, b))
        return np.mean(np.sum(np.exp(p) * (p - q), axis=1))
    d = a.shape[1] // 2
    s, t = np.exp(a[:, d:]), np.exp(b[:, d:])
    gap = a[:, :d] - b[:, :d]
    return np.mean(np.sum(np.log(t / s) + (s**2 + gap**2) / (2 * t**2) - 0.5, axis=1))


def gain(surrogate, old, new):
    """Return by how much the mean of rho A rises."""
    logs = []
    for theta in (old, new):
        eta = surrogate.model.eta(theta, surrogate.rows.X)
        logs.append(surrogate.distribution.log_prob(surrogate.rows.y, eta))
    return np.mean((np.exp(logs[1] - logs[0]) - 1.0) * surrogate.rows.extra[0])


CASES = [
    ("cartpole", "linear", 0.01),
    ("cartpole", "mlp", 0.1),
    ("cartpole", "constant", 0.001),
    ("two_state", "linear", 0.3),
    ("pendulum", "linear", 0.01),
    ("pendulum", MLP((8,), "relu"), 0.05),
    ("lqr", "constant", 0.2),
    ("lqr", "mlp", 1.0),
]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("env", "policy", "epsilon"), CASES)
def test_accepted_steps_are_inside_and_gain(env, policy, epsilon, seed, steps):
    agent = NaturalPolicyEstimator(
        env, policy, step=TrustRegionStep(epsilon), max_iter=6, batch_size=200, random_state=seed
    ).fit()
    assert len(steps) == 6
    before, accepted = steps[0][1].theta, 0
    for k, (surrogate, start, end) in enumerate(steps):
        # The policy stored after an update is the one that acts in the next.
        assert start.theta.tobytes() == before.tobytes()
        new = steps[k + 1][1].theta if k < 5 else agent.theta_
        spent = divergence(surrogate, before, new)
        if end.status is None:
            accepted += 1
            assert 0 < spent <= epsilon * (1 + 1e-9)
            rise = gain(surrogate, before, new)
            assert rise > 0
            assert_allclose(agent.history_["surrogate_gain"][k], rise, rtol=1e-6, atol=1e-12)
            assert_allclose(agent.history_["kl"][k], spent, rtol=1e-6, atol=1e-12)
        else:
            # Without a step there is no move, bit for bit.
            assert new.tobytes() == before.tobytes()
            assert agent.history_["kl"][k] == agent.history_["step_length"][k] == 0.0
            assert "no step" in agent.history_.notes[k]
        before = new
    assert accepted >= 3
    failed = [end.trials for _, _, end in steps if end.status is not None]
    assert agent.history_.trials == (failed[-1] if failed else ())


@pytest.mark.parametrize(
    ("value", "why"),
    [(np.inf, Why.NOT_FINITE), (np.nan, Why.NOT_FINITE), (1e9, Why.NO_DECREASE)],
)
def test_failed_searches_leave_theta_bit_for_bit(monkeypatch, value, why):
    monkeypatch.setattr(training.PolicySurrogate, "value", lambda self, theta: value)
    agent = NaturalPolicyEstimator("cartpole", max_iter=3, random_state=0).fit()
    start = NaturalPolicyEstimator("cartpole", max_iter=1, max_env_steps=1, random_state=0).fit()
    assert start.n_iter_ == 0
    assert agent.theta_.tobytes() == start.theta_.tobytes()
    assert all("no step" in note for note in agent.history_.notes)
    assert_array_equal(agent.history_["kl"], 0.0)
    assert {trial.why for trial in agent.history_.trials} == {why}
    again = pickle.loads(pickle.dumps(agent)).set_params(max_iter=4, warm_start=True)
    monkeypatch.undo()
    # A step that is found later does not take away what the last failed search has tried.
    assert len(again.fit().history_.trials) == len(agent.history_.trials)


@pytest.mark.parametrize("preset", ["reinforce", "npg", "trpo", "nac"])
@pytest.mark.parametrize("baseline", ["none", "constant", "quadratic", "fourier", "mlp"])
@pytest.mark.parametrize("terminal", [False, True])
def test_equal_rewards(preset, baseline, terminal):
    agent = NaturalPolicyEstimator.preset(
        preset, Forever(5, terminal), max_iter=3, batch_size=80, random_state=0, baseline=baseline
    ).fit()
    assert np.all(np.isfinite(agent.theta_))
    free = {"explained_variance", "mean_return", "std_return"}
    for name in agent.history_:
        assert name in free or np.all(np.isfinite(agent.history_[name])), name
    assert_array_equal(agent.history_["mean_return"], 5.0)
    assert_array_equal(agent.history_["std_return"], 0.0)
    nothing = NaturalPolicyEstimator.preset(
        preset, Forever(5, terminal, reward=0.0), max_iter=3, batch_size=80, random_state=0,
        baseline=baseline,
    ).fit()  # fmt: skip
    log_prob = nothing.log_prob([[0.1], [0.9]], [0, 1])
    assert_allclose(np.exp(log_prob), 0.5, atol=0.02)


@pytest.mark.parametrize("policy", ["linear", "mlp", "constant"])
def test_no_information_no_move(policy):
    options = {"max_env_steps": 1, "random_state": 3}
    start = NaturalPolicyEstimator(Forever(reward=0.0), policy, **options).fit()
    agent = NaturalPolicyEstimator(Forever(reward=0.0), policy, max_iter=3, random_state=3).fit()
    assert agent.theta_.tobytes() == start.theta_.tobytes()


# --------------------------------------------------------------------------- invariance


@pytest.mark.parametrize("world", [CartPole(), Pendulum()], ids=repr)
def test_undamped_npg_does_not_see_the_features_scale(world):
    d = world.observation_space.width
    matrix = np.diag(10.0 ** np.linspace(-2, 2, d)) @ (
        np.eye(d) + 0.5 * np.random.default_rng(0).standard_normal((d, d))
    )
    options = dict(
        policy="linear", damping=None, normalize_observations=False, solver="cholesky",
        baseline="constant", max_iter=8, batch_size=300, random_state=0,
    )  # fmt: skip
    plain = NaturalPolicyEstimator.preset("npg", world, **options).fit()
    other = NaturalPolicyEstimator.preset("npg", Rescaled(world, matrix), **options).fit()
    # The same episodes, so the same actions.
    for name in ("mean_return", "episodes", "kl", "surrogate_gain", "entropy"):
        assert_allclose(other.history_[name], plain.history_[name], rtol=1e-6, atol=1e-9)
    # x' W = (M x)' M^-T W.
    w = np.linalg.solve(matrix.T, plain.theta_[:d])
    assert_allclose(other.theta_[:d], w, rtol=1e-6, atol=1e-9 * np.abs(w).max())
    assert_allclose(other.theta_[d:], plain.theta_[d:], rtol=1e-6)
    # The plain gradient is not invariant: the test can fail.
    options |= {"metric": "euclidean", "step": "fixed"}
    plain = NaturalPolicyEstimator.preset("npg", world, **options).fit()
    other = NaturalPolicyEstimator.preset("npg", Rescaled(world, matrix), **options).fit()
    assert not np.allclose(other.history_["kl"], plain.history_["kl"], rtol=1e-2)


# ------------------------------------------------------------------- clipping, spread


def test_the_environment_never_sees_an_action_outside():
    log = []
    agent = NaturalPolicyEstimator(
        lambda: Single(Pendulum(), log), "linear", init_std=3.0, max_iter=2, batch_size=400,
        n_envs=2, random_state=0,
    ).fit()  # fmt: skip
    sent = np.array([action for what, action in log if what == "step"])
    assert np.abs(sent).max() == 2.0
    assert np.mean(np.abs(sent) == 2.0) > 0.3
    observations = np.zeros((3, 3))
    actions = np.array([[5.0], [2.0], [0.0]])
    mean, std = (value[:, 0] for value in agent.policy_.params(observations).values())
    want = -0.5 * ((actions[:, 0] - mean) / std) ** 2 - np.log(std * np.sqrt(2 * np.pi))
    assert_allclose(agent.log_prob(observations, actions), want, rtol=1e-12)
    assert np.abs(agent.sample(np.zeros((500, 3)), 0)).max() == 2.0


@pytest.mark.parametrize("distribution", [None, "normal"])
@pytest.mark.parametrize(("bonus", "end"), [(10.0, 2.0), (0.0, 0.25)])
def test_the_spread_runs_into_its_limit_and_stays(bonus, end, distribution):
    kept = Thetas()
    agent = NaturalPolicyEstimator(
        Quiet(), "linear", distribution=distribution, entropy_bonus=bonus, std_bounds=(0.25, 2.0),
        step=TrustRegionStep(0.1), max_iter=20, batch_size=400, baseline="constant", random_state=0,
    )  # fmt: skip
    agent.set_callbacks(kept)
    agent.fit()
    std = np.exp([p.theta[-1] for p in kept.policies])
    assert 0.25 * (1 - 1e-12) <= std.min() and std.max() <= 2.0 * (1 + 1e-12)
    assert 0.25 < std[0] < 2.0
    assert_allclose(std[-5:], end, rtol=1e-12)
    # The location goes on learning there.
    assert agent.history_["kl"][-5:].max() > 0


def test_entropy_bonus_keeps_the_policy_apart():
    entropies = []
    for bonus in (0.0, 5.0):
        agent = NaturalPolicyEstimator(
            "two_state", "linear", entropy_bonus=bonus, max_iter=15, step=TrustRegionStep(0.1),
            random_state=0,
        )  # fmt: skip
        entropies.append(agent.fit().history_["entropy"][-1])
    assert entropies[0] < 0.8 * entropies[1]
    assert entropies[1] > 0.6


def test_metrics_and_steps_of_the_engine_serve_policies():
    for options in (
        {"metric": "empirical"},
        {"metric": "euclidean", "step": "fixed"},
        {"metric": "monte_carlo"},
        {"step": "backtracking"},
        {"step": "kl", "solver": "cg"},
        {"damping": "levenberg"},
    ):
        agent = NaturalPolicyEstimator(
            "cartpole", "linear", max_iter=3, batch_size=128, random_state=0, **options
        ).fit()
        assert np.all(np.isfinite(agent.theta_))
        assert np.any(agent.theta_ != 0), options


def test_the_last_policy_plays_what_was_trained():
    env = make_environment("cartpole", 1)
    agent = NaturalPolicyEstimator("cartpole", max_iter=2, random_state=0).fit()
    x = env.reset([0])
    assert agent.predict(x) == agent.policy_.to_space(agent.policy_.greedy(x))
