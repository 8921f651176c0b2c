"""The Laplace distribution: its estimate is the median."""

import numpy as np
import pytest
from scipy import stats

from tests.cases import Case, continuous
from tests.fits import fitted

CASE = Case(
    data=np.random.default_rng(1).laplace(3.0, 2.0, 201),
    optimum=stats.laplace.fit,
    draws=continuous(
        stats.laplace,
        stats.laplace.logpdf,
        lambda rng, n: rng.laplace(size=n),
    ),
    kinked=True,
)


@pytest.mark.parametrize("weight", [None, np.array([1.0, 1.0, 1.0, 5.0, 1.0, 1.0])])
def test_laplace_ends_at_the_median_at_once(weight):
    x = np.array([3.0, 1.0, 2.0, 2.0, 9.0, 4.0])
    model = fitted("laplace", x, sample_weight=weight)
    assert model.status_ == "converged" and model.n_iter_ == 1
    repeated = x if weight is None else np.repeat(x, weight.astype(int))
    middle = np.median(repeated)
    assert float(model.params_["loc"][0]) == middle
    assert float(model.params_["scale"][0]) == pytest.approx(np.abs(repeated - middle).mean())
