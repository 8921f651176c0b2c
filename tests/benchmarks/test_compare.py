"""Nine families on the 442 rows of scikit-learn's diabetes data, ranked in one table."""

import time

from measure import record
from sklearn.datasets import load_diabetes

import natfit

NINE = [
    "exponential",
    "gamma",
    "weibull",
    "lognormal",
    "inverse_gaussian",
    "inverse_gamma",
    "log_logistic",
    "birnbaum_saunders",
    "generalized_gamma",
]


def test_nine_families(benchmark):
    y = load_diabetes().target
    benchmark.pedantic(natfit.compare, (y, NINE), rounds=5, warmup_rounds=1)
    seconds = benchmark.stats.stats.min
    record(benchmark, "comparison of nine families on 442 rows", seconds, 0.3, "s")


def test_a_summary_costs_less_than_an_iteration(benchmark):
    y = load_diabetes().target
    model = natfit.fit("generalized_gamma", y)
    benchmark.pedantic(model.summary, rounds=20, warmup_rounds=1)
    iteration = []
    for _ in range(5):
        start = time.perf_counter()
        again = natfit.fit("generalized_gamma", y)
        iteration.append((time.perf_counter() - start) / again.n_iter_)
    ratio = benchmark.stats.stats.min / min(iteration)
    record(benchmark, "summary of 442 rows, in iterations of the fit", ratio, 1.0)
