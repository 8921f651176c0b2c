"""The tree against the sum written out."""

import functools
import operator

import numpy as np
import pytest

from natfit.rows._tree import FAN_IN, Tree, plus


def written_out(parts):
    """Eight neighbours, added from left to right, are one node of the next level."""
    while len(parts) > 1:
        groups = [parts[i : i + FAN_IN] for i in range(0, len(parts), FAN_IN)]
        parts = [functools.reduce(operator.add, group) for group in groups]
    return parts[0]


def added(parts, level=0):
    tree = Tree()
    for part in parts:
        tree.add(part, level)
    return tree


@pytest.mark.parametrize("n", [1, 2, 8, 9, 63, 64, 65, 512, 600])
def test_sum_is_the_one_written_out(n):
    parts = np.random.default_rng(n).standard_cauchy(n).tolist()
    assert added(parts).total() == written_out(parts)


def test_the_order_shows_in_the_last_digits():
    """The comparison above can fail: other orders give other bits."""
    parts = np.random.default_rng(0).standard_cauchy(600).tolist()
    assert written_out(parts) not in (
        functools.reduce(operator.add, parts),
        written_out(parts[::-1]),
    )


def test_nodes_of_a_higher_level_may_follow_whole_ones():
    parts = np.random.default_rng(1).standard_cauchy(2 * 64 + 8 + 3).tolist()
    tree = Tree()
    tree.add(written_out(parts[:64]), 2)
    tree.add(written_out(parts[64:128]), 2)
    tree.add(written_out(parts[128:136]), 1)
    for part in parts[136:]:
        tree.add(part)
    assert tree.total() == written_out(parts)


def test_memory_is_one_sum_a_level():
    tree = added([1.0] * 5_000)
    assert tree.total() == 5_000.0
    assert len(tree._levels) == 5


def test_no_parts_no_sum():
    assert Tree().total() is None


def test_tuples_add_item_by_item():
    assert plus((1.0, [2]), (3.0, [4])) == (4.0, [2, 4])
    with pytest.raises(ValueError, match="zip"):
        plus((1.0,), (1.0, 2.0))
