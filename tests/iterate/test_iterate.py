"""Iterates are frozen, and carry what the next step needs."""

import dataclasses

import numpy as np
import pytest

from natfit.distributions import Gamma, Normal
from natfit.metrics.monte_carlo import MonteCarloFisher
from natfit.optimize import Iterate
from natfit.steps.backtracking import BacktrackingStep
from natfit.testing.problems import likelihood
from natfit.testing.steps import trace

RNG = np.random.default_rng(0)
Y = 12.0 + 4.0 * RNG.standard_normal(200)


def test_iterates_are_frozen():
    iterate = Iterate(np.zeros(1), 1.0, np.ones(1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        iterate.value = 2.0
    assert iterate.gradient_norm == 1.0


def test_a_random_metric_records_its_generator():
    objective = likelihood(Normal(), Y)
    _, iterates = trace(BacktrackingStep(), objective, [10.0, 1.0], MonteCarloFisher(), max_iter=2)
    first, second = iterates[0].rng_state, iterates[1].rng_state
    assert first is not None
    assert first != second
    rng = np.random.default_rng()
    rng.bit_generator.state = first
    assert np.isfinite(iterates[0].metric_error)


def test_levenberg_state_rides_on_the_iterate():
    _, iterates = trace(
        BacktrackingStep(),
        likelihood(Gamma(), np.exp(Y / 10)),
        [-3.0, 3.0],
        "exact",
        damping="levenberg",
        max_iter=6,
    )
    states = [i.damping for i in iterates]
    assert states[0] == pytest.approx(1e-2)
    assert len(set(states)) > 1
