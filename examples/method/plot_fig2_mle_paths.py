"""The natural gradient arrives where gradient descent overshoots
==============================================================

A normal distribution is fitted to points of N(12, 4^2) with the same fixed step by gradient descent
and by the natural gradient. The optimiser moves (mu, sigma) and starts at (0, 1). natfit minimises
a mean over rows, so that the rate of 1e-4 on the summed log-likelihood of N rows, which the paper
has, is a step of 1e-4 N here.

This is figure 2 of B. Hoagland, *Natural gradient methods for optimization and applications to
reinforcement learning*; the points are simulated.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalMLE
from natfit.display import ConvergenceDisplay, PathDisplay
from natfit.steps import FixedStep

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: Legend entry of each method, and its metric.
METHODS = {"gradient descent": "euclidean", "natural gradient": "exact"}


# %%
# Fit by both methods, which differ in the metric alone.


def compute(
    n_rows: int = 1000, rate: float = 1e-4, max_iter: int = 200, random_state: int = 0
) -> dict:
    """Fit by both methods.

    Parameters
    ----------
    n_rows : int
        Number of points drawn from N(12, 4^2).
    rate : float
        Fixed step on the summed log-likelihood.
    max_iter : int
        Number of iterations.
    random_state : int
        Seed of the data.

    Returns
    -------
    dict
        ``X`` (N, 1); the fitted ``estimators`` and their ``paths`` by method, a path being the
        iterates (max_iter + 1, 2) in (mu, sigma); ``optimum`` (2,), the closed-form estimate.
    """
    X = np.random.default_rng(random_state).normal(12.0, 4.0, (n_rows, 1))
    estimators = {
        name: NaturalMLE(
            "normal",
            metric=metric,
            step=FixedStep(length=rate * n_rows),
            coordinates="native",
            start_params={"loc": 0.0, "scale": 1.0},
            tol=0.0,  # run all iterations
            max_iter=max_iter,
        ).fit(X)
        for name, metric in METHODS.items()
    }
    return {
        "X": X,
        "estimators": estimators,
        "paths": {name: model.history_.theta for name, model in estimators.items()},
        "optimum": np.array([X.mean(), X.std()]),
    }


# %%
# Where both methods went.


def report(result: dict) -> None:
    """Print where both methods went."""
    print("maximum likelihood: mu {:.3f}, sigma {:.3f}".format(*result["optimum"]))
    print("                   step 1         largest       step 200")
    print("                   mu   sigma     sigma         mu   sigma")
    for name, theta in result["paths"].items():
        first, last, peak = theta[1], theta[-1], theta[:, 1].max()
        print(
            f"{name}  {first[0]:5.2f}  {first[1]:6.2f}    {peak:6.2f}     "
            f"{last[0]:6.2f}  {last[1]:6.2f}"
        )


# %%
# Both paths over contours of the likelihood, and both distances to the optimum.


def draw(result: dict) -> plt.Figure:
    """Draw both paths over contours of the likelihood, and both distances to the optimum."""
    plt.style.use("natfit.display.natfit")
    figure, (plane, curve) = plt.subplots(1, 2, figsize=(10, 4.6))
    PathDisplay.from_estimators(result["estimators"], result["X"], ax=plane)
    plane.set(
        xlabel="mu (unit of y)",
        ylabel="sigma (unit of y)",
        title="Paths over contours of the log-likelihood",
    )
    ConvergenceDisplay.from_estimators(result["estimators"], ax=curve, marker="")
    curve.set_title("Only one path gets to the optimum")
    return figure


# %%
# The first step of gradient descent throws sigma to 16, where gradients are so short that 200
# steps do not bring it back.


def main(argv: list[str] | None = None) -> None:
    """Print where both methods went and write the figure."""
    default = Path(__file__).parents[1] / "output" / "fig2_mle_paths.png"
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
