"""Mixtures against scikit-learn's best of ten starts, and the seconds of censored ones.

For other sets than the first ones::

    python -m pytest -o addopts= -s tests/benchmarks/test_mixtures.py --seed 1000
"""

import time
import warnings

import pytest
from measure import TABLE, record
from sklearn.mixture import GaussianMixture

import natfit
from natfit import Censored
from natfit.distributions import Mixture, MultivariateNormal
from tests.distributions.wrappers.mixtures import censored_weibulls, random_set

SETS = 40


@pytest.mark.parametrize("dim", [1, 2])
def test_best_of_ten(dim, first_seed, benchmark):
    reached, seconds, peer_seconds = [], 0.0, 0.0
    for seed in range(first_seed, first_seed + SETS):
        c, y = random_set(seed, dim)
        start = time.perf_counter()
        peer = GaussianMixture(c, n_init=10, tol=1e-8, max_iter=2_000, random_state=seed).fit(y)
        peer_seconds += time.perf_counter() - start
        part = "normal" if dim == 1 else MultivariateNormal("full")
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = natfit.fit(Mixture(part, c), y)
        seconds += time.perf_counter() - start
        reached.append(model.score(y) > peer.score(y) - 1e-6)
    benchmark.pedantic(lambda: None, rounds=1)
    what = f"mixtures of {dim}-dimensional normals, {SETS} sets"
    TABLE.append((f"{what}, at least scikit-learn's best of 10", f"{sum(reached)}", ">= 38"))
    record(benchmark, f"{what}, times scikit-learn's seconds", seconds / peer_seconds)
    assert sum(reached) >= 38


@pytest.mark.parametrize(("n", "limit"), [(800, 0.3), (9_000, 3.0)])
def test_censored_weibulls(n, limit, benchmark):
    lower, upper = censored_weibulls(n)
    rows = Censored(lower, upper)
    benchmark.pedantic(natfit.fit, (Mixture(["weibull"] * 2), rows), rounds=3, warmup_rounds=1)
    seconds = benchmark.stats.stats.min
    record(benchmark, f"two Weibulls, {n} distinct censored rows", seconds, limit, "s")
