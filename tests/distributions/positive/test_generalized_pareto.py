"""The generalized Pareto distribution: the exponential inside."""

import numpy as np
import pytest
from scipy import stats

from tests.fits import fitted, loglik

SIZES = (20, 50, 200, 1_000)


@pytest.mark.parametrize("seed", range(12))
def test_generalized_pareto_is_never_below_exponential(seed):
    rng = np.random.default_rng(seed)
    x = [rng.random, rng.exponential, rng.standard_gamma][seed % 3](
        **({"shape": 0.3} if seed % 3 == 2 else {}), size=SIZES[seed % 4]
    )
    model = fitted("generalized_pareto", x)
    assert loglik(model, x) >= stats.expon(scale=x.mean()).logpdf(x).sum() - 1e-6
