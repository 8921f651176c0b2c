"""Options that change between a fit and a warm start, and starts that are refused."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from natfit import NaturalPolicyEstimator
from natfit.models import MLP
from natfit.rl import Box, Environment
from natfit.rl.environments.lqr import LQR


def agent(env="cartpole", policy="linear", **options):
    small = {"max_iter": 3, "batch_size": 64, "n_envs": 2, "random_state": 0, "warm_start": True}
    return NaturalPolicyEstimator(env, policy, **{**small, **options})


class Target(Environment):
    """Episodes of one step, whose reward is larger the nearer the action is to 7."""

    def __init__(self, low=5.0, high=np.inf):
        self.low = low
        self.high = high

    name = "target"
    observation_space = Box([-1.0], [1.0])
    time_limit = 1

    @property
    def action_space(self):
        return Box([self.low], [self.high])

    def start(self, rng, n):
        return rng.uniform(-1.0, 1.0, (n, 1))

    def step(self, state, action):
        return state.copy(), -((action[:, 0] - 7.0) ** 2), np.zeros(len(state), dtype=bool)


def test_a_parameter_of_the_environment_is_noticed():
    model = agent(LQR(time_limit=50)).fit()
    model.set_params(env__time_limit=5, max_iter=6).fit()
    assert model._state.env.environment.time_limit == 5
    assert model.evaluate(3).lengths.tolist() == [5, 5, 5]
    assert model.history_["episodes"][-1] >= 3 * 64 // 5 // 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"policy": MLP((4,), "tanh")}, {"policy": MLP((4,), "relu")}),
        ({"policy": MLP((8, 2))}, {"policy": MLP((3, 9))}),
        ({"env": "pendulum"}, {"distribution": "normal"}),
    ],
)
def test_another_policy_is_refused(first, second):
    model = agent(**first).fit()
    theta = model.theta_
    with pytest.raises(ValueError, match="policy, distribution or env have changed"):
        model.set_params(**second, max_iter=5).fit()
    assert model.theta_ is theta


@pytest.mark.parametrize("before", ["none", "constant", "quadratic", "fourier", "mlp"])
@pytest.mark.parametrize("after", ["none", "constant", "quadratic", "fourier", "mlp"])
def test_another_baseline_begins_anew(before, after):
    model = agent(baseline=before, max_iter=1).fit()
    model.set_params(baseline=after, max_iter=2).fit()
    assert model.n_iter_ == 2


def test_the_normaliser_may_be_switched():
    model = agent(normalize_observations=False).fit()
    model.set_params(normalize_observations=True, max_iter=5).fit()
    assert model.policy_.normalizer.count == 2 * 64
    model.set_params(normalize_observations=False, max_iter=6).fit()
    assert model.policy_.normalizer.count == 2 * 64


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [(5.0, np.inf), (-np.inf, 9.0), (4.0, 9.0)])
def test_a_box_with_one_bound_can_be_learnt(bounds):
    model = agent(Target(*bounds), batch_size=256, max_iter=120).fit()
    first, last = model.history_["mean_return"][[0, -1]]
    assert last > first
    assert model.predict([[0.0]])[0, 0] == pytest.approx(7.0, abs=1.0)


def test_a_start_outside_the_limits_is_refused():
    with pytest.raises(ValueError, match="start_params must lie inside std_bounds"):
        agent("pendulum", start_params={"loc": [0.0], "scale": [100.0]}).fit()
    # The limits are those of the scale: df is no scale.
    model = agent(Target(6.95, 7.05), distribution="student_t", max_iter=5).fit()
    assert np.all(model.history_["kl"] > 0)


def test_a_whole_return_needs_whole_episodes():
    with pytest.raises(ValueError, match="total_return.*batch_unit='episodes'"):
        agent(advantage="total_return").fit()
    agent(advantage="total_return", batch_unit="episodes", batch_size=4).fit()


def test_threads_restore_the_limit_of_blas():
    before = [lib["num_threads"] for lib in threadpool_info()]
    models = [agent(random_state=seed, max_iter=30) for seed in (0, 1)]
    threads = [threading.Thread(target=model.fit) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [lib["num_threads"] for lib in threadpool_info()] == before
    alone = agent(random_state=1, max_iter=30).fit().theta_
    if set(before) == {1}:
        np.testing.assert_array_equal(models[1].theta_, alone)
    else:
        # The other fit may have lifted the limit: several threads of BLAS add in another order.
        np.testing.assert_allclose(models[1].theta_, alone, rtol=1e-6, atol=1e-9)


def test_adaptive_damping_goes_on():
    model = agent(damping="levenberg", max_iter=1).fit()
    first = model._state.damping
    model.set_params(max_iter=4).fit()
    assert model._state.damping != first


def test_defaults_can_be_reached_into():
    assert agent().set_params(solver__max_iter=5).solver.max_iter == 5
    assert agent("lqr").set_params(env__time_limit=7).env.time_limit == 7
