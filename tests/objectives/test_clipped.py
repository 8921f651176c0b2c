"""The clipped surrogate against its definition, autograd and finite differences."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose, assert_array_equal

from natfit.models import MLP
from natfit.objectives import ClippedSurrogate
from natfit.rows import CHUNK, Memory
from tests.objectives.test_surrogate import MODELS, N, entropy, problem

CLIP = 0.2


def clipped(surrogate, weight=None, bonus=0.0, clip=CLIP):
    """The same problem, clipped."""
    block = surrogate.rows.block(0, surrogate.rows.n)
    return ClippedSurrogate(
        surrogate.distribution,
        surrogate.model,
        Memory(block.y, block.X, weight),
        block.extra[-2],
        surrogate.theta_old,
        entropy_bonus=bonus,
        clip_range=clip,
    )


@pytest.mark.parametrize("family", ["categorical", "diag"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("bonus", [0.0, 0.3])
def test_value_gradient_and_share(family, model, bonus):
    weight = np.random.default_rng(1).uniform(0.5, 2.0, N)
    plain, old, eta, logs = problem(family, model, bonus, weight)
    found, start = clipped(plain, weight, bonus), logs(old)
    advantage = plain.rows.extra[-2]

    def f(theta):
        ratio = anp.exp(logs(theta) - start)
        cut = anp.clip(ratio, 1.0 - CLIP, 1.0 + CLIP)
        gain = anp.minimum(ratio * advantage, cut * advantage)
        if bonus:
            gain = gain + bonus * anp.array([entropy(family, e) for e in eta(theta)])
        return -anp.sum(weight * gain) / weight.sum()

    far = 1.0 if family == "categorical" else 0.3
    away = old + far * np.random.default_rng(2).standard_normal(len(old))
    ratio = np.exp(logs(away) - start)
    beyond = np.where(advantage > 0, ratio > 1.0 + CLIP, ratio < 1.0 - CLIP)
    # All four corners are met: beyond the range on the side that gains, and on the other.
    assert 0 < beyond.sum() < np.sum(np.abs(ratio - 1.0) > CLIP) < N
    value, slope = found.value_and_grad(away)
    assert_allclose(value, f(away), rtol=1e-11)
    assert_allclose(found.value(away), value, rtol=1e-12)
    assert_allclose(slope, grad(f)(away), rtol=1e-9, atol=1e-11)
    step = 1e-6
    for p, unit in enumerate(np.eye(len(old))):
        ends = [found.value(away + s * step * unit) for s in (-1.0, 1.0)]
        assert_allclose(slope[p], (ends[1] - ends[0]) / (2 * step), atol=1e-7)
    share = weight[np.abs(ratio - 1.0) > CLIP].sum() / weight.sum()
    assert_allclose(found.clip_fraction(away), share, rtol=1e-12)
    assert plain.clip_fraction(away) == found.clip_fraction(old) == 0.0


def test_masks_row_by_row():
    plain, old, _, logs = problem("categorical", "linear")
    theta = old + 0.5 * np.random.default_rng(3).standard_normal(len(old))
    ratio = np.exp(logs(theta) - logs(old))
    block, n = plain.rows.block(0, N), 0
    for i in range(N):
        for sign in (1.0, -1.0):
            rows = Memory(block.y[[i]], block.X[[i]])
            one = ClippedSurrogate(plain.distribution, plain.model, rows, np.array([sign]), old)
            gone = ratio[i] > 1.2 if sign > 0 else ratio[i] < 0.8
            n += gone
            assert np.any(one.value_and_grad(theta)[1] != 0.0) == (not gone)
            want = (1.2 if sign > 0 else 0.8) if gone else ratio[i]
            assert_allclose(one.value(theta), -sign * want, rtol=1e-12)
    assert 5 < n < N


@pytest.mark.parametrize("family", ["categorical", "diag"])
def test_at_the_old_policy_it_is_the_plain_surrogate(family):
    plain, old, _, _ = problem(family, "mlp", 0.1)
    found = clipped(plain, bonus=0.1)
    assert_allclose(found.value(old), plain.value(old), rtol=1e-12)
    assert_allclose(found.value_and_grad(old)[1], plain.value_and_grad(old)[1], rtol=1e-9)
    away = old + 0.3
    assert_array_equal(found.fisher(away).dense(), plain.fisher(away).dense())
    assert found.kl(old, away) == plain.kl(old, away)
    assert found.scale == plain.scale


def test_many_rows_are_summed_by_chunks():
    plain, old, _, _ = problem("categorical", "mlp", n=CHUNK + 50, seed=4)
    away = old + 0.2
    found = clipped(plain)
    block = plain.rows.block(0, plain.rows.n)
    value, slope = 0.0, 0.0
    for part in (slice(0, CHUNK), slice(CHUNK, None)):
        rows = Memory(block.y[part], block.X[part])
        one = ClippedSurrogate(plain.distribution, plain.model, rows, block.extra[-2][part], old)
        f, g = one.value_and_grad(away)
        value, slope = value + f * rows.n, slope + g * rows.n
    assert_allclose(found.value(away), value / plain.rows.n, rtol=1e-10)
    assert_allclose(found.value_and_grad(away)[1], slope / plain.rows.n, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("family", ["categorical", "diag"])
@pytest.mark.parametrize("model", MODELS)
def test_other_rows_in_the_same_memory(family, model):
    plain, old, _, logs = problem(family, model)
    whole, block = clipped(plain), plain.rows.block(0, N)
    rng, n = np.random.default_rng(0), 7
    y, X, gain, before = (np.empty((n, *c.shape[1:])) for c in (block.y, block.X, *block.extra))
    part = whole.over(Memory(y, X), gain, before)
    part.refills, out = True, np.empty(len(old))
    start = logs(old)
    for _ in range(4):
        index = rng.permutation(N)[:n]
        theta = old + 0.2 * rng.standard_normal(len(old))
        for to, of in ((y, block.y), (X, block.X), (gain, block.extra[0]), (before, start)):
            to[...] = of[index]
        value, spread = part.renewed().gradient(theta, out)
        rows = Memory(block.y[index], block.X[index])
        one = ClippedSurrogate(plain.distribution, plain.model, rows, block.extra[0][index], old)
        assert_allclose(value, one.value(theta), rtol=1e-11)
        assert_allclose(out, one.value_and_grad(theta)[1], rtol=1e-9, atol=1e-13)
        ratio = one.ratios(theta)
        assert_allclose(spread, np.mean(ratio - 1.0 - np.log(ratio)), rtol=1e-8)
        assert_allclose(part.spread(theta), spread, rtol=1e-10)
        # The same rows at another theta, without a note that anything changed.
        moved = theta + 0.1
        assert_allclose(part.gradient(moved, out)[0], one.value(moved), rtol=1e-11)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, np.nan])
def test_range(value):
    plain, old, _, _ = problem("categorical", "linear")
    with pytest.raises(ValueError, match="clip_range"):
        clipped(plain, clip=value)


def test_a_network_takes_other_rows_of_the_same_number_alone():
    plain, old, _, _ = problem("categorical", "mlp")
    X = plain.rows.block(0, N).X
    rows = plain.model.linearize(old, X)
    assert not rows.refill(old, X[:5])
    first = rows.eta.copy()
    assert rows.refill(old + 0.1, X[::-1])
    fresh = MLP(hidden=(3,)).bind(2, plain.distribution).linearize(old + 0.1, X[::-1])
    assert_array_equal(rows.eta, fresh.eta)
    u = np.ones_like(first)
    assert_array_equal(rows.vjp(u), fresh.vjp(u))
