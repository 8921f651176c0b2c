"""From candidate families to intervals, tests and predictions
===========================================================

How far had diabetes progressed after a year, and which level do 10 % of the patients exceed? Six
steps answer it:

1. candidates: ``natfit.compare`` fits simple families and a mixture, and ranks them;
2. fit and verdict: the status of the best one, and its summary;
3. intervals of the level: delta method, profile likelihood, bootstrap;
4. misspecification: the Anderson-Darling test with refits, and White's information-matrix test;
5. influence: what single rows contribute to the estimate;
6. prediction: coverage of the rows that were kept apart, and log-densities of unseen rows.

The data are the target of scikit-learn's ``load_diabetes``, a measure of progression of 442
patients without a unit, of whom a quarter is kept apart for the last step: B. Efron, T. Hastie,
I. Johnstone and R. Tibshirani, *Least angle regression*, Annals of Statistics 32, 2004;
distributed with scikit-learn (BSD licence).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold, train_test_split

import natfit
from natfit.display import (
    DensityDisplay,
    InfluenceDisplay,
    LikelihoodContourDisplay,
    ProbabilityPlotDisplay,
    ProfileDisplay,
)

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


FAMILIES = ("gamma", "weibull", "lognormal", "log_logistic", "inverse_gaussian")


# %%
# The six steps, each of them a call or two.


def compute(n_resamples: int = 99, share: float = 0.1) -> dict:
    """Take the six steps.

    Parameters
    ----------
    n_resamples : int
        Refits of the bootstrap and of each test; the mixture's test takes half of them.
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
    target = load_diabetes().target
    train, test = train_test_split(target, test_size=0.25, random_state=0)
    two = natfit.distributions.Mixture("lognormal", 2)
    print("comparing six candidates", flush=True)
    comparison = natfit.compare(train, {"two lognormals": two, **{name: name for name in FAMILIES}})
    best = comparison.best_
    simple = next(row["name"] for row in comparison.table if row["name"] in FAMILIES)
    fits = {comparison.table[0]["name"]: best, simple: natfit.fit(simple, train)}
    boot = {"n_resamples": n_resamples, "random_state": 0}
    methods = {"delta": {}, "profile": {"X": train}, "bootstrap": {"X": train, **boot}}
    print(f"testing both fits with up to {n_resamples} refits", flush=True)
    # A mixture takes long, and half of the refits say whether p is above 5 %.
    fewer = {"n_resamples": n_resamples // 2, "random_state": 0}
    outcomes = {comparison.table[0]["name"]: [best.goodness_of_fit(train, **fewer)]}
    outcomes[simple] = [fits[simple].goodness_of_fit(train, **boot)]
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


# %%
# Rows are predicted by fits that have not seen them.


def _unseen(model: natfit.NaturalMLE, y: np.ndarray) -> np.ndarray:
    """Log-densities (N,) of rows, in nats, each under a fit to four fifths without it."""
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


# %%
# What each step says, in the same order.


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


# %%
# One panel for each step.


def draw(result: dict) -> plt.Figure:
    """Draw one plot for each step."""
    plt.style.use("natfit.display.natfit")
    train, test = result["train"], result["test"]
    best_name, best = next(iter(result["fits"].items()))
    figure, axes = plt.subplots(3, 2, figsize=(10, 11))
    density, paper, level, regions, influence, apart = axes.flat
    for name, fit in result["fits"].items():
        DensityDisplay.from_estimator(fit, train, ax=density, name=name)
        ProbabilityPlotDisplay.from_estimator(fit, train, paper="lognormal", ax=paper, name=name)
    ProfileDisplay.from_estimator(best, train, of=("isf", result["share"]), n_points=9, ax=level)
    LikelihoodContourDisplay.from_estimator(
        best, train, params=("scale_0", "scale_1"), grid_resolution=15, ax=regions
    )
    InfluenceDisplay.from_estimator(best, train, against=0, ax=influence)
    DensityDisplay.from_estimator(best, test, kind="survival", ax=apart, name=best_name)
    percent = f"{100 * result['share']:g} %"
    titles = {
        density: "Two lognormals follow the density",
        paper: "On lognormal paper gamma bends away",
        level: f"Profile likelihood of the level that {percent} exceed",
        regions: "Likelihood regions of both scales",
        influence: "Influence of each row",
        apart: "Survival of the rows kept apart",
    }
    for ax, title in titles.items():
        ax.set_title(title)
    for ax in (density, paper, influence, apart):
        ax.set_xlabel("progression after a year (score)")
    level.set_xlabel(f"level that {percent} exceed (score)")
    return figure


# %%
# The mixture is the best of the candidates and no test rejects it. Three methods agree on the
# level. The rows kept apart are too few to tell the mixture from the gamma distribution, while
# cross-validation does.


def main(argv: list[str] | None = None) -> None:
    """Print what each step says, and write the plots."""
    default = Path(__file__).parents[1] / "output" / "inference_tour.png"
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
