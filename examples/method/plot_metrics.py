"""Four metrics lead one likelihood along four paths
=================================================

A normal distribution is fitted to simulated points of N(12, 4^2) from several starts, by short
steps of one length along the natural gradient of each metric. In (mu, sigma) the Wasserstein metric
of a normal distribution is the identity, so that its natural gradient is the gradient. The Fisher
information is diag(1, 2) / sigma^2, and the metric of the continuous ranked probability score
(CRPS) diag(1, 1/2) / (sqrt(pi) sigma): gradients, which grow like 1 / sigma^3 where sigma is small,
are tamed by them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalMLE
from natfit.display import PathDisplay
from natfit.steps import FixedStep

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: Title of each panel, its metric, and the length of a step, in the square of y's unit, in none, or
#: in y's unit.
METRICS = {
    "Euclidean, in (mu, sigma)": ("euclidean", 0.5),
    "Wasserstein": ("wasserstein", 0.5),
    "Fisher": ("exact", 0.05),
    "CRPS": ("crps", 0.15),
}
STARTS = ((1.0, 2.0), (2.0, 9.0), (19.0, 1.5), (19.0, 8.0))


# %%
# The field of a metric: one very short step from each point of a grid.


def arrows(metric: str, X: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the natural gradients of the mean log-likelihood at points (n, 2) of (mu, sigma)."""
    found = []
    for mu, sigma in at:
        # A step this short is the natural gradient times its length.
        model = NaturalMLE(
            "normal",
            metric=metric,
            step=FixedStep(1e-6),
            coordinates="native",
            start_params={"loc": mu, "scale": sigma},
            tol=0.0,
            max_iter=1,
        ).fit(X)
        found.append(np.diff(model.history_.theta, axis=0)[0] / 1e-6)
    return np.array(found)


# %%
# Fit from all starts by each metric, and evaluate its field.


def compute(
    n_rows: int = 1000, max_iter: int = 150, n_arrows: int = 6, random_state: int = 0
) -> dict:
    """Fit from all starts by each metric, and evaluate its field.

    Parameters
    ----------
    n_rows : int
        Number of points drawn from N(12, 4^2).
    max_iter : int
        Number of steps of each path.
    n_arrows : int
        Number of arrows along each side of the grid.
    random_state : int
        Seed of the data.

    Returns
    -------
    dict
        ``X`` (N, 1); by title, the ``models`` (one per start), their ``paths``, (max_iter + 1, 2)
        each in (mu, sigma), and the ``fields`` (n_arrows^2, 2) at the points ``at``; ``optimum``
        (2,), the closed-form estimate.
    """
    X = np.random.default_rng(random_state).normal(12.0, 4.0, (n_rows, 1))
    sides = np.linspace(1.0, 20.0, n_arrows), np.linspace(2.0, 10.0, n_arrows)
    at = np.column_stack([side.ravel() for side in np.meshgrid(*sides)])
    print(f"fitting by {len(METRICS)} metrics from {len(STARTS)} starts", flush=True)
    models = {
        title: [
            NaturalMLE(
                "normal",
                metric=metric,
                step=FixedStep(length),
                coordinates="native",
                start_params={"loc": mu, "scale": sigma},
                tol=0.0,
                max_iter=max_iter,
            ).fit(X)
            for mu, sigma in STARTS
        ]
        for title, (metric, length) in METRICS.items()
    }
    return {
        "X": X,
        "models": models,
        "paths": {title: [m.history_.theta for m in own] for title, own in models.items()},
        "fields": {title: arrows(metric, X, at) for title, (metric, _) in METRICS.items()},
        "at": at,
        "optimum": np.array([X.mean(), X.std()]),
    }


# %%
# How far from the optimum each path ends.


def report(result: dict) -> None:
    """Print where each path ends."""
    print("distance of each path's end from the optimum, by its start", STARTS)
    for title, paths in result["paths"].items():
        ends = np.array([points[-1] for points in paths]) - result["optimum"]
        print(f"{title:26s}", np.round(np.linalg.norm(ends, axis=1), 3))


# %%
# The field and the paths of each metric over contours of the log-likelihood.


def draw(result: dict) -> plt.Figure:
    """Draw the field and the paths of each metric over contours of the log-likelihood."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(2, 2, figsize=(10, 8), sharex=True, sharey=True)
    for ax, (title, models) in zip(axes.flat, result["models"].items(), strict=True):
        starts = {f"from {start}": model for start, model in zip(STARTS, models, strict=True)}
        PathDisplay.from_estimators(starts, result["X"], ax=ax)
        field = result["fields"][title]
        # The length of an arrow is the square root of that of the gradient, which differ too much.
        size = np.sqrt(np.linalg.norm(field, axis=1, keepdims=True))
        ax.quiver(*result["at"].T, *(field / size).T, angles="xy", width=0.003, color="0.3")
        ax.set(
            title=title,
            xlabel="mu (unit of y)",
            ylabel="sigma (unit of y)",
            xlim=(0.0, 21.0),
            ylim=(0.5, 11.0),
        )
        if ax.get_legend() is not None:
            ax.get_legend().remove()
    lines = axes.flat[0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=len(STARTS))
    return figure


# %%
# The Euclidean and the Wasserstein panels are the same, and their paths from above have not
# arrived. Those of Fisher and CRPS have, from every start.


def main(argv: list[str] | None = None) -> None:
    """Print where each path ends and write the figure."""
    default = Path(__file__).parents[1] / "output" / "metrics.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


if __name__ == "__main__":
    main()
