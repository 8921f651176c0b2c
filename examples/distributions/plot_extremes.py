"""A hundred-year sea level is less certain upwards than downwards
===============================================================

The generalised extreme value distribution (GEV) is fitted to 65 annual maxima of the sea level. The
return level of T years is exceeded in a given year with probability 1 / T. Its confidence interval
is computed by the delta method, which is symmetric, and from the profile likelihood, which is not:
the data say less of how high the level may be than of how low.

The data are annual maxima at Port Pirie, South Australia, 1923 to 1987, a table of published facts
in S. Coles, *An Introduction to Statistical Modeling of Extreme Values*, Springer 2001, sections
1.2 and 3.4.1, which has the same estimates.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit
from natfit.display import DensityDisplay

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data" / "port_pirie.csv"


# %%
# Fit the GEV and the Gumbel distribution, and compute return levels with both kinds of intervals.


def compute(periods: tuple[float, ...] = (2, 10, 50, 100)) -> dict:
    """Fit the GEV and the Gumbel distribution.

    Parameters
    ----------
    periods : tuple of float
        Return periods in years.

    Returns
    -------
    dict
        ``levels`` (N,), the fitted ``gev`` and ``gumbel``, the ``test`` of the Gumbel distribution
        against the GEV, and ``returns``, an array with one row per period: period, level, the ends
        of the interval by the delta method, and those of the profile likelihood.

    Raises
    ------
    FileNotFoundError
        If the data are missing.
    """
    if not DATA.is_file():
        raise FileNotFoundError(
            f"{DATA} is missing: annual maxima of the sea level at Port Pirie. "
            "It lies in natfit's repository under examples/data."
        )
    levels = np.loadtxt(DATA, skiprows=1)
    gev, gumbel = natfit.fit("gev", levels), natfit.fit("gumbel", levels)
    rows = []
    for period in periods:
        delta = gev.estimate("isf", 1.0 / period)
        profile = gev.estimate("isf", 1.0 / period, method="profile", X=levels)
        rows.append([period, delta.value, delta.low, delta.high, profile.low, profile.high])
    return {
        "levels": levels,
        "gev": gev,
        "gumbel": gumbel,
        "test": gev.likelihood_ratio_test(gumbel),
        "returns": np.array(rows),
    }


# %%
# The estimates are those of the book, section 3.4.1.


def report(result: dict) -> None:
    """Print the estimates and the return levels."""
    gev = result["gev"]
    print(f"Port Pirie, {len(result['levels'])} annual maxima, metres\n")
    print(f"GEV: {gev.status_} in {gev.n_iter_} iterations")
    for name, value in gev.params_.items():
        print(f"  {name:6}{value[0]:9.4f} +- {gev.standard_errors_[name][0]:.4f}")
    for name in ("gev", "gumbel"):
        print(f"  log-likelihood of the {name:7}{result[name].loglik_:8.3f} nats")
    print(f"  p-value of shape = 0 (Gumbel): {result['test'].pvalue:.2f}\n")
    print("period (years)   return level   95 % interval   by the profile likelihood")
    for period, level, *ends in result["returns"]:
        delta, profile = (f"{low:.2f} to {high:.2f}" for low, high in (ends[:2], ends[2:]))
        print(f"{period:14g}{level:15.2f}   {delta:13}   {profile}")


# %%
# Four diagnostic plots: density, quantiles, probabilities and return levels.


def draw(result: dict) -> plt.Figure:
    """Draw the density, quantiles, probabilities and return levels of the fit."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(2, 2, figsize=(9, 7))
    kinds = {
        "hist": "Density of annual maxima",
        "qq": "Quantiles of the fit and the data",
        "pp": "Probabilities of the fit and the data",
        "return_level": "Return levels, 95 % by the delta method",
    }
    for ax, (kind, title) in zip(axes.flat, kinds.items(), strict=True):
        DensityDisplay.from_estimator(result["gev"], result["levels"], kind=kind, ax=ax)
        ax.set_title(title)
    axes[0, 0].set(xlabel="annual maximum (m)", ylabel="density (1/m)")
    axes[1, 0].set(xlabel="fitted probability", ylabel="share of the maxima")
    axes[0, 1].set(xlabel="fitted quantile (m)", ylabel="annual maximum (m)")
    axes[1, 1].set(xlabel="return period (years)", ylabel="return level (m)")
    for period, level, *_, low, high in result["returns"]:
        label = "profile likelihood, 95 %" if period == result["returns"][-1, 0] else None
        ends = [[level - low], [high - level]]
        axes[1, 1].errorbar(period, level, ends, fmt="none", color="C1", capsize=4, label=label)
    axes[1, 1].legend(loc="upper left")
    return figure


# %%
# Compare the two intervals of the 100-year level: the profile's upper end lies a quarter of a
# metre above the delta method's, its lower end a tenth.


def main(argv: list[str] | None = None) -> None:
    """Print the return levels and write the plots."""
    default = Path(__file__).parents[1] / "output" / "extremes.png"
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
