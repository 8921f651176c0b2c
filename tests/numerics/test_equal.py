"""What many rows share is one number."""

import numpy as np

from natfit.numerics.equal import one_if_equal


def test_one_or_all():
    assert one_if_equal(np.full(5, 2.0)).tolist() == [2.0]
    for x in ([2.0, 3.0, 2.0], [2.0], [], [np.nan, np.nan]):
        np.testing.assert_array_equal(one_if_equal(np.array(x)), x)
