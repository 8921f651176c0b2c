"""From candidates to predictions: what natfit says of one column of data, step by step.

The data are the target of scikit-learn's diabetes data: a measure of how the disease had
progressed after a year, of 442 patients (Efron, Hastie, Johnstone and Tibshirani, 2004, Least angle
regression, Annals of Statistics 32; load_diabetes, BSD licence of scikit-learn). A quarter of the
rows is kept apart for the last step. The question is the level that 10 % of the patients exceed.

1. Candidates: natfit.compare fits simple families and a mixture, and ranks them.
2. Fit and verdict: the status of the best one, and its summary.
3. Intervals of the level: delta method, profile likelihood, bootstrap.
4. Misspecification: the Anderson-Darling test with refits, and White's information-matrix test.
5. Influence: what single rows contribute to the estimate.
6. Prediction: coverage of the rows that were kept apart, and log-densities of unseen rows.

Usage: python plot_inference_tour.py [--output figure.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit

FAMILIES = ("gamma", "weibull", "lognormal", "log_logistic", "inverse_gaussian")


def compute(n_resamples: int = 99, share: float = 0.1) -> dict:
    """Take the six steps.

    Parameters
    ----------
    n_resamples : int
        Refits of the bootstrap and of each test.
    share : float
        The share of the patients that exceeds the level.

    Returns
    -------
    dict
        ``train`` and ``test`` (rows), ``comparison``, ``fits`` (the best, and the best of the
        simple families, by name), ``share``, ``level`` (estimates by method), ``outcomes`` of the
        tests, by the name of the fit, ``influence`` of the rows on the best, ``coverage`` (from the
        probability of a central interval to the share of the test rows inside), and ``gains``: by
        how much the mean log-density of rows that a fit has not seen is larger under the best fit
        than under the simple one, with a standard error, in nats.
    """
    from sklearn.datasets import load_diabetes
    from sklearn.model_selection import train_test_split

    target = load_diabetes().target
    train, test = train_test_split(target, test_size=0.25, random_state=0)
    two = natfit.distributions.Mixture("lognormal", 2)
    comparison = natfit.compare(train, {"two lognormals": two, **{name: name for name in FAMILIES}})
    best = comparison.best_
    simple = next(row["name"] for row in comparison.table if row["name"] in FAMILIES)
    fits = {comparison.table[0]["name"]: best, simple: natfit.fit(simple, train)}
    boot = {"n_resamples": n_resamples, "random_state": 0}
    methods = {"delta": {}, "profile": {"X": train}, "bootstrap": {"X": train, **boot}}
    outcomes = {name: [fit.goodness_of_fit(train, **boot)] for name, fit in fits.items()}
    outcomes[simple].append(fits[simple].white_test(train, pvalue="bootstrap", **boot))
    return {
        "train": train,
        "test": test,
        "comparison": comparison,
        "fits": fits,
        "share": share,
        "level": {m: best.estimate("isf", share, method=m, **o) for m, o in methods.items()},
        "outcomes": outcomes,
        "influence": best.influence(train),
        "coverage": {p: _covered(best, test, p) for p in (0.5, 0.8, 0.95)},
        "gains": {
            "the rows kept apart": _gain(*(fit.score_samples(test) for fit in fits.values())),
            "five-fold cross-validation": _gain(*(_unseen(f, target) for f in fits.values())),
        },
    }


def _unseen(model: natfit.NaturalMLE, y: np.ndarray) -> np.ndarray:
    """Log-densities (N,) of rows, in nats, each under a fit to four fifths without it."""
    from sklearn.base import clone
    from sklearn.model_selection import KFold

    out = np.empty(len(y))
    for seen, rest in KFold(5, shuffle=True, random_state=0).split(y):
        out[rest] = clone(model).fit(y[seen][:, None]).score_samples(y[rest])
    return out


def _gain(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """The mean difference of log-densities of the same rows, and its standard error."""
    difference = first - second
    return float(difference.mean()), float(difference.std() / np.sqrt(len(difference)))


def _covered(model: natfit.NaturalMLE, rows: np.ndarray, probability: float) -> float:
    """The share of rows in the central interval of a probability."""
    low, high = model.frozen_.interval(probability)
    return float(np.mean((rows >= low) & (rows <= high)))


def report(result: dict) -> None:
    """Print what each step says."""
    train, share = result["train"], 100 * result["share"]
    best = next(iter(result["fits"].values()))
    print(f"Progression of diabetes: {len(train)} patients, {len(result['test'])} kept apart\n")
    print(f"1. Candidates\n{result['comparison']}\n")
    print(f"2. Fit and verdict: {best.status_}\n{best.summary()}\n")
    print(f"3. The level that {share:g} % exceed, and 95 % intervals")
    for method, found in result["level"].items():
        print(f"  {method:10}{found.value:8.1f}   {found.low:.1f} to {found.high:.1f}")
    print("\n4. Misspecification")
    for name, outcomes in result["outcomes"].items():
        for outcome in outcomes:
            print(f"  {name:16}{outcome.name}: {outcome.statistic:.3g}, p = {outcome.pvalue:.2g}")
    table = result["influence"].top(3)
    print("\n5. Influence: the three rows without which the estimate would lose most")
    for row, lost in zip(table["row"], table["distance"], strict=True):
        print(f"  row {row}, y = {train[row]:g}: {lost:.2f} nats")
    print("\n6. Prediction of the rows that were kept apart")
    for probability, covered in result["coverage"].items():
        print(f"  {100 * probability:g} % interval: {100 * covered:.0f} % of the rows inside")
    first, second = result["fits"]
    print(f"  mean log-density under {first} minus that under {second}, nats per row:")
    for rows, (gain, error) in result["gains"].items():
        print(f"    {rows:28}{gain:+.3f} +- {error:.3f}")


def draw(result: dict, path: Path) -> None:
    """Draw one plot for each step."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from natfit.display import (
        DensityDisplay,
        InfluenceDisplay,
        LikelihoodContourDisplay,
        ProbabilityPlotDisplay,
        ProfileDisplay,
    )

    train, test = result["train"], result["test"]
    best_name, best = next(iter(result["fits"].items()))
    figure, axes = plt.subplots(2, 3, figsize=(14, 8), layout="constrained")
    for name, fit in result["fits"].items():
        DensityDisplay.from_estimator(fit, train, ax=axes[0, 0], name=name)
        ProbabilityPlotDisplay.from_estimator(
            fit, train, paper="lognormal", ax=axes[0, 1], name=name
        )
    ProfileDisplay.from_estimator(
        best, train, of=("isf", result["share"]), n_points=15, ax=axes[0, 2]
    )
    LikelihoodContourDisplay.from_estimator(
        best, train, params=("scale_0", "scale_1"), grid_resolution=15, ax=axes[1, 0]
    )
    InfluenceDisplay.from_estimator(best, train, against=0, ax=axes[1, 1])
    DensityDisplay.from_estimator(best, test, kind="survival", ax=axes[1, 2], name=best_name)
    titles = "density", "lognormal paper", "level", "regions", "influence", "rows kept apart"
    for ax, title in zip(axes.flat, titles, strict=True):
        ax.set_title(title)
    for ax in (axes[0, 0], axes[0, 1], axes[1, 1], axes[1, 2]):
        ax.set_xlabel("progression after a year")
    axes[0, 2].set_xlabel(f"level that {100 * result['share']:g} % exceed")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Print what each step says, and write the plots."""
    default = Path(__file__).parents[1] / "output" / "inference_tour.png"
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
