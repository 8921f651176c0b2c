"""Why a mixture collapses, and how many components to take
========================================================

The likelihood of a mixture of normal distributions has no maximum: centre one component on a single
row and let its width go to zero, and the likelihood grows without limit (Day, 1969, *Biometrika*
56). A fit that runs into this has *collapsed*. Its likelihood is higher than that of a sound fit,
and so criteria such as AIC and BIC may prefer it, although it describes two or three rows and not
the population. natfit limits the widths (``least_width``), prefers maxima without a collapsed
component, and where a fit ends at the limit its status is ``boundary`` and its message names the
component. A component may also end with hardly any rows and a width above the limit;
``natfit.compare`` marks both as collapsed and ranks them last.

What to do, in this order: take fewer components, as ``natfit.compare(..., criterion="bic")`` says;
give more starts (``n_init``); or say what width is plausible, by a ``prior`` of the scales (Fraley
and Raftery, 2007, *Journal of Classification* 24) or a wider ``least_width``. The data are the
velocities of 82 galaxies (Postman, Huchra and Geller, 1986, *Astronomical Journal* 92; Roeder,
1990, *Journal of the American Statistical Association* 85), a published table; the peaks are
clusters of galaxies.
"""

# %%
# What is needed: natfit, numpy, and scipy for the curve of the likelihood.
from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Mixture

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data" / "galaxies.csv"

#: A start that puts a narrow component on two galaxies of nearly the same velocity.
NARROW = {
    "weights": [0.09, 0.03, 0.84, 0.04],
    **{f"loc_{k}": loc for k, loc in enumerate((9.7, 22.7465, 21.4, 33.0))},
    **{f"scale_{k}": scale for k, scale in enumerate((0.42, 0.02, 2.2, 0.9))},
}

#: The prior of each scale, in 1,000 km/s: widths of some 0.3 to 3 are plausible.
PRIOR = ("inverse_gamma", {"shape": 2.0, "scale": 2.0})


