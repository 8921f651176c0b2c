"""How far a single row can move a fit, and a family that resists
==============================================================

In 1882 Simon Newcomb measured 66 times how long light takes to pass a distance of 7.4 km (Stigler,
1977, *Annals of Statistics* 5; as ``newcomb`` in R's MASS, a published table). The numbers are
deviations from 24,800 nanoseconds; two of them, -44 and -2, lie far from the others. They pull the
mean of a normal distribution down by one and a half nanoseconds, and double its standard deviation.

``model.influence(X)`` says by how much each parameter changes when a row is left out, without a
refit (Cook and Weisberg, 1982, *Residuals and Influence in Regression*). For a normal distribution
the change of the location grows with the distance of the row. Student's t has tails as heavy as the
data ask for (Lange, Little and Taylor, 1989, *Journal of the American Statistical Association* 84),
and there the change rises, and falls again: a row far away is taken for what it is. This protects
against outlying responses, not against rows whose *features* lie far out.
"""

# %%
# What is needed: natfit and numpy.
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data" / "newcomb.csv"

FAMILIES = ("normal", "student_t")

#: The value that Stigler gives for comparison: the speed of light as known today.
TODAY = 33.02


# %%
# Both families are fitted, with and without the two outliers, and asked for the influence of each
# row.
def compute(outliers: float = 0.0, n_resamples: int = 99) -> dict:
    """Fit both families, and compute the influence of each row.

    Parameters
    ----------
    outliers : float
        Rows below are left out in the second fit of each family, in nanoseconds.
    n_resamples : int
        Refits of the test of fit.

    Returns
    -------
    dict
        ``rows`` (N,), and ``fits`` by the name of the family, each a dict of ``model``,
        ``without``, the fit without outliers, ``influence``, and ``test``, of Anderson and Darling.
    """
    y = np.loadtxt(DATA, skiprows=1)
    fits = {}
    for name in FAMILIES:
        model = natfit.fit(name, y)
        fits[name] = {
            "model": model,
            "without": natfit.fit(name, y[y >= outliers]),
            "influence": model.influence(y),
            "test": model.goodness_of_fit(y, n_resamples=n_resamples, random_state=0),
        }
    return {"rows": y, "fits": fits}


# %%
# Estimates with and without the outliers, and the rows that matter most.
def report(result: dict) -> None:
    """Print the estimates and the most influential rows."""
    print(f"{len(result['rows'])} passage times, nanoseconds beyond 24,800\n")
    print(f"{'family':12}{'location':>16}{'scale':>16}{'fits? p':>9}   without the outliers")
    for name, fit in result["fits"].items():
        cells = ""
        for parameter in ("loc", "scale"):
            value = fit["model"].params_[parameter][0]
            error = fit["model"].standard_errors_[parameter][0]
            cells += f"{value:.2f} +- {error:.2f}".rjust(16)
        bare = fit["without"].params_
        print(f"{name:12}{cells}{fit['test'].pvalue:9.2f}", end="")
        print(f"{bare['loc'][0]:10.2f},{bare['scale'][0]:6.2f}")
    for name, fit in result["fits"].items():
        found = fit["influence"]
        print(f"\n{name}: change of the location when a row is left out")
        for row in np.argsort(-found.distance)[:3]:
            place = f"row {row}, {result['rows'][row]:g}"
            print(f"  {place:14}{found.params['loc'][row, 0]:8.3f}")


# %%
# The densities, and the influence of a row against its value.
def draw(result: dict):
    """Draw the densities over the data, and the influence on the location.

    Returns
    -------
    matplotlib Figure
    """
    from natfit.display import DensityDisplay

    plt.style.use("natfit.display.natfit")
    figure, (density, change) = plt.subplots(1, 2, figsize=(11, 4.4))
    y, bars = result["rows"], {"bins": np.arange(-46.0, 44.1, 3.0), "color": "0.85"}
    for k, (name, fit) in enumerate(result["fits"].items()):
        style = {"color": f"C{k}", "ls": ("--", "-")[k], "name": name, "sample_kw": bars}
        DensityDisplay.from_estimator(fit["model"], y, ax=density, **style)
        bars = {**bars, "alpha": 0.0}
        # Without a row the location moves away from it: with the row, by as much towards it.
        pull = -fit["influence"].params["loc"][:, 0]
        change.plot(y, pull, "so"[k], color=f"C{k}", ms=4.5, alpha=0.7, label=name)
    density.set(
        xlabel="passage time (ns beyond 24,800)",
        ylabel="density (per ns)",
        title="Two outliers double the width of the normal",
    )
    density.axvline(TODAY, color="0.3", ls=":", lw=1.2, label="as known today")
    density.legend(loc="upper left")
    for value in np.sort(y)[:2]:
        change.axvline(value, color="0.8", lw=1, zorder=0)
    change.axhline(0.0, color="0.5", lw=1)
    change.set(
        xlabel="value of the row (ns beyond 24,800)",
        ylabel="pull of the row on the location (ns)",
        title="Student's t lets go of rows far away",
    )
    change.legend(loc="lower right")
    return figure


# %%
# The command line writes the figure to a file.
def main(argv: list[str] | None = None) -> None:
    """Print the estimates and write the figure."""
    default = Path(__file__).parents[1] / "output" / "influence.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# On the right each row pulls the location of the normal distribution in proportion to its distance,
# the outlier at -44 by more than a nanosecond. The pull on the location of Student's t is largest
# for rows at moderate distance. Neither reaches the value as known today: a family can resist
# outliers, not an error that all rows share.
if __name__ == "__main__":
    main()
