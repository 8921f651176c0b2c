"""What holds for every univariate family of the registry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.rows import Block

QUIET = settings(deadline=None, derandomize=True, max_examples=30)
UNIVARIATE = [f for _, f in registered(Distribution) if f.event_shape == ()]


@pytest.mark.parametrize("family", UNIVARIATE, ids=repr)
def test_close_distributions_have_a_small_exact_divergence(family):
    """The difference of two logs would give -1e-17 or 0 in place of 1e-14."""
    eta = family.initial(
        Block(family.sample(np.full((1, family.n_params), 0.7), _rng(), 50)), _rng()
    )
    if not family.has_kl:
        pytest.skip("supports differ: the divergence is infinite")
    fisher = family.fisher(eta[None])[0]
    delta = 1e-6 / np.sqrt(np.diagonal(fisher))
    kl = family.kl(eta[None], (eta + delta)[None])[0]
    assert kl == pytest.approx(0.5 * delta @ fisher @ delta, rel=1e-2, abs=1e-16)


def _at(family, value):
    """Eta (1, K) with the same number everywhere, inside the limits."""
    low, high, _ = family.limits
    return np.clip(np.full((1, family.n_params), value), low, high)


def _rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("family", UNIVARIATE, ids=repr)
def test_start_does_not_solve_the_problem(family):
    """A start is no estimate: the score there is far above the optimum's."""
    if set(family.row_ends) == set(family.params):
        pytest.skip("the order statistics are the estimate")
    y = family.sample(_at(family, 0.6), _rng(), 400)
    start = family.initial(Block(y), _rng())
    score = family.score(y, start[None]).sum(axis=0)
    fisher = len(y) * family.fisher(start[None])[0]
    distance = np.sqrt(score @ np.linalg.solve(fisher, score))
    assert distance > 1e-3
    assert distance < 100.0


@QUIET
@given(st.lists(st.integers(0, 3), min_size=8, max_size=8).filter(lambda w: sum(w) > 1))
@pytest.mark.parametrize("family", UNIVARIATE, ids=repr)
def test_weight_is_repetition(family, weights):
    y = family.sample(_at(family, 0.4), _rng(), 8)
    eta = _at(family, 0.5)
    w = np.array(weights, dtype=float)
    kept = w > 0
    value, score = family.sum_value_and_score(y[kept], w[kept], eta)
    value2, score2 = family.sum_value_and_score(np.repeat(y, weights), None, eta)
    assert value == pytest.approx(value2, rel=1e-9)
    np.testing.assert_allclose(score, score2, rtol=1e-8, atol=1e-8)
