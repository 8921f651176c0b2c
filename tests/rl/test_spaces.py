"""Spaces against Gymnasium's own, and values worked out by hand."""

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from natfit.rl import Box, Discrete, MultiBinary, MultiDiscrete
from natfit.rl.composites import from_gymnasium

PAIRS = [
    (Discrete(3), gymnasium.spaces.Discrete(3)),
    (Discrete(3, start=-1), gymnasium.spaces.Discrete(3, start=-1)),
    (MultiDiscrete([2, 3]), gymnasium.spaces.MultiDiscrete([2, 3])),
    (MultiDiscrete([2, 3], start=[5, 0]), gymnasium.spaces.MultiDiscrete([2, 3], start=[5, 0])),
    (MultiDiscrete([[2, 3]]), gymnasium.spaces.MultiDiscrete([[2, 3]])),
    (MultiBinary(4), gymnasium.spaces.MultiBinary(4)),
    (MultiBinary((2, 3)), gymnasium.spaces.MultiBinary((2, 3))),
    (Box([-1.0, 0.0], [1.0, np.inf]), gymnasium.spaces.Box(np.array([-1.0, 0.0]), np.array([1.0, np.inf]), dtype=np.float64)),
    (Box(np.zeros((2, 2)), np.full((2, 2), 255.0)), gymnasium.spaces.Box(0, 255, (2, 2), dtype=np.uint8)),
]  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=repr)
def test_equals_gymnasium(ours, theirs):
    assert from_gymnasium(theirs, "space") == ours
    assert ours.shape == theirs.shape
    theirs.seed(0)
    values = np.array([theirs.sample() for _ in range(50)])
    assert ours.contains(values).all()
    assert_array_equal(ours.encode(values), [gymnasium.spaces.flatten(theirs, v) for v in values])
    assert ours.encode(values).shape == (50, ours.width)
    assert ours.encode(values).dtype == np.float64


@pytest.mark.parametrize(
    ("space", "values", "inside"),
    [
        (Discrete(3, start=1), [0, 1, 3, 4], [False, True, True, False]),
        (Discrete(3), [0.0, 0.5, np.nan, 2.0], [True, False, False, True]),
        (MultiDiscrete([2, 3]), [[1, 2], [2, 0], [-1, 0], [0, 0.5]], [True, False, False, False]),
        (MultiBinary(2), [[0, 1], [0, 2], [0.5, 0]], [True, False, False]),
        (Box([0.0], [1.0]), [[0.0], [1.0 + 1e-6], [1.1], [-0.1], [np.nan]], [True, True, False, False, False]),
        (Box([-np.inf], [np.inf]), [[1e300], [np.inf], [-np.inf], [np.nan]], [True, False, False, False]),
        (Box(0.0, 1.0), [0.5, 2.0], [True, False]),
    ],
)  # fmt: skip
def test_contains(space, values, inside):
    assert_array_equal(space.contains(np.array(values)), inside)


@pytest.mark.parametrize(
    ("space", "actions", "values"),
    [
        (Discrete(3), [0.0, 2.0], [0, 2]),
        (Discrete(3, start=-1), [0, 2], [-1, 1]),
        (MultiDiscrete([2, 3], start=[5, 0]), [[1.0, 2.0]], [[6, 2]]),
        (MultiBinary((2, 2)), [[0, 1, 1, 0]], [[[0, 1], [1, 0]]]),
        (Box([-1.0], [1.0]), [0.5, -0.5], [[0.5], [-0.5]]),
        (Box(-1.0, 1.0), [[0.5]], [0.5]),
    ],
)
def test_decode(space, actions, values):
    decoded = space.decode(np.array(actions))
    assert_array_equal(decoded, values)
    assert space.contains(decoded).all()


def test_bounds_near_the_largest_double_bound_nothing():
    box = Box([-1.79e308], [1.79e308])
    values = [[0.0], [1e308], [np.inf], [np.nan]]
    assert_array_equal(box.contains(np.array(values)), [True, True, False, False])


def test_equality_and_hash():
    assert Box([0.0], [1.0]) == Box([0.0], [1.0])
    assert Box([0.0], [1.0]) != Box([0.0], [2.0])
    assert Discrete(2) != MultiBinary(2)
    assert len({Discrete(2), Discrete(2), MultiDiscrete([2]), MultiDiscrete([2])}) == 2


def test_bounds_are_kept():
    bound = np.ones(2)
    box = Box(-bound, bound)
    bound[0] = 5.0
    assert_array_equal(box.high, [1.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        box.high[0] = 2.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Discrete(0), "n must be an integer >= 1, got 0"),
        (lambda: Discrete(2.5), "n must be an integer >= 1, got 2.5"),
        (lambda: MultiDiscrete([2, 0]), "nvec must be an integer >= 1, got 0"),
        (lambda: MultiDiscrete([]), "nvec must have at least one element"),
        (lambda: MultiBinary(0), "n must be an integer >= 1, got 0"),
        (lambda: Box([0.0], [1.0, 2.0]), r"equal shapes, got \(1,\) and \(2,\)"),
        (lambda: Box([1.0], [0.0]), "low must be <= high"),
        (lambda: Box([np.nan], [0.0]), "low must be <= high"),
        (lambda: Box([], []), "at least one element"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "space",
    [
        gymnasium.spaces.Text(3),
        "nothing",
    ],
    ids=lambda s: type(s).__name__,
)
def test_unsupported_spaces_are_named(space):
    with pytest.raises(ValueError, match="my space must be Discrete, MultiDiscrete, MultiBinary"):
        from_gymnasium(space, "my space")


def test_own_space_passes():
    space = Discrete(2)
    assert from_gymnasium(space, "space") is space
