"""Updates of several steps: epochs, minibatches, the stop at a divergence, their memory."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit.models import MLP
from natfit.objectives import ClippedSurrogate, PolicySurrogate
from natfit.optimize import advance
from natfit.optimize.engine import resolve_engine
from natfit.rl import Box, Discrete
from natfit.rl.epochs import Minibatches, go_over
from natfit.rl.policy import action_distribution
from natfit.rows import Memory
from natfit.steps import AdamStep, FixedStep, TrustRegionStep

N, D = 203, 3


def batch(space=None, weight=None, n=N, hidden=(8, 8), clip=0.2, seed=0):
    """A clipped surrogate of a network's policy, and its theta."""
    rng = np.random.default_rng(seed)
    space = Discrete(3) if space is None else space
    family = action_distribution(space)
    constant = ("scale",) if isinstance(space, Box) else ()
    model = MLP(hidden).bind(D, family, constant)
    X = rng.standard_normal((n, D))
    theta = 0.5 * rng.standard_normal(model.n_params)
    y = family.sample(model.eta(theta, X), rng)
    gain = rng.standard_normal(n) + (y == 0.0 if y.ndim == 1 else y[:, 0])
    rows = Memory(y, X, weight)
    if clip is None:
        return PolicySurrogate(family, model, rows, gain, theta), theta
    return ClippedSurrogate(family, model, rows, gain, theta, clip_range=clip), theta


def engine(step, metric="euclidean", damping=None):
    return resolve_engine(metric, "auto", step, damping, 0.0, 1)


