"""A policy works in units of its actions: fits in any unit are the same."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit import NaturalPolicyEstimator
from natfit.distributions import MultivariateNormal, MultivariateT
from natfit.models import MLP, Constant
from natfit.rl import Box, Environment
from natfit.rl.policy import spread_limits
from tests.rl.worlds import Single


class Track(Environment):
    """Ten steps; the best action is ``shift + unit * s / 2`` for an observation s in (-1, 1).

    Parameters
    ----------
    low, high : tuple of float
        Limits of the actions in units of ``unit``, about ``shift``.
    unit, shift : float or tuple of float
        The unit of every element, and what is added to it.
    """

    name = "track"
    time_limit = 10

    def __init__(self, low=(-1.0,), high=(1.0,), unit=1.0, shift=0.0):
        self.low, self.high, self.unit, self.shift = low, high, unit, shift

    @property
    def observation_space(self):
        return Box([-1.0], [1.0])

    @property
    def action_space(self):
        ends = (np.array(e) * self.unit + self.shift for e in (self.low, self.high))
        return Box(*ends)

    def start(self, rng, n):
        return rng.uniform(-1.0, 1.0, (n, 11))

    def step(self, state, action):
        gap = (action - self.shift) / np.asarray(self.unit) - state[:, :1] / 2
        reward = -np.mean(np.square(gap), axis=1)
        return np.roll(state, 1, axis=1), reward, np.zeros(len(state), dtype=bool)

    def observe(self, state):
        return state[:, :1].copy()


class Single32(Single):
    """A single environment whose actions are declared in float32."""

    def __init__(self, environment):
        super().__init__(environment)
        self.action_space = Space32(environment.action_space)


class Space32:
    """A Box of Gymnasium's form, in float32."""

    def __init__(self, space):
        self.low, self.high = space.low.astype(np.float32), space.high.astype(np.float32)
        self.shape, self.dtype = space.shape, np.dtype(np.float32)


Space32.__name__ = "Box"


def agent(env, policy="linear", **options):
    return NaturalPolicyEstimator(
        env, policy, **{"max_iter": 6, "batch_size": 160, "random_state": 0, **options}
    )


INF = np.inf
#: Limits of every kind, in units of the task.
LIMITS = {
    "one": ((-1.0,), (1.0,)),
    "off-centre": ((-1.0,), (5.0,)),
    "two": ((-1.0, -0.5), (1.0, 2.0)),
    "one-sided": ((-2.0, -INF), (INF, 3.0)),
    "unbounded": ((-INF, -1.0), (INF, 1.0)),
}
DISTRIBUTIONS = [None, MultivariateNormal("full"), MultivariateNormal("spherical"), MultivariateT()]


def same(a, b, rtol):
    """Fits in two units agree: theta, the columns of the history that are no times."""
    scale = np.abs(a.theta_).max()
    assert_allclose(a.theta_, b.theta_, rtol=rtol, atol=rtol * scale)
    for name in a.history_:
        if not name.startswith("seconds"):
            assert_allclose(
                a.history_[name], b.history_[name], rtol=max(rtol, 1e-13) * 10, atol=rtol * 10,
                err_msg=name,
            )  # fmt: skip


def stds(low, high, unit):
    """First deviations of the elements: in half widths with two limits, else in units of action."""
    two = np.isfinite(low) & np.isfinite(high)
    return np.where(two, 1.0, np.broadcast_to(unit, two.shape))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=repr)
@pytest.mark.parametrize("limits", LIMITS)
def test_fits_are_the_same_in_any_unit(limits, distribution):
    """Exactly in powers of two, where there is no rounding; per element."""
    low, high = LIMITS[limits]

    def fitted(unit):
        std = stds(low, high, unit)
        options = {"init_std": std if len(std) > 1 else float(std[0])}
        return agent(Track(low, high, unit), distribution=distribution, max_iter=3, **options).fit()

    one = fitted(1.0)
    assert np.abs(one.theta_).max() > 0.01
    wide = fitted(2.0**40)
    assert_array_equal(wide.theta_, one.theta_)
    same(wide, one, 0.0)
    uneven = (2.0**-40, 2.0**10)[: len(low)]
    assert_array_equal(fitted(uneven).theta_, one.theta_)
    same(fitted(1e-3), one, 1e-10)


@pytest.mark.parametrize("unit", [1e-12, 1e-3, 1e3, 1e12])
@pytest.mark.parametrize("policy", ["linear", MLP((4,)), Constant("native")], ids=repr)
def test_models_of_every_kind(policy, unit):
    one = agent(Track(), policy).fit()
    same(agent(Track(unit=unit), policy).fit(), one, 1e-9)


def test_the_default_follows_the_best_action_in_any_unit():
    """The task of the default settings: the mean reward of an action is near its best, 0."""
    for unit in (1e-3, 1e3):
        model = agent(Track(unit=unit), max_iter=40, batch_size=1024).fit()
        assert model.score(range(20)) > -0.02, unit


def test_boxes_in_float32_and_far_from_zero():
    one = agent(lambda: Single32(Track(unit=0.25))).fit()
    assert_array_equal(agent(lambda: Single32(Track(unit=2.0**20))).fit().theta_, one.theta_)
    # Rounding of the actions: 1e-7 of their size.
    same(agent(lambda: Single32(Track(unit=1e-3))).fit(), one, 1e-3)
    shifted = agent(Track(unit=0.5, shift=1024.0)).fit()
    same(shifted, agent(Track(unit=0.5)).fit(), 1e-8)


