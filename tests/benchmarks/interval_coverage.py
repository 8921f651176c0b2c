"""How often intervals cover the truth: ``python tests/benchmarks/interval_coverage.py --replications 2000``.

Rows are drawn from a known distribution and fitted; counted is how often the interval of each
parameter, and of a quantile (a survival probability for counts), holds the true value. In the
misspecified case gamma distributions are fitted to lognormal rows: the truth is the gamma
distribution that is nearest to them in the Kullback-Leibler divergence, and the intervals are those
of the robust covariance matrix.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

import natfit


@dataclass(frozen=True)
class Case:
    """A family, the rows that it is fitted to, and the true values of what is estimated."""

    family: str
    draw: Callable[[np.random.Generator, int], np.ndarray]
    params: dict[str, float]
    of: tuple
    truth: float
    cov_type: str = "observed"


def nearest_gamma(sigma: float) -> tuple[float, float]:
    """Return shape and scale of the gamma distribution nearest to lognormal rows of median one.

    E[log y] = 0 and E[y] = exp(sigma^2 / 2) are those of the gamma distribution.
    """
    gap = 0.5 * sigma**2
    shape = optimize.brentq(lambda k: np.log(k) - special.digamma(k) - gap, 1e-3, 1e3, xtol=1e-13)
    return shape, np.exp(gap) / shape


SIGMA = 0.6
NEAREST = nearest_gamma(SIGMA)
CASES = {
    "normal": Case(
        "normal",
        lambda rng, n: rng.normal(2.0, 3.0, n),
        {"loc": 2.0, "scale": 3.0},
        ("ppf", 0.1),
        stats.norm(2, 3).ppf(0.1),
    ),
    "exponential": Case(
        "exponential",
        lambda rng, n: rng.exponential(2.0, n),
        {"rate": 0.5},
        ("ppf", 0.1),
        stats.expon(scale=2).ppf(0.1),
    ),
    "gamma": Case(
        "gamma",
        lambda rng, n: rng.gamma(2.0, 1.5, n),
        {"shape": 2.0, "scale": 1.5},
        ("ppf", 0.1),
        stats.gamma(2, scale=1.5).ppf(0.1),
    ),
    "weibull": Case(
        "weibull",
        lambda rng, n: 3.0 * rng.weibull(1.5, n),
        {"shape": 1.5, "scale": 3.0},
        ("ppf", 0.1),
        stats.weibull_min(1.5, scale=3).ppf(0.1),
    ),
    "poisson": Case(
        "poisson",
        lambda rng, n: rng.poisson(4.0, n).astype(float),
        {"rate": 4.0},
        ("sf", 6.0),
        stats.poisson(4).sf(6),
    ),
    "gamma of lognormal rows": Case(
        "gamma",
        lambda rng, n: rng.lognormal(0.0, SIGMA, n),
        {"shape": NEAREST[0], "scale": NEAREST[1]},
        ("ppf", 0.1),
        stats.gamma(NEAREST[0], scale=NEAREST[1]).ppf(0.1),
        "robust",
    ),
}


def coverage(
    case: Case, n: int, replications: int, method: str = "wald", level: float = 0.95, seed: int = 0
) -> dict[str, float]:
    """Return the share of intervals that hold the truth, of each parameter and of the quantile."""
    rng = np.random.default_rng(seed)
    hits = dict.fromkeys([*case.params, case.of[0]], 0)
    for _ in range(replications):
        x = case.draw(rng, n)
        model = natfit.fit(case.family, x)
        options = {"cov_type": case.cov_type, "X": x, "method": method}
        for name, ends in model.conf_int(level, **options).items():
            low, high = ends[0]
            hits[name] += bool(low <= case.params[name] <= high)
        low, high = model.conf_int(level, of=case.of, **options)
        hits[case.of[0]] += bool(low <= case.truth <= high)
    return {name: count / replications for name, count in hits.items()}


def main() -> None:
    """Print a table of coverages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replications", type=int, default=2_000)
    parser.add_argument("--method", default="wald", choices=["wald", "profile"])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| family | N | interval | " + options.method + " |\n|---|---|---|---|")
    begun = time.perf_counter()
    for name, case in CASES.items():
        for n in (50, 500):
            if options.method == "profile" and case.cov_type == "robust":
                continue
            found = coverage(case, n, options.replications, options.method, seed=options.seed)
            for what, share in found.items():
                print(f"| {name} | {n} | {what} | {share:.4f} |", flush=True)
    print(f"\n{options.replications} replications, {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
