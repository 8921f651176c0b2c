"""Policies: actions of every space, clipping, the first policy, limits of the spread."""

import numpy as np
import pytest
import scipy.stats
from numpy.testing import assert_allclose, assert_array_equal

from natfit.distributions import MultivariateNormal, Poisson
from natfit.models import MLP, Constant, Linear
from natfit.rl import Box, Discrete, MultiBinary, MultiDiscrete
from natfit.rl.actions import ActionUnits
from natfit.rl.normalizer import RunningNormalizer
from natfit.rl.policy import Policy, action_distribution, spread_limits, start_eta

SEEN = Box(-np.ones(2), np.ones(2))


def policy(space, model=None, distribution=None, init_std=1.0, normalizer=None):
    family = action_distribution(space, distribution)
    constant = [n for n in family.params if n != "loc"] if isinstance(space, Box) else ()
    bound = (Linear() if model is None else model).bind(2, family, constant)
    theta = bound.init(np.random.default_rng(0), start_eta(family, space, init_std))
    units = ActionUnits.of(space, init_std, family) if isinstance(space, Box) else None
    return Policy(family, bound, theta, SEEN, space, normalizer, units)


SPACES = [
    Discrete(3, start=-1),
    MultiDiscrete([2, 3], start=[4, 0]),
    MultiBinary(2),
    MultiBinary((2, 2)),
    Box([-1.0], [3.0]),
    Box(-np.ones((2, 2)), np.ones((2, 2))),
    Box(2.0, 4.0),
]


