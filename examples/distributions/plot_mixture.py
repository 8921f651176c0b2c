"""Two normal components describe the petals of three species
==========================================================

Mixtures of normal distributions are fitted to the petal lengths of 150 irises, without telling them
the species. The petals of setosa are short, and those of the two other species overlap. The
Bayesian information criterion, BIC = K log N - 2 log L for K parameters, says how many components
the lengths support: two, one of which is setosa.

The data are those of scikit-learn's ``load_iris``: R. A. Fisher, *The use of multiple measurements
in taxonomic problems*, Annals of Eugenics 7, 1936; UCI Machine Learning Repository, licence
CC BY 4.0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

import natfit
from natfit.display import DensityDisplay
from natfit.distributions import Mixture

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


PETAL_LENGTH = 2


# %%
# Fit one to three components, and see which species the components of the best mixture hold.


def compute(most: int = 3) -> dict:
    """Fit mixtures of one to ``most`` normal distributions.

    Parameters
    ----------
    most : int
        Maximum number of components.

    Returns
    -------
    dict
        ``lengths`` (N,), ``species`` (N,) by number, ``species_names``, ``fits`` by number of
        components, each a dict of ``model``, ``log_likelihood`` (nats) and ``bic``; ``best``, the
        number with the smallest BIC; and ``table``, the numbers of plants of each species (row)
        for which each component (column) of the best mixture is the most probable one.
    """
    iris = load_iris()
    y = iris.data[:, PETAL_LENGTH]
    fits = {}
    for k in range(1, most + 1):
        model = natfit.fit(Mixture("normal", n_components=k) if k > 1 else "normal", y)
        total = model.score(y[:, None]) * model.n_obs_
        bic = len(model.param_names_) * np.log(len(y)) - 2.0 * total
        fits[k] = {"model": model, "log_likelihood": total, "bic": bic}
    best = min(fits, key=lambda k: fits[k]["bic"])
    model = fits[best]["model"]
    table = None
    if best > 1:
        component = model.distribution_.responsibilities(y, model.theta_).argmax(axis=1)
        table = np.zeros((len(iris.target_names), best), dtype=int)
        np.add.at(table, (iris.target, component), 1)
    return {
        "lengths": y,
        "species": iris.target,
        "species_names": iris.target_names,
        "fits": fits,
        "best": best,
        "table": table,
    }


# %%
# The criteria, the estimates with standard errors, and the table of species by component.


def report(result: dict) -> None:
    """Print the criteria, the best mixture, and the species of each component's plants."""
    print(f"Petal lengths of {len(result['lengths'])} irises, cm\n")
    print("components   log-likelihood     BIC   status")
    for k, fit in result["fits"].items():
        status = fit["model"].status_
        print(f"{k:10d}{fit['log_likelihood']:17.3f}{fit['bic']:8.1f}   {status}")
    model = result["fits"][result["best"]]["model"]
    print(f"\n{result['best']} components:")
    for name, value in model.params_.items():
        pairs = zip(np.ravel(value), np.ravel(model.standard_errors_[name]), strict=True)
        print(f"  {name:8} " + ", ".join(f"{v:.3f} +- {e:.3f}" for v, e in pairs))
    if result["table"] is not None:
        print("\nplants of each species by their most probable component")
        for name, row in zip(result["species_names"], result["table"], strict=True):
            print(f"  {name:12}" + "".join(f"{n:6d}" for n in row))


# %%
# The densities over the histogram, and the quantiles of the best mixture against those of the
# data.


def draw(result: dict) -> plt.Figure:
    """Draw the best mixture over the histogram, and its quantiles."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2))
    y, bins = result["lengths"], {"bins": 30}
    for k in sorted({1, result["best"]}):
        name = f"{k} component{'s' if k > 1 else ''}"
        style = {"color": "C1" if k > 1 else "C0", "sample_kw": bins, "name": name}
        style |= {"linestyle": "-" if k > 1 else "--"}
        DensityDisplay.from_estimator(result["fits"][k]["model"], y, ax=axes[0], **style)
        # One histogram is enough.
        bins = {"bins": 30, "alpha": 0.0}
    axes[0].set(
        xlabel="petal length (cm)",
        ylabel="density (1/cm)",
        title="Two components follow both groups",
    )
    best = result["fits"][result["best"]]["model"]
    DensityDisplay.from_estimator(best, y, kind="qq", ax=axes[1])
    axes[1].set(
        xlabel="fitted quantile (cm)",
        ylabel="petal length (cm)",
        title="Quantiles of two components and of 150 petals",
    )
    return figure


# %%
# BIC is smallest for two components. The table says that one of them is setosa, and that
# versicolor and virginica share the other.


def main(argv: list[str] | None = None) -> None:
    """Print the mixtures and write the plot."""
    default = Path(__file__).parents[1] / "output" / "mixture.png"
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
