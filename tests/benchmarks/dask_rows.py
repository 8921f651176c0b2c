"""Fits on a LocalCluster of two processes, one thread each, against dask-glm and against memory.

``make bench-dask`` runs all; ``python -m tests.benchmarks.dask_rows [name ...]`` some of:

``glm``      logistic regression, 1e6 x 20: seconds and gap of natfit and of dask-glm's solvers
``empty``    a pass over 16 partitions of one row: what a pass costs without arithmetic
``poisson``  Poisson regression, 1e7 x 20: two processes against arrays in one process
``partial``  normal, 1e6 rows in 1,000 batches of partial_fit against one fit

Peers: dask-glm 0.4.0 runs as it is with dask and distributed 2026.8.0, scikit-learn 1.9.1,
numpy 2.4.6. Its default of lbfgs is without a penalty and of tolerance 1e-4. The rows are made in
the workers, by a generator of each partition, and persisted before any clock starts. Workers keep
memory that they have freed, as processes do that dask has not started: see docs/scale.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from natfit import NaturalClassifier, NaturalMLE, NaturalRegressor
from natfit.distributions import Poisson

WIDTH, SEED = 20, 0


def coefficients() -> np.ndarray:
    """Return the true coefficients (20,), of which eta has a standard deviation of about 1."""
    return np.random.default_rng(SEED).standard_normal(WIDTH) / np.sqrt(WIDTH)


def rows(index: int, n: int, counts: bool) -> np.ndarray:
    """Return X and y side by side, (n, 21), of a partition."""
    rng = np.random.default_rng([SEED, index])
    found = np.empty((n, WIDTH + 1))
    rng.standard_normal(out=found)
    eta = found[:, :WIDTH] @ coefficients()
    found[:, WIDTH] = rng.poisson(np.exp(eta)) if counts else rng.random(n) < 1 / (1 + np.exp(-eta))
    return found


def arrays(n: int, parts: int, counts: bool) -> tuple[Any, Any]:
    """Return X and y, persisted dask arrays of so many partitions."""
    import dask
    import dask.array as da

    size = n // parts
    blocks = [dask.delayed(rows)(k, size, counts) for k in range(parts)]
    both = da.concatenate([da.from_delayed(b, (size, WIDTH + 1), float) for b in blocks])
    X, y = dask.persist(both[:, :WIDTH], both[:, WIDTH])
    _wait((X, y))
    return X, y


def _wait(collections: Any) -> None:
    from distributed import wait

    wait(collections)


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of a call and what it returned."""
    began = time.perf_counter()
    found = call()
    return time.perf_counter() - began, found


def rounds(times: int, **calls: Callable[[], Any]) -> dict[str, tuple[float, Any]]:
    """Return the median seconds of each call, in turn, and what the last call returned."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    last = {}
    for _ in range(times):
        for name, call in calls.items():
            spent, last[name] = seconds(call)
            took[name].append(spent)
    return {name: (statistics.median(took[name]), last[name]) for name in calls}


def loss(X: Any, y: Any, beta: np.ndarray) -> float:
    """Return the sum of -log p of a logistic regression, nats, by dask alone."""
    eta = X.dot(np.asarray(beta))
    return float((np.logaddexp(0, eta) - y * eta).sum().compute())


def glm(client: Any) -> None:
    """Logistic regression, 1e6 x 20 in 16 partitions, without intercepts and penalties."""
    X, y = arrays(1_000_000, 16, False)
    fits: dict[str, Callable[[], np.ndarray]] = {
        "natfit": lambda: NaturalClassifier(fit_intercept=False).fit(X, y).coef_.ravel()
    }
    try:
        from dask_glm.algorithms import lbfgs, newton
    except ImportError:
        print("dask-glm is not installed: no peer")
    else:
        for name, solver in (("newton", newton), ("lbfgs", lbfgs)):
            fits[f"dask-glm {name}"] = partial(solver, X, y)
    for call in fits.values():
        call()
    found = rounds(3, **fits)
    losses = {name: loss(X, y, beta) for name, (_, beta) in found.items()}
    best = min(losses.values())
    for name, (spent, _) in found.items():
        print(f"logistic 1e6 x 20, {name}: {spent:.3f} s, gap {losses[name] - best:.2e} nats")
    peers = [spent for name, (spent, _) in found.items() if name != "natfit"]
    if peers:
        print(f"logistic, natfit / dask-glm's best: {found['natfit'][0] / min(peers):.3f}")


def empty(client: Any) -> None:
    """Passes over 16 partitions of 1 row each."""
    from natfit.rows import source_of

    X, _ = arrays(16, 16, False)
    source = source_of(X=X)
    assert source is not None
    read = source.rows(_columns)
    assert read.n == 16
    took = [seconds(lambda: read.sum(_nothing, np.zeros(WIDTH)))[0] for _ in range(40)]
    print(f"a pass over 16 partitions without arithmetic: {1e3 * statistics.median(took):.1f} ms")


def _columns(given: Any) -> tuple[Any, Any, Any, Any]:
    return np.asarray(given.X)[:, 0], None, None, None


def _nothing(block: Any, theta: np.ndarray) -> float:
    return 0.0


def poisson(client: Any) -> None:
    """Poisson regression, 1e7 x 20: 16 partitions in two processes, and arrays in this one."""
    n = 10_000_000
    X, y = arrays(n, 16, True)
    call = {"two processes": lambda: NaturalRegressor(Poisson()).fit(X, y)}
    cluster = rounds(2, **call)["two processes"]
    del X, y, call
    both = np.concatenate([rows(k, n // 16, True) for k in range(16)])
    X, y = np.ascontiguousarray(both[:, :WIDTH]), both[:, WIDTH].copy()
    del both
    memory = rounds(2, one=lambda: NaturalRegressor(Poisson()).fit(X, y))["one"]
    change = np.max(np.abs(cluster[1].coef_["rate"] - memory[1].coef_["rate"]))
    print(f"poisson 1e7 x 20: {cluster[0]:.2f} s, in memory {memory[0]:.2f} s, coef {change:.1e}")
    print(f"poisson, two processes / one in memory: {cluster[0] / memory[0]:.3f}")


def batches(client: Any) -> None:
    """Normal, 1e6 rows in 1,000 batches against one fit."""
    y = 3 + 2 * np.random.default_rng(SEED).standard_normal(1_000_000)

    def parts() -> Any:
        model = NaturalMLE("normal")
        for batch in y.reshape(1_000, 1_000, 1):
            model.partial_fit(batch)
        return model

    found = rounds(5, parts=parts, fit=lambda: NaturalMLE("normal").fit(y[:, None]))
    spent = found["parts"][0], found["fit"][0]
    print(f"normal, 1e6 rows in 1,000 batches: {spent[0]:.3f} s, one fit {spent[1]:.3f} s")
    print(f"normal, partial_fit / fit: {spent[0] / spent[1]:.2f}")


#: Dask's own is a trim threshold of 65,536: glibc then asks the system for the memory of each array.
ENVIRONMENT = {
    **{"MALLOC_TRIM_THRESHOLD_": str(2**27), "MALLOC_MMAP_THRESHOLD_": str(2**25)},
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
}

WORK = {"empty": empty, "glm": glm, "poisson": poisson, "partial": batches}


def main(names: list[str]) -> None:
    """Print what was measured, and the ratios."""
    import dask
    from distributed import Client, LocalCluster

    for name in names or WORK:
        with (
            dask.config.set({"distributed.nanny.pre-spawn-environ": ENVIRONMENT}),
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            WORK[name](client)
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