@pytest.mark.parametrize("space", SPACES, ids=repr)
@pytest.mark.parametrize("model", [Linear(), MLP((3,)), Constant()], ids=repr)
def test_actions_are_of_the_space(space, model):
    one = policy(space, model)
    X = np.random.default_rng(1).uniform(-1, 1, (500, 2))
    drawn = one.act(X, np.random.default_rng(2))
    assert drawn.shape == (500, *one.distribution.event_shape)
    greedy = one.to_space(one.greedy(X))
    for actions in (one.to_space(drawn), greedy):
        assert actions.shape == (500, *space.shape)
        assert space.contains(actions).all()
    # There and back again.
    inside = one.to_space(drawn)
    assert_allclose(one.to_space(one.from_space(inside)), inside, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("space", SPACES[:4], ids=repr)
def test_the_first_policy_is_uniform(space):
    one = policy(space)
    drawn = one.to_space(one.act(np.zeros((30_000, 2)), np.random.default_rng(0)))
    values, counts = np.unique(drawn.reshape(30_000, -1), axis=0, return_counts=True)
    n = {Discrete: 3, MultiDiscrete: 6, MultiBinary: 2 ** int(np.prod(space.shape))}[type(space)]
    assert len(values) == n
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_the_first_normal_stands_in_the_middle():
    one = policy(Box([-1.0, 0.0, -np.inf], [3.0, 0.5, np.inf]), init_std=0.5)
    draws = one.units.actions(one.act(np.zeros((40_000, 2)), np.random.default_rng(0)))
    assert_allclose(draws.mean(axis=0), [1.0, 0.25, 0.0], atol=0.03)
    assert_allclose(draws.std(axis=0), [1.0, 0.125, 0.5], rtol=0.02)


def test_log_densities_are_those_of_the_action_drawn():
    """Actions are clipped for the environment alone."""
    one = policy(Box([-1.0, 0.0], [1.0, 8.0]), init_std=3.0)
    X = np.zeros((200, 2))
    y = one.act(X, np.random.default_rng(0))
    kept = y.copy()
    drawn = one.units.actions(y)
    outside = ~one.action_space.contains(drawn)
    assert outside.sum() > 100
    sent = one.clipped(y)
    assert_array_equal(y, kept)
    assert_array_equal(sent, np.clip(drawn, [-1.0, 0.0], [1.0, 8.0]))
    want = scipy.stats.multivariate_normal([0.0, 4.0], np.diag([9.0, 144.0])).logpdf(drawn)
    assert_allclose(one.log_prob(y, one.eta(X)), want, rtol=1e-12)
    assert_allclose(one.log_prob(one.from_space(drawn), one.eta(X)), want, rtol=1e-12)


def test_features_are_normalised_and_cut():
    seen = np.random.default_rng(0).normal([5.0, -2.0], [3.0, 0.1], (100, 2))
    one = policy(Discrete(2), normalizer=RunningNormalizer.empty(2).update(seen))
    x = np.array([[5.0, -2.0], [1e6, -1e6]])
    kept = x.copy()
    want = np.clip((x - seen.mean(axis=0)) / seen.std(axis=0), -10, 10)
    assert_allclose(one.normalised(x), want, rtol=1e-10, atol=1e-12)
    assert_array_equal(x, kept)
    moved = one.with_theta(np.arange(len(one.theta)) * 0.1)
    assert_allclose(moved.eta(x), want @ moved.theta[:2, None] + moved.theta[2], rtol=1e-10)
    assert_array_equal(one.theta, np.zeros(3))


@pytest.mark.parametrize(
    ("space", "actions", "message"),
    [
        (Discrete(3), [3], r"must lie in Discrete\(n=3.*got 3.* at row 0"),
        (Discrete(3), [0, 1.5], "must lie in .*1.5 at row 1"),
        (Discrete(3), [[0]], r"must have shape \(n, \)"),
        (MultiDiscrete([2, 3]), [[0, 3]], "must lie in"),
        (MultiBinary(2), [[0, 2]], "must lie in"),
        (Box([0.0], [1.0]), [0.5], r"must have shape \(n, 1\)"),
        (Box([0.0], [1.0]), [[0.5], [np.nan]], "must be finite, got .*nan.* at row 1"),
        (Box([0.0], [1.0]), [["a"]], "could not convert"),
    ],
)
def test_actions_given_are_checked(space, actions, message):
    with pytest.raises(ValueError, match=message):
        policy(space).from_space(actions)


@pytest.mark.parametrize(
    ("space", "distribution"),
    [
        (Discrete(3), "normal"),
        (Discrete(3), "multi_bernoulli"),
        (MultiBinary(3), "categorical"),
        (Box([0.0], [1.0]), "categorical"),
        (Box([0.0, 0.0], [1.0, 1.0]), "normal"),
        (Box([0.0], [1.0]), Poisson()),
        (Box([0.0, 0.0], [1.0, 1.0]), MultivariateNormal(dim=3)),
    ],
    ids=repr,
)
def test_a_distribution_that_does_not_fit(space, distribution):
    with pytest.raises((ValueError, TypeError)):
        action_distribution(space, distribution)


@pytest.mark.parametrize(
    "distribution",
    [None, "normal", MultivariateNormal("full"), MultivariateNormal("spherical"), "student_t"],
    ids=repr,
)
def test_distributions_of_one_number(distribution):
    space = Box([-1.0], [3.0])
    one = policy(space, distribution=distribution, init_std=0.5)
    drawn = one.act(np.zeros((40_000, 2)), np.random.default_rng(0))
    draws = one.units.actions(drawn)
    assert_allclose(np.median(draws), 1.0, atol=0.03)
    quartiles = np.quantile(draws.ravel(), [0.25, 0.75])
    assert_allclose(np.diff(quartiles), 2 * 0.6745, rtol=0.05)
    assert one.to_space(drawn).max() == 3.0


@pytest.mark.parametrize("covariance", ["diag", "full", "spherical"])
def test_limits_of_the_spread(covariance):
    space = Box([-1.0, -5.0], [1.0, 5.0])
    one = policy(space, distribution=MultivariateNormal(covariance))
    low, high = spread_limits(one.model, space, (0.01, 4.0))
    found = np.flatnonzero(np.isfinite(low))
    assert len(found) == (1 if covariance == "spherical" else 2)
    assert set(found) <= set(one.model.n_params - 1 - np.arange(3))
    # In units of the box.
    assert_allclose(np.exp(low[found]), 0.01)
    assert_allclose(np.exp(high[found]), 4.0)
