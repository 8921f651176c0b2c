"""Intervals keep their promise once the spread depends on income
==============================================================

Rich households differ more in what they spend on food than poor ones. Least squares has one spread
for both: its intervals of the poor hold many more households than they promise. With a spread that
depends on income, they are calibrated in both halves.

The data are yearly incomes and food expenditures of 235 Belgian working-class households, in francs
(``engel`` of statsmodels, in the public domain): E. Engel, 1857; R. Koenker and G. Bassett, *Robust
tests for heteroscedasticity based on regression quantiles*, Econometrica 50, 1982.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sklearn.model_selection import KFold, cross_validate

import natfit
from natfit.display import IntervalCalibrationDisplay, PredictionBandDisplay

try:
    import formulaic  # noqa: F401  (natfit reads formulas with it)
    import matplotlib.pyplot as plt
    from statsmodels.datasets import engel
except ImportError as missing:
    raise ImportError(
        f'{missing}; this example needs: pip install "natfit[plot,formula]" statsmodels'
    ) from None


#: What each parameter depends on.
MODELS = {
    "constant spread": {"loc": "income"},
    "spread on income": {"loc": "income", "scale": "log(income)"},
}


# %%
# Fit both models to every second household, compare them on all, and cross-validate them.


def compute(n_splits: int = 10) -> dict:
    """Fit both models to every second household, and score them by cross-validation.

    Parameters
    ----------
    n_splits : int
        Number of folds, of consecutive rows.

    Returns
    -------
    dict
        ``table`` (:func:`natfit.compare` on all rows), ``fits`` on the even rows by name, ``train``
        and ``test``, (X, y) each, ``groups`` (rows of the test by name), ``test_of_spread`` (the
        likelihood-ratio test on all rows) and ``scores``, by scorer and model (n_splits,).
    """
    rows = engel.load_pandas().data
    X, y = rows[["income"]], rows["foodexp"]
    models = {n: natfit.NaturalRegressor("normal", features_for=f) for n, f in MODELS.items()}
    table = natfit.compare(X, models, y=y)
    scorers = {
        "log score (nats)": natfit.make_scorer(),
        "CRPS (francs)": natfit.make_scorer("crps"),
    }
    found = {
        n: cross_validate(model, X, y, cv=KFold(n_splits), scoring=scorers)
        for n, model in models.items()
    }
    test = X[1::2], y[1::2]
    rich = (test[0]["income"] > X["income"].median()).to_numpy()
    return {
        "table": table,
        "fits": {n: model.fit(X[::2], y[::2]) for n, model in models.items()},
        "train": (X[::2], y[::2]),
        "test": test,
        "groups": {"poorer half": ~rich, "richer half": rich},
        "test_of_spread": table["spread on income"].likelihood_ratio_test(table["constant spread"]),
        "scores": {s: {n: found[n][f"test_{s}"] for n in models} for s in scorers},
    }


# %%
# The likelihood-ratio test, proper scores of households that were left out, and how many of them
# lie in their intervals.


def report(result: dict) -> None:
    """Print the comparison, the test, the scores of rows that were left out, and coverages."""
    print(result["table"])
    print(f"\nthe spread depends on income: p = {result['test_of_spread'].pvalue:.2g}\n")
    print(result["table"]["spread on income"].summary())
    print("\nscores of households that were left out, larger is better; mean over the folds")
    for name, scores in result["scores"].items():
        print(f"  {name}: " + ", ".join(f"{v.mean():.3f} {n}" for n, v in scores.items()))
    X, y = result["test"]
    print("\nshare of other households in the interval with coverage 0.5")
    for name, model in result["fits"].items():
        low, high = model.predict_interval(X, 0.5).T
        inside = (low <= y) & (y <= high)
        shares = (f"{inside[rows].mean():.2f} {g}" for g, rows in result["groups"].items())
        print(f"  {name}: {', '.join(shares)}")


# %%
# Intervals above, and below the share of households inside an interval against the share that was
# promised.


def draw(result: dict) -> plt.Figure:
    """Draw the bands of both models, and their calibration among poorer and richer households."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(2, 2, figsize=(10, 8.4))
    X, y = result["test"]
    for ax, (name, model) in zip(axes[0], result["fits"].items(), strict=True):
        PredictionBandDisplay.from_estimator(model, X, y, ax=ax)
        ax.set(
            xlabel="income (francs a year)",
            ylabel="food expenditure (francs a year)",
            ylim=(0, 2500),
            title=f"{name.capitalize()}: 50 and 90 %",
        )
    titles = (
        "Poorer half: a constant spread is too wide",
        "Richer half: both are calibrated",
    )
    for ax, (rows, title) in zip(
        axes[1], zip(result["groups"].values(), titles, strict=True), strict=True
    ):
        for name, model in result["fits"].items():
            IntervalCalibrationDisplay.from_estimator(model, X[rows], y[rows], ax=ax, name=name)
        ax.set_title(title)
    return figure


# %%
# Among the poorer half the line of the constant spread lies far from the diagonal: its intervals
# are too wide there.


def main(argv: list[str] | None = None) -> None:
    """Print the comparison and write the figure."""
    default = Path(__file__).parents[1] / "output" / "heteroscedastic.png"
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
