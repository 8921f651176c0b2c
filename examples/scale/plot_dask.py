"""Estimates do not depend on how Dask cuts the rows
=================================================

A logistic regression is fitted to dask arrays of simulated rows in several numbers of partitions. A
pass is one task a partition, and brings the value, the gradient and the information together, so
that a fit takes a few passes; where the rows are cut moves the estimates by far less than a
standard error. With a ``distributed.Client`` the same call runs on a cluster.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import natfit

try:
    import dask.array as da
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot,dask]"') from None


# %%
# Fit the same rows in memory and in partitions.


def compute(
    n: int = 400_000, partitions: tuple[int, ...] = (1, 3, 8, 20, 50), seed: int = 0
) -> dict:
    """Fit the same rows in memory and in partitions.

    Parameters
    ----------
    n : int
        Number of rows.
    partitions : tuple of int
        Numbers of partitions.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        ``partitions``, ``gap``, the largest difference from the estimate in memory in standard
        errors, ``seconds`` of each fit, and ``here``, those of the fit in memory.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 8))
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-X @ np.linspace(-0.6, 0.6, 8)))).astype(int)
    natfit.NaturalClassifier().fit(X[:1000], y[:1000])  # imports what fits need, once
    start = time.perf_counter()
    memory = natfit.NaturalClassifier().fit(X, y)
    here = time.perf_counter() - start
    error = memory.standard_errors_
    gaps, seconds = [], []
    for count in partitions:
        print(f"fitting {n:,d} rows in partitions: {count}", flush=True)
        size = -(-n // count)
        rows, labels = da.from_array(X, chunks=(size, 8)), da.from_array(y, chunks=size)
        start = time.perf_counter()
        model = natfit.NaturalClassifier().fit(rows, labels)
        seconds.append(time.perf_counter() - start)
        gaps.append(float(np.max(np.abs(model.coef_ - memory.coef_) / error)))
    return {
        "partitions": np.array(partitions),
        "gap": np.array(gaps),
        "seconds": np.array(seconds),
        "here": here,
    }


# %%
# The difference and the time for each number of partitions.


def report(result: dict) -> None:
    """Print the difference and the time for each number of partitions."""
    print(f"{'partitions':>10s} {'difference':>11s} {'seconds':>8s}")
    for row in zip(result["partitions"], result["gap"], result["seconds"], strict=True):
        print("{:10d} {:11.1e} {:8.2f}".format(*row))
    print(f"in memory: {result['here']:.2f} s; differences are in standard errors")


# %%
# The differences and the times.


def draw(result: dict) -> plt.Figure:
    """Draw the differences and the times."""
    plt.style.use("natfit.display.natfit")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5))
    left.loglog(result["partitions"], np.maximum(result["gap"], 1e-16), "o-")
    left.axhline(1.0, color="0.5", lw=1, ls=":", label="one standard error")
    left.legend(loc="center right")
    left.set(
        xlabel="partitions (number)",
        ylabel="difference (standard errors)",
        title="Estimates differ by rounding errors",
    )
    right.semilogx(result["partitions"], result["seconds"], "o-", label="dask, threads")
    right.axhline(result["here"], color="0.5", lw=1, ls="--", label="memory")
    right.set(
        xlabel="partitions (number)", ylabel="time (s)", title="Time of a fit", ylim=(0.0, None)
    )
    right.legend()
    return figure


# %%
# The differences are rounding errors, far below one standard error. The times depend on the
# machine, and many small partitions cost more.


def main(argv: list[str] | None = None) -> None:
    """Print what was found and write the figure."""
    default = Path(__file__).parents[1] / "output" / "dask.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"\nfigure: {path}")


if __name__ == "__main__":
    main()
