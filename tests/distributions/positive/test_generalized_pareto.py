"""The generalized Pareto distribution: the exponential inside."""

import numpy as np
import pytest
from scipy import stats

from tests.cases import Case, continuous
from tests.fits import fitted, loglik
from tests.oracles import polished

CASE = Case(
    data=2.0 * np.random.default_rng(1).pareto(4.0, 200),
    optimum=lambda y: polished(lambda k, s: stats.genpareto(k, 0.0, s), y, [0.2, y.mean()])[::-1],
    draws=continuous(
        stats.genpareto,
        lambda x, scale, shape: stats.genpareto.logpdf(x, shape, scale=scale),
        lambda rng, n: stats.genpareto.rvs(rng.uniform(-0.2, 0.8), size=n, random_state=rng),
        {"floc": 0},
    ),
)


SIZES = (20, 50, 200, 1_000)


@pytest.mark.parametrize("seed", range(12))
def test_generalized_pareto_is_never_below_exponential(seed):
    rng = np.random.default_rng(seed)
    x = [rng.random, rng.exponential, rng.standard_gamma][seed % 3](
        **({"shape": 0.3} if seed % 3 == 2 else {}), size=SIZES[seed % 4]
    )
    model = fitted("generalized_pareto", x)
    assert loglik(model, x) >= stats.expon(scale=x.mean()).logpdf(x).sum() - 1e-6
