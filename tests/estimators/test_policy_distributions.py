"""Distributions of real actions: beta, squashed, Dirichlet; deviations that follow the state."""

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal

from natfit.distributions import Beta, MultiBeta, MultivariateNormal, MultivariateT
from natfit.models import MLP, Constant
from natfit.rl import Box, Environment, Squashed
from natfit.steps import KLStep
from tests.estimators.test_policy_units import Track, agent, same

INF = np.inf
TWO = Track((-1.0, -0.5), (1.0, 2.0), (10.0, 0.1), (0.0, 5.0))
X = np.array([[-0.5], [0.7], [0.1]])


class Shares(Environment):
    """One step; the best shares (K,) are proportional to 1, 2, ..., K, or reversed below s = 0."""

    name = "shares"
    time_limit = 1

    def __init__(self, dim=3, low=0.0, high=1.0):
        self.dim, self.low, self.high = dim, low, high

    @property
    def observation_space(self):
        return Box([-1.0], [1.0])

    @property
    def action_space(self):
        return Box(np.full(self.dim, self.low), np.full(self.dim, self.high))

    def start(self, rng, n):
        return rng.uniform(-1.0, 1.0, (n, 1))

    def best(self, seen):
        up = np.arange(1.0, self.dim + 1.0)
        return np.where(seen < 0, up[::-1], up) / up.sum()

    def step(self, state, action):
        assert np.all(np.abs(action.sum(axis=1) - 1.0) < 1e-9)
        reward = -np.abs(action - self.best(state)).sum(axis=1)
        return state.copy(), reward, np.ones(len(state), dtype=bool)


# ------------------------------------------------------------------ densities of actions


def beta_log_density(native, low, width, actions):
    share = (native["mode"] - low) / width
    c = native["concentration"]
    one = scipy.stats.beta(1.0 + share * c, 1.0 + (1.0 - share) * c, low, width)
    return one.logpdf(actions).sum(axis=1)


@pytest.mark.parametrize("distribution", ["beta", "multi_beta", Beta(), MultiBeta()], ids=repr)
@pytest.mark.parametrize("depends", [False, True])
def test_beta_policies(distribution, depends):
    model = agent(TWO, distribution=distribution, state_dependent_std=depends).fit()
    native = model.policy_.params(X)
    assert list(native) == ["mode", "concentration"]
    assert_array_equal(model.predict(X), native["mode"])
    actions = model.sample(np.repeat(X, 500, axis=0), 0)
    assert model.policy_.action_space.contains(actions).all()
    assert np.unique(actions).size == actions.size  # nothing is clipped
    rows = {k: np.repeat(v, 500, axis=0) for k, v in native.items()}
    low, width = TWO.action_space.low, TWO.action_space.high - TWO.action_space.low
    want = beta_log_density(rows, low, width, actions)
    assert_allclose(model.log_prob(np.repeat(X, 500, axis=0), actions), want, rtol=1e-7, atol=1e-7)
    per_state = np.ptp(native["concentration"], axis=0)
    assert np.all(per_state > 1e-3) if depends else np.all(per_state == 0)


@pytest.mark.parametrize("inside", [None, MultivariateNormal("full"), MultivariateT()], ids=repr)
def test_squashed_policies(inside):
    distribution = "squashed_normal" if inside is None else Squashed(inside)
    model = agent(TWO, distribution=distribution, init_std=2.0).fit()
    native = model.policy_.params(X)
    origin, unit = np.array([0.0, 5.075]), np.array([10.0, 0.125])
    assert_allclose(model.predict(X), origin + unit * np.tanh(native["loc"]), rtol=1e-12)
    u = np.random.default_rng(0).normal(0.0, 1.5, (3, 2))
    actions = origin + unit * np.tanh(u)
    inner = model.policy_.distribution.log_prob(u, model.policy_.eta(X))
    want = inner - np.log(unit * (1.0 - np.tanh(u) ** 2)).sum(axis=1)
    assert_allclose(model.log_prob(X, actions), want, rtol=1e-6)
    # The density of the actions has the integral one.
    t = np.linspace(-9.0, 9.0, 241)
    grid = np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1).reshape(-1, 2)
    slope = np.prod(unit * (1.0 - np.tanh(grid) ** 2), axis=1) * (t[1] - t[0]) ** 2
    log_p = model.policy_.log_prob(grid, model.policy_.eta(X[:1]))
    total = np.sum(np.exp(log_p) * slope)
    assert abs(total - 1.0) < (1e-2 if isinstance(inside, MultivariateT) else 1e-3)


