"""Nanoseconds a row of each family where every row has its own eta, as in a regression.

Run ``python -m tests.benchmarks.row_costs [name ...]`` with one BLAS thread. Rows come in chunks of
16,384, as in a fit; families that cost more than 10 microseconds a row are measured on fewer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from natfit.distributions.wrappers.censored import CensoredFamily
from natfit.rows import Memory
from natfit.testing.data import points, some_rows
from tests.suites import families

ROWS, CHUNK = 100_000, 16_384

#: Families of which rows are also right-censored.
CENSORED = ("weibull", "lognormal", "log_logistic", "exponential", "normal", "gumbel", "logistic",
            "gamma", "student_t", "beta")  # fmt: skip


def rows_with_eta(family: Any, n: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return y (n, ...) and eta (n, K), in columns, a little different in each row."""
    rng = np.random.default_rng(seed)
    eta = points(family, 1)[0]
    low, high, _ = family.limits
    y = some_rows(family, eta, min(n, 4_096))
    y = np.resize(y, (n, *y.shape[1:]))
    moved = eta + 0.02 * rng.standard_normal((n, len(eta))) * np.maximum(np.abs(eta), 0.1)
    if family.row_ends:
        moved[:] = eta
    return y, np.asfortranarray(np.clip(moved, low, high))


def chunks(y: np.ndarray, eta: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of each chunk; the columns of eta are contiguous, as a model makes them."""
    for start in range(0, len(eta), CHUNK):
        part = slice(start, start + CHUNK)
        yield y[part], np.asfortranarray(eta[part])


def cost(call: Callable, y: np.ndarray, eta: np.ndarray, budget: float = 0.15) -> float:
    """Return nanoseconds of the processor a row of ``call(y, eta)``, the least; NaN if it raises."""
    n = 64
    with np.errstate(all="ignore"):
        try:
            call(y[:n], eta[:n])
            while True:
                start = time.process_time()
                call(y[:n], np.asfortranarray(eta[:n]))
                spent = time.process_time() - start
                if spent > 0.3 * budget or n >= CHUNK or 16 * spent > budget:
                    break
                n = min(4 * n, CHUNK)
            if n < CHUNK:
                return 1e9 * spent / n
            pairs = list(chunks(y, eta))
            best = np.inf
            began = time.process_time()
            for _ in range(5):
                start = time.process_time()
                for pair in pairs:
                    call(*pair)
                best = min(best, time.process_time() - start)
                if time.process_time() - began > 3 * budget:
                    break
        except (ValueError, NotImplementedError) as error:
            print("   ", str(error)[:100])
            return np.nan
    return 1e9 * best / len(y)


def cases(names: list[str]) -> Iterator[tuple[str, Any, np.ndarray, np.ndarray]]:
    """Yield a name, a family, its rows and their eta."""
    for name, family in families().items():
        if names and not any(part in name for part in names):
            continue
        if not family.information.complete:
            continue
        y, eta = rows_with_eta(family)
        yield name, family, y, eta
    for name in CENSORED:
        if names and not any(part in f"censored {name}" for part in names):
            continue
        censored = CensoredFamily(name)
        y, eta = rows_with_eta(censored.inner)
        ends = np.stack([y, np.where(np.arange(len(y)) % 2, np.inf, y)], axis=1)
        yield f"censored {name}", censored, ends, eta


def main(names: list[str]) -> None:
    """Print a line for each family."""
    print(
        f"{'ns a row':>52s}{'log p':>9s}{'+score':>10s}{'fisher':>11s}{'observed':>11s}{'kl':>10s}"
    )
    for name, family, y, eta in cases(names):
        assert Memory(y).n == len(eta)
        found = costs(family, y, eta)
        by_rows = "by rows" if family.fisher_by_rows else "-"
        line = "".join(f"{v:10.0f} " for v in found)
        print(f"{name[:43]:43s} K={family.n_params:<5d}{line}", by_rows, flush=True)


def costs(family: Any, y: np.ndarray, eta: np.ndarray) -> list[float]:
    """Return nanoseconds a row of log p, with score, of both curvatures and of the divergence."""
    cheap = family.information.exists, family.kl_by_rows
    return [
        cost(family.log_prob, y, eta),
        cost(family.log_prob_and_score, y, eta),
        cost(lambda _, eta: family.curvature(eta), y, eta) if cheap[0] else np.nan,
        cost(family.observed_curvature, y, eta),
        cost(lambda _, eta: family.kl(eta, eta + 1e-3), y, eta) if cheap[1] else np.nan,
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
