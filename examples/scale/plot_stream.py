"""A fit to a stream needs the memory of a few batches
===================================================

Counts with a rate that depends on two features come in batches from a function, as from files; here
it simulates them. ``natfit.Stream`` reads them again at every pass, so that the memory of a fit is
that of a few batches, while arrays of all rows take what N rows take. Both fits see the same rows
and agree.
"""

from __future__ import annotations

import argparse
import functools
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import natfit

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: The coefficients of the truth, of which the last is the intercept.
TRUTH = np.array([0.4, -0.2, 0.3])


# %%
# Batches that are the same at every pass, and the peak of the memory of a fit.


def batches(n: int, size: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield X and y of n rows, batch by batch, the same at every call.

    Yields
    ------
    ndarray of shape (size, 2), ndarray of shape (size,)
    """
    for start in range(0, n, size):
        rng = np.random.default_rng([seed, start])
        X = rng.standard_normal((min(size, n - start), 2))
        yield X, rng.poisson(np.exp(X @ TRUTH[:2] + TRUTH[2])).astype(float)


def peak(fit: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a fit returns, and the most megabytes that were in use during it."""
    tracemalloc.start()
    try:
        found = fit()
        return found, tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


# %%
# Fit the stream and the arrays of the same rows.


def compute(
    sizes: tuple[int, ...] = (125_000, 500_000, 2_000_000), size: int = 50_000, seed: int = 0
) -> dict:
    """Fit the stream and the arrays of the same rows.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of rows.
    size : int
        Rows of a batch.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        ``sizes``, ``stream`` and ``arrays``, peak memory in megabytes for each; ``estimates`` and
        ``errors``, of shape (len(sizes), 3), by streams; ``gap``, the largest difference of both
        fits in standard errors.
    """
    found: dict[str, list] = {"stream": [], "arrays": [], "estimates": [], "errors": []}
    gap = 0.0

    def whole(source: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]]) -> Any:
        X, y = (np.concatenate(parts) for parts in zip(*source(), strict=True))
        return natfit.NaturalRegressor("poisson").fit(X, y)

    for n in sizes:
        print(f"fitting {n:,d} rows", flush=True)
        source = functools.partial(batches, n, size, seed)
        rows = natfit.Stream(source, memory=2**24)
        model, used = peak(lambda rows=rows: natfit.NaturalRegressor("poisson").fit(rows))
        other, more = peak(lambda source=source: whole(source))
        estimate = np.append(model.coef_["rate"], model.intercept_["rate"])
        error = np.append(model.standard_errors_["rate"], model.intercept_standard_errors_["rate"])
        beside = np.append(other.coef_["rate"], other.intercept_["rate"])
        gap = max(gap, float(np.max(np.abs(estimate - beside) / error)))
        for name, value in zip(found, (used, more, estimate, error), strict=True):
            found[name].append(value)
    arrays = {name: np.array(values) for name, values in found.items()}
    return {"sizes": np.array(sizes), **arrays, "gap": gap}


# %%
# The memory, and how near both fits are.


def report(result: dict) -> None:
    """Print the memory, and how near both fits are."""
    print(f"{'rows':>10s} {'stream':>9s} {'arrays':>9s}")
    for n, used, more in zip(result["sizes"], result["stream"], result["arrays"], strict=True):
        print(f"{n:10,d} {used:6.0f} MB {more:6.0f} MB")
    print(f"both fits differ by {result['gap']:.0e} standard errors at most")


# %%
# The memory of both fits, and the estimates of the stream.


def draw(result: dict) -> plt.Figure:
    """Draw the memory of both fits, and the estimates of the stream."""
    plt.style.use("natfit.display.natfit")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5))
    for name, style in (("stream", "o-"), ("arrays", "s--")):
        left.loglog(result["sizes"], result[name], style, label=name)
    left.set(
        xlabel="rows (number)", ylabel="peak memory (MB)", title="A stream's memory does not grow"
    )
    left.set_xticks(result["sizes"], [f"{n:,d}" for n in result["sizes"]])
    left.minorticks_off()
    left.legend()
    names = ("x0", "x1", "intercept")
    for j, name in enumerate(names):
        gap = result["estimates"][:, j] - TRUTH[j]
        places = result["sizes"] * 1.08 ** (j - 1)
        right.errorbar(places, gap, 1.96 * result["errors"][:, j], fmt="osD"[j], ms=4, label=name)
    right.axhline(0.0, color="0.5", lw=1)
    right.set(
        xscale="log",
        xlabel="rows (number)",
        ylabel="estimate - truth (log rate)",
        title="95 % intervals of the stream's estimates",
    )
    right.legend()
    return figure


# %%
# The memory of the stream stays where it is as rows become more, while that of the arrays grows
# with them. For few rows the arrays take less.


def main(argv: list[str] | None = None) -> None:
    """Print what was found and write the figure."""
    default = Path(__file__).parents[1] / "output" / "stream.png"
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
