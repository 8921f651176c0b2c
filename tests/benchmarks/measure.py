"""Interleaved measurements: both sides of a ratio meet the same machine."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

import numpy as np

from natfit import NaturalMLE
from natfit.rows import Memory

#: Lines of the table that is printed at the end: what, measured, limit.
TABLE: list[tuple[str, str, str]] = []


def once(call: Callable) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def interleave(rounds: int, **calls: Callable) -> dict[str, list[float]]:
    """Seconds of each call in every round, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.disable()
    try:
        for k in range(rounds + 1):
            # The order turns, so that none always follows the same other.
            names = list(calls)[k % len(calls) :] + list(calls)[: k % len(calls)]
            for name in names:
                seconds = once(calls[name])
                if k:
                    times[name].append(seconds)
    finally:
        gc.enable()
    return times


def ratio(times: dict[str, list[float]], a: str, b: str) -> float:
    """Smaller of the ratio of the medians and that of the minima.

    A median suffers from other processes, a minimum from a lucky round; a true excess shows in
    both.
    """
    medians = statistics.median(times[a]) / statistics.median(times[b])
    return min(medians, min(times[a]) / min(times[b]))


def log_density_pass(model: NaturalMLE, x: np.ndarray) -> Callable:
    """One pass of the family's log-density over x (N,) at the estimate, summed by chunks."""
    family, eta = model.distribution_, model._eta[:1]
    return lambda: Memory(x).sum(lambda block: family.log_prob(block.y, eta).sum())


def record(benchmark, what: str, value: float, limit: float | None = None, unit: str = "x") -> None:
    """Keep a figure for the table and for pytest-benchmark's file, and assert its limit."""
    benchmark.extra_info[what] = value
    TABLE.append((what, f"{value:.3g} {unit}", "" if limit is None else f"<= {limit:g} {unit}"))
    if limit is not None:
        assert value <= limit, f"{what}: {value:.3g} {unit}, limit {limit:g} {unit}"
