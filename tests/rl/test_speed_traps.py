"""What would take forever without a word: pixels, and processes for quick environments."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit import NaturalPolicyEstimator
from natfit.rl import Box, Discrete, _checks, masks, normalizer, rollout
from natfit.rl.baselines import FourierBaseline, QuadraticBaseline
from natfit.rl.baselines.fourier import MOST_COLUMNS
from natfit.rl.environments import Environment
from natfit.rl.normalizer import RunningNormalizer
from natfit.rl.rollout import jobs_worth
from tests.rl.worlds import Single, Walk

RNG = np.random.default_rng(0)


class Pixels(Environment):
    """A point on a screen of 60 x 60, to be moved to a column."""

    name = "pixels"
    observation_space = Box(np.zeros((60, 60)), np.full((60, 60), 255.0))
    action_space = Discrete(3)
    time_limit = 10

    def start(self, rng, n):
        return rng.integers(0, 60, (n, 1)).astype(float)

    def step(self, state, action):
        new = np.clip(state + action[:, None] - 1.0, 0.0, 59.0)
        return new, -np.abs(new[:, 0] - 30.0), np.zeros(len(state), dtype=bool)

    def observe(self, state):
        screen = np.zeros((len(state), 60, 60))
        screen[np.arange(len(state)), :, state[:, 0].astype(int)] = 255.0
        return screen


@pytest.mark.parametrize("n", [40, 300])  # fewer and more rows than features
def test_ridge_regression_is_the_same_in_both_forms(n):
    X, target = RNG.standard_normal((n, 20)), RNG.standard_normal(n)
    baseline = QuadraticBaseline(penalty=0.1, most_crossed=10)
    state = baseline.fit(X, target)
    features = baseline.design(state, X)[:, 1:]
    features = features - features.mean(axis=0)
    normal = features.T @ features + 0.1 * n * np.eye(features.shape[1])
    want = np.linalg.solve(normal, features.T @ (target - target.mean()))
    assert_allclose(state.parts["weight"], want, atol=1e-10)
    wide = QuadraticBaseline(penalty=0.1, most_crossed=20)
    state = wide.fit(X, target)
    features = wide.design(state, X)[:, 1:]
    features = features - features.mean(axis=0)
    assert features.shape[1] == 230
    normal = features.T @ features + 0.1 * n * np.eye(230)
    want = np.linalg.solve(normal, features.T @ (target - target.mean()))
    assert_allclose(state.parts["weight"], want, atol=1e-10)


def test_columns_that_are_too_many_are_no_features():
    for width, count in ((MOST_COLUMNS, MOST_COLUMNS + 50), (MOST_COLUMNS + 1, 50)):
        X = RNG.standard_normal((20, width))
        state = FourierBaseline(n_features=50).fit(X, X[:, 0], rng=0)
        assert state.parts["weight"].shape == (count,)


def test_more_products_than_can_be_solved_for_are_refused():
    X = RNG.standard_normal((3, 10_001))
    with pytest.raises(ValueError, match="'quadratic' has 20002 features.*10001.*'fourier'"):
        QuadraticBaseline().fit(X, X[:, 0])
    crossed = QuadraticBaseline(most_crossed=500)
    with pytest.raises(ValueError, match="125750 features.*lower baseline__most_crossed"):
        crossed.fit(X[:, :500], X[:, 0])


def test_deviations_of_large_batches_are_those_of_their_parts(monkeypatch):
    X = 1e6 + RNG.standard_normal((100, 7))
    whole = RunningNormalizer.empty(7).update(X)
    monkeypatch.setattr(normalizer, "_ROOM", 60)
    parts = RunningNormalizer.empty(7).update(X)
    assert parts.count == whole.count
    assert_allclose(parts.mean, whole.mean, rtol=1e-15)
    assert_allclose(parts.m2, whole.m2, rtol=1e-9)


@pytest.mark.parametrize("baseline", ["fourier", "quadratic"])
def test_policies_see_pixels(baseline):
    agent = NaturalPolicyEstimator(
        Pixels(), "linear", baseline=baseline, batch_size=128, max_iter=2, random_state=0
    ).fit()
    assert np.isfinite(agent.theta_).all()


# ---------------------------------------------------------------------------------- processes


class Spent:
    n = 8

    def __init__(self, spent):
        self.spent = spent


@pytest.mark.parametrize(
    ("spent", "n_jobs", "worth"), [(None, 2, 1), (0.1, 2, 1), (0.5, 2, 1), (2.0, 2, 2), (2.0, 1, 1)]
)
def test_processes_are_used_where_they_save_time(spent, n_jobs, worth):
    assert jobs_worth(Spent(spent), n_jobs) == worth


def test_quick_environments_are_played_in_one_process(monkeypatch):
    options = {"policy": "linear", "batch_size": 64, "n_envs": 4, "max_iter": 3, "random_state": 0}
    used = []
    parallel = rollout.Parallel

    def spied(*args, **kwargs):
        used.append(kwargs)
        # Threads: environments of a test need no processes.
        return parallel(n_jobs=2, prefer="threads")

    monkeypatch.setattr(rollout, "Parallel", spied)
    one = NaturalPolicyEstimator(lambda: Single(Walk()), n_jobs=1, **options).fit()
    two = NaturalPolicyEstimator(lambda: Single(Walk()), n_jobs=2, **options).fit()
    assert not used
    monkeypatch.setattr(rollout, "_WORTH", 0.0)
    both = NaturalPolicyEstimator(lambda: Single(Walk()), n_jobs=2, **options).fit()
    # The first update measures.
    assert len(used) == 2
    for other in (two, both):
        assert_array_equal(one.theta_, other.theta_)


class Screened(Pixels):
    """Pixels whose masks come as one array."""

    name = "screened"

    def observe(self, state):
        return np.zeros((len(state), 60, 60))

    def action_masks(self, state):
        return np.hstack([state > 0, np.ones_like(state, dtype=bool), state < 59])


def test_an_array_of_masks_is_not_looked_at_row_by_row(monkeypatch):
    def watched(*args):
        raise AssertionError("one mask at a time")

    monkeypatch.setattr(_checks, "flat_mask", watched)
    monkeypatch.setattr(masks, "flat_mask", watched)
    agent = NaturalPolicyEstimator(
        Screened(), "constant", baseline="constant", batch_size=50, max_iter=1, random_state=0
    ).fit()
    allowed = np.tile([True, False, False], (4, 1))
    seen = np.zeros((4, 60, 60))
    assert_array_equal(agent.predict(seen, action_masks=allowed), np.zeros(4))