def test_native_values_are_in_the_unit_of_the_actions():
    far = agent(Track(*LIMITS["two"], (10.0, 0.1), (0.0, 5.0))).fit()
    one = agent(Track(*LIMITS["two"])).fit()
    x = [[-0.5], [0.7]]
    got, want = far.policy_.params(x), one.policy_.params(x)
    assert list(got) == ["loc", "scale"]
    assert_allclose(got["loc"], want["loc"] * [10.0, 0.1] + [0.0, 5.0], rtol=1e-8)
    assert_allclose(got["scale"], want["scale"] * [10.0, 0.1], rtol=1e-8)
    assert_allclose(far.predict(x), np.clip(got["loc"], [-10.0, 4.95], [10.0, 5.2]), rtol=1e-12)
    # Densities are per unit of the actions.
    actions = far.sample(x, 0)
    log_half = np.log([10.0, 0.125]).sum()
    y = far.policy_.from_space(actions)
    z = far.policy_.distribution.log_prob(y, far.policy_.eta(np.array(x)))
    assert_allclose(far.log_prob(x, actions), z - log_half, rtol=1e-10)


def test_start_params_are_in_the_unit_of_the_actions():
    start = {"loc": [2.0, 5.05], "scale": [5.0, 0.05]}
    world = Track(*LIMITS["two"], (10.0, 0.1), (0.0, 5.0))
    first = agent(world, max_env_steps=1, start_params=start).fit()
    got = first.policy_.params([[0.3]])
    for name, value in start.items():
        assert_allclose(got[name], [value], rtol=1e-12)
    again = agent(world, max_env_steps=1, start_params={k: v[0] for k, v in got.items()}).fit()
    assert_allclose(again.theta_, first.theta_, rtol=1e-12, atol=1e-15)


def test_logged_actions_are_in_their_own_unit():
    def learned(unit):
        world = Track((-1.0,), (1.0,), unit)
        behaviour = agent(world, max_env_steps=1).fit()
        rng = np.random.default_rng(0)
        seen = rng.uniform(-1.0, 1.0, (300, 1))
        actions = behaviour.sample(seen, 1)
        rewards = -np.square(actions / unit - seen / 2)[:, 0]
        log_prob = behaviour.log_prob(seen, actions)
        model = agent(world, normalize_observations=False)
        model.fit_logged(seen, actions, rewards, np.arange(300), log_prob)
        assert_allclose(model.history_["effective_episodes"][0], 300.0)
        return model

    one = learned(1.0)
    assert len(one.history_["kl"]) > 2
    assert_allclose(learned(1e3).theta_, one.theta_, rtol=1e-6, atol=1e-9)


# ------------------------------------------------------------------------------ bad input

TWO = Track(*LIMITS["two"])
OPEN = Track(*LIMITS["unbounded"])


@pytest.mark.parametrize(
    ("env", "options", "message"),
    [
        (TWO, {"init_std": [1.0]}, r"init_std must be a number, or an array of .* shape \(2,\)"),
        (TWO, {"init_std": [[1.0], [1.0, 2.0]]}, "init_std must be a number, or an array"),
        (TWO, {"init_std": ["a", "b"]}, "init_std must be a number, or an array of numbers"),
        (TWO, {"init_std": [1.0, 0.0]}, "init_std must be finite and > 0"),
        (TWO, {"init_std": [1.0, np.nan]}, "init_std must be finite and > 0"),
        (TWO, {"init_std": -1.0}, "init_std must be"),
        (TWO, {"init_std": [1.0, 20.0]}, "std_bounds must be .* low <= init_std <= high"),
        (OPEN, {"std_bounds": (2.0, 3.0), "init_std": 2.5}, "low <= 1 <= high, in multiples"),
        (TWO, {"std_bounds": (1.0,)}, r"std_bounds must be \(low, high\), two numbers"),
        (TWO, {"std_bounds": np.ones((2, 2))}, r"std_bounds must be \(low, high\), two numbers"),
        (TWO, {"std_bounds": "ab"}, "std_bounds must be"),
        ("cartpole", {"init_std": [1.0, 2.0]}, "init_std must be a number for actions in Discrete"),
        (TWO, {"start_params": {"loc": [0.0], "scale": [1.0, 1.0]}}, "start_params must be valid"),
        (TWO, {"start_params": {"mean": [0.0, 0.0]}}, "start_params must be valid"),
        (TWO, {"start_params": {"loc": "a", "scale": [1.0, 1.0]}}, "start_params must be valid"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_the_actions(env, options, message):
    model = agent(env, **options)
    with pytest.raises(ValueError, match=message):
        model.fit()
    assert not hasattr(model, "theta_")


def test_elements_without_limits_have_their_first_deviation_as_unit():
    """std_bounds are then multiples of it."""
    model = agent(OPEN, init_std=[1e3, 0.5], std_bounds=(0.2, 2.0), max_env_steps=1).fit()
    assert_allclose(model.policy_.params([[0.0]])["scale"], [[1e3, 0.5]])


@pytest.mark.parametrize("distribution", [None, "beta", MultivariateNormal("full")], ids=repr)
def test_a_start_at_a_bound_is_inside(distribution):
    """Whatever the rounding of logarithms and powers."""
    for std in np.random.default_rng(0).uniform(0.01, 5.0, 8).tolist():
        for bounds in ((std, 2.0 * std), (0.5 * std, std)):
            options = {"init_std": std, "std_bounds": bounds, "max_env_steps": 1}
            model = agent(TWO, distribution=distribution, **options).fit()
            low, high = spread_limits(model.policy_.model, TWO.action_space, bounds)
            assert np.all((model.theta_ >= low) & (model.theta_ <= high))