# %%
# Mixtures of one to five components are compared. Then one of four components is made to collapse
# by its start, with two limits of the width, and one of five is held by a prior.
def compute(most: int = 5, widths: tuple[float, ...] = (1e-2, 1e-3)) -> dict:
    """Compare the mixtures, make one collapse, and mend one.

    Parameters
    ----------
    most : int
        The largest number of components.
    widths : tuple of float
        The least widths of the fits that collapse, relative to the widest cluster.

    Returns
    -------
    dict
        ``rows`` (N,) in 1,000 km/s; ``table``, the comparison by BIC, with the models by their
        number of components; ``collapsed``, by the least width the fits from the narrow start;
        ``held``, the fit of ``most`` components with the prior; ``spike``, widths of a component on
        a single row, and the log-likelihoods (nats) of the mixture of three with it.
    """
    y = np.loadtxt(DATA, skiprows=1) / 1000.0
    numbers = {str(k): Mixture("normal", n_components=k) for k in range(2, most + 1)}
    table = natfit.compare(y, {"1": "normal", **numbers}, criterion="bic")
    collapsed = {}
    for width in widths:
        family = Mixture("normal", n_components=4, n_init=1, least_width=width)
        with warnings.catch_warnings():
            # The fit warns that a component has collapsed, which is what is shown.
            warnings.simplefilter("ignore", ConvergenceWarning)
            collapsed[width] = natfit.fit(family, y, start_params=NARROW)
    prior = {f"scale_{k}": PRIOR for k in range(most)}
    return {
        "rows": y,
        "table": table,
        "collapsed": collapsed,
        "held": natfit.fit(numbers[str(most)], y, prior=prior),
        "spike": _spike(y, table["3"], row=len(y) // 2),
    }


def _spike(y: np.ndarray, model: natfit.NaturalMLE, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return widths of a component on one row, and log-likelihoods with a weight of 1/N for it."""
    widths, share = np.geomspace(1e-12, 3.0, 100), 1.0 / len(y)
    spike = norm.pdf(y[:, None], y[row], widths)
    density = (1.0 - share) * model.frozen_.pdf(y)[:, None] + share * spike
    return widths, np.log(density).sum(axis=0)


def rows_of(model: natfit.NaturalMLE, y: np.ndarray) -> np.ndarray:
    """Return how many rows each component has, by the sum of their probabilities."""
    return model.predict_proba(y[:, None]).sum(axis=0)


# %%
# For each fit the table shows the smallest width and the rows that it serves: a component with two
# rows is as good as collapsed, whatever the status.
def report(result: dict) -> None:
    """Print the comparison, the collapsed fits and what they say, and the fit with a prior."""
    y = result["rows"]
    print(f"Velocities of {len(y)} galaxies, 1,000 km/s\n")
    print(result["table"])
    fits = {
        **{f"{k} components": result["table"][k] for k in sorted(result["table"].models)},
        **{f"4, width >= {width:g}": model for width, model in result["collapsed"].items()},
        "5, prior of widths": result["held"],
    }
    print(f"\n{'fit':20}{'log-lik.':>10}{'BIC':>8}   {'status':11}narrowest, with rows")
    for name, model in fits.items():
        scales = [v[0] for p, v in model.params_.items() if p.startswith("scale")]
        k = int(np.argmin(scales))
        rows = rows_of(model, y)[k] if len(scales) > 1 else len(y)
        print(f"{name:20}{model.loglik_:10.2f}{model.bic():8.1f}   {model.status_:11}", end="")
        print(f"{scales[k]:9.4f}{rows:8.1f}")
    print(f"\nThe message of a collapsed fit: {next(iter(result['collapsed'].values())).message_}")


# %%
# The density that BIC prefers beside a collapsed one, and why a likelihood cannot be trusted alone.
def draw(result: dict):
    """Draw the densities over the data, and the log-likelihood against the width of a component.

    Returns
    -------
    matplotlib Figure
    """
    plt.style.use("natfit.display.natfit")
    figure, (density, width) = plt.subplots(1, 2, figsize=(11, 4.6))
    y, sound = result["rows"], result["table"].best_
    x = np.unique(np.concatenate([np.linspace(7.0, 36.0, 800), np.linspace(22.5, 23.0, 401)]))
    density.hist(y, bins=40, density=True, color="0.85", label="82 galaxies")
    density.plot(y, np.full(len(y), -0.012), "|", color="0.4", ms=6)
    least, narrow = next(iter(result["collapsed"].items()))
    density.plot(x, narrow.frozen_.pdf(x), "C1--", lw=1.3, label="collapsed, 4 components")
    density.plot(x, sound.frozen_.pdf(x), "C0", label="3 components, the least BIC")
    density.set(
        xlabel="velocity (1,000 km/s)",
        ylabel="density (per 1,000 km/s)",
        ylim=(-0.03, 0.75),
        title="The collapsed component serves two galaxies",
    )
    density.legend(loc="upper left")
    widths, totals = result["spike"]
    width.plot(widths, totals, "C1", label="3 components and one on a single galaxy")
    width.axhline(sound.loglik_, color="C0", label="3 components")
    width.axhline(result["table"]["4"].loglik_, color="C2", ls="--", label="4 components, sound")
    for k, (least, model) in enumerate(result["collapsed"].items()):
        label = f"collapsed, least_width={least:g}"
        place = model.params_["scale_1"][0], model.loglik_
        width.plot(*place, "sD"[k], color="C1", mec="k", label=label)
    width.set(
        xscale="log",
        xlabel="width of the narrowest component (1,000 km/s)",
        ylabel="log-likelihood (nats)",
        title="A component on one row raises the likelihood without limit",
    )
    width.legend(loc="upper right", fontsize=8)
    return figure


# %%
# The command line writes the figure to a file.
def main(argv: list[str] | None = None) -> None:
    """Print the mixtures and write the figure."""
    default = Path(__file__).parents[1] / "output" / "how_many_components.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    print("fits eight mixtures: some seconds", flush=True)
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# The line on the right climbs for ever: each factor of ten in the width gains 2.3 nats, and no data
# are described any better. BIC takes three components. Of five, one has two galaxies, and BIC likes
# it nearly as much as the three: this is what the mark is for. With a prior the component still
# serves the two, but its width is plausible, and BIC ranks it where it belongs.
if __name__ == "__main__":
    main()
