"""Extra zeros: the parameters of draws are recovered."""

import numpy as np

from tests.fits import fitted, native


def test_zero_inflated_recovers_its_parameters():
    rng = np.random.default_rng(0)
    y = rng.poisson(3.0, 5_000) * (rng.random(5_000) > 0.3)
    model = fitted("zero_inflated", y)
    for name, truth in {"zero_prob": 0.3, "rate": 3.0}.items():
        assert abs(native(model)[name] - truth) <= 4.0 * model.standard_errors_[name][0]
