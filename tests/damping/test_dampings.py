"""Each damping against its formula; options."""

import numpy as np
import pytest

from natfit._component import resolve
from natfit.damping.base import Damping
from natfit.damping.fixed import FixedDamping
from natfit.damping.levenberg import LevenbergDamping
from natfit.damping.relative import RelativeDamping
from natfit.linops import Dense

MATRIX = np.array([[4.0, 1.0], [1.0, 9.0]])


def test_fixed_adds_lambda_to_every_coordinate():
    damping = FixedDamping(0.5)
    added = damping.apply(Dense(MATRIX), damping.start()).dense()
    np.testing.assert_allclose(added, MATRIX + 0.5 * np.eye(2))


def test_relative_adds_a_share_of_the_diagonal():
    damping = RelativeDamping(0.1)
    added = damping.apply(Dense(MATRIX), damping.start()).dense()
    np.testing.assert_allclose(added, MATRIX + np.diag([0.4, 0.9]))


def test_relative_gives_a_zero_diagonal_the_scale_of_the_largest():
    added = RelativeDamping(0.1).added(Dense(np.diag([0.0, 50.0])), 0.1)
    np.testing.assert_allclose(added, [5.0, 5.0])


def test_levenberg_factor_and_floor():
    damping = LevenbergDamping(initial=1.0, factor=4.0, floor=0.1)
    assert damping.start() == 1.0
    assert damping.rejected(1.0) == 4.0
    assert damping.rejected(0.0) == pytest.approx(0.4)
    assert damping.accepted(1.0, 0.9) == 0.25
    assert damping.accepted(1.0, 0.3) == 1.0
    assert damping.accepted(1.0, 0.05) == 4.0
    assert damping.added(Dense(MATRIX), 0.09) is None
    np.testing.assert_allclose(damping.added(Dense(MATRIX), 0.1), [0.4, 0.9])


@pytest.mark.parametrize(
    ("damping", "name"),
    [
        (FixedDamping(0.0), "damping__strength"),
        (RelativeDamping(-1.0), "damping__strength"),
        (LevenbergDamping(initial=0.0), "damping__initial"),
        (LevenbergDamping(factor=1.0), "damping__factor"),
        (LevenbergDamping(floor=0.0), "damping__floor"),
    ],
)
def test_bad_options_are_named(damping, name):
    with pytest.raises(ValueError, match=name):
        damping.start()


def test_unknown_name_lists_what_there_is():
    with pytest.raises(ValueError, match="did you mean 'levenberg'"):
        resolve("levenburg", Damping)