def by_hand(surrogate, theta, rng, n_epochs, size, rate, target=None):
    """The same update from whole arrays and Adam's formulas; theta and the number of steps."""
    block, n = surrogate.rows.block(0, surrogate.rows.n), surrogate.rows.n
    order, count = np.arange(n), -(-n // size)
    m = v = np.zeros_like(theta)
    t, old = 0, theta
    for _ in range(n_epochs):
        if count > 1:
            rng.shuffle(order)
        for index in np.array_split(order, count):
            weight = None if block.weight is None else block.weight[index]
            part = ClippedSurrogate(
                surrogate.distribution,
                surrogate.model,
                Memory(block.y[index], block.X[index], weight),
                block.extra[-2][index],
                old,
                clip_range=surrogate.clip,
            )
            ratio = part.ratios(theta)
            spread = np.average(ratio - 1.0 - np.log(ratio), weights=weight)
            if target is not None and spread > 1.5 * target:
                return theta, t
            g = part.value_and_grad(theta)[1]
            t += 1
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            root = np.sqrt(v / (1 - 0.999**t)) + 1e-8
            theta = theta - rate * m / (1 - 0.9**t) / root
    return theta, t


@pytest.mark.parametrize("space", [Discrete(3), Box(-np.ones(2), np.ones(2))])
@pytest.mark.parametrize("size", [32, 1000])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_update_by_hand(space, size, weighted):
    weight = np.random.default_rng(7).uniform(0.5, 2.0, N) if weighted else None
    surrogate, theta = batch(space, weight)
    how = 3, size, None
    start, end = go_over(surrogate, engine(AdamStep(0.01)), theta, np.random.default_rng(1), how)
    want, steps = by_hand(surrogate, theta, np.random.default_rng(1), 3, size, 0.01)
    assert_allclose(end.theta, want, rtol=1e-8, atol=1e-10)
    assert end.n_iter == end.memory.count == steps == 3 * -(-N // size)
    assert_allclose(end.value, surrogate.value(want), rtol=1e-9)
    assert_allclose(end.kl, surrogate.kl(theta, want), rtol=1e-7)
    assert_array_equal(start.theta, theta)
    assert end.value < start.value


def test_the_update_ends_at_the_divergence():
    surrogate, theta = batch()
    ends = []
    for target in (0.03, 0.01, 0.002):
        how = 30, 50, target
        rng = np.random.default_rng(2)
        _, end = go_over(surrogate, engine(AdamStep(0.02)), theta, rng, how)
        want, steps = by_hand(
            surrogate, theta, np.random.default_rng(2), 30, 50, 0.02, target=target
        )
        assert_allclose(end.theta, want, rtol=1e-7, atol=1e-10)
        assert end.n_iter == steps
        assert "target_kl ended the update after" in "; ".join(end.notes)
        assert end.kl < 5.0 * target
        ends.append(steps)
    assert 150 > ends[0] > ends[1] > ends[2] >= 1


def test_parts_of_an_epoch_are_all_rows_once():
    surrogate, _ = batch()
    parts, rng = Minibatches(surrogate, 32, refills=True), np.random.default_rng(0)
    whole = surrogate.rows.block(0, N)
    orders = []
    for _ in range(2):
        seen = []
        for part in parts.shuffled(rng):
            block = part.rows.block(0, part.rows.n)
            assert block.n in (29, 30)
            where = [np.flatnonzero((whole.X == x).all(axis=1))[0] for x in block.X]
            assert_array_equal(block.extra[0], whole.extra[0][where])
            assert_array_equal(block.y, whole.y[where])
            seen += where
        assert sorted(seen) == list(range(N))
        orders.append(seen)
    assert orders[0] != orders[1]


def test_natural_gradient_steps_on_the_clipped_objective():
    surrogate, theta = batch()
    chosen = engine(TrustRegionStep(0.002), "exact", 1e-2)
    how = 2, 70, None
    start, end = go_over(surrogate, chosen, theta, np.random.default_rng(0), how)
    assert end.n_iter == 6 and end.value < start.value
    # Each step is within its radius; a sum of six in one direction is 36 times as far.
    assert 0.0 < end.kl < 36 * 0.002 * 1.5
    # A single step on the whole batch is the engine's.
    one = go_over(surrogate, chosen, theta, np.random.default_rng(0), (1, N, None))[1]
    _, want = advance(surrogate, chosen, theta, np.random.default_rng(0))
    assert_array_equal(one.theta, want.theta)
    how = 20, 70, 0.004
    early = go_over(surrogate, chosen, theta, np.random.default_rng(0), how)[1]
    assert early.n_iter < 60 and any("target_kl" in note for note in early.notes)


def test_limits_hold():
    surrogate, theta = batch(Box(-np.ones(2), np.ones(2)))
    low, high, _ = (a.copy() for a in surrogate.limits())
    low[-2:], high[-2:] = theta[-2:] - 0.01, theta[-2:] + 0.01
    surrogate.own_limits = low, high
    how = 10, 50, None
    _, end = go_over(surrogate, engine(AdamStep(0.05)), theta, np.random.default_rng(0), how)
    assert np.all((end.theta >= low) & (end.theta <= high))
    assert np.any(np.isin(end.theta[-2:], [*low[-2:], *high[-2:]]))


def test_steps_that_lead_nowhere_are_undone():
    surrogate, theta = batch(clip=None)
    wild = FixedStep(1e200)
    start, end = go_over(surrogate, engine(wild), theta, np.random.default_rng(0), (2, 50, None))
    assert np.all(np.isfinite(end.theta))
    assert np.isfinite(end.value) or end.status is not None
    if end.status is not None:
        assert_array_equal(end.theta, theta)


def test_minibatches_allocate_no_arrays_of_their_networks():
    """A later epoch's peak: columns of a minibatch and numpy's own buffers, but no layer."""
    size, width = 1024, 64
    surrogate, theta = batch(n=2048, hidden=(width, width))
    parts, rng = Minibatches(surrogate, size, refills=True), np.random.default_rng(0)
    step, grad, delta = AdamStep(), np.empty(len(theta)), np.empty(len(theta))
    memory = step.begin(None, len(theta))

    def epoch():
        for objective in parts.shuffled(rng):
            objective.gradient(theta, grad)
            step.change(grad, memory, delta)

    epoch()
    epoch()
    tracemalloc.start()
    try:
        epoch()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        epoch()
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # An operation on strided arrays has buffers of getbufsize() numbers for up to two of them.
    room = 20 * 8 * size + 2 * 8 * np.getbufsize()
    assert peak - before < room < 8 * size * width
    assert now - before < 4096
