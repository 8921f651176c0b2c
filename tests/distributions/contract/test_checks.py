"""Checks that several families make of data."""

import numpy as np
import pytest

from natfit.distributions.contract.checks import (
    ROUNDING,
    check_columns,
    refuse_constant,
    refuse_extreme,
)
from natfit.rows import Memory


def test_constant_rows_are_refused():
    refuse_constant(Memory(np.array([1.0, np.nextafter(1.0, 2.0)])), "Normal")
    with pytest.raises(ValueError, match=r"constant for Normal, got 2 rows equal to 3: .* point"):
        refuse_constant(Memory(np.full(2, 3.0)), "Normal")
    with pytest.raises(ValueError, match="without limit as loc tends to them; use another"):
        refuse_constant(Memory(np.full(2, 3.0)), "Shifted", why="loc tends to them; use another")


def test_positive_rows_may_differ_by_rounding():
    rows = Memory(np.array([2.0, 2.0 * (1.0 + 0.5 * ROUNDING)]))
    refuse_constant(rows, "Weibull")
    wider = Memory(np.array([2.0, 2.0 * (1.0 + 2.0 * ROUNDING)]))
    refuse_constant(wider, "Weibull", relative=ROUNDING)
    with pytest.raises(ValueError, match="equal to 2 within a relative 1e-12: the likelihood"):
        refuse_constant(rows, "Weibull", relative=ROUNDING)


@pytest.mark.parametrize("rows", [[0.0, 1e-145], [0.0, 1e151], [-1e151, 0.0]])
def test_rows_whose_squares_are_no_doubles_are_refused(rows):
    refuse_extreme(Memory(np.array([0.0, 1e-139])), "Cauchy")
    with pytest.raises(ValueError, match="above 1e-140 and values below 1e150 for Cauchy, got"):
        refuse_extreme(Memory(np.array(rows)), "Cauchy")


def test_columns_are_counted():
    assert check_columns(Memory(np.zeros((3, 2))), None, "Dirichlet", "dim") == 2
    with pytest.raises(ValueError, match=r"shape \(n, M\) for Dirichlet, got \(3,\)"):
        check_columns(Memory(np.zeros(3)), None, "Dirichlet", "dim")
    with pytest.raises(
        ValueError, match="must have 3 columns for this Dirichlet, got 2; leave dim"
    ):
        check_columns(Memory(np.zeros((3, 2))), 3, "Dirichlet", "dim")
