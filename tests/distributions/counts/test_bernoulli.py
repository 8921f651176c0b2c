"""The Bernoulli distribution: its information keeps its digits."""

import numpy as np
import pytest

from natfit.distributions import (
    Bernoulli,
)


@pytest.mark.parametrize("logit", [-30.0, -5.0, 0.0, 5.0, 17.0])
def test_bernoulli_fisher_keeps_digits(logit):
    want = 1.0 / (2.0 + np.exp(logit) + np.exp(-logit))
    got = Bernoulli().fisher(np.array([[logit]]))[0, 0, 0]
    assert got == pytest.approx(want, rel=1e-12)
