import numpy as np
import pytest

from natfit.rng import bridge_rng


def test_equal_seeds_give_equal_streams():
    assert bridge_rng(3).random() == bridge_rng(3).random()
    assert bridge_rng(np.int64(3)).random() == bridge_rng(3).random()
    assert bridge_rng(3).random() != bridge_rng(4).random()


def test_a_generator_is_used_as_it_is():
    rng = np.random.default_rng(0)
    assert bridge_rng(rng) is rng


def test_a_random_state_is_read_once():
    state = np.random.RandomState(0)
    first, second = bridge_rng(state).random(), bridge_rng(state).random()
    assert first != second
    assert bridge_rng(np.random.RandomState(0)).random() == first


def test_none_is_fresh():
    assert bridge_rng(None).random() != bridge_rng(None).random()


@pytest.mark.parametrize("bad", [-1, 1.5, "0", True, [1]])
def test_everything_else_is_refused(bad):
    with pytest.raises(ValueError, match="random_state must be None, an int >= 0"):
        bridge_rng(bad)
