"""Families of positive numbers whose estimates have closed forms."""

import numpy as np
import pytest

from tests.distributions.positive.broad import broad, fit
from tests.fits import native


@pytest.mark.parametrize("seed", range(5))
def test_closed_forms(seed):
    y, _ = broad("inverse_gaussian", seed)
    model = fit("inverse_gaussian", y, tol=1e-9)
    mean = y.mean()
    assert native(model)["mean"] == pytest.approx(mean, rel=1e-10)
    shape = 1.0 / np.mean((y / mean - 1.0) ** 2 / y)
    assert native(model)["shape"] == pytest.approx(shape, rel=1e-8)
    y, _ = broad("lognormal", seed)
    model = fit("lognormal", y, tol=1e-9)
    assert native(model)["shape"] == pytest.approx(np.log(y).std(), rel=1e-8)
    assert native(model)["scale"] == pytest.approx(np.exp(np.log(y).mean()), rel=1e-10)
