"""The hundred-year sea level moves with the year
==============================================

The location of a generalised extreme value distribution (GEV) depends on the year and on El Nino,
and likelihood-ratio tests ask whether it needs them. It does, so that the level that is exceeded
with probability 1 / T in a year is no constant: it is drawn for each year, with its confidence
interval. The levels are those of the book's model, in which the scale is constant; AIC would go
further.

The data are 86 annual maxima at Fremantle, Western Australia, between 1897 and 1989, and annual
means of the Southern Oscillation Index, a table of published facts in S. Coles, *An Introduction to
Statistical Modeling of Extreme Values*, Springer 2001, sections 1.2 and 6.3; the file is as in
Extremes.jl (MIT licence).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit
from natfit.display import QuantileResidualsDisplay

try:
    import matplotlib.pyplot as plt
    import pandas as pd
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]" pandas') from None


DATA = Path(__file__).parents[1] / "data" / "fremantle.csv"

#: The features of each parameter, from the simplest model to the largest.
MODELS = {
    "constant": {},
    "year": {"loc": ["year"]},
    "year + soi": {"loc": ["year", "soi"]},
    "year + soi, scale too": {"loc": ["year", "soi"], "scale": ["year", "soi"]},
}


# %%
# Four models, each of which holds the one before; the level of the chosen one in each year.


def compute(period: float = 100.0, years: tuple[int, ...] = (1897, 1943, 1989)) -> dict:
    """Fit the models, test each against the one before, and compute return levels.

    Parameters
    ----------
    period : float
        Return period in years: the level is exceeded with probability 1 / period in a year.
    years : tuple of int
        Years for which the return level is reported, with intervals by the profile likelihood.

    Returns
    -------
    dict
        ``X``, ``y``, ``period``, ``table`` (:func:`natfit.compare`), ``fits`` by name, ``tests`` by
        the name of the larger model, ``chosen`` (the fit with year and index), ``still`` (its level
        by the constant model), ``levels`` (at ``years``, index 0, by the profile likelihood),
        ``grid`` (years) and ``curve`` (the level in each by the delta method).

    Raises
    ------
    FileNotFoundError
        If the data are missing.
    """
    if not DATA.is_file():
        raise FileNotFoundError(
            f"{DATA} is missing: annual maxima of the sea level at Fremantle. "
            "It lies in natfit's repository under examples/data."
        )
    table = pd.read_csv(DATA)
    X, y = table[["year", "soi"]], table["sea_level_m"]
    candidates = {n: natfit.NaturalRegressor("gev", features_for=f) for n, f in MODELS.items()}
    print(f"fitting {len(MODELS)} models, then profiles of the levels", flush=True)
    compared = natfit.compare(X, candidates, y=y)
    fits = {name: compared[name] for name in MODELS}
    tests = {
        name: fits[name].likelihood_ratio_test(fits[before])
        for before, name in zip(list(MODELS)[:-1], list(MODELS)[1:], strict=True)
    }
    chosen, grid = fits["year + soi"], np.arange(table["year"].min(), table["year"].max() + 1)
    return {
        "X": X,
        "y": y,
        "period": period,
        "table": compared,
        "fits": fits,
        "tests": tests,
        "chosen": chosen,
        "still": fits["constant"].estimate("isf", 1.0 / period, at=_at(years[:1])),
        "years": years,
        "levels": chosen.estimate("isf", 1.0 / period, at=_at(years), method="profile", X=X, y=y),
        "grid": grid,
        "curve": chosen.estimate("isf", 1.0 / period, at=_at(grid)),
    }


def _at(years: np.ndarray | tuple[int, ...], soi: float = 0.0) -> pd.DataFrame:
    """Rows of features: years in which the index has one value."""
    return pd.DataFrame({"year": np.asarray(years, dtype=float), "soi": soi})


# %%
# The comparison, the tests, the coefficients and the levels of three years.


def report(result: dict) -> None:
    """Print the comparison, the tests, the coefficients and the return levels."""
    print(f"Fremantle, {len(result['y'])} annual maxima, metres\n")
    print(result["table"])
    print()
    for name, test in result["tests"].items():
        print(f"{name:22} against the model before: p = {test.pvalue:.2g}")
    print(f"\n{result['chosen'].summary()}\n")
    still, levels = result["still"], result["levels"]
    print(f"level of {result['period']:g} years, with 95 % intervals by the profile likelihood (m)")
    for k, year in enumerate(result["years"]):
        print(f"  {year}  {levels.value[k]:.2f}   {levels.low[k]:.2f} to {levels.high[k]:.2f}")
    print(f"  without the trend it would be {still.value[0]:.2f} in any year")


# %%
# The maxima with the moving level, and the residuals of two models.


def draw(result: dict) -> plt.Figure:
    """Draw the maxima with the moving return level, and the residuals of two models."""
    plt.style.use("natfit.display.natfit")
    figure, (series, worm) = plt.subplots(1, 2, figsize=(10, 4.8))
    X, y, grid, curve = (result[name] for name in ("X", "y", "grid", "curve"))
    series.plot(X["year"], y, "o", ms=3, color="0.5", label="annual maximum")
    series.plot(grid, result["chosen"].predict_quantile(_at(grid)), "--", label="median, index 0")
    (line,) = series.plot(grid, curve.value, label=f"{result['period']:g}-year level, index 0")
    series.fill_between(grid, curve.low, curve.high, color=line.get_color(), alpha=0.2, lw=0)
    series.axhline(
        result["still"].value[0], color="0.5", ls=":", lw=1, label="the level without a trend"
    )
    series.set(
        xlabel="year",
        ylabel="annual maximum sea level (m)",
        title="The 100-year level has risen",
    )
    series.set_ylim(top=2.35)
    series.legend(loc="upper left", ncols=2, fontsize="small")
    for name in ("constant", "year + soi"):
        QuantileResidualsDisplay.from_estimator(
            result["fits"][name], X, y, kind="worm", ax=worm, name=name
        )
    worm.set_title("Both pass a worm plot, which sees no trend")
    return figure


# %%
# The level of a hundred years has risen by 0.2 m within a century; without the trend it would be
# one number for all years.


def main(argv: list[str] | None = None) -> None:
    """Print the return levels and write the plots."""
    default = Path(__file__).parents[1] / "output" / "extremes_trend.png"
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
