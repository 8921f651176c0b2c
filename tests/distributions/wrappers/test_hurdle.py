"""Hurdles: zeros and positive counts are fitted apart."""

import numpy as np
import pytest

from natfit.distributions import (
    Hurdle,
    ZeroInflated,
)
from tests.fits import fitted, gamma_poisson, native, total


@pytest.mark.parametrize("seed", range(6))
def test_hurdle_parts_are_independent(seed):
    rng = np.random.default_rng(seed)
    y = gamma_poisson(rng, 4.0, 2.0, 500) * (rng.random(500) < 0.6)
    model = fitted(Hurdle("negative_binomial"), y)
    assert native(model)["zero_prob"] == pytest.approx(np.mean(y == 0), rel=1e-6)
    wrapped = fitted(Hurdle("poisson"), y)
    assert total(model, y) >= total(wrapped, y) - 1e-6
    inflated = fitted(ZeroInflated("negative_binomial"), y)
    assert total(inflated, y) >= total(fitted("negative_binomial", y), y) - 1e-6
