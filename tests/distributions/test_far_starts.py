"""Starts that are off by a factor of ten thousand reach the same optimum."""

import numpy as np
import pytest

from tests.fits import fitted, gamma_poisson, native


@pytest.mark.parametrize("factor", [1e-4, 1e4])
@pytest.mark.parametrize("name", ["negative_binomial", "zero_inflated", "beta", "von_mises"])
def test_a_start_off_by_ten_thousand(name, factor):
    rng = np.random.default_rng(7)
    y, key = {
        "negative_binomial": (gamma_poisson(rng, 4.0, 1.5, 300), "mean"),
        "zero_inflated": (rng.poisson(4.0, 300) * (rng.random(300) < 0.7), "rate"),
        "beta": (rng.beta(2.0, 3.0, 300), "b"),
        "von_mises": (rng.vonmises(1.0, 2.0, 300), "kappa"),
    }[name]
    best = fitted(name, y)
    start = {**native(best), key: native(best)[key] * factor}
    model = fitted(name, y, start_params=start)
    assert model.status_ == "converged", model.message_
    assert model.n_iter_ <= 60
    for k, v in native(best).items():
        assert native(model)[k] == pytest.approx(v, abs=1e-3 * best.standard_errors_[k][0])
