"""The Cauchy distribution: its information."""

import numpy as np

from natfit.distributions import (
    Cauchy,
)


def test_cauchy_fisher():
    fisher = Cauchy().fisher(Cauchy().eta(loc=1.0, scale=3.0)[None])[0]
    np.testing.assert_allclose(fisher, np.diag([0.5 / 9.0, 0.5]))
