"""Censored rows of dask's containers are those of arrays."""

import numpy as np
import pytest

import natfit
from natfit.distributions import Censored

da = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


N = 3_000
RNG = np.random.default_rng(5)
TIMES, LIMIT, ENTRY = 4.0 * RNG.weibull(1.5, N), 4.0 * RNG.random(N) + 0.5, 0.1 * RNG.random(N)
SEEN = TIMES < LIMIT
SEEN_TIMES = np.minimum(TIMES, LIMIT)
KEPT = SEEN_TIMES > ENTRY
WAYS = {
    "right": lambda a: Censored.right(a(SEEN_TIMES), a(SEEN)),
    "left": lambda a: Censored.left(a(np.maximum(TIMES, 1.0)), a(TIMES > 1.0)),
    "interval": lambda a: Censored.interval(a(np.floor(TIMES)), a(np.floor(TIMES) + 1.0)),
    "exact": lambda a: Censored.exact(a(TIMES)),
    "entry": lambda a: Censored.right(a(SEEN_TIMES[KEPT]), a(SEEN[KEPT]), entry=a(ENTRY[KEPT])),
    "window": lambda a: Censored.right(
        a(SEEN_TIMES[KEPT]), a(SEEN[KEPT]), truncation=(a(ENTRY[KEPT]), None)
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_densities(way):
    here = natfit.fit("weibull", WAYS[way](np.asarray))
    there = natfit.fit("weibull", WAYS[way](lambda a: da.from_array(a, chunks=700)))
    for name, value in here.params_.items():
        error = here.standard_errors_[name]
        np.testing.assert_allclose(there.params_[name], value, atol=1e-3 * error[0])
        np.testing.assert_allclose(there.standard_errors_[name], error, rtol=1e-4)


def test_regressions():
    X = RNG.standard_normal((N, 2))
    here = natfit.NaturalRegressor("weibull").fit(X, Censored.right(SEEN_TIMES, SEEN))
    cut = 900
    rows = Censored.right(da.from_array(SEEN_TIMES, chunks=cut), da.from_array(SEEN, chunks=cut))
    there = natfit.NaturalRegressor("weibull").fit(da.from_array(X, chunks=(cut, 2)), rows)
    for name, coef in here.coef_.items():
        np.testing.assert_allclose(there.coef_[name], coef, atol=1e-4)
