"""Gradients explode as sigma falls, natural gradients do not
==========================================================

As sigma approaches 0, gradients of a normal likelihood grow like 1 / sigma^3, so that no single
step size suits the whole plane. The lengths of natural gradients differ far less.

This is figure 3 of B. Hoagland, *Natural gradient methods for optimization and applications to
reinforcement learning*; the data are those of its figure 2, simulated points of N(12, 4^2).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalMLE
from natfit.display import GradientFieldDisplay

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


# %%
# Evaluate both fields on mu in [0, 20], sigma in [1, 10].


def compute(n_rows: int = 1000, grid_resolution: int = 10, random_state: int = 0) -> dict:
    """Evaluate both fields on mu in [0, 20], sigma in [1, 10].

    Parameters
    ----------
    n_rows : int
        Number of points drawn from N(12, 4^2).
    grid_resolution : int
        Number of arrows along each side of the grid.
    random_state : int
        Seed of the data.

    Returns
    -------
    dict
        ``display`` with the ``gradient`` and the ``natural_gradient`` (n, n, 2) per row of data;
        ``gradient_ratio`` and ``natural_ratio``, the length of the longest arrow of each field
        over that of the shortest.
    """
    X = np.random.default_rng(random_state).normal(12.0, 4.0, (n_rows, 1))
    display = GradientFieldDisplay.from_estimator(
        NaturalMLE("normal").fit(X),
        X,
        xlim=(0.0, 20.0),
        ylim=(1.0, 10.0),
        grid_resolution=grid_resolution,
    )
    plt.close(display.figure_)  # draw makes one in the gallery's style
    gradient_ratio, natural_ratio = display.length_ratios()
    return {
        "display": display,
        "gradient_ratio": gradient_ratio,
        "natural_ratio": natural_ratio,
    }


# %%
# How much the lengths of the arrows differ.


def report(result: dict) -> None:
    """Print how much the lengths of the arrows differ."""
    print("ratio of the longest to the shortest arrow, mu in [0, 20], sigma in [1, 10]")
    print(f"gradient          {result['gradient_ratio']:8.0f}")
    print(f"natural gradient  {result['natural_ratio']:8.0f}")


# %%
# Both fields. Lengths are to scale within each panel.


def draw(result: dict) -> plt.Figure:
    """Draw both fields."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.5))
    result["display"].plot(axes)
    for ax in axes:
        ax.set(xlabel="mu (unit of y)", ylabel="sigma (unit of y)")
    return figure


# %%
# The longest gradient is thousands of times longer than the shortest one, the longest natural
# gradient about a hundred times.


def main(argv: list[str] | None = None) -> None:
    """Print how much the lengths of the arrows differ and write the figure."""
    default = Path(__file__).parents[1] / "output" / "fig3_fields.png"
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
