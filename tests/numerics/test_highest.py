"""The highest point of a function of one variable: few values, also of hard curves."""

import numpy as np
import pytest

from natfit.numerics.highest import highest


@pytest.mark.parametrize(
    ("curve", "top"),
    [
        (lambda x: -((x - 0.3) ** 2), 0.3),
        (lambda x: -np.exp(x) - np.exp(-3.0 * x), np.log(3.0) / 4.0),
        (lambda x: x, 2.0),
        (lambda x: -abs(x - 0.7), 0.7),
        (lambda x: -np.inf if x < 0.2 else -x, 0.2),
        (lambda x: 3.0, None),
    ],
)
def test_the_highest_point_of_one_maximum_takes_few_values(curve, top):
    seen = []

    def value(x):
        seen.append(x)
        return curve(x)

    found = highest(value, -1.0, 2.0)
    assert -1.0 <= min(seen) and max(seen) <= 2.0 and len(seen) <= 46
    if top is not None:
        assert found == pytest.approx(top, abs=1e-6)
