"""Supports describe themselves and name the row that lies outside."""

import numpy as np
import pytest

from natfit import testing
from natfit._component import resolve
from natfit.distributions import Fixed, Scaled, Shifted, Support, Truncated
from natfit.distributions.base import Distribution
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


@pytest.mark.parametrize(
    "family",
    [
        Shifted("weibull"),
        Truncated(Shifted("lognormal"), -50.0, 60.0),
        Fixed(Shifted("gamma"), {"loc": -2.0}),
        Scaled(Fixed("gamma", {"scale": 1.0})),
        resolve("gev", Distribution),
        resolve("generalized_pareto", Distribution),
        resolve("beta", Distribution),
    ],
    ids=lambda family: type(family).__name__,
)
def test_the_density_is_positive_between_the_ends_at_eta_and_zero_outside(family):
    eta = np.stack(testing.points(family))
    low, high = family.support_at(eta)
    assert low.shape == high.shape == (len(eta),)
    for i, own in enumerate(eta[:, None]):
        for end, side in ((low[i], 1.0), (high[i], -1.0)):
            if np.isfinite(end):
                step = side * 1e-9 * max(abs(end), 1.0)
                inside, outside = family.log_density(np.array([end + step, end - step]), own)
                assert np.isfinite(inside)
                assert outside == -np.inf