def test_the_jacobian_of_squashed_actions_stays_finite():
    model = agent(Track(), distribution="squashed_normal", max_env_steps=1).fit()
    u = np.array([[0.0], [20.0], [-400.0]])
    got = model.policy_.units.log_jacobian(u)
    # log(1 - tanh^2) is log 4 - 2 |u| far out.
    assert_allclose(got, [0.0, np.log(4.0) - 40.0, np.log(4.0) - 800.0], rtol=1e-12)
    # Actions at a limit have a density, too.
    assert np.all(np.isfinite(model.log_prob([[0.0], [0.0]], [[1.0], [-1.0]])))


@pytest.mark.parametrize("dim", [2, 4])
def test_dirichlet_policies(dim):
    world = Shares(dim)
    first = agent(world, distribution="dirichlet", max_env_steps=1).fit()
    # The first policy is uniform over the simplex.
    assert_allclose(first.policy_.params(X)["concentration"], 1.0)
    assert_allclose(first.predict(X), 1.0 / dim)
    model = agent(world, distribution="dirichlet", max_iter=30, batch_size=200).fit()
    actions = model.sample(X, 0)
    assert_allclose(actions.sum(axis=1), 1.0, rtol=1e-12)
    concentration = model.policy_.params(X)["concentration"]
    want = [scipy.stats.dirichlet(c).logpdf(a) for c, a in zip(concentration, actions, strict=True)]
    assert_allclose(model.log_prob(X, actions), want, rtol=1e-8)
    assert_allclose(model.predict(X).sum(axis=1), 1.0, rtol=1e-12)
    assert model.score(range(50)) > first.score(range(50)) + 0.1


# ------------------------------------------------------------------------ learning, units

DISTRIBUTIONS = {
    "beta": "beta",
    "squashed": "squashed_normal",
    "normal": None,
    "squashed full": Squashed("multivariate_normal"),  # the last one: a whole matrix
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "depends"),
    [(name, depends) for name in DISTRIBUTIONS for depends in (False, True)][:-1],
)
def test_fits_are_the_same_in_any_unit(name, depends):
    options = {"distribution": DISTRIBUTIONS[name], "state_dependent_std": depends, "max_iter": 3}
    one = agent(Track((-1.0,), (2.0,)), **options).fit()
    wide = agent(Track((-1.0,), (2.0,), 2.0**20), **options).fit()
    assert_array_equal(wide.theta_, one.theta_)
    same(agent(Track((-1.0,), (2.0,), 1e-3), **options).fit(), one, 1e-9)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("policy", ["linear", MLP((4,)), Constant()], ids=repr)
def test_every_model_learns(name, policy):
    model = agent(
        Track(), policy, distribution=DISTRIBUTIONS[name], max_iter=15, batch_size=320
    ).fit()
    history = model.history_["mean_return"]
    assert history[-1] > history[0] + 0.5
    assert np.all(np.isfinite(model.theta_))


# ------------------------------------------------------------------------ deviations


class Wobbly(Environment):
    """Rewards grow with the distance of the action from 0 where s > 0, and fall with it else."""

    name = "wobbly"
    time_limit = 1
    observation_space = Box([-1.0], [1.0])
    action_space = Box([-1.0], [1.0])

    def start(self, rng, n):
        return rng.uniform(-1.0, 1.0, (n, 1))

    def step(self, state, action):
        reward = np.sign(state[:, 0]) * np.abs(action[:, 0])
        return state.copy(), reward, np.ones(len(state), dtype=bool)


@pytest.mark.parametrize("distribution", [None, "normal", "laplace"])
def test_deviations_follow_the_state_and_keep_their_bounds(distribution):
    bounds = (0.25, 2.0)
    model = agent(
        Wobbly(), distribution=distribution, state_dependent_std=True, std_bounds=bounds,
        step=KLStep(0.1), max_iter=30, batch_size=200,
    ).fit()  # fmt: skip
    low, high = np.ravel(model.policy_.params([[-1.0], [1.0]])["scale"])
    assert bounds[0] <= low < 0.4 and 1.2 < high <= bounds[1]
    far = model.policy_.params(np.array([[-1e6], [1e6]]))["scale"]
    assert np.all((far >= bounds[0] * (1 - 1e-12)) & (far <= bounds[1] * (1 + 1e-12)))


def test_a_start_at_a_bound_is_not_stuck():
    model = agent(Wobbly(), state_dependent_std=True, std_bounds=(0.2, 1.0), max_iter=20).fit()
    first = agent(Wobbly(), state_dependent_std=True, std_bounds=(0.2, 1.0), max_env_steps=1).fit()
    assert 0.95 < first.policy_.params(X)["scale"].max() <= 1.0
    assert model.policy_.params([[-1.0]])["scale"][0, 0] < 0.9


@pytest.mark.parametrize("policy", ["linear", Constant()], ids=repr)
def test_bounds_hold_for_concentrations(policy):
    """1 / deviation^2: a policy that is rewarded for standing still."""
    model = agent(
        Shares(2), policy, distribution="dirichlet", std_bounds=(0.5, 1.5), max_iter=25
    ).fit()
    concentration = model.policy_.params(X)["concentration"]
    assert np.all((concentration >= 1.5**-2 - 1e-12) & (concentration <= 4.0 + 1e-12))


