"""A test says in which batch the data began to drift
==================================================

A gamma distribution is fitted to batches of 500 simulated waiting times by ``partial_fit``, which
keeps no row. After batch 60 the mean grows by 15 percent. The score test of each batch against all
rows before it gives a p value, and the nats that the batch would gain with parameters of its own;
without drift the p values are uniform. An estimate that remembers everything follows the change
slowly, one with ``forgetting=0.9`` within some twenty batches, at the price of more noise.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


# %%
# Fit two estimators batch by batch.


def compute(n_batches: int = 120, change: int = 60, n_rows: int = 500, seed: int = 0) -> dict:
    """Fit two estimators batch by batch.

    Parameters
    ----------
    n_batches, change : int
        Number of batches, and of those before the mean grows.
    n_rows : int
        Rows of a batch.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        ``batch`` (B,), the true ``mean`` (B,), ``estimates``, the mean (B,) by the name of the
        estimator, ``drift``, the table of tests of the one that remembers all, ``change``, and
        ``gap``, the largest difference of its parameters from those of a fit to all rows.
    """
    rng = np.random.default_rng(seed)
    mean = np.where(np.arange(n_batches) < change, 6.0, 6.0 * 1.15)
    batches = [rng.gamma(2.0, m / 2.0, (n_rows, 1)) for m in mean]
    models = {"all rows": natfit.NaturalMLE("gamma"), "forgetting=0.9": natfit.NaturalMLE("gamma")}
    estimates: dict[str, list[float]] = {name: [] for name in models}
    for batch in batches:
        for (name, model), forgetting in zip(models.items(), (1.0, 0.9), strict=True):
            model.partial_fit(batch, forgetting=forgetting)
            params = model.params_
            estimates[name].append(float(params["shape"][0] * params["scale"][0]))
    whole = natfit.NaturalMLE("gamma").fit(np.concatenate(batches))
    found = models["all rows"].params_
    return {
        "batch": np.arange(1, n_batches + 1),
        "mean": mean,
        "estimates": {name: np.array(values) for name, values in estimates.items()},
        "drift": models["all rows"].drift_,
        "change": change,
        "gap": max(abs(float(found[k][0] / whole.params_[k][0]) - 1.0) for k in found),
    }


# %%
# When the change was seen, and how near the estimate is to the fit of all rows.


def report(result: dict) -> None:
    """Print when the change was seen, and how near the estimate is to the fit of all rows."""
    drift, change = result["drift"], result["change"]
    before = drift["p_value"][drift["batch"] <= change]
    seen = drift["batch"][(drift["batch"] > change) & (drift["p_value"] < 1e-3)]
    print(f"batches before the change with p < 0.05: {np.mean(before < 0.05):.0%}")
    first = f"{seen[0] - change:.0f} after the change" if len(seen) else "none"
    print(f"first batch with p < 0.001: {first}")
    print(f"all batches against one fit to all rows: relative difference {result['gap']:.0e}")


# %%
# The p values and the estimates, batch by batch.


def draw(result: dict) -> plt.Figure:
    """Draw the p values and the estimates, batch by batch."""
    plt.style.use("natfit.display.natfit")
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 6), sharex=True)
    drift = result["drift"]
    top.semilogy(drift["batch"], drift["p_value"], "o", ms=3.5)
    top.axhline(1e-3, color="0.5", lw=1, ls=":", label="0.001")
    top.legend(loc="lower left")
    top.set(
        xlabel="batch of 500 rows (number)",
        ylabel="p value (probability)",
        title="Score test of each batch against all rows before it",
    )
    bottom.plot(result["batch"], result["mean"], color="0.5", lw=1, label="truth")
    for (name, values), line in zip(result["estimates"].items(), ("-", "--"), strict=True):
        bottom.plot(result["batch"], values, line, label=name)
    bottom.set(
        xlabel="batch of 500 rows (number)",
        ylabel="mean (unit of time)",
        title="Forgetting follows the change, at the price of noise",
    )
    for axes in (top, bottom):
        axes.axvline(result["change"] + 0.5, color="0.7", lw=1)
    bottom.legend()
    return figure


# %%
# Before the change few p values are small; after it they fall by many orders of
# magnitude. The estimate with forgetting follows within twenty batches.


def main(argv: list[str] | None = None) -> None:
    """Print what was seen and write the figure."""
    default = Path(__file__).parents[1] / "output" / "partial_fit_drift.png"
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
