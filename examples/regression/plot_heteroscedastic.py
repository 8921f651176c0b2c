"""Food expenditure by income: a spread that grows with the mean, and intervals that know it.

The data are yearly incomes and food expenditures of 235 Belgian working-class households, in
francs (Engel, 1857; in Koenker and Bassett, 1982; public domain, part of statsmodels). Least
squares has one spread for the poor and the rich: intervals of the poor hold many more households
than they promise. With a spread that depends on income, they are calibrated in both halves.

Formulas need formulaic: pip install "natfit[formula]".

Usage: python plot_heteroscedastic.py [--output figure.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import natfit

#: What each parameter depends on.
MODELS = {
    "constant spread": {"loc": "income"},
    "spread on income": {"loc": "income", "scale": "log(income)"},
}


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
    from sklearn.model_selection import KFold, cross_validate
    from statsmodels.datasets import engel

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


def draw(result: dict, path: Path) -> None:
    """Draw the bands of both models, and their calibration among poorer and richer households."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from natfit.display import IntervalCalibrationDisplay, PredictionBandDisplay

    figure, axes = plt.subplots(2, 2, figsize=(10, 8.4), layout="constrained")
    X, y = result["test"]
    for ax, (name, model) in zip(axes[0], result["fits"].items(), strict=True):
        PredictionBandDisplay.from_estimator(model, X, y, ax=ax)
        ax.set(
            xlabel="income (francs a year)",
            ylabel="food expenditure (francs a year)",
            ylim=(0, 2500),
            title=f"{name}: intervals of 50 and 90 %",
        )
    titles = (
        "Among the poorer, a constant spread is too wide",
        "Among the richer, both are calibrated",
    )
    for ax, (rows, title) in zip(
        axes[1], zip(result["groups"].values(), titles, strict=True), strict=True
    ):
        for name, model in result["fits"].items():
            IntervalCalibrationDisplay.from_estimator(model, X[rows], y[rows], ax=ax, name=name)
        ax.set_title(title)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Print the comparison and write the figure."""
    default = Path(__file__).parents[1] / "output" / "heteroscedastic.png"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result, path)
    print(f"\nfigure: {path}")


if __name__ == "__main__":
    main()
