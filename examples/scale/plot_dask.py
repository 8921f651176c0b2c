"""Rows on Dask: the same estimates however the rows are cut, from a laptop's threads on.

A logistic regression is fitted to dask arrays in several numbers of partitions. A pass is one task
a partition, and brings the value, the gradient and the information together, so that a fit takes
a few passes; where the rows are cut moves the estimates by far less than a standard error. With a
``distributed.Client`` the same call runs on a cluster.

Usage: python plot_dask.py [--output figure.png]
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path

import numpy as np

import natfit


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
    import dask.array as da

    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 8))
    y = (rng.random(n) < 1.0 / (1.0 + np.exp(-X @ np.linspace(-0.6, 0.6, 8)))).astype(int)
    start = time.perf_counter()
    memory = natfit.NaturalClassifier().fit(X, y)
    here = time.perf_counter() - start
    error = memory.standard_errors_
    gaps, seconds = [], []
    for count in partitions:
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


def report(result: dict) -> None:
    """Print the difference and the time for each number of partitions."""
    print(f"{'partitions':>10s} {'difference':>11s} {'seconds':>8s}")
    for row in zip(result["partitions"], result["gap"], result["seconds"], strict=True):
        print("{:10d} {:11.1e} {:8.2f}".format(*row))
    print(f"in memory: {result['here']:.2f} s; differences are in standard errors")


def draw(result: dict, path: Path) -> None:
    """Draw the differences and the times."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    left.loglog(result["partitions"], np.maximum(result["gap"], 1e-16), "o-")
    left.axhline(1.0, color="0.5", lw=1, ls=":")
    left.set(xlabel="partitions", ylabel="difference in standard errors", title="Estimates")
    right.semilogx(result["partitions"], result["seconds"], "o-", label="dask, threads")
    right.axhline(result["here"], color="0.5", lw=1, label="memory")
    right.set(xlabel="partitions", ylabel="seconds", title="Time of a fit", ylim=(0.0, None))
    right.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Print what was found and write the figure."""
    default = Path(__file__).parents[1] / "output" / "dask.png"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    if importlib.util.find_spec("dask") is None:
        print("this example needs dask: pip install 'natfit[dask]'")
        return
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result, path)
    print(f"\nfigure: {path}")


if __name__ == "__main__":
    main()
