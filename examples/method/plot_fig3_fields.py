"""Gradients and natural gradients of a Gaussian likelihood (the paper's figure 3).

The data are those of the second figure, points of N(12, 4^2). As sigma approaches 0, gradients grow
like 1 / sigma^3, so that no single step size suits the whole plane. The lengths of natural
gradients differ far less.

Usage: python plot_fig3_fields.py [--output figure.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalMLE


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
        ``display``, the drawn GradientFieldDisplay; its ``gradient`` and
        ``natural_gradient`` (n, n, 2) per row of data; ``gradient_ratio`` and
        ``natural_ratio``, the length of the longest arrow of each over that of the shortest.
    """
    import matplotlib

    matplotlib.use("Agg")
    from natfit.display import GradientFieldDisplay

    X = np.random.default_rng(random_state).normal(12.0, 4.0, (n_rows, 1))
    display = GradientFieldDisplay.from_estimator(
        NaturalMLE("normal").fit(X),
        X,
        xlim=(0.0, 20.0),
        ylim=(1.0, 10.0),
        grid_resolution=grid_resolution,
    )
    for ax in display.axes_:
        ax.set(xlabel="mu", ylabel="sigma")
    gradient_ratio, natural_ratio = display.length_ratios()
    return {
        "display": display,
        "gradient": display.gradient,
        "natural_gradient": display.natural_gradient,
        "gradient_ratio": gradient_ratio,
        "natural_ratio": natural_ratio,
    }


def main(argv: list[str] | None = None) -> None:
    """Print how much the lengths of the arrows differ and write the figure."""
    default = Path(__file__).parents[1] / "output" / "fig3_fields.png"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    print("ratio of the longest to the shortest arrow, mu in [0, 20], sigma in [1, 10]")
    print(f"gradient          {result['gradient_ratio']:8.0f}")
    print(f"natural gradient  {result['natural_ratio']:8.0f}")
    path.parent.mkdir(parents=True, exist_ok=True)
    result["display"].figure_.savefig(path, dpi=120)
    print(f"figure: {path}")


if __name__ == "__main__":
    main()