# ------------------------------------------------------------------------------ bad input

OPEN = Track((-1.0, -INF), (1.0, INF))


@pytest.mark.parametrize(
    ("env", "options", "message"),
    [
        (OPEN, {"distribution": "beta"}, "has no limit on a side"),
        (OPEN, {"distribution": "squashed_normal"}, "needs a Box with two limits for every"),
        ("cartpole", {"distribution": "squashed_normal"}, "needs a Box with two limits"),
        ("cartpole", {"distribution": "beta"}, "does not describe actions in Discrete"),
        (TWO, {"distribution": Squashed("beta")}, "does not describe actions in Box"),
        (TWO, {"distribution": Squashed("half_normal")}, "does not describe actions in Box"),
        (TWO, {"distribution": "dirichlet"}, "does not hold the simplex"),
        (Shares(1), {"distribution": "dirichlet"}, "number of columns|dim"),
        (TWO, {"distribution": "normal"}, "have 2 elements"),
        (Track(), {"distribution": "half_normal"}, "it has finite numbers >= 0 only"),
        (Track(), {"distribution": "gamma"}, "it has finite numbers > 0 only"),
        (Track(), {"distribution": "beta_mean"}, "must define a mode"),
        (Track(), {"distribution": "poisson"}, "whole numbers"),
        (Track(), {"distribution": "uniform"}, "no location that an observation could move"),
        (TWO, {"distribution": MultiBeta(3)}, "columns|elements"),
        (Track(), {"distribution": "squashed_normal", "entropy_bonus": 0.1}, "a squashed distrib"),
        (TWO, {"state_dependent_std": 1}, "state_dependent_std must be"),
        ("cartpole", {"state_dependent_std": True}, "have no standard deviation"),
        (TWO, {"state_dependent_std": True, "policy": "constant"}, "ignores the observation"),
        (
            TWO,
            {"state_dependent_std": True, "distribution": MultivariateNormal("full")},
            "whole matrix, which std_bounds could not hold; .*covariance='diag'",
        ),
        (TWO, {"distribution": "beta", "start_params": {"mode": [11.0, 5.0]}}, "start_params"),
        (
            TWO,
            {
                "distribution": "beta",
                "start_params": {"mode": [11.0, 5.0], "concentration": [1.0, 1.0]},
            },
            "start_params must be valid",
        ),
    ],
)
def test_distributions_that_do_not_fit(env, options, message):
    model = agent(env, **options)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit()
    assert not hasattr(model, "theta_")


@pytest.mark.parametrize("distribution", ["beta", "squashed_normal"])
def test_actions_at_a_limit_have_a_density_and_others_are_refused(distribution):
    model = agent(TWO, distribution=distribution, max_env_steps=1).fit()
    ends = np.array([[-10.0, 4.95], [10.0, 5.2], [-10.0, 5.2]])
    assert np.all(np.isfinite(model.log_prob(X, ends)))
    with pytest.raises(ValueError, match="actions must lie in Box.*at row 1"):
        model.log_prob(X, ends + [[0.0, 0.0], [5.0, 0.0], [0.0, 0.0]])


def test_actions_that_are_no_shares_are_refused():
    model = agent(Shares(3), distribution="dirichlet", max_env_steps=1).fit()
    edge = np.array([[0.0, 0.4, 0.6], [0.2, 0.3, 0.5]])
    assert np.all(np.isfinite(model.log_prob(X[:2], edge)))
    with pytest.raises(ValueError, match="actions must lie in Box.*sum to one.*at row 0"):
        model.log_prob(X[:2], edge + [[0.1, 0.0, 0.0], [0.0, 0.0, 0.0]])


def test_warm_starts_keep_the_squashing():
    model = agent(Track(), warm_start=True, max_iter=2).fit()
    with pytest.raises(ValueError, match="warm_start=True needs the policy"):
        model.set_params(distribution="squashed_normal", max_iter=4).fit()


def test_squashed_is_a_parameter_like_any_other():
    from sklearn.base import clone

    model = clone(agent(Track(), distribution=Squashed("laplace"), max_iter=1))
    model.fit()
    assert model.distribution == Squashed("laplace")
    assert "Laplace" in repr(model.policy_.distribution)
    model.set_params(distribution__family="logistic")
    assert model.distribution.family == "logistic"


def test_start_params_of_a_beta_policy():
    start = {"mode": [2.0, 5.05], "concentration": [5.0, 8.0]}
    model = agent(TWO, distribution="beta", start_params=start, max_env_steps=1).fit()
    for name, value in model.policy_.params(X).items():
        assert_allclose(value, [start[name]] * 3, rtol=1e-10)
