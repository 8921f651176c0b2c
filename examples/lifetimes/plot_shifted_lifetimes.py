"""A threshold of lifetimes is real only if its interval says so
=============================================================

The Weibull distribution with three parameters has a threshold before which nothing fails. It is
tempting to add one, and the fit always returns a number. Two data sets show when the number means
something. The fatigue lives of 101 aluminium coupons (Birnbaum and Saunders, 1969, *Journal of
Applied Probability* 6) begin late: the threshold lies between zero and the first failure, and the
likelihood falls on both sides of it. The strengths of 63 glass fibres (Smith and Naylor, 1987,
*Applied Statistics* 36) are skewed to the left: their best threshold is a negative strength, and
the likelihood is nearly flat all the way to minus infinity. There the Weibull distribution becomes
the Gumbel distribution of minima, which has one parameter less and fits as well.

``Shifted("weibull")`` fits the threshold as ``loc``. Its profile likelihood, and the interval that
follows from it (Wilks, 1938), say what the data know about it. Where the shape falls below one, the
likelihood grows without limit as the threshold approaches the smallest row: the estimate is a local
maximum then, and without one the fit ends as ``unbounded``. Both data sets are published tables.
"""

# %%
# What is needed: natfit, and numpy to read the tables.
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import chi2

import natfit
from natfit.distributions import Shifted

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data"

#: By the name of the file: what the rows are, and their unit.
SETS = {
    "fatigue": ("fatigue life", "thousand cycles"),
    "glass_fibres": ("strength of glass fibres", "published units"),
}

FAMILIES = {
    "Weibull": "weibull",
    "Weibull with a threshold": Shifted("weibull"),
    "Gumbel of minima": "gumbel_min",
    "exponentiated Weibull": "exponentiated_weibull",
}


# %%
# Each data set is fitted by four families. Of the threshold we ask a profile interval, and the
# deviance over a grid: the log-likelihood that is lost by holding the threshold there, twice.
def compute(level: float = 0.95, n_grid: int = 33) -> dict:
    """Fit the families to both data sets, and profile the threshold.

    Parameters
    ----------
    level : float
        Confidence level.
    n_grid : int
        How many thresholds are tried.

    Returns
    -------
    dict
        By the name of the data set a dict: ``rows``; ``fits`` by the name of the family;
        ``threshold``, the estimate with its profile interval, or the delta method's where the
        profile interval has no lower end; ``distance`` (n_grid,) of a threshold
        below the smallest row, and ``deviance`` (n_grid,) there; ``limit``, the deviance at a
        threshold of minus infinity, and ``critical``, the deviance at the ends of the interval.
    """
    result = {}
    for name in SETS:
        y = np.loadtxt(DATA / f"{name}.csv", skiprows=1)
        fits = {label: natfit.fit(family, y) for label, family in FAMILIES.items()}
        shifted = fits["Weibull with a threshold"]
        distance = np.geomspace(0.007, 20.0, n_grid) * np.ptp(y)
        held = [natfit.fit(Shifted("weibull"), y, fixed={"loc": y.min() - d}) for d in distance]
        critical = chi2.ppf(level, 1)
        limit = 2.0 * (shifted.loglik_ - fits["Gumbel of minima"].loglik_)
        profile = {"method": "profile", "X": y} if limit > critical else {}
        result[name] = {
            "rows": y,
            "fits": fits,
            "threshold": shifted.estimate("loc", level=level, **profile),
            "distance": distance,
            "deviance": 2.0 * (shifted.loglik_ - np.array([model.loglik_ for model in held])),
            "limit": limit,
            "critical": critical,
        }
    return result


# %%
# The table has the log-likelihood and AIC of each family, and the threshold with its interval.
def report(result: dict) -> None:
    """Print the fits, and what is known of the threshold."""
    for name, found in result.items():
        what, unit = SETS[name]
        print(f"{what} ({unit}): {len(found['rows'])} rows from {found['rows'].min():g}")
        print(f"  {'family':26}{'status':>11}{'log-lik.':>10}{'AIC':>9}")
        for label, model in found["fits"].items():
            print(f"  {label:26}{model.status_:>11}{model.loglik_:10.2f}{model.aic():9.2f}")
        loc = found["threshold"]
        value, error, low, high = (
            float(v[0]) for v in (loc.value, loc.standard_error, loc.low, loc.high)
        )
        ends = f"{100 * loc.level:g} % interval from {low:.3g} to {high:.3g} ({loc.method})"
        print(f"  threshold {value:.3g} +- {error:.2g}, {ends}")
        limit, critical = found["limit"], found["critical"]
        print(f"  deviance at minus infinity {limit:.3g}, allowed {critical:.3g}\n")


# %%
# Above, the data with the fits that matter; below, the deviance of the threshold.
def draw(result: dict):
    """Draw the densities, and the deviance of each threshold.

    Returns
    -------
    matplotlib Figure
    """
    from natfit.display import DensityDisplay

    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(2, 2, figsize=(10, 7))
    titles = {
        "fatigue": ("Lives that begin late", "The likelihood holds the threshold on both sides"),
        "glass_fibres": (
            "Strengths skewed to the left",
            "Any threshold will do, down to minus infinity",
        ),
    }
    for (name, found), column in zip(result.items(), axes.T, strict=True):
        above, below = column
        what, unit = SETS[name]
        lines = {"Weibull": ":", "Weibull with a threshold": "-", "Gumbel of minima": "--"}
        for k, (label, style) in enumerate(lines.items()):
            bars = {"bins": 15, "color": "0.85"} if not k else {"bins": 15, "alpha": 0.0}
            DensityDisplay.from_estimator(
                found["fits"][label], found["rows"], ax=above, name=label, color=f"C{k}", ls=style,
                sample_kw=bars,
            )  # fmt: skip
        above.set(xlabel=f"{what} ({unit})", title=titles[name][0])
        above.set_ylabel("density (per unit)")
        least = found["rows"].min()
        below.plot(found["distance"], found["deviance"], "C1", label="Weibull with a threshold")
        below.plot(least - found["threshold"].value, 0.0, "o", color="C1", label="estimate")
        below.axhline(found["limit"], color="C2", ls="--", label="Gumbel of minima")
        below.axhline(found["critical"], color="0.3", ls=":", label="end of the interval")
        below.axvline(least, color="0.6", lw=1, label="threshold at zero")
        below.set(
            xscale="log",
            xlabel=f"smallest row - threshold ({unit})",
            ylabel="deviance",
            ylim=(-0.3, 9.0),
            title=titles[name][1],
        )
    axes[1, 0].set_xlim(right=400.0)
    axes[1, 1].legend(loc="upper right", fontsize=8)
    axes[0, 0].get_legend().remove()
    axes[0, 1].legend(loc="upper left", fontsize=8)
    return figure


# %%
# The command line writes the figure to a file.
def main(argv: list[str] | None = None) -> None:
    """Print the table and write the figure."""
    default = Path(__file__).parents[1] / "output" / "shifted_lifetimes.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    print("fits two data sets with 33 thresholds each: some seconds", flush=True)
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# On the left the interval of the threshold excludes zero, and the curve rises on both sides. On the
# right it levels off at the dashed line of the Gumbel distribution, below the end of the interval:
# the data cannot tell the best threshold from one infinitely far away, and the family with two
# parameters is the answer. (The interval by the delta method, estimate and standard error, even has
# thresholds above the smallest row, which are impossible.) Of the coupons the exponentiated Weibull
# distribution, which begins at zero, has a still smaller AIC: a threshold that is well determined
# is not yet one that exists.
if __name__ == "__main__":
    main()
