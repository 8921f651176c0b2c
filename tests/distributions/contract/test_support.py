"""Supports describe themselves and name the row that lies outside."""

import numpy as np
import pytest

from natfit.distributions import Support
from natfit.distributions.contract.support import BINARY, COUNTS, POSITIVE, UNIT
from natfit.rows import Memory


def test_supports_describe_themselves():
    assert Support().describe() == "finite numbers"
    assert POSITIVE.describe() == "finite numbers > 0"
    assert COUNTS.describe() == "whole numbers >= 0"
    assert BINARY.describe() == "whole numbers with 0 <= y <= 1"
    assert UNIT.describe() == "finite numbers with 0 < y < 1"
    assert COUNTS.contains(np.array([0.0, 1.5, -1.0, 2.0])).tolist() == [True, False, False, True]


def test_support_names_the_row_across_chunks():
    y = np.ones(40_000)
    y[33_333] = -2.0
    with pytest.raises(ValueError, match=r"got -2.0 at row 33333"):
        POSITIVE.check(Memory(y), "Gamma")
    table = np.ones((10, 2))
    table[7, 1] = 0.0
    with pytest.raises(ValueError, match="row 7"):
        POSITIVE.check(Memory(table), "Gamma")
