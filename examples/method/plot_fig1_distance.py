"""Equal distances between parameters, unequal distributions
=========================================================

Eight normal distributions lie on a circle around a reference in the plane of (mu, sigma). Their
Euclidean distances from the reference are equal. Their Kullback-Leibler divergences from it, by
which the natural gradient measures, are not.

This is figure 1 of B. Hoagland, *Natural gradient methods for optimization and applications to
reinforcement learning*.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit.distributions import Normal

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


# %%
# Place normal distributions on a circle around a reference, and measure their divergence.


def compute(
    loc: float = 0.0, scale: float = 1.5, distance: float = 1.2, n_neighbours: int = 8
) -> dict:
    """Place Gaussians on a circle around (loc, scale) and measure their divergence.

    Parameters
    ----------
    loc, scale : float
        mu and sigma of the reference.
    distance : float
        Radius of the circle, below ``scale``.
    n_neighbours : int
        Number of Gaussians on the circle.

    Returns
    -------
    dict
        ``reference`` (2,) and ``neighbours`` (n, 2) in (mu, sigma), their ``euclidean``
        distances (n,) and divergences ``kl`` (n,) in nats; ``y`` (401,) and the densities
        there: ``reference_density`` (401,), ``densities`` (n, 401).
    """
    family = Normal()
    angle = 2 * np.pi * np.arange(n_neighbours) / n_neighbours
    reference = np.array([loc, scale])
    neighbours = reference + distance * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    eta0 = family.eta(loc=loc, scale=scale)
    etas = np.stack([family.eta(loc=a, scale=b) for a, b in neighbours])
    y = np.linspace(loc - 4 * scale, loc + 4 * scale, 401)
    return {
        "reference": reference,
        "neighbours": neighbours,
        "euclidean": np.linalg.norm(neighbours - reference, axis=1),
        "kl": family.kl(eta0[None], etas),
        "y": y,
        "reference_density": np.exp(family.log_density(y, eta0[None])),
        "densities": np.exp([family.log_density(y, eta[None]) for eta in etas]),
    }


# %%
# The same distance for all, and the divergences.


def report(result: dict) -> None:
    """Print the divergences."""
    mu, sigma = result["reference"]
    print(f"reference N({mu:g}, {sigma:g}^2)")
    print("     mu  sigma  Euclidean   KL (nats)")
    rows = zip(result["neighbours"], result["euclidean"], result["kl"], strict=True)
    for (mu, sigma), euclidean, kl in rows:
        print(f"{mu:7.3f} {sigma:6.3f} {euclidean:10.3f} {kl:11.3f}")
    print(f"largest / smallest divergence: {result['kl'].max() / result['kl'].min():.1f}")


# %%
# The circle in the plane of parameters, and the densities.


def draw(result: dict) -> plt.Figure:
    """Draw the circle in the plane of parameters, and the densities."""
    plt.style.use("natfit.display.natfit")
    figure, (plane, density) = plt.subplots(1, 2, figsize=(10, 4.6))
    plane.plot(*result["neighbours"].T, "o", color="C1")
    plane.plot(*result["reference"], "o", color="C0")
    text = {"xytext": (0, 8), "textcoords": "offset points", "ha": "center"}
    plane.annotate("reference", result["reference"], **text)
    for point, kl in zip(result["neighbours"], result["kl"], strict=True):
        plane.annotate(f"{kl:.2g}", point, **text)
    plane.add_patch(
        plt.Circle(result["reference"], result["euclidean"][0], fill=False, ls=":", color="0.6")
    )
    plane.set(
        xlabel="mu (unit of y)",
        ylabel="sigma (unit of y)",
        aspect="equal",
        title="KL divergence from the reference, in nats",
    )
    plane.margins(0.15)
    for i, values in enumerate(result["densities"]):
        label = None if i else "at the same Euclidean distance"
        density.plot(result["y"], values, color="C1", alpha=0.7, lw=1.2, ls="--", label=label)
    density.plot(result["y"], result["reference_density"], color="C0", lw=2.5, label="reference")
    density.set(
        xlabel="y (its own unit)", ylabel="density (1 / unit of y)", title="The distributions"
    )
    density.set_ylim(0, 1.25 * result["densities"].max())
    density.legend(loc="upper right")
    return figure


# %%
# The largest divergence is many times the smallest, at the same Euclidean distance: below the
# reference, where sigma is small, distributions differ most.


def main(argv: list[str] | None = None) -> None:
    """Print the divergences and write the figure."""
    default = Path(__file__).parents[1] / "output" / "fig1_distance.png"
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
